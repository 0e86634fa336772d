/** The room against the local provider, which was written from the vendor's documentation alone. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import type { Providers } from '../../../../providers/providers.ts';
import { type Fault, defaultScenario } from '../../../../providers/scenario.ts';
import { startProviders } from '../../../../providers/server.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import { CartesiaSynthesizer, cartesiaDeadlines } from './synthesizer.ts';

const VOICE = '6ccbfb76-1fc6-48f7-b71d-91ac6298247b';

let providers: Providers;
beforeAll(async () => {
  providers = await startProviders({ scenario: { leadingSilenceMs: 180 } });
});
afterAll(() => providers.close());
afterEach(() => providers.tell({ faults: defaultScenario.faults }));

const make = (key = providers.key, deadlines = cartesiaDeadlines) =>
  new CartesiaSynthesizer(
    { ...testKit(), clock: new SystemClock() },
    { apiKey: key, baseUrl: providers.urls.cartesia, model: 'sonic-3', voice: VOICE, deadlines },
  );

// Each answer carries a watermark of its own.
describeSynthesizer('cartesia at the local provider', { make: async () => make(), voice: VOICE, repeats: false });

describe('faults of the provider', () => {
  const speak = async (fault: Fault | undefined, over: { key?: string; text?: string; deadlines?: typeof cartesiaDeadlines } = {}) => {
    providers.tell({ faults: fault ? { cartesia: [fault] } : {} });
    const synthesizer = make(over.key, over.deadlines);
    let samples = 0;
    try {
      const signal = new AbortController().signal;
      for await (const part of synthesizer.speak({
        text: over.text ?? 'We open at nine in the morning.',
        voice: VOICE,
        language: 'en',
        format: 'mulaw-8000',
        signal,
      })) {
        samples += part.sound.length;
      }
      return samples;
    } finally {
      await synthesizer.close();
    }
  };
  const synthesizer = 'synthesizer' as const;

  test('a wrong key is an auth failure', async () => {
    await expect(speak(undefined, { key: 'wrong' })).rejects.toMatchObject({ vendor: 'cartesia', category: 'auth' });
  });

  test.each([
    ['a reset', { kind: 'reset', at: 'connect' }],
    ['a close without a close frame', { kind: 'close', at: 'start', code: 1006 }],
  ] as const)('%s before any sound is met with another connection', async (_name, fault) => {
    expect(await speak({ ...fault, stage: synthesizer, times: 1 })).toBeGreaterThan(8_000);
  });

  test.each([
    [
      '429 with Retry-After',
      { kind: 'status', at: 'connect', status: 429, retryAfterS: 3 },
      { category: 'rate-limited', retryAfterMs: 3_000 },
    ],
    ['a server error', { kind: 'status', at: 'connect', status: 503 }, { category: 'retryable' }],
    ['its own error message', { kind: 'error-message', at: 'start' }, { category: 'retryable' }],
    ['a message cut in its middle', { kind: 'truncated-json', at: 'start' }, { category: 'retryable' }],
    ['a close in the middle', { kind: 'close', at: 'middle', code: 1011 }, { category: 'retryable' }],
  ] as const)('%s', async (_name, fault, expected) => {
    await expect(speak({ ...fault, stage: synthesizer })).rejects.toMatchObject(expected);
  });

  test.each(['start', 'middle'] as const)('a stall at the %s ends at its deadline', async (at) => {
    const deadlines = { connectMs: 1_000, firstMs: 300, nextMs: 200 };
    await expect(speak({ kind: 'stall', stage: synthesizer, at }, { deadlines })).rejects.toMatchObject({ category: 'retryable' });
  });

  test('an endless voice is cut off', async () => {
    // Comes at twice the pace of speech.
    await expect(speak({ kind: 'endless', stage: synthesizer, at: 'start' }, { text: 'Hi.' })).rejects.toMatchObject({
      category: 'retryable',
    });
  });

  test('silence is no speech, and no error', async () => {
    expect(await speak({ kind: 'silence', stage: synthesizer, at: 'start' })).toBe(0);
  });
});

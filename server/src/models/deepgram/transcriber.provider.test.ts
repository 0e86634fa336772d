/** The same promises against the local provider, which was written from the documentation by others. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Providers } from '../../../../providers/providers.ts';
import { startProviders } from '../../../../providers/server.ts';
import { humming, liveKit, waitFor } from '../testing.ts';
import { describeTranscriber, faultsOfOrder, listen, pushSound } from '../transcriber.contract.ts';
import { DeepgramTranscriber } from './transcriber.ts';

const TEXT = 'When are you open?';
let providers: Providers;
beforeAll(async () => {
  providers = await startProviders({ scenario: { heard: [{ text: TEXT }], endOfTurnMs: 400 } });
});
afterAll(() => providers.close());

const make = (model: string, apiKey = providers.key) =>
  new DeepgramTranscriber(liveKit(), { apiKey, baseUrl: providers.urls.deepgram, model, endOfTurn: 0.7, eager: 0.4 });

describe.each(['flux-general-en', 'nova-3'])('%s', (model) => {
  for (const format of ['mulaw-8000', 'linear-16000'] as const) {
    describeTranscriber(`the local deepgram (${format})`, { make: async () => make(model), format, text: TEXT, speech: humming, waitFor });
  }

  test('a wrong key is refused', async () => {
    const heard = listen();
    const transcriber = make(model, 'wrong');
    transcriber.open({ format: 'mulaw-8000', language: 'en', phrases: [], listener: heard.listener });
    await waitFor(() => heard.failures.length > 0);
    expect(heard.failures[0].category).toBe('auth');
    await transcriber.close();
  });

  test.each([
    ['status', 'connect', 'rate-limited'],
    ['html', 'connect', 'permanent'],
    ['reset', 'connect', 'retryable'],
    ['close', 'start', 'retryable'],
    ['error-message', 'middle', 'retryable'],
    ['truncated-json', 'middle', 'retryable'],
  ] as const)('%s at %s is %s, told once', async (kind, at, category) => {
    providers.tell({ faults: { deepgram: [{ kind, at, stage: 'transcriber', status: 429, retryAfterS: 2, code: 1011 }] } });
    const heard = listen();
    const transcriber = make(model);
    const stream = transcriber.open({ format: 'mulaw-8000', language: 'en', phrases: [], listener: heard.listener });
    pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), 0);
    pushSound(stream, 'mulaw-8000', new Uint8Array(8_000).fill(0xff), 1_500);
    await waitFor(() => heard.failures.length > 0);
    providers.tell({ faults: {} });
    await transcriber.close();
    expect(heard.failures).toHaveLength(1);
    expect(heard.failures[0]).toMatchObject({ category });
    expect(faultsOfOrder(heard.order)).toEqual([]);
  });

  test.each(['duplicate-final', 'late-final'] as const)('%s: one final for what was said once', async (kind) => {
    providers.tell({ faults: { deepgram: [{ kind, at: 'middle', stage: 'transcriber', delayMs: 100 }] } });
    const heard = listen();
    const transcriber = make(model);
    const stream = transcriber.open({ format: 'mulaw-8000', language: 'en', phrases: [], listener: heard.listener });
    const at = pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), 0);
    pushSound(stream, 'mulaw-8000', new Uint8Array(8_000).fill(0xff), at);
    await waitFor(() => heard.finals.length > 0);
    stream.close();
    providers.tell({ faults: {} });
    await transcriber.close();
    expect(heard.finals.map(({ text }) => text)).toEqual([TEXT]);
    expect(faultsOfOrder(heard.order)).toEqual([]);
  });
});

test('flux: the caller pauses and goes on: eager, resumed, and one turn in the end', async () => {
  providers.tell({ heard: [{ text: 'I need', endsTurn: false }, { text: 'to cancel' }] });
  const heard = listen();
  const transcriber = make('flux-general-en');
  const stream = transcriber.open({ format: 'mulaw-8000', language: 'en', phrases: [], listener: heard.listener });
  const quiet = new Uint8Array(8_000).fill(0xff);
  let at = pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), 0);
  at = pushSound(stream, 'mulaw-8000', quiet, at);
  await waitFor(() => heard.order.includes('eager'));
  at = pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), at);
  pushSound(stream, 'mulaw-8000', quiet, at);
  await waitFor(() => heard.order.includes('end-of-turn'));
  await transcriber.close();
  providers.tell({ heard: [{ text: TEXT }] });
  expect(heard.order.slice(0, 3)).toEqual(['eager', 'resumed', 'eager']);
  expect(heard.order.slice(-2)).toEqual(['final', 'end-of-turn']);
  expect(heard.finals.map(({ text }) => text)).toEqual(['I need to cancel']);
  expect(faultsOfOrder(heard.order)).toEqual([]);
});

import { expect, test } from 'vitest';
import type { Frame } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import type { TranscriberOptions } from '#models/transcriber.ts';
import { Ear } from './ear.ts';
import { ProviderHealth } from './provider-health.ts';
import { UsageMeter } from './usage.ts';

/** An ear whose detector hears speech in frames whose first byte is 1. */
function ear(options: { speechOnly?: boolean; aheadMs?: number; judges?: number; jitterMs?: number } = {}) {
  const kit = testKit();
  const log: string[] = [];
  const pushed: number[] = [];
  let listener: TranscriberOptions['listener'] | undefined;
  const made = new Ear({
    kit,
    format: 'mulaw-8000',
    voiceActivity: {
      detect: (heard) => ({ speech: heard.sound[0] === 1, probability: 1, levelDb: 0 }),
      reset: () => {},
      close: () => log.push('detector closed'),
    },
    transcribers: [
      {
        name: 'told',
        closedGrammar: false,
        speechOnly: options.speechOnly,
        open: (opened) => {
          listener = opened.listener;
          log.push('opened');
          return {
            push: (frame) => pushed.push(frame.at),
            speechStarted: (at) => log.push(`started ${at} after ${pushed.length}`),
            speechEnded: (at) => log.push(`ended ${at}`),
            close: () => log.push('closed'),
          };
        },
        warm: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
    ],
    endOfTurn:
      options.judges === undefined
        ? undefined
        : { push: () => {}, ask: () => Promise.resolve(options.judges), close: () => log.push('judge closed') },
    health: new ProviderHealth(kit.clock),
    usage: new UsageMeter(() => {}),
    language: 'en',
    phrases: [],
    sustainMs: 250,
    now: () => kit.clock.now() + (options.aheadMs ?? 0),
    listener: {
      speechStarted: (from) => log.push(`speech from ${from}`),
      speechSustained: () => log.push('sustained'),
      speechEnded: (from, to) => log.push(`speech ${from} to ${to}`),
      words: ({ text, final, fromAt, toAt }) => log.push(`${final ? 'final' : 'partial'} ${text} ${fromAt} ${toAt}`),
      endOfTurn: (to) => log.push(`end of turn ${to}`),
      eagerEndOfTurn: () => log.push('eager'),
      turnResumed: () => log.push('resumed'),
      turnJudged: (to, probability) => log.push(`judged ${to} ${probability}`),
      transcriberFailed: () => {},
      deaf: () => log.push('deaf'),
    },
  });
  const frame: Frame = { at: 0, format: 'mulaw-8000', sound: new Uint8Array(160), concealed: false };
  return {
    made,
    kit,
    log,
    pushed,
    listener: () => listener,
    hear: async (frames: string) => {
      for (const one of frames) {
        await kit.clock.advance(20);
        frame.sound[0] = one === '#' ? 1 : 0;
        if (options.jitterMs !== undefined) frame.arrivedAt = kit.clock.now() - options.jitterMs;
        made.frame(frame, undefined);
        frame.at += 20;
      }
    },
  };
}

test('times leave the ear on the clock of the call', async () => {
  const { made, hear, log, listener } = ear({ aheadMs: 5_000 });
  made.open();
  await hear(`..####${'.'.repeat(12)}`);
  listener()?.final({ text: 'hi', fromAt: 40, toAt: 120, confidence: 1, words: undefined });
  listener()?.endOfTurn?.();
  expect(log).toEqual([
    'opened',
    'started 40 after 4',
    'speech from 5040',
    'speech 5040 to 5120',
    'ended 120',
    'final hi 5040 5120',
    'end of turn 5120',
  ]);
});

test('a transcriber is pushed every frame', async () => {
  const { made, hear, pushed } = ear();
  made.open();
  await hear('....####....');
  expect(pushed).toEqual(Array.from({ length: 12 }, (_, i) => i * 20));
});

test('one that wants speech only gets it with the 300 ms before, in order', async () => {
  const { made, hear, pushed, log } = ear({ speechOnly: true });
  made.open();
  await hear(`${'.'.repeat(40)}####${'.'.repeat(20)}`);
  expect(log[1]).toBe('started 800 after 0');
  const from = 840 - 300;
  expect(pushed).toEqual(Array.from({ length: (1_060 - from) / 20 + 1 }, (_, i) => from + i * 20));
});

test('a dead stream is opened again twice, then the ear is deaf; a wrong key is not tried again', async () => {
  const { made, kit, log, listener } = ear();
  made.open();
  const die = () => listener()?.failed(new VendorError('told', 'retryable', 'gone'));
  die();
  await kit.clock.advance(500);
  die();
  await kit.clock.advance(2_000);
  die();
  expect(log).toEqual(['opened', 'closed', 'opened', 'closed', 'opened', 'closed', 'deaf']);
  const other = ear();
  other.made.open();
  other.listener()?.failed(new VendorError('told', 'auth', 'wrong key'));
  expect(other.log).toEqual(['opened', 'closed', 'deaf']);
});

test('nothing is heard after close, and a stream that was to be opened again is not', async () => {
  const { made, kit, log, listener, hear } = ear();
  made.open();
  listener()?.failed(new VendorError('told', 'retryable', 'gone'));
  made.close();
  made.close();
  await kit.clock.advance(5_000);
  await hear('#####');
  listener()?.partial({ text: 'late', fromAt: 0, toAt: 0, confidence: undefined, words: undefined });
  expect(log).toEqual(['opened', 'closed', 'detector closed']);
  expect(kit.clock.pending).toBe(0);
});

test('what a transcriber and a model of the sound think of the turn is passed on', async () => {
  const { made, hear, log, listener } = ear({ judges: 0.8 });
  made.open();
  await hear(`####${'.'.repeat(12)}`);
  await Promise.resolve();
  listener()?.eagerEndOfTurn?.();
  listener()?.turnResumed?.();
  expect(log.slice(-3)).toEqual(['judged 80 0.8', 'eager', 'resumed']);
  made.close();
  expect(log).toContain('judge closed');
});

test('when the voice arrived on the wire is known where the leg tells', async () => {
  const { made, hear } = ear({ aheadMs: 1_000, jitterMs: 60 });
  made.open();
  await hear('####....');
  // The fourth frame was delivered at 80 on the process's clock.
  expect(made.voiceArrivedAt).toBe(1_000 + 80 - 60);
});

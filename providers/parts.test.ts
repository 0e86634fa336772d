import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from '../server/src/audio/g711.ts';
import { Delays, drawDelay, publishedDelays, seededNumbers } from './delay.ts';
import { EventLog } from './event-log.ts';
import { FaultBook } from './faults.ts';
import { alawToLinear, encodeAlaw, encodeMulaw, mulawToLinear } from './g711.ts';
import { RateLimit } from './rate-limit.ts';
import { defaultScenario, type Fault, type Scenario } from './scenario.ts';
import { quiet, voiced } from './testing.ts';
import { VoiceActivity } from './voice-activity.ts';
import { SpokenTurn } from './voice.ts';

describe('delays', () => {
  test('constant, trace, and a log-normal that meets its two percentiles', () => {
    const random = seededNumbers(7);
    expect(drawDelay(120, random, 3)).toBe(120);
    expect([0, 1, 2, 3].map((n) => drawDelay({ traceMs: [5, 6, 7] }, random, n))).toEqual([5, 6, 7, 5]);
    const draws = Array.from({ length: 20_000 }, (_, n) => drawDelay({ p50Ms: 98, p95Ms: 217 }, random, n)).sort((a, b) => a - b);
    expect(Math.abs((draws[10_000] ?? 0) / 98 - 1)).toBeLessThan(0.03);
    expect(Math.abs((draws[19_000] ?? 0) / 217 - 1)).toBeLessThan(0.05);
  });

  test("the n-th draw of a provider's stage depends on the seed alone", () => {
    const scenario: Scenario = { ...defaultScenario, delaysOf: publishedDelays };
    const alone = new Delays(3);
    const mixed = new Delays(3);
    for (let n = 0; n < 20; n++) {
      mixed.draw(scenario, 'openai', 'first-token', 0);
      expect(mixed.draw(scenario, 'cartesia', 'first-speech', 0)).toBe(alone.draw(scenario, 'cartesia', 'first-speech', 0));
    }
    expect(alone.draw(defaultScenario, 'cartesia', 'speech', 10)).toBe(10);
  });
});

test('faults: stage, moment, times; status and html come before anything', () => {
  const faults: Fault[] = [
    { kind: 'status', stage: 'language-model', at: 'middle', times: 1 },
    { kind: 'reset', stage: 'language-model', at: 'middle' },
    { kind: 'silence', stage: 'synthesizer', at: 'connect' },
  ];
  const scenario: Scenario = { ...defaultScenario, faults: { openai: faults } };
  const book = new FaultBook(1);
  expect(book.take(scenario, 'openai', 'language-model', 'connect')?.kind).toBe('status');
  expect(book.take(scenario, 'openai', 'language-model', 'connect')).toBeUndefined();
  expect(book.take(scenario, 'openai', 'language-model', 'stream')?.kind).toBe('reset');
  expect(book.take(scenario, 'openai', 'synthesizer', 'connect')).toBeUndefined();
  expect(book.take(scenario, 'openai', 'synthesizer', 'stream')?.kind).toBe('silence');
  expect(book.take(scenario, 'cartesia', 'synthesizer', 'stream')).toBeUndefined();
});

test('the log keeps the newest 200,000', () => {
  const log = new EventLog();
  for (let n = 0; n < 215_000; n++) log.add({ provider: 'openai', stage: 'synthesizer', connection: n, event: 'text', atMs: n });
  expect(log.events.length).toBeGreaterThanOrEqual(200_000);
  expect(log.events.length).toBeLessThanOrEqual(210_000);
  expect(log.events.at(-1)?.connection).toBe(214_999);
});

test('a request is refused until the minute has passed', () => {
  const limit = new RateLimit();
  const limits = { streams: Infinity, requestsPerMinute: 2 };
  expect(limit.admit(0, false, limits)).toBeUndefined();
  expect(limit.admit(1000, false, limits)).toBeUndefined();
  expect(limit.admit(2000, false, limits)).toBe(58);
  expect(limit.admit(60_001, false, limits)).toBeUndefined();
});

describe('sound', () => {
  test('G.711 as the server has it', () => {
    expect([...mulawToLinear]).toEqual([...MULAW_TO_LINEAR]);
    for (let sample = -32_768; sample < 32_768; sample += 7) expect(encodeMulaw(sample)).toBe(LINEAR_TO_MULAW[sample & 0xffff]);
    // 0x7f and 0xff are the two zeros of μ-law.
    for (let code = 0; code < 256; code++) {
      if (code !== 0x7f) expect(encodeMulaw(mulawToLinear[code] ?? 0)).toBe(code);
      expect(encodeAlaw(alawToLinear[code] ?? 0)).toBe(code);
    }
    expect(alawToLinear[0xd5]).toBe(8);
    expect(alawToLinear[0xaa]).toBe(32_256);
  });

  test('pieces of any length make the same sound', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 33 }), { minLength: 1, maxLength: 12 }), (lengths) => {
        const shape = { encoding: 'mulaw', rate: 8000 } as const;
        const pieces = new SpokenTurn('watermark', 3, shape, 40);
        const whole = new SpokenTurn('watermark', 3, shape, 40);
        const total = lengths.reduce((sum, length) => sum + length * 10, 0);
        return Buffer.concat(lengths.map((length) => pieces.take(length * 10))).equals(whole.take(total));
      }),
    );
  });

  test('voice activity does not depend on how the sound is cut; a click is no voice', () => {
    const observe = (sound: Uint8Array, frame: number): number[] => {
      const starts: number[] = [];
      const activity = new VoiceActivity(
        { encoding: 'mulaw', rate: 8000 },
        { voiceStarted: (atMs) => starts.push(atMs), blockPassed: () => {} },
      );
      for (let at = 0; at < sound.length; at += frame) activity.push(sound.subarray(at, at + frame));
      return starts;
    };
    const sound = Buffer.concat([quiet(200), voiced(20), quiet(100), voiced(300), quiet(300), voiced(100)]);
    for (const frame of [1, 77, 160, 640, 100_000]) expect(observe(sound, frame)).toEqual([320, 920]);
  });

  test('16-bit samples cut in their middle are put together', () => {
    let voicedMs = 0;
    const activity = new VoiceActivity(
      { encoding: 'pcm', rate: 8000 },
      { voiceStarted: () => {}, blockPassed: (_atMs, silentMs) => void (voicedMs += silentMs === 0 ? 10 : 0) },
    );
    const bytes = Buffer.alloc(3200);
    for (let i = 0; i < 1600; i++) bytes.writeInt16LE(Math.round(3000 * Math.sin(i * 0.4)), i * 2);
    for (let at = 0; at < bytes.length; at += 33) activity.push(bytes.subarray(at, at + 33));
    expect(activity.receivedMs).toBe(200);
    expect(voicedMs).toBeGreaterThanOrEqual(160);
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { msOf } from '#audio/frame.ts';
import { type Clock, SystemClock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import type { SpeechPart } from '../synthesizer.ts';
import { audibleSpan, parsePhones, sentencesOf, timeWords } from './speech.ts';
import { FliteSynthesizer, type FliteOptions } from './synthesizer.ts';

const kit = { ...testKit(), clock: new SystemClock() };
const options: FliteOptions = { queueLimit: 16, deadlineMs: 20_000, cacheBytes: 4 << 20 };
const make = async (over: Partial<FliteOptions> = {}, clock: Clock = kit.clock) =>
  new FliteSynthesizer({ ...kit, clock }, { ...options, ...over });

describeSynthesizer('flite', { make, voice: 'slt' });

const open: FliteSynthesizer[] = [];
afterEach(async () => {
  for (const synthesizer of open.splice(0)) await synthesizer.close();
});
async function started(over: Partial<FliteOptions> = {}, clock?: Clock): Promise<FliteSynthesizer> {
  const synthesizer = await make(over, clock);
  open.push(synthesizer);
  return synthesizer;
}
async function speak(synthesizer: FliteSynthesizer, text: string, voice = 'slt', signal = new AbortController().signal) {
  const parts: SpeechPart[] = [];
  for await (const part of synthesizer.speak({ text, voice, language: 'en', format: 'mulaw-8000', signal })) parts.push(part);
  return parts;
}

test('every voice of the package speaks, and an unknown one is spoken by the default', async () => {
  const synthesizer = await started();
  for (const voice of ['slt', 'awb', 'rms', 'kal', 'kal16', 'no-such-voice']) {
    const [part] = await speak(synthesizer, 'Good morning.', voice);
    expect(msOf(part.sound, 'mulaw-8000')).toBeGreaterThan(400);
  }
  expect(await speak(synthesizer, 'Good morning.', 'no-such-voice')).toEqual(await speak(synthesizer, 'Good morning.', 'slt'));
});

test('a long text comes sentence by sentence', async () => {
  const parts = await speak(await started(), 'We are open from nine to five. On Saturday we close at noon. Dr. Smith is here on Mondays.');
  expect(parts).toHaveLength(3);
  expect(parts[1].words?.[0].fromMs).toBeGreaterThanOrEqual(msOf(parts[0].sound, 'mulaw-8000') - 1);
});

test('the cache is bounded in bytes, and shared by requests for the same clause', async () => {
  const synthesizer = await started({ cacheBytes: 40_000 });
  const [one, two] = await Promise.all([speak(synthesizer, 'The same clause.'), speak(synthesizer, 'The same clause.')]);
  expect(one[0].sound).toBe(two[0].sound);
  for (let i = 0; i < 6; i++) await speak(synthesizer, `Sentence number ${i} fills the cache.`);
  expect(synthesizer.cachedBytes).toBeLessThanOrEqual(40_000);
  expect(synthesizer.cachedBytes).toBeGreaterThan(10_000);
});

describe('faults', () => {
  const crashing = new URL(
    'data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3));',
  );
  const hanging = new URL('data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => {});');

  test('a thread that dies once is started again, unnoticed', async () => {
    const synthesizer = await started();
    await synthesizer.warm();
    const before = synthesizer.renderer.thread;
    const work = speak(synthesizer, 'This clause survives its thread, because it is rendered again by the next one.');
    await killThread(synthesizer);
    expect((await work).length).toBeGreaterThan(0);
    expect(synthesizer.renderer.thread).not.toBe(before);
  });

  test('a clause that kills its thread twice fails, retryable', async () => {
    const synthesizer = await started({ workerUrl: crashing });
    await expect(speak(synthesizer, 'Hello.')).rejects.toMatchObject({ vendor: 'flite', category: 'retryable' });
    expect(synthesizer.renderer.size).toBe(0);
  });

  test('a thread that hangs is given up at the deadline', async () => {
    const { clock } = testKit();
    const synthesizer = await started({ workerUrl: hanging, deadlineMs: 5_000 }, clock);
    const work = expect(speak(synthesizer, 'Hello.')).rejects.toMatchObject({ category: 'retryable' });
    await clock.advance(5_000);
    await work;
    expect(synthesizer.renderer.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('a full queue refuses at once; abort gives a waiting place back', async () => {
    const { clock } = testKit();
    const synthesizer = await started({ workerUrl: hanging, queueLimit: 1 }, clock);
    const active = speak(synthesizer, 'One.').catch((error: unknown) => error);
    await clock.settle();
    const controller = new AbortController();
    const waiting = speak(synthesizer, 'Two.', 'slt', controller.signal).catch((error: unknown) => error);
    await clock.settle();
    await expect(speak(synthesizer, 'Three.')).rejects.toMatchObject({ category: 'retryable' });
    const reason = new Error('barge-in');
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    expect(synthesizer.renderer.size).toBe(1);
    await synthesizer.close();
    expect(await active).toBeInstanceOf(VendorError);
    expect(clock.pending).toBe(0);
  });

  test('text without end is refused, and a closed synthesizer says so', async () => {
    const synthesizer = await started();
    await expect(speak(synthesizer, 'x'.repeat(5_000))).rejects.toMatchObject({ category: 'bad-input' });
    await synthesizer.close();
    await expect(speak(synthesizer, 'Hello.')).rejects.toMatchObject({ category: 'permanent' });
  });
});

/** Ends the rendering thread from outside, as an out-of-memory kill would. */
async function killThread(synthesizer: FliteSynthesizer): Promise<void> {
  const { renderer } = synthesizer;
  await renderer.thread?.terminate();
}

describe('timing', () => {
  test('phones are read with their ends; a second utterance goes on from the first', () => {
    expect(parsePhones('pau:0.164 hh:0.255 ax1:0.304 \npau:0.100 b:0.200 ')).toEqual([
      { name: 'pau', endMs: 164 },
      { name: 'hh', endMs: 255 },
      { name: 'ax1', endMs: 304 },
      { name: 'pau', endMs: 404 },
      { name: 'b', endMs: 504 },
    ]);
  });

  test('words keep to their side of a pause', () => {
    const phones = parsePhones('pau:0.1 hh:0.2 ay:0.4 pau:0.6 y:0.7 uw:0.9 pau:1.0');
    const tokens = ['Hi,', 'you.'].map((word) => ({ written: word, spoken: word }));
    expect(timeWords(tokens, phones, 100, 900)).toEqual([
      { text: 'Hi,', fromMs: 0, toMs: 300 },
      { text: 'you.', fromMs: 500, toMs: 800 },
    ]);
  });

  test('silence is cut in front and behind, never inside', () => {
    const samples = new Int16Array(16_000);
    samples.fill(5_000, 4_000, 5_000).fill(5_000, 9_000, 10_000);
    expect(audibleSpan(samples, 16_000)).toEqual({ from: 3_920, to: 11_440 });
    expect(audibleSpan(new Int16Array(100), 16_000)).toEqual({ from: 0, to: 0 });
  });

  test('sentences', () => {
    expect(sentencesOf('Yes. We are open until five today. See Dr. Smith on Monday.')).toEqual([
      'Yes. We are open until five today.',
      'See Dr. Smith on Monday.',
    ]);
    expect(sentencesOf('')).toEqual([]);
  });
});

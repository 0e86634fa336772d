import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '#kit/clock.ts';
import { type KeptLine, KeptSpeech, type SpeechIdentity } from './kept-speech.ts';

const identity = (over: Partial<SpeechIdentity> = {}): SpeechIdentity => ({
  businessId: 'biz_1',
  synthesizer: 'told',
  model: undefined,
  voice: 'v',
  language: 'en',
  format: 'mulaw-8000',
  text: 'Hello.',
  ...over,
});
const line = (bytes: number): KeptLine => ({ sound: new Uint8Array(bytes), words: [] });

test('a line is found only by exactly what decides its sound and its owner', () => {
  const kept = new KeptSpeech();
  kept.keep(identity(), line(100));
  expect(kept.find(identity())?.sound.length).toBe(100);
  for (const other of [
    { businessId: 'biz_2' },
    { synthesizer: 'x' },
    { model: 'm' },
    { voice: 'w' },
    { language: 'de' },
    { text: 'Hello' },
  ])
    expect(kept.find(identity(other))).toBeUndefined();
  expect(kept.find(identity({ format: 'linear-16000' }))).toBeUndefined();
});

test('the least recently used goes, and bytes never pass the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 400 })), { maxLength: 80 }), (steps) => {
      const kept = new KeptSpeech(1_000);
      for (const [n, bytes] of steps) {
        kept.keep(identity({ text: String(n) }), line(bytes));
        expect(kept.bytes).toBeLessThanOrEqual(1_000);
        if (bytes <= 250) expect(kept.find(identity({ text: String(n) }))?.sound.length).toBe(bytes);
      }
    }),
  );
  const kept = new KeptSpeech(1_000);
  for (const text of ['a', 'b', 'c', 'd']) kept.keep(identity({ text }), line(250));
  kept.find(identity({ text: 'a' }));
  kept.keep(identity({ text: 'e' }), line(250));
  expect(['a', 'b', 'c', 'd', 'e'].filter((text) => kept.find(identity({ text })))).toEqual(['a', 'c', 'd', 'e']);
});

test('whoever asks while a line is being made waits for the same making; a failure is not kept', async () => {
  const kept = new KeptSpeech();
  let made = 0;
  const make = () => {
    made++;
    return Promise.resolve(line(10));
  };
  const lines = await Promise.all([kept.obtain(identity(), make), kept.obtain(identity(), make), kept.obtain(identity(), make)]);
  expect([made, new Set(lines).size]).toEqual([1, 1]);
  const text = 'No.';
  expect(await kept.obtain(identity({ text }), () => Promise.reject(new Error('no')))).toBeUndefined();
  expect((await kept.obtain(identity({ text }), make))?.sound.length).toBe(10);
});

test('it counts what it found, made and saved', async () => {
  const clock = new VirtualClock();
  const kept = new KeptSpeech(1_000, clock);
  const made = kept.obtain(identity(), () => clock.sleep(200).then(() => line(100)));
  await clock.advance(200);
  await made;
  await kept.obtain(identity({ text: 'x' }), () => Promise.reject(new Error('the voice is away')));
  for (let n = 0; n < 3; n++) kept.find(identity());
  expect(kept.counters()).toMatchObject({ size: 1, bytes: 100, loads: 1, loadFailures: 1, process: { hits: 3, misses: 2, savedMs: 600 } });
});

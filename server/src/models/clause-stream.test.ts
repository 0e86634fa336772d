import { expect, test } from 'vitest';
import { msOf, type SoundFormat } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import { bytesOfBase64, ClauseStream, type ClauseStreamOptions } from './clause-stream.ts';
import { PaceWatch } from './pace-watch.ts';
import type { SpeechPart } from './synthesizer.ts';
import { bytesOf, peakOf, piecesOf, soundOfText, wordsOfText } from './voice-peer.testing.ts';

const TEXT = 'We are open from nine to five.';

function streamOf(options: Partial<ClauseStreamOptions> = {}) {
  const kit = testKit();
  const warnings: unknown[] = [];
  const pace = new PaceWatch({ ...kit.log, warn: (fields) => warnings.push(fields) }, 'test');
  const controller = new AbortController();
  let stops = 0;
  const stream = new ClauseStream(kit, {
    vendor: 'test',
    text: TEXT,
    format: 'mulaw-8000',
    signal: controller.signal,
    deadlines: { firstMs: 5_000, nextMs: 3_000 },
    pace,
    onStop: () => stops++,
    ...options,
  });
  return { clock: kit.clock, controller, pace, stream, warnings, stops: () => stops };
}

async function read(stream: ClauseStream): Promise<SpeechPart[]> {
  const parts: SpeechPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

test.each(['mulaw-8000', 'linear-16000'] as SoundFormat[])(
  '%s: silence goes, words move with it, cut samples are joined',
  async (format) => {
    const { stream, clock, stops } = streamOf({ format });
    stream.timed(wordsOfText(TEXT, 200));
    for (const piece of piecesOf(bytesOf(soundOfText(TEXT, format, 200)), 333)) stream.bytes(piece);
    stream.end();
    const parts = await read(stream);
    const totalMs = parts.reduce((sum, { sound }) => sum + msOf(sound, format), 0);
    expect(totalMs).toBeGreaterThanOrEqual(TEXT.length * 60);
    expect(totalMs).toBeLessThan(TEXT.length * 60 + 15);
    const words = parts.flatMap((part) => part.words ?? []);
    expect(words.map(({ text }) => text).join(' ')).toBe(TEXT);
    expect(words[1].fromMs).toBeGreaterThanOrEqual(180);
    expect(words[1].fromMs).toBeLessThan(195);
    // Joined wrongly, the tone would be noise.
    expect(Math.max(...parts.map(({ sound }) => (sound.length ? peakOf(sound) : 0)))).toBeLessThan(6_300);
    expect(clock.pending).toBe(0);
    expect(stops()).toBe(0);
  },
);

test('a clause of silence yields nothing and ends', async () => {
  const { stream } = streamOf();
  stream.sound(new Uint8Array(8_000).fill(0xff));
  stream.end();
  expect(await read(stream)).toEqual([]);
});

test('no first sound, no next sound, and an end that nobody announced', async () => {
  const late = streamOf();
  const failing = expect(read(late.stream)).rejects.toMatchObject({ category: 'retryable' });
  await late.clock.advance(5_000);
  await failing;
  expect(late.stops()).toBe(1);
  for (const mayEnd of [false, true]) {
    const quiet = streamOf({ mayEnd: () => mayEnd });
    quiet.stream.sound(soundOfText(TEXT, 'mulaw-8000'));
    const reading = read(quiet.stream).then(
      (parts) => parts.length > 0,
      (error: { category: string }) => error.category,
    );
    await quiet.clock.advance(3_000);
    expect(await reading).toBe(mayEnd ? true : 'retryable');
    expect(quiet.clock.pending).toBe(0);
  }
});

test('an abort throws its reason before what waits; a reader who leaves stops the vendor', async () => {
  const { stream, controller, stops } = streamOf();
  stream.sound(soundOfText(TEXT, 'mulaw-8000'));
  stream.sound(soundOfText(TEXT, 'mulaw-8000'));
  const reason = new Error('barge-in');
  controller.abort(reason);
  await expect(read(stream)).rejects.toBe(reason);
  expect(stops()).toBe(1);
  const left = streamOf();
  left.stream.sound(soundOfText(TEXT, 'mulaw-8000'));
  for await (const part of left.stream) {
    expect(part.sound.length).toBeGreaterThan(0);
    break;
  }
  expect(left.stops()).toBe(1);
  expect(left.clock.pending).toBe(0);
});

test('an endless stream is cut off', async () => {
  const { stream, stops } = streamOf({ text: 'Hi.' });
  for (let i = 0; i < 1_000 && stream.open; i++) stream.sound(soundOfText('0123456789', 'mulaw-8000'));
  expect(stream.rawMs).toBeLessThan(7_000);
  expect(stops()).toBe(1);
  await expect(read(stream)).rejects.toMatchObject({ category: 'retryable' });
});

test('sound at another rate than the words say is noticed once', async () => {
  const { stream, pace, warnings } = streamOf({ text: TEXT + TEXT });
  stream.timed(wordsOfText(TEXT + TEXT));
  const sound = soundOfText(TEXT + TEXT, 'mulaw-8000');
  stream.sound(sound);
  stream.sound(sound);
  stream.end();
  await read(stream);
  pace.spoken(30, 30);
  expect(pace.told).toBe(true);
  expect(warnings).toHaveLength(1);
});

test('base64 is read strictly', () => {
  expect(bytesOfBase64('AQID')).toEqual(Buffer.from([1, 2, 3]));
  expect(bytesOfBase64('AQ')).toEqual(Buffer.from([1]));
  expect(bytesOfBase64('AQ==')).toEqual(Buffer.from([1]));
  expect(bytesOfBase64('')).toEqual(Buffer.alloc(0));
  for (const garbage of ['%%%', 'AQ ID', 'A', 'AQID!', 'AQ==AQID', 'A-_D', '====', '\u0141QID', 5, undefined])
    expect(bytesOfBase64(garbage)).toBeUndefined();
});

test('sound that nobody wanted yet is handed over in pieces of a second, its words with it', async () => {
  const { stream } = streamOf();
  const sound = soundOfText(TEXT, 'mulaw-8000', 0);
  stream.timed(wordsOfText(TEXT, 0));
  for (const piece of piecesOf(bytesOf(sound), 800)) stream.bytes(piece);
  stream.end();
  const parts = await read(stream);
  expect(parts.length).toBe(Math.ceil(msOf(sound, 'mulaw-8000') / 1_000));
  expect(parts.flatMap((part) => [...part.sound])).toEqual([...sound]);
  expect(
    parts
      .flatMap((part) => part.words ?? [])
      .map(({ text }) => text)
      .join(' '),
  ).toBe(TEXT);
});

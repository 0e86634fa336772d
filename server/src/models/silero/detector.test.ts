import { describe, expect, test } from 'vitest';
import { silence, type SoundFormat } from '#audio/frame.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { speechLikeSound } from '../scripted/speech-like.ts';
import { detectAll, detectPaced, shareOf } from '../voice-activity.contract.ts';
import type { WindowStream } from './batcher.ts';
import { Batcher } from './batcher.ts';
import { SileroVoiceActivityDetector } from './detector.ts';
import { CONTEXT, ROW, WINDOW } from './shape.ts';
import { FakeModel } from './testing.ts';
import { PRE_ROLL_WINDOWS } from './window-cutter.ts';

/** A stream that keeps what it is given and answers as told. */
class KeepingStream implements WindowStream {
  probability = 0;
  results = 0;
  restarts = 0;
  readonly windows: Float32Array[] = [];
  push(samples: Float32Array, offset: number): void {
    this.windows.push(samples.slice(offset, offset + ROW));
  }
  restart(): void {
    this.restarts++;
    this.probability = 0;
  }
  close(): void {}
  answer(probability: number): void {
    this.probability = probability;
    this.results++;
  }
}

const FORMAT: SoundFormat = 'mulaw-8000';
const speech = (ms: number, levelDb = -20) => speechLikeSound(new SeededRandom(7), ms, FORMAT, levelDb) as Uint8Array;

function bench() {
  const stream = new KeepingStream();
  const detector = new SileroVoiceActivityDetector(stream, FORMAT);
  const frame = (sound = speech(20)) => ({ ...detector.detect({ at: 0, format: FORMAT, sound, concealed: false }, undefined) });
  return { stream, detector, frame };
}

describe('windows', () => {
  test('nothing is asked about silence', () => {
    const { stream, detector } = bench();
    detectAll(detector, FORMAT, silence(FORMAT, 8_000));
    expect(stream.windows).toHaveLength(0);
  });

  test('the first loud frame sends the four windows before it, and the sound goes on without a gap, each with its context', () => {
    const { stream, detector } = bench();
    const heard = new Uint8Array(8_000).fill(0xff);
    heard.set(speech(500), 4_000);
    const loudFrom = 4_000;
    detectAll(detector, FORMAT, heard);
    const all = Float32Array.from(heard, (byte) => MULAW_TO_LINEAR[byte] / 32768);
    // Windows lie on multiples of WINDOW since the call's first sample.
    const first = Math.floor(loudFrom / WINDOW) - PRE_ROLL_WINDOWS;
    expect(stream.windows.length).toBeGreaterThan(PRE_ROLL_WINDOWS + 10);
    stream.windows.forEach((window, index) => {
      const from = (first + index) * WINDOW;
      expect(window).toEqual(all.slice(from - CONTEXT, from + WINDOW));
    });
    expect(stream.restarts).toBe(1);
  });

  test('wideband is narrowed to 8 kHz', () => {
    const stream = new KeepingStream();
    const detector = new SileroVoiceActivityDetector(stream, 'linear-16000');
    detectAll(detector, 'linear-16000', speechLikeSound(new SeededRandom(7), 2_000, 'linear-16000'));
    expect(Math.abs(stream.windows.length - PRE_ROLL_WINDOWS - 2_000 / 32)).toBeLessThan(16);
    // Longer than a frame, and shorter: no sample is lost.
    const before = stream.windows.length;
    const loud = speechLikeSound(new SeededRandom(7), 320, 'linear-16000');
    detector.detect({ at: 0, format: 'linear-16000', sound: loud, concealed: false }, undefined);
    expect(stream.windows.length - before).toBeGreaterThanOrEqual(9);
  });
});

describe('verdict', () => {
  test('follows the newest answer: from 0.5 on speech, until 0.35', () => {
    const { stream, frame } = bench();
    expect(frame().speech).toBe(false);
    const verdicts = [0.4, 0.5, 0.4, 0.36, 0.3, 0.4, 0.9].map((probability) => {
      stream.answer(probability);
      const { speech, probability: said } = frame();
      expect(said).toBe(probability);
      return speech;
    });
    expect(verdicts).toEqual([false, true, true, true, false, false, true]);
  });

  test('an answer from before the gate closed counts no more', () => {
    const { stream, detector, frame } = bench();
    frame();
    stream.answer(0.9);
    expect(frame().speech).toBe(true);
    expect(shareOf(detectAll(detector, FORMAT, silence(FORMAT, 8_000)).slice(20))).toBe(0);
    expect(frame()).toMatchObject({ speech: false, probability: 0 });
  });

  test('without answers for 200 ms levels alone decide, until there is one', () => {
    const { stream, detector, frame } = bench();
    const sound = speech(1_000);
    const verdicts = detectAll(detector, FORMAT, sound.subarray(0, 30 * 160));
    expect(verdicts.indexOf(true)).toBeGreaterThanOrEqual(10);
    expect(verdicts.indexOf(true)).toBeLessThanOrEqual(12);
    stream.answer(0.1);
    expect(frame().speech).toBe(false);
    expect(shareOf(detectAll(detector, FORMAT, silence(FORMAT, 8_000)).slice(15))).toBe(0);
  });
});

describe('gate', () => {
  test('loud noise that the model holds for noise becomes the floor within 3 s, and costs nothing from then on', async () => {
    const random = new SeededRandom(4);
    const noise = Uint8Array.from({ length: 8 * 8_000 }, () => (random.next() < 0.5 ? 0 : 0x80) | (0x1c + random.below(8)));
    const { clock, ...rest } = testKit();
    const model = new FakeModel(); // its mean of noise is about 0
    const batcher = new Batcher(model, { ...rest, clock });
    const detector = new SileroVoiceActivityDetector(batcher.open(), FORMAT);
    const hear = (sound: Uint8Array) => detectPaced(detector, FORMAT, sound, () => clock.advance(20));
    expect(shareOf(await hear(noise.subarray(0, 24_000)))).toBe(0);
    const asked = batcher.counts.windows;
    expect(asked).toBeGreaterThan(20);
    await hear(noise.subarray(24_000));
    expect(batcher.counts.windows - asked).toBeLessThan(10);
    detector.close();
    expect(clock.pending).toBe(0);
  });

  test('our own echo is not asked about, a caller over it is', () => {
    for (const attenuationDb of [-12, -25, -40]) {
      const { stream, detector } = bench();
      const sent = speech(8_000);
      const echo = new Uint8Array(sent.length).fill(0xff);
      echo.set(speech(8_000, -20 + attenuationDb).subarray(0, sent.length - 800), 800);
      detectAll(detector, FORMAT, echo, sent);
      expect(stream.windows.length * 32).toBeLessThan(0.02 * 8_000);
      const before = stream.windows.length;
      detectAll(detector, FORMAT, speechLikeSound(new SeededRandom(3), 1_500, FORMAT, -14), sent.subarray(0, 12_000));
      expect(stream.windows.length).toBeGreaterThan(before + 10);
    }
  });
});

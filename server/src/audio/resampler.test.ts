import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linearPower } from './level.ts';
import { createResampler, type SampleRate } from './resampler.ts';
import { sineTone } from './tones.ts';

const RATES: SampleRate[] = [8000, 11025, 16000, 22050, 24000, 48000];
const PAIRS = RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => [from, to] as [SampleRate, SampleRate]));

function convert(sound: Int16Array, from: SampleRate, to: SampleRate): Int16Array {
  const resampler = createResampler(from, to);
  const out = new Int16Array(resampler.outputLength(sound.length));
  expect(resampler.process(sound, out)).toBe(out.length);
  return out;
}

/** Power of the part of `sound` that is a sine of `hz`, and of the rest, after the filter has filled. */
function split(sound: Int16Array, hz: number, rate: number): { tone: number; rest: number } {
  const from = Math.floor(sound.length / 5);
  const to = sound.length - from;
  let sine = 0;
  let cosine = 0;
  for (let i = from; i < to; i++) {
    sine += sound[i] * Math.sin((2 * Math.PI * hz * i) / rate);
    cosine += sound[i] * Math.cos((2 * Math.PI * hz * i) / rate);
  }
  const a = (2 * sine) / (to - from);
  const b = (2 * cosine) / (to - from);
  let rest = 0;
  for (let i = from; i < to; i++) {
    rest += (sound[i] - a * Math.sin((2 * Math.PI * hz * i) / rate) - b * Math.cos((2 * Math.PI * hz * i) / rate)) ** 2;
  }
  return { tone: (a * a + b * b) / 2, rest: rest / (to - from) };
}

describe.each(PAIRS)('%i to %i', (from, to) => {
  const nyquist = Math.min(from, to) / 2;

  test('the pass band is flat within 0.1 dB and clean by 60 dB', () => {
    for (const part of [0.03, 0.2, 0.4, 0.6, 0.75, 0.84]) {
      const hz = 10 * Math.round((part * nyquist) / 10); // whole periods in the window of 300 ms
      const sound = sineTone(hz, 500, from, -6);
      const { tone, rest } = split(convert(sound, from, to), hz, to);
      const before = split(sound, hz, from).tone;
      expect(Math.abs(10 * Math.log10(tone / before))).toBeLessThan(0.1);
      expect(10 * Math.log10(tone / rest)).toBeGreaterThan(60);
    }
  });

  // Upward there is nothing above the transition to be rid of.
  if (from <= to) return;
  test('what lies above the transition is gone by 60 dB', () => {
    for (let part = 1.16; part * nyquist < from / 2; part += 0.13) {
      const sound = sineTone(part * nyquist, 200, from, -4);
      const out = convert(sound, from, to);
      const heard = linearPower(out, out.length >> 2, (out.length * 3) >> 2);
      expect(10 * Math.log10(linearPower(sound) / Math.max(heard, 0.01))).toBeGreaterThan(60);
    }
  });
});

test('chunks of any length give the same samples as the whole', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PAIRS), fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 12 }), ([from, to], lengths) => {
      const sound = sineTone(700, 1000, from, -8).subarray(
        0,
        lengths.reduce((sum, length) => sum + length, 0),
      );
      const whole = convert(sound, from, to);
      const resampler = createResampler(from, to);
      const parts = new Int16Array(whole.length);
      let read = 0;
      let written = 0;
      for (const length of lengths) {
        const chunk = sound.subarray(read, read + length);
        const expected = resampler.outputLength(chunk.length);
        expect(resampler.process(chunk, parts, written)).toBe(expected);
        written += expected;
        read += chunk.length;
      }
      expect(written).toBe(whole.length);
      expect(parts).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test('an hour comes out exactly an hour long', () => {
  for (const [from, to] of [
    [22050, 8000],
    [11025, 16000],
    [48000, 22050],
  ] as [SampleRate, SampleRate][]) {
    const resampler = createResampler(from, to);
    const chunk = new Int16Array(from);
    const out = new Int16Array(to + 1);
    let total = 0;
    for (let second = 0; second < 3600; second += 60) {
      // One second is converted, the 59 others are only counted: the count does not depend on the sound.
      total += resampler.process(chunk, out) + 59 * to;
    }
    expect(total).toBe(3600 * to);
  }
});

test('full scale saturates instead of wrapping, and a constant stays constant', () => {
  const square = Int16Array.from({ length: 4800 }, (_, i) => (i % 48 < 24 ? 32767 : -32768));
  const out = convert(square, 24000, 16000);
  for (let i = 1; i < out.length; i++) expect(Math.abs(out[i] - out[i - 1])).toBeLessThanOrEqual(65535);
  const constant = convert(new Int16Array(4800).fill(12345), 24000, 8000);
  for (const sample of constant.subarray(100)) expect(Math.abs(sample - 12345)).toBeLessThanOrEqual(1);
});

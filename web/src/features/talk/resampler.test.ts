import { expect, test } from 'vitest';
import { Resampler } from './resampler.ts';

/** A tone through the resampler in blocks of 128: the output, and its level in dB against the input's. */
function through(fromRate: number, toRate: number, hertz: number, seconds = 0.5) {
  const resampler = new Resampler(fromRate, toRate);
  const block = new Float32Array(128);
  const made = new Float32Array(resampler.mostOutput(128));
  const output: number[] = [];
  const blocks = Math.floor((fromRate * seconds) / 128);
  for (let n = 0; n < blocks * 128; n++) {
    block[n % 128] = Math.sin((2 * Math.PI * hertz * n) / fromRate);
    if (n % 128 === 127) output.push(...made.subarray(0, resampler.process(block, made)));
  }
  const steady = output.slice(output.length >> 2, (output.length * 3) >> 2);
  const power = steady.reduce((sum, sample) => sum + sample * sample, 0) / steady.length;
  return { output, db: 10 * Math.log10(power * 2 + 1e-12), inputs: blocks * 128 };
}

test.each([
  [48_000, 16_000],
  [44_100, 16_000],
  [16_000, 48_000],
  [16_000, 44_100],
  [16_000, 16_000],
  [96_000, 16_000],
  [8_000, 16_000],
])('%i to %i Hz: as many samples as there should be, at the same level', (from, to) => {
  const { output, db, inputs } = through(from, to, 1_000);
  expect(Math.abs(output.length - (inputs * to) / from)).toBeLessThan((70 * to) / from + 40);
  expect(Math.abs(db)).toBeLessThan(0.1);
});

test('what the lower rate cannot carry is taken away, not folded', () => {
  expect(through(48_000, 16_000, 11_000).db).toBeLessThan(-55);
  expect(through(48_000, 16_000, 3_400).db).toBeGreaterThan(-0.2);
});

test('blocks join without a seam: a tone stays a tone', () => {
  const { output } = through(44_100, 16_000, 440);
  const steady = output.slice(1_000, 6_000);
  const coefficient = 2 * Math.cos((2 * Math.PI * 440) / 16_000);
  // A pure tone obeys x[n] = c·x[n-1] - x[n-2]; a seam breaks it.
  const worst = Math.max(...steady.slice(2).map((sample, n) => Math.abs(sample - coefficient * (steady[n + 1] ?? 0) + (steady[n] ?? 0))));
  expect(worst).toBeLessThan(0.002);
});

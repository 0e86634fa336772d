import { describe, expect, test } from 'vitest';
import { Fourier } from './fourier.ts';
import { BANDS, LogMel, RATE } from './log-mel.ts';

const SAMPLES = 8 * RATE;
const FRAMES = SAMPLES / 160;

/** 3 s at the end: a chirp from 200 Hz up that beats three times a second, and ten clicks a second. */
function chirp(): Float32Array {
  const sound = new Float32Array(SAMPLES);
  for (let i = 0; i < 48_000; i++) {
    const t = i / RATE;
    const tone = 0.3 * Math.sin(2 * Math.PI * (200 * t + 500 * t * t)) * (0.6 + 0.4 * Math.sin(2 * Math.PI * 3 * t));
    sound[SAMPLES - 48_000 + i] = tone + (i % 1_600 === 0 ? 0.5 : 0);
  }
  return sound;
}

const featuresOf = (sound: Float32Array) => {
  const features = new Float32Array(BANDS * FRAMES);
  new LogMel(SAMPLES).write(sound, features, 0);
  return features;
};

describe('the Fourier transform', () => {
  test.each([1, 2, 7, 12, 25, 400])('of %i values is the sum that defines it', (length) => {
    const real = Float64Array.from({ length }, (_, i) => Math.sin(i * i + 1));
    const imaginary = Float64Array.from({ length }, (_, i) => Math.cos(3 * i));
    const [re, im] = [real.slice(), imaginary.slice()];
    new Fourier(length).transform(re, im);
    for (let k = 0; k < length; k += Math.ceil(length / 20)) {
      let [sumRe, sumIm] = [0, 0];
      for (let i = 0; i < length; i++) {
        const angle = (-2 * Math.PI * i * k) / length;
        sumRe += real[i] * Math.cos(angle) - imaginary[i] * Math.sin(angle);
        sumIm += real[i] * Math.sin(angle) + imaginary[i] * Math.cos(angle);
      }
      expect(re[k]).toBeCloseTo(sumRe, 8);
      expect(im[k]).toBeCloseTo(sumIm, 8);
    }
  });
});

describe('log-mel features', () => {
  /** Computed with NumPy's own Fourier transform, from the same definitions written as matrices. */
  test.each([
    [0, 0, 0.194099],
    [0, 799, 0.09786],
    [5, 500, 1.587484],
    [10, 520, 1.633215],
    [20, 600, 0.979869],
    [40, 700, 0.98745],
    [60, 790, 0.980881],
    [79, 501, 0.468552],
    [79, 799, -0.065251],
    [33, 650, 0.987243],
  ])('band %i at frame %i', (band, frame, value) => {
    expect(featuresOf(chirp())[band * FRAMES + frame]).toBeCloseTo(value, 4);
  });

  test('as a whole they have the mean and the spread of the reference', () => {
    const features = featuresOf(chirp());
    const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
    const spread = Math.sqrt(features.reduce((sum, value) => sum + (value - mean) ** 2, 0) / features.length);
    expect(mean).toBeCloseTo(-0.007838, 4);
    expect(spread).toBeCloseTo(0.337032, 4);
  });

  test('do not depend on the level, and silence is no fault', () => {
    const loud = featuresOf(chirp());
    const soft = featuresOf(chirp().map((sample) => sample / 8));
    // The variance's guard of 1e-7 is all that the level changes.
    for (let i = 0; i < loud.length; i += 997) expect(Math.abs(soft[i] - loud[i])).toBeLessThan(0.001);
    expect(featuresOf(new Float32Array(SAMPLES)).every((value) => value === -1.5)).toBe(true);
  });
});

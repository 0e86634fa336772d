import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { Ear, HOP, HOP_MS, mulawPower } from './onset.ts';
import { voice } from './voices.ts';

const SILENT = 0;
const LOUD = mulawPower(voice(0, 200), 0, HOP);

function hears(ear: Ear, powers: readonly number[], from = 0): number[] {
  return powers.flatMap((power, hop) => ear.hear(power, from + hop * HOP_MS) ?? []);
}

test('speech begins with the first of three loud hops, once', () => {
  expect(hears(new Ear(), [SILENT, LOUD, LOUD, SILENT, LOUD, LOUD, LOUD, LOUD, LOUD])).toEqual([40]);
  expect(hears(new Ear(), [LOUD, LOUD])).toEqual([]);
});

test('sound that goes on begins anew for an ear that was told to forget it', () => {
  const ear = new Ear();
  expect(hears(ear, [LOUD, LOUD, LOUD, LOUD])).toEqual([0]);
  ear.reset();
  expect(hears(ear, [LOUD, LOUD, LOUD], 40)).toEqual([40]);
});

test('a noisy line raises the floor, not the number of answers', () => {
  const random = new SeededRandom(1);
  // About -50 dBFS, a little up and down.
  const noise = Array.from({ length: 300 }, () => 32_768 ** 2 * 1e-5 * (0.7 + 0.6 * random.next()));
  const ear = new Ear();
  hears(ear, noise);
  expect(hears(ear, noise, 3_000)).toEqual([]);
  expect(hears(ear, [LOUD, LOUD, LOUD], 6_000)).toEqual([6_000]);
});

test('what was audible last ends with its hop', () => {
  const ear = new Ear();
  hears(ear, [SILENT, LOUD, SILENT, SILENT]);
  expect(ear.audibleUntil).toBe(20);
  expect(ear.audibleHops).toBe(1);
});

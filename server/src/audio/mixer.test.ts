import { expect, test } from 'vitest';
import { linearToMulaw, MULAW_TO_LINEAR } from './g711.ts';
import { levelOf, linearLevel } from './level.ts';
import { addLinear, addMulaw, interleave, interleaveLinear, Volume } from './mixer.ts';
import { sineTone } from './tones.ts';

test('adding saturates', () => {
  const sound = Int16Array.of(30000, -30000, 100);
  addLinear(sound, Int16Array.of(10000, -10000, 23));
  expect([...sound]).toEqual([32767, -32768, 123]);
  const loud = new Uint8Array(2).fill(0x80);
  addMulaw(loud, Uint8Array.of(0x80, 0x00));
  expect(MULAW_TO_LINEAR[loud[0]]).toBe(32124);
  expect(MULAW_TO_LINEAR[loud[1]]).toBe(0);
});

test('interleaving writes stereo at an offset', () => {
  const out = new Uint8Array(8);
  interleave(Uint8Array.of(1, 2), Uint8Array.of(3, 4), out, 4);
  expect([...out]).toEqual([0, 0, 0, 0, 1, 3, 2, 4]);
  const linear = new Int16Array(4);
  interleaveLinear(Int16Array.of(-1, -2), Int16Array.of(-3, -4), linear);
  expect([...linear]).toEqual([-1, -3, -2, -4]);
});

test('ducking by 12 dB takes 40 ms in a straight line and comes back to the very samples', () => {
  const volume = new Volume();
  volume.set(-12);
  const steady = () => new Int16Array(320).fill(10000);
  const first = steady();
  volume.apply(first);
  for (let i = 1; i < 320; i++) {
    expect(first[i]).toBeLessThanOrEqual(first[i - 1]);
    expect(first[i - 1] - first[i]).toBeLessThan(20);
  }
  expect(volume.moving).toBe(true);
  const second = steady();
  volume.apply(second);
  expect(volume.moving).toBe(false);
  expect(second[319]).toBe(Math.round(10000 * 10 ** (-12 / 20)));
  volume.set(0);
  volume.apply(steady());
  volume.apply(steady());
  expect(volume.unchanged).toBe(true);
});

test('the same on µ-law, and silence at -Infinity', () => {
  const bytes = new Uint8Array(160);
  const tone = sineTone(500, 20, 8000, -10);
  const volume = new Volume();
  volume.set(-20);
  for (let i = 0; i < 3; i++) {
    linearToMulaw(tone, bytes);
    volume.apply(bytes);
  }
  expect(levelOf(bytes)).toBeCloseTo(linearLevel(tone) - 20, 0);
  volume.set(-Infinity);
  for (let i = 0; i < 3; i++) {
    linearToMulaw(tone, bytes);
    volume.apply(bytes);
  }
  expect(levelOf(bytes)).toBe(-100);
});

import { expect, test } from 'vitest';
import { PlaybackRing } from './playback-ring.ts';

const frame = (value: number, samples = 320) => new Int16Array(samples).fill(value);
const pull = (ring: PlaybackRing, samples = 128) => {
  const out = new Float32Array(samples);
  ring.pull(out);
  return out;
};

test('it gathers 60 ms before it starts, then plays everything in order', () => {
  const ring = new PlaybackRing();
  ring.push(frame(16_384));
  expect(pull(ring)[0]).toBe(0);
  ring.push(frame(16_384));
  ring.push(frame(8_192));
  const out = pull(ring, 960);
  expect([out[0], out[639], out[640], out[959]]).toEqual([0.5, 0.5, 0.25, 0.25]);
  expect(ring.playedMs).toBe(60);
});

test('a short sound plays although no more comes', () => {
  const ring = new PlaybackRing();
  ring.push(frame(16_384));
  for (let n = 0; n < 12; n++) pull(ring);
  expect(ring.playedMs).toBe(20);
  expect(ring.waitingMs).toBe(0);
});

test('a clear silences within 3 ms and what was dropped is not counted as played', () => {
  const ring = new PlaybackRing();
  for (let n = 0; n < 10; n++) ring.push(frame(16_384));
  pull(ring, 320);
  ring.clear();
  const out = pull(ring, 320);
  expect(out.findLastIndex((sample) => sample !== 0)).toBeLessThan(48);
  expect(Math.abs((out[0] ?? 0) - 0.5)).toBeLessThan(0.02);
  expect(ring.playedMs).toBe(20);
  for (let n = 0; n < 3; n++) ring.push(frame(8_192));
  expect(pull(ring)[127]).toBe(0.25);
});

test('after a hold-up silence is skipped, speech never', () => {
  const ring = new PlaybackRing();
  for (let n = 0; n < 20; n++) ring.push(frame(9_000));
  ring.push(frame(0));
  expect(ring.waitingMs).toBe(400);
  expect(ring.playedMs).toBe(20);
  ring.push(frame(9_000));
  expect(ring.waitingMs).toBe(420);
});

test('it is bounded: 12 s wait, the rest is dropped', () => {
  const ring = new PlaybackRing();
  for (let n = 0; n < 700; n++) ring.push(frame(1_000));
  expect(ring.waitingMs).toBe(12_000);
  for (let n = 0; n < 1_510; n++) pull(ring);
  expect(ring.playedMs).toBe(12_000);
});

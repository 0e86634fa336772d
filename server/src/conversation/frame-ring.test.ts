import { expect, test } from 'vitest';
import type { Frame } from '#audio/frame.ts';
import { FrameRing } from './frame-ring.ts';

test('the newest ten seconds are kept, copied, and given back from any moment on', () => {
  const ring = new FrameRing('mulaw-8000');
  const frame: Frame = { at: 0, format: 'mulaw-8000', sound: new Uint8Array(160), concealed: false };
  for (let i = 0; i < 750; i++) {
    frame.at = i * 20;
    frame.sound.fill(i % 256);
    ring.keep(frame);
  }
  frame.sound.fill(0xaa);
  const at = (from: number) => {
    const seen: [number, number][] = [];
    expect(ring.since(from, (one) => seen.push([one.at, one.sound[0]]))).toBe(seen.length);
    return seen;
  };
  expect(at(0)).toHaveLength(500);
  expect(at(0)[0]).toEqual([5_000, 250]);
  expect(at(14_950)).toEqual([
    [14_960, 748 % 256],
    [14_980, 749 % 256],
  ]);
  expect(at(15_000)).toEqual([]);
});

test('made-up frames are known as such, and wideband sound keeps its samples', () => {
  const ring = new FrameRing('linear-16000', 3);
  for (let i = 0; i < 4; i++) {
    ring.keep({ at: i * 20, format: 'linear-16000', sound: new Int16Array(320).fill(i - 2), concealed: i % 2 === 1 });
  }
  const seen: unknown[] = [];
  ring.since(0, ({ at, sound, concealed }) => seen.push([at, sound.length, sound[319], concealed]));
  expect(seen).toEqual([
    [20, 320, -1, true],
    [40, 320, 0, false],
    [60, 320, 1, true],
  ]);
});

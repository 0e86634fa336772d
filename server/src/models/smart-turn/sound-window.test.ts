import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SoundWindow } from './sound-window.ts';

const WHOLE = 64_000;

test('a young call is silence, then its sound', () => {
  const window = new SoundWindow('mulaw-8000');
  window.push({ sound: new Uint8Array(160).fill(7) });
  const copy = window.copy();
  expect(copy).toHaveLength(WHOLE);
  expect(new Set(copy.subarray(0, WHOLE - 160))).toEqual(new Set([0xff]));
  expect(new Set(copy.subarray(WHOLE - 160))).toEqual(new Set([7]));
});

test('a copy is not changed by what comes after it, and sound of another format is left out', () => {
  const window = new SoundWindow('linear-16000');
  window.push({ sound: new Int16Array(320).fill(-5) });
  const copy = window.copy();
  window.push({ sound: new Int16Array(320).fill(9) });
  window.push({ sound: new Uint8Array(160) });
  expect([copy.length, copy.at(-1), window.copy().at(-1), window.copy().at(-321)]).toEqual([128_000, -5, 9, -5]);
});

test('whatever the frames are, it holds the newest 8 s in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 8 }), (lengths) => {
      const window = new SoundWindow('mulaw-8000');
      const all: number[] = Array.from({ length: WHOLE }, () => 0xff);
      let n = 0;
      for (const length of lengths) {
        const sound = Uint8Array.from({ length }, () => n++ % 251);
        for (const value of sound) all.push(value);
        window.push({ sound });
      }
      expect(Buffer.from(window.copy() as Uint8Array).equals(Buffer.from(all.slice(-WHOLE)))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

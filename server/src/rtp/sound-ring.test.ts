import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RING, SoundRing } from './sound-ring.ts';

const SILENCE = 0xff;
const MISSING = -1;
const QUIET = -2;

/** What a ring says about a stretch, beside a plain array that holds a value, MISSING or QUIET for every place. */
function compare(ring: SoundRing, plain: readonly number[], timestamp: number, count: number): void {
  const stretch = Array.from({ length: count }, (_, i) => plain[(((timestamp + i) % RING) + RING) % RING]);
  expect(ring.hasSound(timestamp, count)).toBe(stretch.some((one) => one >= 0));
  expect(ring.hasGap(timestamp, count)).toBe(stretch.includes(MISSING));
  expect(ring.isWhole(timestamp, count)).toBe(stretch.every((one) => one >= 0));
  const out = new Uint8Array(count);
  ring.copyOver(timestamp, count, out, SILENCE);
  expect([...out]).toEqual(stretch.map((one) => (one >= 0 ? one : SILENCE)));
  if (!ring.isWhole(timestamp, count)) return;
  ring.copy(timestamp, count, out);
  expect([...out]).toEqual(stretch);
}

test('any stretches of sound and quiet, at any timestamps: each byte is known for what was last said of it', () => {
  const step = fc.record({
    what: fc.constantFrom('store', 'rest', 'forget'),
    // Around the wrap of 32 bits, and of the ring.
    timestamp: fc.integer({ min: 2 ** 32 - 3 * RING, max: 2 ** 32 + 3 * RING }),
    count: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const ring = new SoundRing();
      const plain = Array.from({ length: RING }, () => MISSING);
      const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 7) & 0xff);
      for (const { what, timestamp, count } of steps) {
        if (what === 'store') ring.store(timestamp, bytes, 0, count);
        else if (what === 'rest') ring.rest(timestamp, count);
        else ring.forget(timestamp, count);
        for (let i = 0; i < count; i++) plain[(timestamp + i) % RING] = what === 'store' ? bytes[i] : what === 'rest' ? QUIET : MISSING;
        compare(ring, plain, timestamp - 40, 160);
        compare(ring, plain, timestamp, count);
      }
      ring.clear();
      expect(ring.hasSound(0, RING)).toBe(false);
      expect(ring.isWhole(0, 0)).toBe(true);
    }),
  );
});

import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { unitVector } from '../vector-index.contract.ts';
import { VectorCodes } from './vector-codes.ts';

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

function coded(vectors: readonly Float32Array[]): VectorCodes {
  const codes = VectorCodes.of(vectors[0].length, vectors.length);
  if (!codes) throw new Error('no SIMD here');
  for (const [slot, vector] of vectors.entries()) codes.write(slot, vector);
  return codes;
}

test.each([1, 3, 32, 33, 384, 1536])('nobody who is among the nearest is left out, and few others stay: %i dimensions', (dimensions) => {
  const random = new SeededRandom(dimensions);
  const vectors = Array.from({ length: 2_500 }, () => unitVector(random, dimensions));
  const codes = coded(vectors);
  const slots = Uint32Array.from({ length: 2_400 }, (_, i) => (i * 7) % 2_500);
  for (const wanted of [1, 10, 50]) {
    const query = unitVector(random, dimensions);
    const exact = (few: Uint32Array) => Float32Array.from(few, (slot) => dot(vectors[slot], query));
    const left = codes.narrow(query, slots, wanted, exact);
    const scores = vectors.map((vector) => dot(vector, query));
    const last = Float64Array.from(slots, (slot) => scores[slot])
      .sort()
      .at(-wanted) as number;
    const stays = new Set(left);
    // Equals of the last one stay too.
    for (const slot of slots) if (scores[slot] > last - 1e-7 && !stays.has(slot)) expect(slot).toBe('left out');
    if (dimensions >= 32) expect(left.length).toBeLessThan(slots.length / 3);
  }
});

test('vectors that codes cannot tell apart are all kept', () => {
  const base = unitVector(new SeededRandom(1), 64);
  const vectors = Array.from({ length: 300 }, (_, i) => {
    const vector = base.slice();
    vector[i % 64] += 1e-5 * i;
    return vector;
  });
  const slots = Uint32Array.from(vectors.keys());
  const exact = (few: Uint32Array) => Float32Array.from(few, (slot) => dot(vectors[slot], base));
  const left = coded(vectors).narrow(base, slots, 1, exact);
  const nearest = [...slots].sort((a, b) => dot(vectors[b], base) - dot(vectors[a], base))[0];
  expect([...left]).toContain(nearest);
  expect(left.length).toBeGreaterThan(250);
});

test('the extreme vectors of many dimensions do not overflow', () => {
  const flat = new Float32Array(16_000).fill(1 / Math.sqrt(16_000));
  const opposite = flat.map((value) => -value);
  const codes = coded([opposite, flat, opposite]);
  expect([...codes.narrow(flat, Uint32Array.of(0, 1, 2), 1, () => Float32Array.of(1))]).toEqual([1]);
});

test('rows survive growth', () => {
  const random = new SeededRandom(3);
  const vectors = Array.from({ length: 40 }, () => unitVector(random, 20));
  const codes = coded(vectors);
  expect(codes.reserve(100_000)).toBe(true);
  const exact = (few: Uint32Array) => Float32Array.from(few, (slot) => dot(vectors[slot], vectors[7]));
  expect([...codes.narrow(vectors[7], Uint32Array.from(vectors.keys()), 1, exact)]).toContain(7);
  expect(codes.reserve(2 ** 30)).toBe(false);
});

import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { unitVector } from '../vector-index.contract.ts';
import { PIECE_ROWS, VectorRows } from './vector-rows.ts';

test.each([1, 3, 16, 17, 384, 1536])('plain loop and SIMD agree with the sum in double precision, %i dimensions', (dimensions) => {
  const random = new SeededRandom(1);
  const rows = new VectorRows(dimensions);
  const vectors: Float32Array[] = [];
  const query = unitVector(random, dimensions);
  // Across the change from plain to SIMD, and several growths.
  for (const count of [1, 15, 40, 200, 300, 700]) {
    while (vectors.length < count) {
      rows.reserve(vectors.length + 1);
      rows.write(vectors.length, unitVector(random, dimensions));
      vectors.push(rows.row(vectors.length).slice());
    }
    const slots = Uint32Array.from({ length: count }, (_, i) => (i * 7) % count);
    const scores = rows.score(query, slots, 0, count);
    expect(scores).toHaveLength(count);
    for (const [i, score] of scores.entries()) {
      const exact = vectors[slots[i]].reduce((sum, value, k) => sum + value * query[k], 0);
      if (!(Math.abs(score - exact) < 2e-6)) expect(score).toBe(exact);
    }
  }
});

test('a long list is scored in pieces, and rows survive growth byte for byte', () => {
  const random = new SeededRandom(2);
  const rows = new VectorRows(20);
  const count = PIECE_ROWS + 300;
  const first = unitVector(random, 20);
  rows.reserve(1);
  rows.write(0, first);
  rows.reserve(count);
  expect(rows.row(0)).toEqual(first);
  const slots = new Uint32Array(count);
  expect(rows.score(first, slots, 0, count)).toHaveLength(PIECE_ROWS);
  const rest = rows.score(first, slots, PIECE_ROWS, count);
  expect(rest).toHaveLength(300);
  expect(rest[299]).toBeCloseTo(1, 5);
});

test('more than 4 GiB is refused with a code', () => {
  const rows = new VectorRows(1536);
  expect(() => rows.reserve(1_000_000)).toThrow(expect.objectContaining({ code: 'too-large' }));
});

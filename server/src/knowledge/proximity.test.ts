import { expect, test } from 'vitest';
import type { ResolvedGroup } from './lexical-search.ts';
import { ProximityQuery } from './proximity.ts';

const group = (...ids: number[]): ResolvedGroup => ({
  members: ids.map((id, at) => ({ id, likeness: at === 0 ? 1 : 0.6, rarity: 2 })),
  weight: 1,
  rarity: 2,
  frame: false,
});
const sequence = (...terms: number[]) => Uint32Array.from(terms);
/** Terms of no question. */
const others = (count: number) => Array.from({ length: count }, (_, i) => 100 + i);

test('a passage that says the very words in their order is nearest', () => {
  const query = new ProximityQuery([group(1), group(2), group(3)]);
  expect(query.of(sequence(9, 1, 2, 3, 9))).toBe(1);
  expect(query.of(sequence(3, 2, 1))).toBe(0.5);
  expect(query.of(sequence(1, 2, ...others(5), 3))).toBe(0.75);
  expect(query.of(sequence(...others(9)))).toBe(0);
});

test('words of different sentences are not together', () => {
  const query = new ProximityQuery([group(1), group(2)]);
  expect(query.of(sequence(1, ...others(10), 2))).toBe(0.5);
  expect(query.of(sequence(1, ...others(20), 2))).toBe(0.25);
});

test('kin stands for its word, and what is said twice counts once', () => {
  const query = new ProximityQuery([group(1, 11), group(2, 12)]);
  expect(query.of(sequence(11, 12))).toBe(1);
  expect(query.of(sequence(1, 2, 1, 2, 1, 2))).toBe(1);
});

test('one word has no neighbour; nothing asked is nowhere', () => {
  expect(new ProximityQuery([group(1)]).of(sequence(4, 1))).toBe(1);
  expect(new ProximityQuery([]).of(sequence(4, 1))).toBe(0);
});

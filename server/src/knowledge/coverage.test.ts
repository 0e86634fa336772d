import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { coverageOf, coveragesOf } from './coverage.ts';
import type { ResolvedGroup } from './lexical-search.ts';

const group = (members: [id: number, likeness: number][], rarity = 1, weight = 1): ResolvedGroup => ({
  members: members.map(([id, likeness]) => ({ id, likeness, rarity })),
  weight,
  rarity,
  frame: false,
});

test('a group counts once, by the likeliest of its members that the passage holds', () => {
  const groups = [
    group([
      [3, 1],
      [5, 0.6],
    ]),
    group([[9, 1]], 3),
  ];
  expect(coverageOf(groups, Uint32Array.of(3, 5))).toBeCloseTo(0.25);
  expect(coverageOf(groups, Uint32Array.of(5))).toBeCloseTo(0.15);
  expect(coverageOf(groups, Uint32Array.of(5, 9))).toBeCloseTo(0.9);
  expect(coverageOf(groups, Uint32Array.of(1, 2, 70_000))).toBe(0);
  expect(coverageOf([], Uint32Array.of(1))).toBe(0);
});

test('it is what a plain comparison of each with each gives, whatever was asked before', () => {
  const member = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.double({ min: 0.1, max: 1, noNaN: true }));
  const groups = fc.array(fc.tuple(fc.array(member, { minLength: 1, maxLength: 4 }), fc.double({ min: 0.1, max: 5, noNaN: true })), {
    minLength: 1,
    maxLength: 6,
  });
  const passages = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 40 })), { maxLength: 5 });
  fc.assert(
    fc.property(groups, passages, (asked, texts) => {
      const resolved = asked.map(([members, rarity]) => group(members, rarity));
      const plain = (terms: number[]): number => {
        const held = resolved.map(({ members, rarity }) =>
          Math.max(0, ...members.filter(({ id }) => terms.includes(id)).map(({ likeness }) => rarity * likeness)),
        );
        return held.reduce((sum, one) => sum + one, 0) / resolved.reduce((sum, { rarity }) => sum + rarity, 0);
      };
      const found = coveragesOf(
        resolved,
        texts.map((terms) => Uint32Array.from(terms).sort()),
      );
      for (const [at, terms] of texts.entries()) expect(found[at]).toBeCloseTo(plain(terms), 10);
    }),
  );
});

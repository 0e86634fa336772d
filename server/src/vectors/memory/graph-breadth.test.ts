import { expect, test } from 'vitest';
import { GraphBreadth } from './graph-breadth.ts';

const vector = new Float32Array(4);

/** A graph that finds the first `wanted` slots only when it is asked for `needed` candidates; below, nine of ten. */
const graphThatNeeds = (needed: number) => (_: Float32Array, wanted: number, candidates: number) =>
  Array.from({ length: wanted }, (_, slot) => slot).filter((slot) => candidates >= needed || slot % 10 !== 0);

const all = (_: Float32Array, wanted: number) => Array.from({ length: wanted }, (_, slot) => slot);

function ask(breadth: GraphBreadth, times: number, size = 1_000): void {
  for (let i = 0; i < times; i++) breadth.note(vector, 10, size);
}

function settle(breadth: GraphBreadth, needed: number, size = 1_000): number | undefined {
  let steps = 0;
  while (breadth.isDue) {
    breadth.check(size, graphThatNeeds(needed), all);
    ask(breadth, 1, size);
    if (++steps > 1_000) throw new Error('it does not end');
  }
  return breadth.candidates;
}

test.each([
  [1, 64],
  [65, 96],
  [200, 256],
  [1_000, undefined],
])('a graph that needs %i candidates is asked for %s', (needed, candidates) => {
  const breadth = new GraphBreadth();
  expect(breadth.candidates).toBeUndefined();
  ask(breadth, 19);
  expect(breadth.isDue).toBe(false);
  ask(breadth, 1);
  expect(settle(breadth, needed)).toBe(candidates);
});

test('it is measured anew when the graph has grown by half, or after very many queries', () => {
  const breadth = new GraphBreadth();
  ask(breadth, 20);
  expect(settle(breadth, 1)).toBe(64);
  ask(breadth, 100, 1_400);
  expect(breadth.isDue).toBe(false);
  ask(breadth, 20, 1_600);
  expect(settle(breadth, 300, 1_600)).toBe(384);
  ask(breadth, 50_100, 1_600);
  expect(settle(breadth, 1, 1_600)).toBe(64);
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hedgeAfterMs, LatencyWindow } from './hedge.ts';

const windowOf = (latencies: Iterable<number>) => {
  const made = new LatencyWindow();
  for (const ms of latencies) made.add(ms);
  return made;
};
const range = (count: number, of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i));

test('no second request before 20 answers are known', () => {
  expect(hedgeAfterMs(windowOf(range(19, () => 500)))).toBeUndefined();
  expect(hedgeAfterMs(windowOf(range(20, () => 500)))).toBe(500);
});

test("after the model's own P75, never before 300 ms", () => {
  expect(hedgeAfterMs(windowOf(range(100, (i) => 1_000 + i)))).toBe(1_074);
  expect(hedgeAfterMs(windowOf(range(100, () => 90)))).toBe(300);
});

test('only the newest 128 count, and nonsense does not', () => {
  const window = windowOf([...range(200, () => 9_000), ...range(128, () => 400)]);
  expect([window.count, window.percentile(1)]).toEqual([128, 400]);
  window.add(Number.NaN);
  window.add(-1);
  expect(window.percentile(1)).toBe(400);
  expect(new LatencyWindow().percentile(0.5)).toBeUndefined();
});

test('percentiles are those of a sorted list', () => {
  const latencies = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(latencies, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
      const newest = all.slice(-128).sort((a, b) => a - b);
      expect(windowOf(all).percentile(share)).toBe(newest[Math.ceil(share * newest.length) - 1]);
    }),
  );
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('a percentile is right to one per cent, whatever came', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.2, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
        expect(Math.abs(histogram.percentile(share) / exact - 1)).toBeLessThan(0.01);
      },
    ),
  );
});

test('what there is nothing of is no number; what is below 0 is 0', () => {
  const histogram = new Histogram();
  expect(histogram.percentile(0.5)).toBeNaN();
  expect(histogram.summary()).toMatchObject({ n: 0, mean: Number.NaN, max: 0 });
  histogram.add(-3);
  expect(histogram.summary()).toMatchObject({ n: 1, mean: 0, p50: 0, p99: 0, max: 0 });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { passHat, passHatOfAll, passRates } from './pass-rates.ts';
import { checkedCall } from './testing.ts';

test('pass^k is the share of all ways to take k runs in which all passed', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }), fc.nat(), (runs, pick) => {
      const k = 1 + (pick % runs.length);
      let [all, good] = [0, 0];
      for (let subset = 0; subset < 2 ** runs.length; subset++) {
        const taken = runs.filter((_, index) => subset & (1 << index));
        if (taken.length !== k) continue;
        all++;
        if (taken.every(Boolean)) good++;
      }
      expect(passHat(runs.length, runs.filter(Boolean).length, k)).toBeCloseTo(good / all, 10);
    }),
  );
});

test('what cannot be told is refused', () => {
  expect(() => passHat(3, 3, 4)).toThrow(RangeError);
  expect(() => passHat(3, 3, 0)).toThrow(RangeError);
});

test('rates are kept per scenario and file, and averaged over scenarios', () => {
  const run = (name: string, passed: boolean, file = 'a.yaml') => ({ ...checkedCall({ name }, []), passed, file });
  const rates = passRates([
    run('one', true),
    run('one', false),
    run('two', true),
    run('two', true),
    run('one', true, 'b.yaml'),
    run('one', true, 'b.yaml'),
  ]);
  expect(rates.map(({ scenario, runs, passed, passHat: hat }) => [scenario, runs, passed, hat])).toEqual([
    ['one', 2, 1, [0.5, 0]],
    ['two', 2, 2, [1, 1]],
    ['one', 2, 2, [1, 1]],
  ]);
  expect(passHatOfAll(rates)).toEqual([2.5 / 3, 2 / 3]);
  expect(passHatOfAll([])).toEqual([]);
});

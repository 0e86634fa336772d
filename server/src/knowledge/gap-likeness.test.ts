import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameQuestion } from './gap-likeness.ts';

test.each([
  ['do you sell gift vouchers', 'can I buy a gift voucher from you'],
  ['Do you repair electric scooters?', 'do you repair electrik scooter'],
  ['how much is the XT-400', 'what does the ex tee four hundred cost'],
  ['is there a discount for students', 'do students get a discount'],
])('%s ~ %s', (a, b) => {
  expect(sameQuestion(a, b)).toBeGreaterThanOrEqual(0.65);
});

test.each([
  ['are you open on Saturday', 'are you open on Sunday'],
  ['do you sell gift vouchers', 'do you repair scooters'],
  ['how much is a scooter', 'how long does a scooter last'],
  ['how much is the XT-400', 'how much is the XT-500'],
  ['', 'are you open'],
])('%s !~ %s', (a, b) => {
  expect(sameQuestion(a, b)).toBeLessThan(0.65);
});

test('symmetric, 0 to 1, and 1 with itself', () => {
  const question = fc.array(
    fc.constantFrom('how', 'much', 'is', 'the', 'blue', 'bike', 'saddle', 'twelve', '12', 'not', 'sunday', 'xt', '400', 'ex'),
    {
      minLength: 1,
    },
  );
  fc.assert(
    fc.property(question, question, (a, b) => {
      const [left, right] = [a.join(' '), b.join(' ')];
      const likeness = sameQuestion(left, right);
      expect(likeness).toBe(sameQuestion(right, left));
      expect(likeness).toBeGreaterThanOrEqual(0);
      expect(likeness).toBeLessThanOrEqual(1);
      expect(sameQuestion(left, left)).toBeCloseTo(1);
    }),
  );
});

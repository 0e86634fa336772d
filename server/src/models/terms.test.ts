import { expect, test } from 'vitest';
import { stem, termsOf, wordsOf } from './terms.ts';

test('stems meet', () => {
  expect(stem('returns')).toBe(stem('returned'));
  expect(stem('services')).toBe(stem('service'));
  expect(stem('deliveries')).toBe(stem('delivery'));
  expect(stem('shipping')).toBe(stem('shipped'));
});

test('words keep their order, lose case, accents and endings after an apostrophe', () => {
  expect(wordsOf("What's the Café like?")).toEqual(['what', 'the', 'cafe', 'like']);
});

test('stop words are dropped unless nothing else is left', () => {
  expect(termsOf('when are you open')).toEqual(['open']);
  expect(termsOf('what is it')).toEqual(['what', 'is', 'it']);
});

test('words for one thing meet', () => {
  expect(termsOf('how much')).toEqual(termsOf('the price'));
  expect(termsOf('where are you')).toEqual(termsOf('your address'));
});

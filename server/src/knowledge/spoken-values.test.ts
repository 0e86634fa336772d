import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cardinal, digits, ordinal, year } from '#models/spoken-numbers.ts';
import { wordsOf } from '#models/terms.ts';
import { codeParts, codesIn, isBareNumber, spokenNumbers, wordFor } from './spoken-values.ts';

const figuresIn = (text: string) => spokenNumbers(wordsOf(text)).map(({ figures }) => figures);

test.each([
  ['four hundred', ['400']],
  ['two hundred and ninety dollars', ['290']],
  ['nineteen ninety eight', ['1998']],
  ['twenty twenty six', ['2026']],
  ['nineteen oh five', ['1905']],
  ['four zero zero', ['400']],
  ['five five five oh one oh oh', ['5550100']],
  ['the twenty first of may', ['21']],
  ['one million two hundred thousand and five', ['1200005']],
  ['nine thirty', ['9', '30']],
  ['between nine and five', ['9', '5']],
  ['hundred and', []],
  ['oh dear', []],
])('%s is %j', (text, figures) => {
  expect(figuresIn(text)).toEqual(figures);
});

test('every cardinal, ordinal and row of digits that is written out is read back', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), (value) => {
      expect(figuresIn(cardinal(value))).toEqual([String(value)]);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), (value) => {
      expect(figuresIn(ordinal(value))).toEqual([String(value)]);
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^\d{2,16}$/), (value) => {
      expect(figuresIn(digits(value))).toEqual([value]);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1010, max: 2199 }), (value) => {
      fc.pre(value % 100 !== 0 && Math.floor(value / 100) % 10 !== 0);
      expect(figuresIn(year(value)).join('')).toBe(String(value));
    }),
  );
});

test('small numbers and round tens have a word', () => {
  expect(['0', '9', '19', '40', '41', '100', 'x'].map(wordFor)).toEqual([
    'zero',
    'nine',
    'nineteen',
    'forty',
    undefined,
    undefined,
    undefined,
  ]);
});

test('codes are letters with figures, not measures or ordinals', () => {
  expect(codesIn('The XT-400 and the R2D2, not the 3rd, at 9am, 30-day, 5 km or 12')).toEqual(['xt400', 'r2d2']);
});

test('spelled letters and numbers are parts of a code', () => {
  const words = wordsOf('ex tee four hundred double u bravo');
  expect(codeParts(words, spokenNumbers(words)).map(({ text }) => text)).toEqual(['x', 't', '400', 'w', 'b']);
});

test.each(['one', '1', 'first', "it's two", 'is it seven', 'number one', 'the number two', '9 1', 'twenty first', 'option one'])(
  '%s is a number by itself',
  (text) => {
    expect(isBareNumber(wordsOf(text))).toBe(true);
  },
);

test.each([
  'How do I get one?',
  'Can I have one?',
  'And the second one?',
  'second one',
  'the first',
  'is it that one',
  'What is option 2?',
  'Can I have two?',
  'four hundred',
])('%s is more than a number', (text) => {
  expect(isBareNumber(wordsOf(text))).toBe(false);
});

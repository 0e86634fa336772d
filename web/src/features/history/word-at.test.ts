import { expect, test } from 'vitest';
import { wordIndexAt, wordStartMs } from './word-at.ts';

const line = {
  fromMs: 1000,
  toMs: 2000,
  words: [
    { text: 'We', fromMs: 0, toMs: 150 },
    { text: 'are', fromMs: 150, toMs: 300 },
    { text: 'open', fromMs: 700, toMs: 1000 },
  ],
};

test('the word that is heard, and nothing in a long gap or outside the line', () => {
  expect([999, 1000, 1149, 1150, 1310, 1500, 1700, 2000, 2100, 2121].map((ms) => wordIndexAt(line, ms))).toEqual([
    -1, 0, 0, 1, 1, -1, 2, 2, 2, -1,
  ]);
});

test('a line without word times has no word', () => {
  expect(wordIndexAt({ ...line, words: [] }, 1500)).toBe(-1);
});

test('a word begins where its line begins and then some', () => {
  expect(wordStartMs(line, 2)).toBe(1700);
  expect(wordStartMs({ ...line, words: [] }, 0)).toBe(1000);
});

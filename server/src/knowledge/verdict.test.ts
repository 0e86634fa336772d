import { expect, test } from 'vitest';
import { HYBRID_BOUNDS, verdictOf, WORDS_BOUNDS } from './verdict.ts';

const found = { margin: 0, coverage: 0.5, ownCoverage: 1, vectors: false };

test('the score decides, by the bounds of how it was made', () => {
  for (const [vectors, { answer, clarify }] of [[false, WORDS_BOUNDS] as const, [true, HYBRID_BOUNDS] as const]) {
    expect(verdictOf({ ...found, vectors, score: answer })).toBe('answer');
    expect(verdictOf({ ...found, vectors, score: answer - 0.01 })).toBe('clarify');
    expect(verdictOf({ ...found, vectors, score: clarify })).toBe('clarify');
    expect(verdictOf({ ...found, vectors, score: clarify - 0.01 })).toBe('unknown');
  }
});

test('what holds no word of this very question is no answer to it', () => {
  expect(verdictOf({ ...found, ownCoverage: 0, score: 0.9 })).toBe('clarify');
});

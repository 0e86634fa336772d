import { expect, test } from 'vitest';
import { stem } from '#models/terms.ts';
import { rootOf } from './word-family.ts';

const rootsOf = (words: string) => new Set(words.split(' ').map((word) => rootOf(stem(word))));

test.each([
  'deliver delivery deliveries delivered delivering',
  'measure measurement measuring measures',
  'pay payment payments paying',
  'insure insurance insured insurer',
  'cancel cancellation cancelled cancelling',
  'organize organization organizational organizer',
  'emigrate emigration emigrants',
  'efficient efficiency efficiently',
])('one family: %s', (words) => {
  expect(rootsOf(words).size).toBe(1);
});

test.each(['nation native', 'order border', 'open operate', 'bill billion', 'union unit'])('two families: %s', (words) => {
  expect(rootsOf(words).size).toBe(2);
});

test('short words stay as they are', () => {
  for (const word of ['city', 'day', 'ion', 'tent', 'army', 'user']) expect(rootOf(word)).toBe(word);
});

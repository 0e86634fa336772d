import { describe, expect, test } from 'vitest';
import { termOf } from '#models/terms.ts';
import { KnowledgeBase } from './knowledge-base.ts';
import { isFrameTerm, relativesOf } from './word-relations.ts';

const likenessOf = (word: string, other: string) => relativesOf(termOf(word)).find(({ term }) => term === termOf(other))?.likeness;

test.each([
  ['led', 'lead'],
  ['sold', 'sale'],
  ['children', 'child'],
  ['destroyed', 'destruction'],
  ['French', 'France'],
  ['purchase', 'buy'],
  ['defective', 'broken'],
])('%s may stand for %s, and the other way', (a, b) => {
  const [word, other] = [a.toLowerCase(), b.toLowerCase()];
  expect(likenessOf(word, other)).toBeGreaterThan(0);
  expect(likenessOf(other, word)).toBe(likenessOf(word, other));
});

test('a form of the word is worth more than a word of nearly its meaning', () => {
  expect(likenessOf('bought', 'buy')).toBeGreaterThan(likenessOf('purchase', 'buy') ?? 1);
});

test('no word stands for itself, none twice, and most for none', () => {
  for (const word of ['start', 'speech', 'book', 'leave', 'fall']) {
    const terms = relativesOf(termOf(word)).map(({ term }) => term);
    expect(terms).not.toContain(termOf(word));
    expect(new Set(terms).size).toBe(terms.length);
  }
  expect(relativesOf('parking')).toEqual([]);
});

describe('in a search', () => {
  const documents = [
    { id: 'returns', title: 'Returns', text: 'Whatever you bought from us goes back within thirty days when it arrived faulty.' },
    { id: 'trade', title: 'Trade', text: 'The harbour was built by merchants from Germany who had sold amber there for many years.' },
    { id: 'hours', title: 'Hours', text: 'The counter for parcels is open from nine to five on weekdays and closed on public holidays.' },
  ];
  const base = new KnowledgeBase({ version: '1', documents, questions: [] });

  test.each([
    ['I want to purchase something that may be defective', 'returns'],
    ['Where did German traders have their amber sale?', 'trade'],
  ])('%s', (question, right) => {
    expect(base.search(question).passages[0]?.documentId).toBe(right);
  });
});

test('words that frame a question are known in all their forms', () => {
  for (const word of ['name', 'names', 'type', 'called', 'happened', 'years']) expect(isFrameTerm(termOf(word))).toBe(true);
  for (const word of ['parking', 'invoice', 'open', 'price']) expect(isFrameTerm(termOf(word))).toBe(false);
});

import type { Assistant } from '@tandem/contract';
import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import type { Library, LibraryQuery, Retrieval } from '#knowledge/library.ts';
import type { Route } from './directory.ts';
import { lookUp } from './look-up.ts';

const scope = { bases: ['sales'], documentIds: [], tags: [], languages: [], audiences: [] };
const question = (id: string, phrasing: string, answer: string, base: string) => ({ id, phrasings: [phrasing], answer, base });
const route: Route = {
  businessId: 'business_1',
  businessName: 'Harbour',
  assistant: { knowledge: scope } as unknown as Assistant,
  knowledge: new KnowledgeBase({
    version: '1',
    documents: [],
    questions: [
      question('q1', 'When are you open?', 'From nine to five.', 'sales'),
      question('q2', 'What is the door code?', 'Four two four two.', 'staff'),
    ],
  }),
};
const nothing: Retrieval = { passages: [], answerable: false, verdict: 'unknown' };

function asked(answer: () => Retrieval | Promise<Retrieval>): Library & { queries: LibraryQuery[] } {
  const queries: LibraryQuery[] = [];
  return {
    queries,
    search: (_, query) => {
      queries.push(query);
      return answer();
    },
  };
}

test('approved words are answered at once, everything else is asked of the library within the scope', async () => {
  const library = asked(async () => nothing);
  const retrieve = lookUp(route, library, testKit());
  // The business is read while it still rings in the caller's ear.
  expect(library.queries.splice(0)).toEqual([{ text: '', scope }]);
  expect(await retrieve({ text: 'when are you open', history: [] })).toMatchObject({ approved: { answer: 'From nine to five.' } });
  expect(library.queries).toEqual([]);
  expect(await retrieve({ text: 'and on Sunday?', history: ['From nine to five.'] })).toBe(nothing);
  expect(library.queries).toEqual([{ text: 'and on Sunday?', history: ['From nine to five.'], scope }]);
});

test('an approved question outside the scope is none, in the very words too', async () => {
  const found = await lookUp(route, undefined, testKit())({ text: 'What is the door code?', history: [] });
  expect(JSON.stringify(found)).not.toContain('Four two');
});

test('a library that fails leaves the approved questions', async () => {
  const retrieve = lookUp(
    route,
    asked(() => Promise.reject(new Error('the thread is away'))),
    testKit(),
  );
  expect((await retrieve({ text: 'when do you open', history: [] })).passages[0]?.answer).toBe('From nine to five.');
});

test('what the library answers is not searched here', async () => {
  const searched: string[] = [];
  const knowledge = { hasPhrasing: () => false, search: ({ text }: LibraryQuery) => searched.push(text) } as unknown as KnowledgeBase;
  const retrieve = lookUp(
    { ...route, knowledge },
    asked(async () => nothing),
    testKit(),
  );
  expect(await retrieve({ text: 'do you ship to Norway', history: [] })).toBe(nothing);
  expect(searched).toEqual([]);
});

import type { KnowledgeDocument } from '@tandem/contract';
import { expect, test } from 'vitest';
import { faultInWords, placeOf, sizeInWords, wayOf } from './document-words.ts';

const document: KnowledgeDocument = {
  id: 'd',
  businessId: 'b',
  title: 'Prices',
  base: 'main',
  language: 'en',
  tags: [],
  audience: 'everyone',
  format: 'xlsx',
  state: 'ready',
  progress: 1,
  version: 1,
  passages: 31,
  pages: 2,
  bytes: 48_211,
  fileName: 'prices.xlsx',
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
};

test('the way from upload to ready never goes back, and ends where it is ready or failed', () => {
  const states = ['waiting', 'extracting', 'cutting', 'embedding'] as const;
  const shares = states.flatMap((state) => [0, 0.5, 1].map((progress) => wayOf({ state, progress })?.share ?? Number.NaN));
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  expect(wayOf({ state: 'ready', progress: 1 })).toBeUndefined();
  expect(wayOf({ state: 'failed', progress: 0.4 })).toBeUndefined();
});

test('a document is told by its kind, size and length; before it was read its name says the kind', () => {
  expect(sizeInWords(document)).toBe('Excel · 48 KB · 2 sheets · 31 passages');
  const { pages: _pages, ...unread } = document;
  expect(sizeInWords({ ...unread, format: 'markdown', fileName: 'plan.pdf', state: 'failed', passages: 0, bytes: 15 })).toBe(
    'PDF · 15 bytes',
  );
  const { fileName: _fileName, ...written } = unread;
  expect(sizeInWords({ ...written, format: 'markdown', passages: 1 })).toBe('Written here · 1 passage');
  expect(sizeInWords({ ...written, format: 'html', url: 'https://example.com/a', passages: 2 })).toBe('Web page · 2 passages');
});

test('a fault without a name is ours, and an address is said without its scheme', () => {
  expect(faultInWords(undefined).reason).toBe('Something failed on our side.');
  expect(faultInWords('file-encrypted').again).toBe(false);
  expect(placeOf('https://www.example.com/')).toBe('example.com');
});

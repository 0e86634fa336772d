import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { LexicalIndex } from './lexical-index.ts';
import { coverageOf } from './coverage.ts';
import { Selection } from './lexical-search.ts';
import { groupsOf } from './query-groups.ts';
import { Vocabulary } from './vocabulary.ts';

const passage = (id: string, title: string, text: string, tags: string[] = []) => ({
  id,
  documentId: id.split('#')[0],
  base: 'main',
  title,
  text,
  language: 'en',
  tags,
  audience: 'everyone',
});

function built(records: ReturnType<typeof passage>[]) {
  const vocabulary = new Vocabulary();
  const index = new LexicalIndex('documents', vocabulary);
  for (const record of records) index.put(record);
  return { index, vocabulary, selection: new Selection([index], vocabulary) };
}

const known = (selection: Selection) => ({ vocabulary: selection.vocabulary, holding: (term: string) => selection.holding(term) });

/** BM25F as the paper has it, word by word. */
function plain(records: ReturnType<typeof passage>[], query: string[]): Map<string, number> {
  const bag = (text: string) => text.split(' ').filter(Boolean);
  const mean = (lengths: number[]) => lengths.reduce((a, b) => a + b, 0) / lengths.length;
  const usual = { title: mean(records.map((r) => bag(r.title).length)), text: mean(records.map((r) => bag(r.text).length)) };
  const scores = new Map<string, number>();
  for (const term of new Set(query)) {
    const holding = records.filter((r) => [...bag(r.title), ...bag(r.text)].includes(term)).length;
    const rarity = Math.log(1 + (records.length - holding + 0.5) / (holding + 0.5));
    for (const { id, title, text } of records) {
      const [inTitle, inText] = [title, text].map((field) => bag(field).filter((word) => word === term).length);
      if (inTitle + inText === 0) continue;
      const often = inText / (0.25 + (0.75 * bag(text).length) / usual.text) + inTitle / (0.5 + (0.5 * bag(title).length) / usual.title);
      scores.set(id, (scores.get(id) ?? 0) + (rarity * 2.2 * often) / (1.2 + often));
    }
  }
  return scores;
}

// Words of which none is a stop word, a form, a synonym, or like another.
const WORDS = ['zebra', 'quilt', 'fjord', 'glyph', 'bronk', 'waltz', 'nymph', 'vixud'];

test('relevance is that of BM25F, also when long lists are not read to their end', () => {
  const random = new SeededRandom(5);
  // The first words are in most passages, the last in few: what lets long lists be passed over.
  const word = () => WORDS[Math.min(random.below(8), random.below(8), random.below(8))];
  const records = Array.from({ length: 4_000 }, (_, i) => {
    const words = Array.from({ length: 3 + random.below(12) }, word);
    return passage(`d${i}#0`, i % 7 === 0 ? word() : '', i % 50 === 0 ? `${words.join(' ')} vixud nymph` : words.join(' '));
  });
  const { selection } = built(records);
  for (const query of [['vixud', 'zebra'], ['nymph', 'vixud', 'zebra', 'quilt'], ['zebra'], WORDS]) {
    const expected = [...plain(records, query)].sort((a, b) => b[1] - a[1]).slice(0, 10);
    const { documents } = selection.search(selection.resolve(groupsOf(query.join(' '), known(selection))), [], 10);
    expect(documents).toHaveLength(10);
    for (const [at, { relevance }] of documents.entries()) expect(relevance).toBeCloseTo(expected[at][1], 3);
  }
});

test('several bases count as one', () => {
  const records = Array.from({ length: 60 }, (_, i) => passage(`d${i}#0`, '', [WORDS[i % 8], WORDS[(i * 3) % 7], WORDS[i % 5]].join(' ')));
  const whole = built(records);
  const vocabulary = new Vocabulary();
  const parts = [new LexicalIndex('documents', vocabulary), new LexicalIndex('documents', vocabulary)];
  for (const [i, record] of records.entries()) parts[i % 2].put(record);
  const parted = new Selection(parts, vocabulary);
  const find = (selection: Selection) =>
    selection
      .search(selection.resolve(groupsOf('vixud zebra quilt', known(selection))), [], 20)
      .documents.map(({ entry, relevance }) => [entry.record.id, relevance]);
  expect(find(parted)).toEqual(find(whole.selection));
});

test('a passage that only sounds or looks like the question is found, below one that has its words', () => {
  const { selection } = built([
    passage('a#0', 'Whitening', 'Whitening costs three hundred dollars.'),
    passage('b#0', 'Invisalign', 'Invisalign braces take a year.'),
    passage('c#0', 'Writing', 'We write a report.'),
  ]);
  const best = (text: string) =>
    selection.search(selection.resolve(groupsOf(text, known(selection))), [], 5).documents.map(({ entry }) => entry.record.id);
  expect(best('invizalign')[0]).toBe('b#0');
  expect(best('whitning')[0]).toBe('a#0');
  expect(best('white ning')[0]).toBe('a#0');
  expect(best('whiteningcosts')[0]).toBe('a#0');
  expect(best('whitening')[0]).toBe('a#0');
});

describe('coverage', () => {
  test('is the share of information, 0 to 1', () => {
    const { selection } = built([passage('a#0', '', 'zebra quilt'), passage('b#0', '', 'zebra fjord'), passage('c#0', '', 'zebra glyph')]);
    const groups = selection.resolve(groupsOf('zebra quilt', known(selection)));
    const [first, second] = selection.search(groups, [], 3).documents;
    expect(coverageOf(groups, first.entry.terms)).toBeCloseTo(1);
    expect(coverageOf(groups, second.entry.terms)).toBeLessThan(0.2);
    expect(coverageOf([], first.entry.terms)).toBe(0);
  });
});

test('puts and removals leave nothing behind', () => {
  const text = fc
    .array(fc.constantFrom(...WORDS, 'XT-400', 'four', 'hundred'), { minLength: 1, maxLength: 6 })
    .map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), text), { maxLength: 30 }), (steps) => {
      const { index, vocabulary } = built([]);
      for (const [number, words] of steps) index.put(passage(`d${number}#0`, 'Fjord', words, ['x']));
      for (const [number] of steps) index.remove(`d${number}#0`);
      expect(index.size).toBe(0);
      expect(vocabulary.size).toBe(0);
      expect(index.totals).toEqual({ title: 0, text: 0 });
      expect(vocabulary.neighbours('zebro', 5)).toEqual([]);
    }),
  );
});

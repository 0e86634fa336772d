import type { CallEvent, CallFact } from '@tandem/contract';
import { expect, test } from 'vitest';
import { marksOf, supportOf } from './support.ts';

const told = (...facts: CallFact[]): CallEvent[] =>
  facts.map((fact, seq): CallEvent => ({ ...fact, at: seq, businessId: 'b', callId: 'c', seq }));
const passage = (id: string, score: number) => ({ id, documentId: id.replace(/#.*/, ''), title: `Title of ${id}`, score });
const looked = (turn: number, query: string, ...passages: ReturnType<typeof passage>[]): CallFact => ({
  type: 'retrieval-done',
  turn,
  query,
  passages,
  answerable: passages.length > 0,
  tookMs: 2,
});
const completed = (turn: number, sentences?: { text: string; passages: string[] }[]): CallFact => ({
  type: 'turn-completed',
  turn,
  heard: '',
  interrupted: false,
  stages: {},
  ...(sentences ? { sentences } : {}),
});

test('each source is numbered once, where the answer first rests on it; what supports nothing is counted', () => {
  const support = supportOf(
    told(
      looked(1, 'how much', passage('d1#0', 0.4)),
      looked(1, 'how much is a check-up', passage('d1#0', 0.9), passage('d2#3', 0.5), passage('d3#0', 0.3)),
      { type: 'tool-called', turn: 1, toolCallId: 't1', name: 'find_slot', arguments: {} },
      completed(1, [
        { text: 'Forty-five dollars.', passages: ['d2#3'] },
        { text: 'Nine is free.', passages: ['t1', 'd2#3'] },
        { text: 'Shall I book it?', passages: [] },
        { text: 'From a passage nobody knows.', passages: ['gone#1'] },
      ]),
    ),
  ).get(1);
  expect(support?.query).toBe('how much is a check-up');
  expect(support?.verdict).toBe('answer');
  expect(support?.sources.map(({ n, title, documentId, sentences }) => [n, title, documentId, sentences.length])).toEqual([
    [1, 'Title of d2#3', 'd2', 2],
    [2, 'find_slot', undefined, 1],
  ]);
  expect(support?.sentences?.map(({ sources }) => sources)).toEqual([[1], [2, 1], [], []]);
  expect(support?.unused).toBe(2);
});

test('an answer may rest on what an earlier turn found; a call that kept no sentences shows what it found', () => {
  const support = supportOf(
    told(
      looked(1, 'a', passage('d1#0', 0.9)),
      completed(1),
      looked(2, 'b'),
      completed(2, [{ text: 'As I said.', passages: ['d1#0'] }]),
      completed(3),
    ),
  );
  expect(support.get(1)?.sources.map(({ id }) => id)).toEqual(['d1#0']);
  expect(support.get(1)?.sentences).toBeUndefined();
  expect(support.get(2)).toMatchObject({ verdict: 'unknown', sources: [{ n: 1, id: 'd1#0' }], unused: 0 });
  expect(support.has(3)).toBe(false);
});

test('marks stand after the last word of each sentence, past fillers and punctuation, and not where it was cut off', () => {
  const words = 'One moment. It is $45 – really. Parking is free'.split(' ').map((text) => ({ text }));
  const sentences = [
    { text: 'It is $45 – really.', sources: [1] },
    { text: 'Parking is free behind the building.', sources: [2] },
  ];
  expect([...marksOf(words, sentences)]).toEqual([[6, [1]]]);
  const same = [
    { text: 'One moment.', sources: [3] },
    { text: 'It is $45 – really.', sources: [3] },
    { text: 'Parking', sources: [4, 3] },
  ];
  expect([...marksOf(words, same)]).toEqual([
    [6, [3]],
    [7, [4, 3]],
  ]);
  expect(marksOf([], sentences).size).toBe(0);
  expect(marksOf(words, []).size).toBe(0);
});

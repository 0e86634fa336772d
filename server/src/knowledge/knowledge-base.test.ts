import { describe, expect, test } from 'vitest';
import { KnowledgeBase } from './knowledge-base.ts';

const base = new KnowledgeBase({
  version: '1',
  documents: [
    {
      id: 'hours',
      title: 'Opening hours',
      text: 'The practice is open Monday to Friday from eight in the morning until six in the evening. On Saturday we open from nine until one.',
    },
    {
      id: 'parking',
      title: 'Parking',
      text: 'There is free parking behind the building for two hours. The tram stops in front of the door.',
    },
    {
      id: 'payment',
      title: 'Payment',
      text: 'We accept cash, bank cards and most dental insurance plans. An invoice can be paid within thirty days.',
    },
  ],
  questions: [
    {
      id: 'whitening',
      phrasings: ['How much is teeth whitening', 'What does whitening cost'],
      answer: 'Whitening costs two hundred and ninety dollars.',
    },
    { id: 'cancel', phrasings: ['How do I cancel my appointment'], answer: 'Call us one day before.' },
    { id: 'move', phrasings: ['How do I move my appointment'], answer: 'Tell me the new day.' },
  ],
});

describe('answerable', () => {
  test.each([
    ['When are you open on Saturday?', 'hours'],
    ['is there parking', 'parking'],
    ['do you accept insurance', 'payment'],
  ])('%s', (query, documentId) => {
    const { passages, answerable } = base.search(query);
    expect(answerable).toBe(true);
    expect(passages[0].documentId).toBe(documentId);
  });

  test('an approved question is found by any of its phrasings and appears once', () => {
    const { passages, answerable } = base.search('what does the whitening cost please');
    expect(answerable).toBe(true);
    expect(passages[0]).toMatchObject({ documentId: 'whitening', answer: 'Whitening costs two hundred and ninety dollars.' });
    expect(passages.filter(({ documentId }) => documentId === 'whitening')).toHaveLength(1);
  });

  test('questions that differ in one word are told apart', () => {
    expect(base.search('how do I cancel my appointment').passages[0].documentId).toBe('cancel');
    expect(base.search('how do I move my appointment').passages[0].documentId).toBe('move');
  });

  test('half a question does not choose between two approved answers', () => {
    expect(base.search('appointment').passages.filter(({ answer }) => answer !== undefined)).toEqual([]);
  });
});

describe('not answerable', () => {
  test.each(['do you sell bicycles', 'what is the capital of france', '', '???'])('%j', (query) => {
    expect(base.search(query).answerable).toBe(false);
  });
});

test('scores stay between 0 and 1, best first', () => {
  for (const query of ['parking insurance hours', 'whitening', 'open saturday parking free cash']) {
    const scores = base.search(query).passages.map(({ score }) => score);
    for (const score of scores) expect(score).toBeGreaterThanOrEqual(0);
    for (const score of scores) expect(score).toBeLessThanOrEqual(1);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  }
});

test('phrases for closed-grammar recognition are every phrasing and every heading, once', () => {
  expect(base.phrases).toHaveLength(7);
  expect(base.phrases).toContain('Opening hours');
});

test('built in pieces it is the same, and pauses on the way', async () => {
  const text = Array.from({ length: 300 }, (_, i) => `# Topic ${i}\nFact number ${i} is about thing${i}.`).join('\n');
  const source = {
    version: '2',
    documents: [{ id: 'd', title: 'Long', text }],
    questions: [{ id: 'q', phrasings: ['What now'], answer: 'Later.' }],
  };
  let pauses = 0;
  const pieces = await KnowledgeBase.inPieces(source, async () => void pauses++);
  const whole = new KnowledgeBase(source);
  expect(pauses).toBe(15);
  expect(pieces.size).toBe(301);
  expect(pieces.phrases).toEqual(whole.phrases);
  expect(pieces.search('thing17')).toEqual(whole.search('thing17'));
});

test('an empty knowledge base answers nothing', () => {
  expect(new KnowledgeBase({ version: '0', documents: [], questions: [] }).search('hello there')).toEqual({
    passages: [],
    answerable: false,
    verdict: 'unknown',
    confidence: { score: 0, margin: 0, coverage: 0 },
  });
});

test('only the very words of a phrasing make its answer one that is spoken as it stands', () => {
  const base = new KnowledgeBase({
    version: '1',
    documents: [],
    questions: [{ id: 'q1', phrasings: ['When are you open?', 'What are your opening hours?'], answer: 'All day.' }],
  });
  expect(base.search('when are you open').approved?.answer).toBe('All day.');
  expect(base.search('What are your Opening hours!').approved?.documentId).toBe('q1');
  for (const other of ['when are you not open', 'when are you open on Sunday', 'open', ''])
    expect(base.search(other).approved).toBeUndefined();
});

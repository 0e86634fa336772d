import { describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { ExtractiveLanguageModel } from '#models/extractive/language-model.ts';
import { modelRequest, partsOf, textOf } from '#models/language-model.contract.ts';
import { factsText } from '#models/prompt.ts';
import { KnowledgeBase } from './knowledge-base.ts';
import { questionsIn } from './questions.ts';

describe('which questions there are', () => {
  test.each<[string, string[]]>([
    ['What are your opening hours? And do you have parking?', ['What are your opening hours?', 'do you have parking?']],
    ['what are your opening hours and do you have parking', ['what are your opening hours', 'do you have parking']],
    ['Where can I park, and do you treat children?', ['Where can I park', 'do you treat children?']],
    ['Are you open on Saturday? And Sunday?', ['Are you open on Saturday?', 'And Sunday?']],
    ['I would like to know when you open and where you are', ['I would like to know when you open', 'where you are']],
    ['tell me the price of a crown and whether you have parking', ['tell me the price of a crown', 'whether you have parking']],
    ['Wie lange haben Sie auf? Und kann man bei Ihnen parken?', ['Wie lange haben Sie auf?', 'Und kann man bei Ihnen parken?']],
  ])('%s', (text, questions) => {
    expect(questionsIn(text)).toEqual(questions);
  });

  test.each([
    '',
    'When do you open and close?',
    'how and when do you deliver',
    'Hello? Are you there? When are you open?',
    'I have a toothache. Can you see me today?',
    'Hi, my name is Tom. What does a crown cost? I need it by Friday.',
    'Are you open at 8 a.m. on Sunday?',
    'Is Dr. Marsh in on Monday?',
    'What is the difference between a crown and what you call a bridge?',
    'I would like to change my booking and my address',
  ])('one: %s', (text) => {
    expect(questionsIn(text)).toEqual([text]);
  });

  test('at most three; nothing of the rest is lost', () => {
    const text = 'Do you have parking? Do you take cards? Do you see children? Do you sell shoes?';
    expect(questionsIn(text)).toEqual(['Do you have parking?', 'Do you take cards?', 'Do you see children? Do you sell shoes?']);
  });
});

const HOURS = 'We are open from eight to six.';
const PARKING = 'Our car park is on Rope Lane.';
const base = new KnowledgeBase({
  version: '1',
  documents: [
    {
      id: 'prices',
      title: 'Prices of treatments',
      text: 'A crown costs six hundred and forty pounds.\n\nBus number seven stops at our door.\n\nA cleaning costs sixty two pounds.',
    },
  ],
  questions: [
    { id: 'hours', phrasings: ['What are your opening hours?', 'When are you open?'], answer: HOURS },
    { id: 'parking', phrasings: ['Where can I park?', 'Do you have parking?'], answer: PARKING },
    { id: 'both', phrasings: ['Is there a bus? And is there a train?'], answer: 'Bus seven, and no train.' },
    { id: 'staff', phrasings: ['zero'], answer: 'I connect you.' },
  ],
});
const model = new ExtractiveLanguageModel(testKit());
const said = async (text: string): Promise<string> => {
  const { passages, answerable, unanswered } = base.search(text);
  const request = modelRequest({ messages: [{ role: 'user', text }], passages, answerable, ...(unanswered ? { unanswered } : {}) });
  return textOf(await partsOf(model, request));
};

describe('what is found for two', () => {
  test('both approved answers stand, in their order', () => {
    const found = base.search('Do you have parking? And what are your opening hours?');
    expect([found.approved, ...(found.approvedToo ?? [])].map((passage) => passage?.answer)).toEqual([PARKING, HOURS]);
    expect(found).toMatchObject({ verdict: 'answer', answerable: true });
  });

  test('an approved answer and a document: the model is given both, each with its question', async () => {
    const text = 'What are your opening hours? And how much is a crown?';
    const found = base.search(text);
    expect(found.approved).toBeUndefined();
    expect(found.passages.slice(0, 2).map(({ documentId, questions }) => [documentId, questions])).toEqual([
      ['hours', ['What are your opening hours?']],
      ['prices', ['how much is a crown?']],
    ]);
    expect(factsText(modelRequest(found))).toMatch(/six hundred and forty[^]*answer each of them/);
    expect(await said(text)).toBe(`${HOURS} A crown costs six hundred and forty pounds.`);
  });

  test('two facts of one document', async () => {
    expect(await said('How much is a crown and how much is a cleaning')).toBe(
      'A crown costs six hundred and forty pounds. A cleaning costs sixty two pounds.',
    );
  });

  test('what nothing answers is said to be unknown, beside what is answered', async () => {
    const text = 'Do you sell bicycles? And do you have parking?';
    const found = base.search(text);
    expect(found).toMatchObject({ verdict: 'answer', unanswered: ['Do you sell bicycles?'] });
    expect(found.approved).toBeUndefined();
    expect(factsText(modelRequest(found))).toContain('["Do you sell bicycles?"]');
    expect(await said(text)).toBe(`${PARKING} I'm sorry, I don't know the answer to your other question.`);
    expect(base.search('Do you sell bicycles? Do you sell rockets?').verdict).not.toBe('answer');
  });

  test('one approved answer to these very words is for both', () => {
    const found = base.search('is there a bus, and is there a train?');
    expect(found.approved?.documentId).toBe('both');
    expect(found.approvedToo).toBeUndefined();
  });
});

test.each(['seven', '7', 'number seven', 'is it seven', 'two'])('%s alone asks nothing that a passage answers', (text) => {
  for (const history of [[], ['Hello, how can I help?', 'how much is a crown', 'Six hundred and forty pounds.']]) {
    expect(base.search({ text, history })).toMatchObject({ verdict: 'unknown', passages: [] });
  }
});

const permits = new KnowledgeBase({
  version: '1',
  documents: [
    {
      id: 'permits',
      title: 'Parking permits',
      text: 'Parking permits are issued at the front desk. The first is free, the second costs ten pounds.',
    },
    { id: 'plans', title: 'Plans', text: 'Option 2 is a plan of twelve months. Option 3 is a plan of two years.' },
  ],
  questions: [],
});

test.each(['How do I get one?', 'Can I have one?', 'And the second one?'])('%s takes its subject from the lines before', (text) => {
  const found = permits.search({ text, history: ['Do you have parking permits?', 'Yes, we have parking permits.'] });
  expect(found.passages[0]?.documentId).toBe('permits');
  expect(found.verdict).not.toBe('unknown');
});

test('a question about a numbered thing is looked up', () => {
  expect(permits.search('What is option 2?').passages[0]?.documentId).toBe('plans');
});

test('a number beside a subject, a code, and an approved single word are looked up as ever', () => {
  expect(base.search('where does bus seven stop').verdict).toBe('answer');
  expect(base.search('zero').approved?.documentId).toBe('staff');
});

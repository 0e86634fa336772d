import type { CallEvent, CallFact } from '@tandem/contract';
import { expect, test } from 'vitest';
import { storyOf } from './deeds.ts';

const told = (...facts: (CallFact & { at: number })[]): CallEvent[] =>
  facts.map((fact, seq): CallEvent => ({ ...fact, businessId: 'b', callId: 'c', seq }));
const answered = { at: 500, type: 'call-answered', ringMs: 500 } as const;

test('a tool call stands with its arguments, its outcome and how long it took, from the answer on', () => {
  const { deeds } = storyOf(
    told(
      answered,
      { at: 4_500, type: 'tool-called', turn: 1, toolCallId: 't1', name: 'find_order', arguments: { order: '4711', gift: true } },
      {
        at: 4_900,
        type: 'tool-returned',
        turn: 1,
        toolCallId: 't1',
        name: 'find_order',
        outcome: 'ok',
        tookMs: 400,
        result: 'x'.repeat(900),
      },
      { at: 9_000, type: 'tool-called', turn: 2, toolCallId: 't2', name: 'book', arguments: 'half a {' },
    ),
  );
  expect(deeds[0]).toMatchObject({ title: 'find_order', atMs: 4_000, outcome: 'Done in 400 ms', tone: 'good' });
  expect(deeds[0]?.details.slice(0, 2)).toEqual([
    ['order', '4711'],
    ['gift', 'true'],
  ]);
  expect(deeds[0]?.details[2]?.[1]).toHaveLength(401);
  expect(deeds[1]).toMatchObject({ outcome: 'No answer', tone: 'slow', details: [['', 'half a {']] });
});

test('a failure says who took over; a message can be found by its id; fillers have their times', () => {
  const { deeds, fillers } = storyOf(
    told(
      answered,
      {
        at: 900,
        type: 'provider-failed',
        turn: 1,
        stage: 'language-model',
        provider: 'openai',
        category: 'rate-limited',
        message: '429',
        next: 'gemini',
      },
      { at: 950, type: 'provider-failed', turn: 1, stage: 'synthesizer', provider: 'cartesia', category: 'retryable', message: 'reset' },
      { at: 1_000, type: 'speech-played', turn: 1, text: 'One moment.', fromAt: 1_000, toAt: 1_600, words: [], filler: true },
      { at: 5_000, type: 'message-taken', messageId: 'm1', name: 'Ann', number: '', text: 'Call me', urgent: true },
    ),
  );
  expect(deeds.map(({ outcome, tone }) => [outcome, tone])).toEqual([
    ['Gemini took over', 'slow'],
    ['Nobody was left', 'bad'],
    [undefined, 'good'],
  ]);
  expect(deeds[2]).toMatchObject({ title: 'Urgent message from Ann', moment: 'm1', atMs: 4_500 });
  expect(fillers).toEqual([{ fromMs: 500, toMs: 1_100 }]);
});

test('a claim that was held back stands with the sentence and what was caught in it', () => {
  const { deeds } = storyOf(
    told(answered, { at: 2_500, type: 'claim-withheld', turn: 1, text: 'It costs ninety dollars.', claims: ['ninety dollars'] }),
  );
  expect(deeds).toMatchObject([
    {
      kind: 'withheld',
      atMs: 2_000,
      tone: 'slow',
      details: [
        ['It was about to say', 'It costs ninety dollars.'],
        ['Caught', 'ninety dollars'],
      ],
    },
  ]);
});

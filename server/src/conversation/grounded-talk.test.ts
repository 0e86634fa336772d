/** What is looked up, told to the model, held back and recorded in one conversation. On the virtual clock. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ModelPassage } from '#models/language-model.ts';
import type { Tool } from '#models/tool.ts';
import type { RetrievalQuery } from './retrieval.ts';
import { Stage } from './testing.ts';

const passage: ModelPassage = {
  id: 'd1#0',
  documentId: 'd1',
  title: 'Prices',
  text: 'A service costs 45 dollars.',
  score: 0.9,
  answer: undefined,
};
const strict = { grounding: 'strict' } as const;

test('what a tool has answered may be said, and is named as its source', async () => {
  const tool: Tool = {
    name: 'look_up',
    description: 'finds',
    schema: z.object({ id: z.string() }),
    sideEffect: false,
    interruptible: true,
    timeoutMs: 1_000,
    run: () => Promise.resolve({ code: 'A113', priceInCents: 4_500 }),
  };
  const stage = await Stage.set({
    plan: strict,
    tools: [tool],
    answers: ({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? 'Your code is A113, the price is $45. It ends on May 31.'
        : [{ type: 'tool-call', call: { id: 't1', name: 'look_up', arguments: { id: 'a' } } }],
  });
  await stage.says('What is my code?', 3_000);
  await stage.until(14_000);
  const completed = stage.of('turn-completed').at(-1);
  expect(completed?.heard).toBe(
    'Your code is A113, the price is $45. I am sorry, I do not know that for certain. Is there anything else I can help you with?',
  );
  expect(completed?.sentences?.[0]).toEqual({ text: 'Your code is A113, the price is $45.', passages: ['t1'] });
  expect(stage.of('claim-withheld')).toMatchObject([{ text: 'It ends on May 31.', claims: ['May 31'] }]);
  expect(await stage.strike()).toBe(0);
});

test('the callers own words and what was said before count; the line is said once', async () => {
  const stage = await Stage.set({
    plan: { ...strict, instructions: 'Deposits are 30 euros.' },
    answers: ({ messages }) =>
      messages.length < 4 ? 'At 7 pm for 12 people. The deposit is thirty euros.' : 'It is 80 euros. It is 90 euros.',
  });
  await stage.says('A table at seven in the evening for twelve people', 3_000);
  await stage.until(13_000);
  expect(stage.of('claim-withheld')).toEqual([]);
  await stage.says('And what does the menu cost', 13_500);
  await stage.until(24_000);
  expect(stage.of('claim-withheld')).toMatchObject([{ text: 'It is 80 euros.' }]);
  expect(
    stage
      .of('turn-completed')
      .at(-1)
      ?.heard.match(/for certain/g),
  ).toHaveLength(1);
  expect(await stage.strike()).toBe(0);
});

test('a follow-up is looked up with what was said before, and the same words only once', async () => {
  const queries: RetrievalQuery[] = [];
  const stage = await Stage.set({
    answers: () => 'A service costs 45 dollars [p1].',
    retrieve: (query) => {
      queries.push(query);
      return { passages: [passage], answerable: true, verdict: 'answer', confidence: { score: 0.9, margin: 0.5, coverage: 0.8 } };
    },
  });
  await stage.says('What is a service?', 3_000);
  await stage.until(9_000);
  await stage.says('And what is it on Sunday?', 9_500);
  await stage.until(16_000);
  expect(queries.map(({ text }) => text)).toEqual(['What is a service?', 'And what is it on Sunday?']);
  expect(queries[1].history).toEqual(['Hello, this is the test line.', 'What is a service?', 'A service costs 45 dollars.']);
  expect(stage.of('retrieval-done')[0]).toMatchObject({ verdict: 'answer', confidence: { coverage: 0.8 }, cached: true });
  expect(stage.of('turn-completed')[1].sentences).toEqual([{ text: 'A service costs 45 dollars.', passages: ['d1#0'] }]);
  expect(await stage.strike()).toBe(0);
});

/** Several questions in one breath: what was found for each is said, and the model is told what was not found. */
import { expect, test } from 'vitest';
import type { ModelPassage } from '#models/language-model.ts';
import { Stage } from './testing.ts';

const passage = (id: string, answer: string): ModelPassage => ({
  id,
  documentId: id,
  title: id,
  text: `What about ${id}?`,
  score: 1,
  answer,
});
const [hours, parking] = [passage('hours', 'From nine to five.'), passage('parking', 'Behind the house.')];

test('answers that stand for both are spoken one after the other, and each rests on its own', async () => {
  const stage = await Stage.set({
    retrieve: () => ({ passages: [hours, parking], answerable: true, approved: hours, approvedToo: [parking] }),
  });
  await stage.says('What are your hours and can I park?', 3_000);
  await stage.until(9_000);
  expect(stage.requests).toEqual([]);
  expect(stage.of('turn-completed').at(-1)).toMatchObject({
    heard: 'From nine to five. Behind the house.',
    sentences: [
      { text: 'From nine to five.', passages: ['hours'] },
      { text: 'Behind the house.', passages: ['parking'] },
    ],
  });
  expect(await stage.strike()).toBe(0);
});

test('the model is told what nothing answers', async () => {
  const stage = await Stage.set({ retrieve: () => ({ passages: [hours], answerable: true, unanswered: ['can I park'] }) });
  await stage.says('What are your hours and can I park?', 3_000);
  await stage.until(7_000);
  expect(stage.requests.at(-1)).toMatchObject({ passages: [hours], unanswered: ['can I park'] });
  expect(await stage.strike()).toBe(0);
});

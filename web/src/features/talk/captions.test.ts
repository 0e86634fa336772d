import { expect, test } from 'vitest';
import { type Caption, takeCaption } from './captions.ts';

const say = (...captions: Omit<Caption, 'id'>[]) =>
  captions.reduce<readonly Caption[]>(takeCaption, []).map(({ party, text, final }) => [party, text, final]);

test('a partial grows into its final form in place', () => {
  expect(
    say(
      { party: 'assistant', turn: 0, text: 'Hello,', final: false },
      { party: 'caller', turn: 1, text: 'are', final: false },
      { party: 'assistant', turn: 0, text: 'Hello, Harbour Dental.', final: true },
      { party: 'caller', turn: 1, text: 'are you open', final: true },
    ),
  ).toEqual([
    ['assistant', 'Hello, Harbour Dental.', true],
    ['caller', 'are you open', true],
  ]);
});

test('a caller who goes on amends the turn; the assistant starts anew after a final caption', () => {
  expect(
    say(
      { party: 'caller', turn: 1, text: 'I want', final: true },
      { party: 'caller', turn: 1, text: 'I want to cancel', final: true },
      { party: 'assistant', turn: 1, text: 'Of course.', final: true },
      { party: 'assistant', turn: 1, text: 'Are you still there?', final: false },
    ),
  ).toEqual([
    ['caller', 'I want to cancel', true],
    ['assistant', 'Of course.', true],
    ['assistant', 'Are you still there?', false],
  ]);
});

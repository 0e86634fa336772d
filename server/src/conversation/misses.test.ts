import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterTurn, asksSomething, type Misses, missStep, NO_MISSES, type MissStep } from './misses.ts';

/** Questions and whether they are answered; what is done about each. */
function course(turns: readonly (readonly [text: string, answered: boolean])[]): (MissStep | undefined)[] {
  let misses: Misses = NO_MISSES;
  return turns.map(([text, answered]) => {
    const verdict = answered ? 'answer' : 'unknown';
    const step = missStep(misses, verdict, text, 'en');
    misses = afterTurn(misses, { text, verdict, acted: false, step, offered: step === 'offer' ? 'message' : undefined }, 'en');
    return step;
  });
}

test('asked once, then offered a way out; an answer begins afresh', () => {
  expect(
    course([
      ['repair bicycles', false],
      ['mending wheels', false],
      ['opening hours', true],
      ['helicopters', false],
    ]),
  ).toEqual(['clarify', 'offer', undefined, 'clarify']);
});

test('small talk in between changes nothing', () => {
  expect(
    course([
      ['repair bicycles', false],
      ['yes thank you', false],
      ['mending wheels', false],
    ]),
  ).toEqual(['clarify', undefined, 'offer']);
  expect(['okay thanks', 'no', 'good morning', 'ja bitte'].some(asksSomething)).toBe(false);
});

test('what a tool was called for is no miss', () => {
  const outcome = { text: 'book a table', verdict: 'unknown', acted: true, step: 'clarify', offered: undefined } as const;
  expect(afterTurn(NO_MISSES, outcome, 'en')).toEqual(NO_MISSES);
});

test('never two questions in a row for one need, never more than three without an answer', () => {
  const text = fc.constantFrom(
    'bicycles',
    'wheels of bicycles',
    'helicopters',
    'something else then parking',
    'never mind',
    'what about boats',
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 30 }), (texts) => {
      const steps = course(texts.map((one) => [one, false] as const));
      expect(steps.filter((step) => step === 'clarify').length).toBeLessThanOrEqual(3);
      for (let i = 1; i < steps.length; i++)
        if (steps[i] === 'clarify' && steps[i - 1] === 'clarify') expect(texts[i]).toMatch(/else|never mind|what about/);
    }),
  );
});

import { describe, expect, test } from 'vitest';
import { lentTo, standalone } from './follow-up.ts';

const HOURS = ['When are you open on Saturday?', 'On Saturday we open from nine until one.'];
const PRICE = ['Do you offer teeth whitening?', 'Yes, we offer whitening.'];

describe('stands by itself', () => {
  test.each([
    'how much is a crown and how long does it last',
    'do you sell bicycles',
    'is there parking',
    'what time is it possible to visit the workshop on Monday morning',
    'where do I find the entrance',
  ])('%s', (text) => {
    expect(lentTo(text, HOURS)).toEqual([]);
    expect(standalone(text, HOURS)).toBe(text);
  });

  test('without anything said before', () => {
    expect(lentTo('and on Sunday?', [])).toEqual([]);
  });
});

describe('takes its subject from what was said', () => {
  test('another day takes all but the day', () => {
    const lent = lentTo('and on Sunday?', HOURS).map(({ text }) => text);
    expect(lent.join(' ')).toContain('open');
    expect(lent.join(' ')).not.toMatch(/saturday/);
    expect(standalone('and on Sunday?', HOURS)).toMatch(/open.*Sunday/);
  });

  test.each(['how much is that?', 'what about it', 'how much does it cost', 'and the price?'])('%s', (text) => {
    expect(
      lentTo(text, PRICE)
        .map((line) => line.text)
        .join(' '),
    ).toContain('whitening');
  });

  test('the other one is what was named before the last', () => {
    const history = ['How much is the blue helmet?', 'Forty dollars.', 'And the red saddle?', 'Sixty dollars.'];
    const [best] = lentTo('what about the other one?', history).toSorted((a, b) => b.weight - a.weight);
    expect(best.text).not.toContain('saddle');
  });
});

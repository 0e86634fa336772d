import { describe, expect, test } from 'vitest';
import type { ModelMessage } from '#models/language-model.ts';
import { termsOf } from '#models/terms.ts';
import { CallWords } from './call-words.ts';
import { ownWordsOf } from './own-words.ts';
import { ReadTexts } from './read-texts.ts';

describe('texts that stay read', () => {
  test('a text is read once in each language', () => {
    const texts = new ReadTexts();
    const first = texts.of('It costs $45.', 'en');
    expect(texts.of('It costs $45.', 'en')).toBe(first);
    expect(texts.of('It costs $45.', 'de')).not.toBe(first);
    expect(first.evidence).toBe(first.evidence);
    expect(first.evidence.has('$usd45')).toBe(true);
    expect([...first.terms]).toContain(termsOf('price')[0]);
  });

  test('the one that was asked for longest ago makes room', () => {
    const texts = new ReadTexts(40);
    const first = texts.of('a'.repeat(12), 'en');
    const second = texts.of('b'.repeat(12), 'en');
    expect(texts.of('a'.repeat(12), 'en')).toBe(first);
    texts.of('c'.repeat(12), 'en');
    expect(texts.of('a'.repeat(12), 'en')).toBe(first);
    expect(texts.of('b'.repeat(12), 'en')).not.toBe(second);
  });

  test('a text longer than all that is kept is read all the same', () => {
    const texts = new ReadTexts(10);
    expect(texts.of('We open at 9 am.', 'en').evidence.has('t540')).toBe(true);
  });
});

describe('the words of a call', () => {
  const said: ModelMessage[] = [
    { role: 'user', text: 'My number is 12345.' },
    { role: 'tool', toolCallId: 't1', name: 'price', result: '{"price":4500}' },
  ];
  const knows = (words: CallWords, messages: readonly ModelMessage[], key: string) =>
    words.witnesses(messages).some((witness) => witness.has(key));

  test('hold for the prompt that they are in, and no longer', () => {
    const words = new CallWords('en');
    expect(knows(words, said, '#12345')).toBe(true);
    expect(knows(words, said.slice(1), '#12345')).toBe(false);
  });

  test('only results of tools count in cents', () => {
    const words = new CallWords('en');
    expect(knows(words, said, '&4500')).toBe(true);
    expect(knows(words, said, '&12345')).toBe(false);
  });
});

test('assistants that were told the same have the same words', () => {
  const own = ownWordsOf('en', ['Be brief.', 'We open at 9 am.']);
  expect(ownWordsOf('en', ['Be brief.', 'We open at 9 am.'])).toBe(own);
  expect(ownWordsOf('en', ['Be brief.', 'We open at 8 am.'])).not.toBe(own);
  expect(own.read().has('t540')).toBe(true);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainText } from './plain-text.ts';
import { ClauseCutter, clausesOf } from './script.ts';

const cut = (text: string, pieces = 1_000, maxChars = 10_000): string[] => {
  const cutter = new ClauseCutter(maxChars);
  const out: string[] = [];
  for (let i = 0; i < text.length; i += pieces) out.push(...cutter.push(text.slice(i, i + pieces)));
  return [...out, ...cutter.flush()];
};

describe('clauses', () => {
  test('the first ends at the first mark, the others at the end of a sentence', () => {
    expect(cut('Yes, we are open. On Sunday, however, we are closed. Bye!')).toEqual([
      'Yes,',
      'we are open.',
      'On Sunday, however, we are closed.',
      'Bye!',
    ]);
  });

  test('without a mark the first ends before a fitting word, or after eight', () => {
    expect(cut('We are open from nine to five on every day of the week except Sunday.')).toEqual([
      'We are open from nine to five on',
      'every day of the week except Sunday.',
    ]);
    expect(cut('You can pay the bill because we take cards and we also take cash here.')[0]).toBe('You can pay the bill');
  });

  test('a number is not cut in two', () => {
    expect(cut('For all of you it will cost two hundred and forty five dollars in all.')[0]).toBe('For all of you it will cost');
    expect(cut('It costs one thousand two hundred and forty five dollars for you all.')[0]).toBe(
      'It costs one thousand two hundred and forty five',
    );
    expect(cut('The whole of it is forty five dollars and ninety cents for you.')[0]).not.toMatch(/dollars$|and$/);
  });

  test('points that end nothing do not cut', () => {
    expect(cut('Call. Then ask for Dr. Miller about the 3.5 version of example.com today.')).toEqual([
      'Call.',
      'Then ask for Dr. Miller about the 3.5 version of example.com today.',
    ]);
    expect(cut('Two ways: \n1. Call us\n2. Write')).toEqual(['Two ways:', '1. Call us', '2. Write']);
  });

  test('a sentence without end is cut between words', () => {
    const clauses = cut(`Well. ${'word '.repeat(200)}`);
    for (const clause of clauses) expect(clause.length).toBeLessThanOrEqual(220);
    expect(clauses.join(' ').split(' ')).toHaveLength(201);
  });

  test('nothing comes after the clause that passes the bound', () => {
    expect(cut('One. Two three. Four five six. Seven.', 3, 12)).toEqual(['One.', 'Two three.']);
  });

  test('however the text is streamed, no word is lost, doubled or changed', () => {
    const word = fc.constantFrom('we', 'are', 'open,', 'from', 'nine.', 'to', 'five;', 'really?', 'yes!', 'and', 'Dr.', '3.5', 'but');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 120 }), fc.integer({ min: 1, max: 9 }), (words, pieces) => {
        const text = words.join(' ');
        expect(cut(text, pieces).join(' ')).toBe(text);
      }),
      { seed: 3 },
    );
  });

  test('any text at all gives clauses with something to say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 1, max: 20 }), (text, pieces) => {
        for (const clause of cut(text, pieces)) expect(clause).toMatch(/[\p{L}\p{N}]/u);
      }),
      { seed: 4 },
    );
  });

  test('a stream of text is a stream of clauses', async () => {
    async function* text() {
      yield 'Good mor';
      yield 'ning. How a';
      yield 're you?';
    }
    const clauses: string[] = [];
    for await (const clause of clausesOf(text(), 1_000)) clauses.push(clause);
    expect(clauses).toEqual(['Good morning.', 'How are you?']);
  });
});

test.each([
  ['**Bold** and _soft_ and `code`', 'Bold and soft and code'],
  ['# Title', 'Title'],
  ['- one\n- two', 'one two'],
  ['See [our page](https://x.example/a?b=c) now', 'See our page now'],
  ['Go to https://www.example.com/prices?x=1.', 'Go to example.com.'],
  ['Great 🎉👍🏽 news', 'Great news'],
  ['Nine to five [1] [p_12].', 'Nine to five.'],
  ['<b>Hi</b> there', 'Hi there'],
  ['2 < 3 and snake_case stay', '2 < 3 and snake_case stay'],
  ['| a | b |', 'a b'],
])('%j is said as %j', (written, said) => {
  expect(plainText(written)).toBe(said);
});

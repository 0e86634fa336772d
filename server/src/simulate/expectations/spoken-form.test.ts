import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { figuredWords, likeness, plainWords, sameWords, saysPhrase } from './spoken-form.ts';

describe('words as they sound', () => {
  test.each([
    ['We are open from eight until six.', 'EIGHT UNTIL SIX'],
    ['A check-up costs forty five pounds', '£45'],
    ['It costs £1,900.', 'one thousand nine hundred pounds'],
    ['It’s closed, and we can’t help.', 'it is closed and we cannot help'],
    ['On the 2nd floor', 'second floor'],
    ['Your number is 4 5 6 7.', 'four five six seven'],
    ['Your number is four five six seven', '4567'],
    ['fifteen percent off', '15 %'],
    ['The year nineteen ninety eight', '1998'],
    ['from 9:00 to one', 'from nine to 1'],
    ['Harbour Street, next to the old lighthouse', 'harbour street next'],
    ['Kosten: fünfzig Euro', 'FÜNFZIG'],
  ])('%s holds %s', (text, phrase) => {
    expect(saysPhrase(text, phrase)).toBe(true);
  });

  test.each([
    ['We are open', 'open we'],
    ['opening hours', 'open'],
    ['forty six pounds', '45 pounds'],
    ['anything', ''],
    ['', 'a'],
  ])('%s does not hold %s', (text, phrase) => {
    expect(saysPhrase(text, phrase)).toBe(false);
  });

  test('a number is the same in words and in figures, alone and within others', () => {
    expect(figuredWords('room five oh one')).toEqual(['room', '501']);
    expect(sameWords('Two hundred and eighty pounds!', '280 pounds')).toBe(true);
    expect(sameWords('280 pounds', '280 pounds more')).toBe(false);
    expect(sameWords('#', '#')).toBe(true);
    expect(sameWords('#', '*')).toBe(false);
  });

  test('every run of words of a text is said in it, whatever its case and punctuation', () => {
    const word = fc.constantFrom('we', 'open', 'eight', 'forty', 'five', '12', "it's", 'Monday', 'crown', '£20', 'hundred');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), (words, a, b) => {
        const [from, to] = [a % words.length, b % words.length].sort((x, y) => x - y);
        const phrase = words.slice(from, to + 1);
        expect(saysPhrase(words.join(', '), phrase.join(' ').toUpperCase())).toBe(true);
      }),
    );
  });

  test('no text is too strange, and a text is like itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 50 }), (text, phrase) => {
        expect(typeof saysPhrase(text, phrase)).toBe('boolean');
        if (plainWords(text).length > 0) expect(likeness(text, text)).toBe(1);
        expect(likeness(text, phrase)).toBeGreaterThanOrEqual(0);
        expect(likeness(text, phrase)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

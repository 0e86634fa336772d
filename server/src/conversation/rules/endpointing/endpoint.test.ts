import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Expectation } from '../../floor-terms.ts';
import type { RuleSettings } from '../rule-settings.ts';
import { waitFor } from './endpoint.ts';
import { readWords, type Situation } from './situation.ts';

const waits = { minMs: 600, maxMs: 2_500, sentenceMs: 400, wordsMs: 1_500 };

/** Final words unless told otherwise. */
function situation(text: string, more: Partial<Situation> = {}): Situation {
  return {
    ...readWords(text),
    settled: true,
    covered: true,
    blip: false,
    wordless: false,
    language: 'en',
    expecting: 'free',
    pauses: { meanMs: 0, seen: 0 },
    eager: false,
    punctuates: false,
    turnOver: undefined,
    endsTurns: false,
    waits,
    ...more,
  };
}

const decided = (text: string, more: Partial<Situation> = {}, rules?: RuleSettings, adaptive = true) => {
  const { rule, waitMs } = waitFor(situation(text, more), { adaptive, rules });
  return [rule, waitMs];
};

describe.each<[Expectation, string, [string, string, string, number][]]>([
  [
    'free',
    'nothing particular was asked',
    [
      ['en', 'When are you open', 'silence', 600],
      ['en', 'When are you open?', 'sentence', 400],
      ['en', 'I would like to', 'unfinished', 2_500],
      ['en', 'my number is, um', 'unfinished', 2_500],
      ['en', 'On Monday,', 'unfinished', 2_500],
      ['en', 'I was thinking...', 'unfinished', 2_500],
      ['de', 'Ich möchte einen Termin und', 'unfinished', 2_500],
      ['es', 'Quiero cambiar mi', 'unfinished', 2_500],
      ['fr', 'Je voudrais parler avec', 'unfinished', 2_500],
      ['en', 'yes', 'silence', 600],
    ],
  ],
  [
    'yes-no',
    'a closed question',
    [
      ['en', 'yes', 'yes-no', 250],
      ['en', 'No, thank you.', 'yes-no', 250],
      ['en', "Yeah, that's right", 'yes-no', 250],
      ['de', 'Ja, gerne', 'yes-no', 250],
      ['es', 'Sí, claro', 'yes-no', 250],
      ['fr', "D'accord", 'yes-no', 250],
      ['en', 'yes but', 'unfinished', 2_500],
      ['en', 'Yes but only on Monday morning', 'silence', 600],
      ['en', 'On Monday', 'silence', 600],
    ],
  ],
  [
    'digits',
    'a number',
    [
      ['en', 'five five five', 'digits', 2_000],
      ['en', '555', 'digits', 2_000],
      ['en', 'oh one six three two nine six', 'digits', 1_300],
      ['en', '555-010-4477.', 'digits', 600],
      ['en', 'double five five, triple oh, one two three four.', 'digits', 600],
      ['de', 'null eins siebenundsiebzig', 'digits', 2_000],
      ['es', 'seis dos cinco cuarenta', 'digits', 2_000],
      ['fr', 'zéro six douze', 'digits', 2_000],
      ['en', 'I do not have it with me', 'silence', 600],
    ],
  ],
  [
    'spelling',
    'letters',
    [
      ['en', 'S M I', 'spelling', 2_000],
      ['en', 'S as in Sierra, M', 'spelling', 2_000],
      ['en', 'S M as in Mike', 'spelling', 2_000],
      ['en', 'It is spelled as it sounds', 'silence', 600],
    ],
  ],
  [
    'email',
    'an address',
    [
      ['en', 'john dot smith', 'email', 2_500],
      ['en', 'john dot smith at gmail', 'email', 2_500],
      ['en', 'john dot smith at gmail dot', 'email', 2_500],
      ['en', 'john dot smith at gmail dot com', 'email', 400],
      ['en', 'It is john.smith@gmail.com.', 'email', 400],
      ['de', 'anna punkt meier at web punkt de', 'email', 400],
      ['es', 'ana arroba correo punto es', 'email', 400],
      ['fr', 'paul arobase exemple point fr', 'email', 400],
      ['en', 'I do not have one.', 'sentence', 400],
    ],
  ],
  [
    'date',
    'a day',
    [
      ['en', 'March', 'date', 1_500],
      ['en', 'the twenty third of', 'date', 1_500],
      ['en', 'March the fifth', 'silence', 600],
      ['en', 'next Tuesday', 'silence', 600],
      ['de', 'am dritten', 'date', 1_500],
      ['de', 'am dritten März', 'silence', 600],
      ['es', 'el cinco', 'date', 1_500],
      ['fr', 'le douze mai', 'silence', 600],
    ],
  ],
  [
    'name',
    'a name',
    [
      ['en', 'John.', 'name', 1_100],
      ['en', 'My name is John', 'name', 1_100],
      ['en', "It's John Smith", 'silence', 600],
      ['de', 'Ich heiße Anna', 'name', 1_100],
      ['de', 'Mein Name ist Anna Meier', 'silence', 600],
      ['es', 'Me llamo Ana', 'name', 1_100],
      ['fr', 'Je m’appelle Paul', 'name', 1_100],
    ],
  ],
])('%s: %s', (expecting, _, rows) => {
  test.each(rows)('%s %j', (language, text, rule, waitMs) => {
    expect(decided(text, { language, expecting })).toEqual([rule, waitMs]);
  });
});

describe('what is known besides the words', () => {
  test('words that may still change are waited for; a yes is not', () => {
    expect(decided('When are you', { settled: false })).toEqual(['silence', 2_500]);
    expect(decided('yes', { settled: false, expecting: 'yes-no' })).toEqual(['yes-no', 250]);
  });

  test('voice without words waits for the transcriber, until that says that there are none', () => {
    expect(decided('')).toEqual(['no-words', 1_500]);
    expect(decided('', { wordless: true })).toEqual(['no-words', 600]);
    expect(decided('I want', { covered: false })).toEqual(['no-words', 1_500]);
    expect(decided('I want it.', { covered: false, blip: true })).toEqual(['sentence', 400]);
  });

  test('a model of the sound shortens the wait, or makes it longer', () => {
    expect(decided('When are you open', { turnOver: 0.9 })).toEqual(['judged', 300]);
    expect(decided('When are you open?', { turnOver: 0.9 })).toEqual(['judged', 300]);
    expect(decided('When are you open?', { turnOver: 0.1 })).toEqual(['judged', 1_500]);
    expect(decided('When are you open', { turnOver: 0.5 })).toEqual(['silence', 600]);
    expect(decided('When are you', { turnOver: 0.9, settled: false })).toEqual(['judged', 600]);
    expect(decided('I would like to', { turnOver: 0.9 })).toEqual(['unfinished', 2_500]);
  });

  test.each([
    'I would like to',
    'how much does',
    'can I',
    'can I please',
    'when will',
    'what time does',
    'when do you',
    'I want to move my',
    'it is for our',
    'I am calling because I',
  ])('%j cannot be the end: the caller is waited for', (text) => {
    expect(decided(text)).toEqual(['unfinished', 2_500]);
    expect(decided(text, { endsTurns: true })).toEqual(['unfinished', 2_500]);
    // A transcriber that takes the turn for over is doubted, not ignored.
    expect(decided(text, { endsTurns: true, eager: true })).toEqual(['unfinished', 1_200]);
  });

  test.each(['I would like to change', 'I need', 'hello I want to make', 'could you tell', 'I have a question about'])(
    '%j may go on: a pause of 700 ms is waited out',
    (text) => {
      expect(decided(text)).toEqual(['silence', 800]);
      expect(decided(text, {}, undefined, false)).toEqual(['silence', 800]);
      expect(decided(text, { pauses: { meanMs: 800, seen: 3 } })).toEqual(['pauses', 1_040]);
      expect(decided(text, { punctuates: true })).toEqual(['open-sentence', 900]);
    },
  );

  test.each(['I would like to.', 'I have a question about my.', 'It broke and.'])('a full stop in an odd place: %j', (text) => {
    expect(decided(text)).toEqual(['sentence', 800]);
  });

  test.each([
    'yes I do',
    'yes you can',
    'if you could',
    'where are you',
    'how are you',
    'who are you',
    'thank you',
    'can I call you',
    'what do I need',
    'what do I need to bring',
    'the appointment that I want to move',
    'can you move the appointment I have',
    'I want to cancel',
    'I would like to pay',
    'I need to reschedule it',
    'do you have any parking',
    'good morning',
    'on the fifth of May',
    'my name is Will',
    'if somebody could',
    'as soon as the doctor can',
    'S M I',
    'it is spelled S M A',
    'what is it about',
    'on Monday',
  ])('%j is complete: nothing is added', (text) => {
    expect(decided(text)).toEqual(['silence', 600]);
    expect(decided(`${text}.`)).toEqual(['sentence', 400]);
    expect(decided(`${text}?`)).toEqual(['sentence', 400]);
  });

  test('"I would like to." is an answer to a question', () => {
    expect(decided('I would like to.', { expecting: 'yes-no' })).toEqual(['sentence', 400]);
  });

  test("the caller's own pauses make it longer, never shorter, and never endless", () => {
    expect(decided('It is about my order', { pauses: { meanMs: 800, seen: 3 } })).toEqual(['pauses', 1_040]);
    expect(decided('It is about my order.', { pauses: { meanMs: 400, seen: 3 } })).toEqual(['pauses', 520]);
    expect(decided('It is about my order', { pauses: { meanMs: 200, seen: 3 } })).toEqual(['silence', 600]);
    expect(decided('It is about my order', { pauses: { meanMs: 2_400, seen: 9 } })).toEqual(['pauses', 2_500]);
    expect(decided('yes', { expecting: 'yes-no', pauses: { meanMs: 800, seen: 3 } })).toEqual(['yes-no', 250]);
  });

  test('a sentence left open by a transcriber that closes sentences probably goes on', () => {
    expect(decided('I would like to cancel my order', { punctuates: true })).toEqual(['open-sentence', 900]);
    expect(decided('I would like to cancel my order.', { punctuates: true })).toEqual(['sentence', 400]);
    expect(decided('It is about my order', { punctuates: true, pauses: { meanMs: 600, seen: 3 } })).toEqual(['open-sentence', 900]);
    expect(decided('It is about my order', { punctuates: true, pauses: { meanMs: 800, seen: 3 } })).toEqual(['pauses', 1_040]);
  });

  test('silence is second to a transcriber that ends turns itself', () => {
    expect(decided('When are you open?', { endsTurns: true })).toEqual(['own-turns', 1_200]);
    expect(decided('When are you open?', { endsTurns: true, eager: true })).toEqual(['own-turns', 900]);
  });
});

describe('settings of the assistant', () => {
  test('a rule that is off is not asked, a number is its wait', () => {
    expect(decided('When are you open?', {}, { sentence: false })).toEqual(['silence', 600]);
    expect(decided('When are you open?', {}, { sentence: 150 })).toEqual(['sentence', 150]);
    expect(decided('When are you open', {}, { silence: 800 })).toEqual(['silence', 800]);
    expect(decided('When are you open', {}, { silence: false })).toEqual(['silence', 600]);
  });

  test('without adaptive waits only words and silence count', () => {
    expect(decided('When are you open?', { turnOver: 1 }, undefined, false)).toEqual(['silence', 600]);
    expect(decided('yes', { expecting: 'yes-no' }, undefined, false)).toEqual(['silence', 600]);
    expect(decided('I would like to', {}, undefined, false)).toEqual(['unfinished', 2_500]);
  });

  test('the eager end of the dial: a closed sentence ends the turn after 100 ms', () => {
    const eager = { ...waits, minMs: 350, sentenceMs: 100 };
    expect(decided('When are you open?', { waits: eager })).toEqual(['sentence', 100]);
    expect(decided('It is about my order', { waits: eager, punctuates: true })).toEqual(['open-sentence', 800]);
  });
});

test('whatever is said, the wait is a finite time of at most 3 s', () => {
  const word = fc.constantFrom('yes', 'um', 'five', '23', 'March', 'and', 'at', 'dot', 'com', 'S', 'John,', 'open?', 'twenty', '@', '…');
  const expecting = fc.constantFrom<Expectation>('free', 'yes-no', 'digits', 'spelling', 'email', 'date', 'name');
  const more = fc.record({
    expecting,
    language: fc.constantFrom('en', 'de', 'es', 'fr', 'pt'),
    settled: fc.boolean(),
    covered: fc.boolean(),
    blip: fc.boolean(),
    wordless: fc.boolean(),
    eager: fc.boolean(),
    punctuates: fc.boolean(),
    endsTurns: fc.boolean(),
    turnOver: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    pauses: fc.record({ meanMs: fc.integer({ min: 0, max: 5_000 }), seen: fc.nat(5) }),
  });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), more, fc.boolean(), (words, changes, adaptive) => {
      const { waitMs } = waitFor(situation(words.join(' '), changes), { adaptive });
      expect(waitMs).toBeGreaterThanOrEqual(0);
      expect(waitMs).toBeLessThanOrEqual(3_000);
    }),
    { numRuns: 2_000 },
  );
});

import { describe, expect, test } from 'vitest';
import { isBackchannel } from './backchannel.ts';
import { endsSentence, isUnfinished } from './completeness.ts';
import { isEchoOf } from './echo-text.ts';
import { asksForTheFloor } from './interrupt-phrase.ts';
import { senseOf } from './sense.ts';
import { sameSpelling, sameWords, wordsOf } from './words.ts';

test('words are compared without case, accents and punctuation', () => {
  expect(wordsOf("Uh-huh, that's Café.")).toEqual(['uh', 'huh', 'thats', 'cafe']);
  expect(sameWords('I want to cancel.', 'i want to CANCEL')).toBe(true);
  expect(sameWords('book a table', 'book a cable')).toBe(false);
});

test.each(['mm-hm', 'Uh-huh.', 'yeah', 'Okay, right', 'sure'])('%j is a backchannel', (text) => {
  expect(isBackchannel(text, 'en')).toBe(true);
});

test.each(['', 'no', 'okay but wait', 'yes yes yes', 'Thursday', 'right now'])('%j is none', (text) => {
  expect(isBackchannel(text, 'en')).toBe(false);
});

test.each([
  ['When are you open', 'when are you open?', true],
  ['Yes, please.', 'yes please', true],
  ['john.smith@example.com', 'john smith@example.com', false],
  ['1.5', '1 5', false],
  ['Müller', 'Muller', false],
  ['50', '50%', false],
  ['-5', '5', false],
  ['', ' … ', true],
])('%j and %j are spelled alike: %s', (one, other, alike) => {
  expect(sameSpelling(one, other)).toBe(alike);
});

test('lexicons follow the language', () => {
  expect(isBackchannel('genau', 'de-AT')).toBe(true);
  expect(isBackchannel('genau', 'en')).toBe(false);
  expect(asksForTheFloor('Moment, bitte', 'de')).toBe(true);
});

test('a phrase asks for the floor only when it comes first', () => {
  expect(asksForTheFloor('Wait, there is more', 'en')).toBe(true);
  expect(asksForTheFloor('hold on', 'en')).toBe(true);
  expect(asksForTheFloor('I cannot wait', 'en')).toBe(false);
  expect(asksForTheFloor('stopping by', 'en')).toBe(false);
});

describe('echo', () => {
  const spoken = 'We are open from nine to five, Monday to Friday. On Saturday we close at noon.';
  test.each(['open from nine to five', 'on Saturday we close', 'open for nine to five Monday'])('%j came back', (text) => {
    expect(isEchoOf(text, spoken, true)).toBe(true);
  });
  test.each(['and on holidays', 'what about Monday evening', 'nine', 'we open a new account'])('%j is the caller', (text) => {
    expect(isEchoOf(text, spoken, true)).toBe(false);
  });
  test('a partial of one or two words may become an echo', () => {
    expect(isEchoOf('open from', spoken, false)).toBe(true);
    expect(isEchoOf('open from', spoken, true)).toBe(false);
    expect(isEchoOf('I want', spoken, false)).toBe(false);
  });
});

test('hints of completeness', () => {
  expect(endsSentence('Is it open?')).toBe(true);
  expect(endsSentence('I was thinking...')).toBe(false);
  expect(isUnfinished('I would like to', 'en')).toBe(true);
  expect(isUnfinished('my number is, um', 'en')).toBe(true);
  expect(isUnfinished('I would like tea', 'en')).toBe(false);
  expect(isUnfinished('What is it for?', 'en')).toBe(false);
});

test('the first rule that knows decides', () => {
  const sense = (text: string, final = true) => senseOf({ text, final, language: 'en', spoken: 'please wait for the next agent' });
  expect(sense('  ...  ')).toBe('nothing');
  expect(sense('wait for the next')).toBe('echo');
  expect(sense('wait a minute')).toBe('stop');
  expect(sense('okay')).toBe('backchannel');
  expect(sense('my order is late')).toBe('words');
});

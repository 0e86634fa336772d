import type { CallFact } from '@tandem/contract';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginCollection, type CollectionEntry, type CollectionRequest, type CollectionStep, takeEntry } from './collection.ts';
import { Collecting, collectTool } from './collect-tool.ts';
import { correctedDigits } from './correction.ts';
import { groupedDigits, readableDate, readableEmail } from './read-back.ts';
import { keyedDate, spokenDate } from './spoken-date.ts';
import { spokenDigits } from './spoken-digits.ts';
import { spelledWord, spokenEmail, spokenName } from './spoken-letters.ts';
import { yesNoOf } from './yes-no.ts';

describe('digits', () => {
  test.each([
    ['four five six', '456'],
    ['oh four double two', '0422'],
    ['zero-four-two-two', '0422'],
    ['triple seven nine', '7779'],
    ['my number is five five five, oh one nine nine', '5550199'],
    ["it's 555 0199", '5550199'],
    ['eight hundred five five five', '800555'],
    ['forty two seventeen', '4217'],
    ['twenty twenty six', '2026'],
    ['nineteen eighty four', '1984'],
    ['one thousand', '1000'],
    ['one hundred and five', '105'],
    ['um four uh five and then six', '456'],
    ['I have two of them, the second is four five six', '456'],
    ['four five sorry six seven eight nine', '6789'],
    ['one two for five', '1245'],
    ['double oh seven', '007'],
    ['treble 3 nought niner', '33309'],
    ['I would like to book for two', '2'],
    ['hello there', ''],
    ['', ''],
  ])('"%s" is %s', (text, digits) => expect(spokenDigits(text)).toBe(digits));

  test('whatever is said digit by digit is understood, and read back in groups it is the same', () => {
    const names = 'zero one two three four five six seven eight nine'.split(' ');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), (digits) => {
        const value = digits.join('');
        expect(spokenDigits(digits.map((digit) => names[digit]).join(' '))).toBe(value);
        expect(spokenDigits(groupedDigits(value))).toBe(value);
      }),
    );
  });

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(spokenDigits(text)).toMatch(/^\d*$/);
        spelledWord(text);
        spokenEmail(text);
        spokenName(text);
        yesNoOf(text);
        correctedDigits('1234', text);
      }),
    );
  });
});

describe('corrections', () => {
  test.each([
    ['no, the last one is seven', '4567'.replace(/7$/, '7'), '4566'],
    ['the last digit should be a nine', '4569', '4566'],
    ['no the first one is five', '5566', '4566'],
    ['the third one was 0', '4506', '4566'],
    ['the last two are eight nine', '4589', '4566'],
    ['second to last is a one', '4516', '4566'],
    ['not four, nine', '9566', '4566'],
    ['nine instead of five', '4966', '4566'],
  ])('"%s"', (text, after, before) => expect(correctedDigits(before, text)).toBe(after));

  test.each(['no', 'not six, seven', 'the eleventh is two', 'the last one is wrong', 'yes'])('"%s" corrects nothing', (text) =>
    expect(correctedDigits('4566', text)).toBeUndefined(),
  );
});

describe('letters, addresses and names', () => {
  test.each([
    ['h o p p e r', 'hopper'],
    ['aitch oh double pee ee ar', 'hopper'],
    ['hotel oscar papa papa echo romeo', 'hopper'],
    ['b as in boy o for oscar b like bravo', 'bob'],
    ['m as in mary, c as in charlie', 'mc'],
    ['double u ex why zed', 'wxyz'],
    ['x-ray 4 2', 'x42'],
    ['that is capital a b c', 'abc'],
    ['good morning', undefined],
  ])('"%s" spells %s', (text, word) => expect(spelledWord(text)).toBe(word));

  test.each([
    ['grace dot hopper at example dot com', 'grace.hopper@example.com'],
    ['Grace.Hopper@Example.com', 'grace.hopper@example.com'],
    ["it's jane underscore doe forty at gmail dot com".replace('forty', '4 2'), 'jane_doe42@gmail.com'],
    ['g r a c e at example dot org', 'grace@example.org'],
    ['my email is info at sign harbour dash dental dot co dot uk', 'info@harbour-dental.co.uk'],
    ['golf romeo alpha charlie echo at example dot net.', 'grace@example.net'],
    ['bob plus news at mail dot example dot com', 'bob+news@mail.example.com'],
    ['b as in boy o b seven at example dot com', 'bob7@example.com'],
    ['j double o s t at example dot nl', 'joost@example.nl'],
    ['I do not think so', undefined],
    ['at example dot com', undefined],
    ['grace at home', undefined],
  ])('"%s" is %s', (text, address) => expect(spokenEmail(text)).toBe(address));

  test.each([
    ['my name is Grace Hopper', 'Grace Hopper'],
    ["It's grace hopper.", 'Grace Hopper'],
    ['Grace Hopper, h o p p e r', 'Grace Hopper'],
    ['g r a c e', 'Grace'],
    ["this is Miles O'Brien please", "Miles O'Brien"],
    ['José', 'José'],
    ['', undefined],
    ['42', undefined],
  ])('"%s" is %s', (text, name) => expect(spokenName(text)?.toLowerCase()).toBe(name?.toLowerCase()));
});

describe('days', () => {
  test.each([
    ['the third of March nineteen eighty four', '1984-03-03'],
    ['March 3rd, 1984', '1984-03-03'],
    ['the twenty first of December two thousand and five', '2005-12-21'],
    ['July fourth twenty twenty six', '2026-07-04'],
    ['second of june nineteen oh five', '1905-06-02'],
    ['1984-03-03', '1984-03-03'],
    ['tomorrow', '2026-01-06'],
    ['some time in March', undefined],
    ['Monday or Tuesday', undefined],
    ['the thirty first of February two thousand', undefined],
    ['yes', undefined],
  ])('"%s" is %s', (text, day) => expect(spokenDate(text, '2026-01-05')).toBe(day));

  test('keys are day, month, year', () => {
    expect(keyedDate('03031984')).toBe('1984-03-03');
    for (const keys of ['31022000', '1234', '00000000']) expect(keyedDate(keys)).toBeUndefined();
  });
});

test.each([
  ['yes', 'yes'],
  ["yeah that's right", 'yes'],
  ['um, correct', 'yes'],
  ["no, that's right", 'yes'],
  ['uh-huh', 'yes'],
  ['no', 'no'],
  ["no it's five", 'no'],
  ["that's not right", 'no'],
  ['not quite', 'no'],
  ['yes, no, wait', undefined],
  ['yes but the last one is wrong', undefined],
  ['what did you say', undefined],
  ['nobody told me', undefined],
])('"%s" means %s', (text, answer) => expect(yesNoOf(text)).toBe(answer));

test('values are read back for the ear', () => {
  expect(groupedDigits('4215550199')).toBe('4 2 1, 5 5 5, 0 1 9 9');
  expect(readableEmail('grace.h7@gmail.com')).toBe('G, R, A, C, E, dot, H, 7, at gmail dot com');
  expect(readableDate('1984-03-03')).toBe('March 3rd, 1984');
  expect(readableDate('2000-12-11')).toBe('December 11th, 2000');
});

/** Plays a whole collection; answers its last step and all that was said. */
function play(
  request: Partial<CollectionRequest>,
  entries: (string | CollectionEntry)[],
): { said: string[]; last: CollectionStep; attempts: number } {
  let [state, text] = beginCollection({ what: 'digits', label: 'order number', language: 'en', today: '2026-01-05', ...request });
  const said = [text];
  let last: CollectionStep = { type: 'say', text };
  for (const entry of entries) {
    [state, last] = takeEntry(state, typeof entry === 'string' ? { by: 'speech', text: entry } : entry);
    if (last.type === 'say') said.push(last.text);
  }
  return { said, last, attempts: state.attempts };
}
const keys = (text: string): CollectionEntry => ({ by: 'keys', text });
const four = { minLength: 4, maxLength: 4 };

describe('a collection', () => {
  test('asks, reads back, and is confirmed', () => {
    const { said, last } = play(four, ["it's four five six seven", 'yes']);
    expect(said).toEqual(['What is your order number?', '4 5 6 7. Is that right?']);
    expect(last).toEqual({ type: 'done', value: '4567' });
  });

  test('a correction is read back again', () => {
    const { said, last } = play(four, ['four five six six', 'no, the last one is seven', 'yes']);
    expect(said.at(-1)).toBe('4 5 6 7. Is that right?');
    expect(last).toEqual({ type: 'done', value: '4567' });
  });

  test('a whole new value in place of a yes is read back', () => {
    expect(play(four, ['1 2 3 4', "no it's four five six seven", 'correct']).last).toEqual({ type: 'done', value: '4567' });
  });

  test('a number in two breaths is put together', () => {
    const { said, last } = play({ what: 'phone-number', label: 'phone number' }, ['five five five', 'oh one nine nine', 'yes']);
    expect(said[1]).toBe('5 5 5. And the rest?');
    expect(last).toEqual({ type: 'done', value: '5550199' });
  });

  test('an international number keeps its plus', () => {
    expect(
      play({ what: 'phone-number', label: 'phone number' }, ['plus four four two oh seven nine four six oh nine five eight', 'yes']).last,
    ).toEqual({ type: 'done', value: '+442079460958' });
  });

  test('keys are always understood, also to confirm and in other languages', () => {
    expect(play({ ...four, language: 'fr' }, [keys('4567#'), keys('1')]).last).toEqual({ type: 'done', value: '4567' });
    expect(play(four, [keys('4566'), keys('2'), keys('4567'), 'yes']).last).toEqual({ type: 'done', value: '4567' });
    expect(play({ what: 'date', label: 'date of birth' }, [keys('03031984'), 'yes']).last).toEqual({ type: 'done', value: '1984-03-03' });
    expect(play({ what: 'yes-no', label: 'Shall I book it?' }, [keys('2')]).last).toEqual({ type: 'done', value: 'no' });
  });

  test('after three attempts it is given up, by way of the keys', () => {
    const { said, last, attempts } = play(four, ['what', 'I said hello', 'hm']);
    expect(said[1]).toContain('keys of your phone');
    expect(last).toEqual({ type: 'given-up', why: 'attempts' });
    expect(attempts).toBe(3);
  });

  test('nobody has to answer', () => {
    for (const words of ['never mind', "I don't have it with me", 'forget it', 'I’d rather not say'])
      expect(play({}, [words]).last).toEqual({ type: 'given-up', why: 'caller' });
  });

  test('names are spelled when they were wrong; addresses letter by letter', () => {
    const name = play({ what: 'name', label: 'name' }, ['Grace Copper', 'no', 'h o p p e r', 'yes']);
    expect(name.said).toEqual([
      'What is your name?',
      'Grace Copper, spelled G, R, A, C, E; C, O, P, P, E, R. Is that right?',
      'All right. Please spell your name.',
      'Hopper, spelled H, O, P, P, E, R. Is that right?',
    ]);
    expect(name.last).toEqual({ type: 'done', value: 'Hopper' });
    expect(play({ what: 'email', label: 'e-mail address' }, ['grace at example dot com', 'yes']).last).toEqual({
      type: 'done',
      value: 'grace@example.com',
    });
  });

  test('a secret is never said', () => {
    const card = play({ secret: true, minLength: 16, maxLength: 16, label: 'card number' }, [keys('4111111111111234'), 'yes']);
    expect(card.said).toEqual([
      'Please enter your card number with the keys of your phone and finish with the hash key.',
      'I have 16 digits, ending in 1 2 3 4. Is that right?',
    ]);
    const pin = play({ ...four, secret: true, label: 'PIN' }, ['four seven one one', 'no', keys('4711'), 'yes']);
    expect(pin.said[1]).toBe('I have 4 digits. Is that right?');
    expect(pin.said.join(' ')).not.toMatch(/7|1/);
    expect(pin.last).toEqual({ type: 'done', value: '4711' });
  });

  test('always comes to an end within a few entries, whatever is said', () => {
    const word = fc.oneof(
      fc.constantFrom('yes', 'no', 'four five', 'the last one is nine', '', 'never mind', 'one two three four five six'),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('digits', 'phone-number', 'date', 'email', 'name', 'yes-no'),
        fc.array(word, { minLength: 1, maxLength: 30 }),
        (what, entries) => {
          let [state] = beginCollection({ what, label: 'thing', language: 'en', today: '2026-01-05' });
          for (const text of entries) {
            const [next] = takeEntry(state, { by: 'speech', text });
            expect(next.attempts).toBeLessThanOrEqual(3);
            expect(next.attempts).toBeGreaterThanOrEqual(state.attempts);
            if (state.phase === 'over') expect(next).toBe(state);
            state = next;
          }
        },
      ),
    );
  });
});

describe('the tool', () => {
  const start = async (input: Record<string, unknown>) => {
    const facts: CallFact[] = [];
    const kept: string[] = [];
    const collecting = new Collecting({
      language: 'en',
      today: () => '2026-01-05',
      record: (fact) => void facts.push(fact),
      keep: (value) => `collected:${kept.push(value)}`,
    });
    const tool = collectTool(collecting);
    expect(collecting.take({ turn: 2, text: 'hello', source: 'speech' })).toBeUndefined();
    const context = { businessId: 'b', callId: 'c', turn: 3, idempotencyKey: 'k', signal: new AbortController().signal };
    const result = await tool.run(tool.schema.parse(input), context);
    let turn = 3;
    const take = (text: string, source: 'speech' | 'digits' = 'speech') => collecting.take({ turn: ++turn, text, source });
    return { result, facts, kept, collecting, take };
  };

  test('asks, takes the turns, and hands on the value; how it went is recorded', async () => {
    const { result, facts, take, collecting } = await start({ what: 'digits', label: 'order number', minLength: 4, maxLength: 4 });
    expect(result).toMatchObject({ say: 'What is your order number?' });
    expect(take('4567', 'digits')).toEqual({ say: '4 5 6 7. Is that right?', expects: 'yes-no', shown: '4567' });
    expect(take('yes')).toEqual({ forModel: 'My order number is 4567.', shown: 'yes' });
    expect(collecting.active).toBe(false);
    expect(take('and now?')).toBeUndefined();
    expect(facts).toEqual([
      { type: 'collection-started', turn: 3, what: 'digits' },
      { type: 'collection-completed', turn: 3, what: 'digits', outcome: 'confirmed', attempts: 0 },
    ]);
  });

  test('a secret is in no answer, no fact and no history: the model gets a reference', async () => {
    const { facts, kept, take, collecting } = await start({ what: 'digits', label: 'PIN', secret: true, minLength: 4, maxLength: 4 });
    const shown: unknown[] = [];
    const heard = (turn: number, text: string) => {
      const words = [{ text, fromMs: 0, toMs: 1 }];
      shown.push(collecting.hide({ type: 'transcript-partial', turn, text }));
      shown.push(collecting.hide({ type: 'transcript-final', turn, text, fromAt: 0, toAt: 1, words }));
    };
    heard(4, 'four seven one two');
    shown.push(take('four seven one two'));
    heard(5, 'no the last one is one');
    shown.push(take('no the last one is one'), take('1', 'digits'));
    shown.push(collecting.hide({ type: 'turn-committed', turn: 6, text: '4711', source: 'digits', stages: {} }));
    expect(shown[6]).toEqual({ forModel: 'My PIN is collected:1.', shown: '***' });
    expect(kept).toEqual(['4711']);
    expect(JSON.stringify([shown, facts])).not.toMatch(/4711|4 7|four|seven/);
    expect(collecting.hide({ type: 'transcript-partial', turn: 7, text: 'thank you' })).toMatchObject({ text: 'thank you' });
  });

  test('says why there is none; a call that ends abandons it', async () => {
    const { facts, take } = await start({ what: 'email', label: 'address' });
    expect(take('never mind')).toMatchObject({ forModel: 'never mind (The address was not collected: I do not want to say it.)' });
    expect(facts.at(-1)).toMatchObject({ outcome: 'given-up' });
    const second = await start({ what: 'email', label: 'address' });
    second.collecting.close();
    expect(second.facts.at(-1)).toMatchObject({ outcome: 'abandoned' });
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardinal, digits, ordinal, year } from '#models/spoken-numbers.ts';
import { spokenText } from '#models/spoken-text.ts';
import { unknownClaims } from './claims.ts';
import { Evidence } from './evidence.ts';

const unknown = (clause: string, source: string, language = 'en') =>
  unknownClaims(clause, language, () => [new Evidence(language).add(source)]);

describe('the same fact in another spelling is known', () => {
  test.each([
    ['We open at 9 am.', 'Open from nine o’clock.'],
    ["We open at nine o'clock.", 'Mon-Fri 09:00-17:00'],
    ['We close at 5 pm.', 'Mon-Fri 09:00-17:00'],
    ['We are open from nine to five.', 'Mon-Fri 09:00-17:00'],
    ['We are open from nine to five.', 'Open 9 am - 5 pm.'],
    ['We open at nine in the morning.', 'Open 9-5'],
    ['We open at nine thirty.', 'From 9:30 am'],
    ['At half past nine.', 'From 09:30'],
    ['At a quarter to five.', 'Until 4:45 pm'],
    ['At twenty past four in the afternoon.', 'Until 16:20'],
    ['We close at noon.', 'Saturday 9 to 12'],
    ['That is twelve hundred dollars.', 'Price: $1,200'],
    ['That is $1,200.', 'It costs one thousand two hundred dollars.'],
    ['It is forty-five dollars.', '$45'],
    ['It is forty five ninety nine.', 'Only $45.99 today'],
    ['It is forty five dollars and ninety nine cents.', 'Only $45.99 today'],
    ['It is $45.', 'Basic service: 45'],
    ['Fifty cents.', '$0.50'],
    ['It is $4.94.', 'It is four dollars and ninety four cents.'],
    ['It is four ninety four.', '$4.94'],
    ['That is 8.2 million euros.', '€8,200,000'],
    ['That is 2.5 million euros.', '€2,500,000'],
    ['You get twenty percent off.', '20% off for members'],
    ['Within forty-eight hours.', 'It takes two days.'],
    ['It has a one-year warranty.', 'Warranty: 12 months'],
    ['It takes three business days.', 'Delivery in 3-5 days'],
    ['Half an hour.', 'about 30 minutes'],
    ['Two and a half hours.', '2.5 hours'],
    ['On the 5th of May.', 'Closed on May 5, 2026'],
    ['On May fifth, 2026.', '2026-05-05'],
    ['On May 5.', 'Closed 5.5.2026'],
    ['Until May 9.', 'from May 5 to 9'],
    ['Since nineteen ninety eight.', 'Founded in 1998'],
    ['In twenty twenty six.', 'Since 2026'],
    ['Call 555-0100.', 'Call us: five five five, oh one double oh... 555 0100'],
    ['Call five five five, zero one zero zero.', 'Phone +1 (202) 555-0100'],
    ['Call +49 30 1234567.', 'Tel. 030 1234567'],
    ['Write to info@example.com.', 'Mail: info@example.com'],
    ['Write to info at example dot com.', 'Mail: info@example.com'],
    ['See example.com.', 'https://www.example.com/prices'],
    ['The X200 is in stock.', 'Model X-200'],
    ['The X 200 is in stock.', 'Model X200'],
    ['Ask for Maria Lopez.', 'Our dentist is Dr. Maria López.'],
    ['We are open on Wednesday.', 'Monday to Friday'],
    ['We are open on Saturday.', 'Every day from 9'],
    ['On Sunday we are closed.', 'Monday to Friday'],
    ['On the twenty third.', 'May 23'],
    ['Press 911 in an emergency.', ''],
  ])('%s — %s', (clause, source) => {
    expect(unknown(clause, source)).toEqual([]);
  });
});

describe('nobody has to know it', () => {
  test.each([
    'One moment please.',
    'I have two options for you.',
    'First, tell me your name.',
    'Is there anything else I can help you with?',
    'No one is there.',
    'Have a nice day.',
    'I am here around the clock, thank you.',
    'Would Tuesday suit you?',
    "I'm sorry, I did not catch that. Could you say it again?",
    'Thank you. Please hold on a second.',
    'Good Morning! How May I help You?',
  ])('%s', (clause) => expect(unknown(clause, '')).toEqual([]));
});

describe('what nothing holds is caught', () => {
  test.each([
    ['It costs $45.', 'It costs $54.', '$45'],
    ['It costs $45.', 'It costs €45.', '$45'],
    ['It costs $45.', 'It takes 45 minutes.', '$45'],
    ['It costs $45.', '45% off', '$45'],
    ['You get 20 percent off.', 'It takes 20 days.', '20 percent'],
    ['We open at 9 am.', 'We open at 9 pm.', '9 am'],
    ['We close at five thirty.', 'We close at five.', 'five thirty'],
    ['It takes three days.', 'It takes three weeks.', 'three days'],
    ['On May 5.', 'On May 6.', 'May 5'],
    ['On May 5, 2026.', 'On May 5, 2025.', 'May 5, 2026'],
    ['Call 555-0199.', 'Call 555-0100.', '555-0199'],
    ['Write to info@example.org.', 'info@example.com', 'info@example.org'],
    ['The X300 is in stock.', 'The X200 is in stock.', 'X300'],
    ['Ask for Peter Miller.', 'Ask for Maria Lopez.', 'Peter Miller'],
    ['Ask for Dr. Miller.', 'Ask for Dr. Lopez.', 'Dr Miller'],
    ['We have seven locations.', 'We have two locations.', 'seven'],
    ['We are open on Sunday.', 'Monday to Friday', 'Sunday'],
    ['We are closed on Sunday.', 'It is closed.', 'Sunday'],
  ])('%s — %s', (clause, source, claim) => {
    expect(unknown(clause, source)).toEqual([claim]);
  });

  test('all of them are named', () => {
    expect(unknown('It is $45 until 9 pm with Peter Miller.', 'Nothing.')).toEqual(['9 pm', '$45', 'Peter Miller']);
  });

  test('a result of a tool may count cents and instants', () => {
    const evidence = new Evidence('en').add('{"price":4500,"at":"2026-05-05T15:30:00Z"}').withCents;
    const check = (clause: string) => unknownClaims(clause, 'en', () => [evidence]);
    expect(check('It is $45.')).toEqual([]);
    expect(check('On May 5 at 5:30 pm.')).toEqual([]);
    expect(check('On May 5 at 5:10 pm.')).toEqual(['5:10 pm']);
    expect(check('On May 9.')).toEqual(['May 9']);
  });
});

describe('other languages', () => {
  test.each([
    ['de', 'Das kostet fünfundvierzig Euro.', 'Preis: 45 €'],
    ['de', 'Das kostet 1.200 Euro.', 'Preis: 1200 EUR'],
    ['de', 'Wir öffnen um neun Uhr.', 'Geöffnet von 9:00 bis 17:00'],
    ['de', 'Am 5. Mai.', 'am 05.05.2026'],
    ['es', 'Cuesta treinta y dos euros.', '32 €'],
    ['es', 'El cinco de mayo.', '5/5/2026'],
    ['fr', 'Cela coûte quatre-vingt-dix-sept euros.', '97 €'],
    ['fr', 'A neuf heures.', 'de 9h00 à 17h00'],
  ])('%s: %s — %s', (language, clause, source) => {
    expect(unknown(clause, source, language)).toEqual([]);
    expect(unknown(clause, 'nada', language)).not.toEqual([]);
  });
});

describe('any number', () => {
  const number = fc.integer({ min: 11, max: 999_999 });
  const price = fc.integer({ min: 2, max: 99_999 });
  const written = (value: number) => value.toLocaleString('en-US');

  test('in a passage may be said in any spelling', () => {
    fc.assert(
      fc.property(number, (value) => {
        const spellings = [String(value), written(value), cardinal(value)];
        for (const source of spellings)
          for (const said of spellings) expect(unknown(`We have ${said} rooms.`, `There are ${source} rooms.`), said).toEqual([]);
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(price, (cents) => {
        const source = `$${(cents / 100).toFixed(2)}`;
        expect(unknown(`It is ${source}.`, spokenText(`It is ${source}.`))).toEqual([]);
        expect(unknown(spokenText(`It is ${source}.`), `It is ${source}.`)).toEqual([]);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1100, max: 2099 }), fc.integer({ min: 1, max: 28 }), (when, day) => {
        expect(unknown(`Since ${year(when)}.`, `Founded in ${when}.`)).toEqual([]);
        expect(unknown(`On the ${ordinal(day)} of June.`, `June ${day}`)).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), (hour, minute) => {
        const source = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
        const said = `${hour % 12 === 0 ? 12 : hour % 12}:${String(minute).padStart(2, '0')} ${hour < 12 ? 'am' : 'pm'}`;
        expect(unknown(`At ${said}.`, `From ${source}.`), said).toEqual([]);
        expect(unknown(`At ${spokenText(said)}.`, `From ${source}.`), spokenText(said)).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[2-9]\d{6,9}$/), (figures) => {
        expect(unknown(`Call ${digits(figures)}.`, `Phone: ${figures}`)).toEqual([]);
        expect(unknown(`Call ${figures}.`, `Phone: ${digits(figures)}`)).toEqual([]);
      }),
    );
  });

  test('that no passage holds is caught in any spelling', () => {
    fc.assert(
      fc.property(number, fc.array(number, { maxLength: 8 }), (value, others) => {
        fc.pre(!others.includes(value));
        const source = others.map((other, i) => `Room ${i % 2 === 0 ? written(other) : cardinal(other)} is free.`).join(' ');
        for (const said of [String(value), written(value), cardinal(value), `$${value}`, `${value} %`, `${value} days`])
          expect(unknown(`It is ${said} here.`, source), said).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });

  test('texts made to be slow to read are not', () => {
    for (const text of ['a', '1', 'a-', 'a.', '1 ', 'x@', 'a dot ', 'one ', 'hundred and ', '"price":4500,', 'Aa ']) {
      const from = performance.now();
      new Evidence('en').add(text.repeat(24_000 / text.length));
      // Some milliseconds; a second is a reading that grows with the square of the text.
      expect(performance.now() - from, text).toBeLessThan(1_000);
    }
  });

  test('whatever is written, a text knows its own claims', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), fc.constantFrom('en', 'de', 'es', 'fr', 'ja'), (text, language) => {
        expect(unknown(text, text, language)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cardinal, ordinal, year } from './spoken-numbers.ts';
import { spokenText, spokenTokens } from './spoken-text.ts';

test.each([
  ['It costs $45.', 'It costs forty five dollars.'],
  ['It costs $45.50 today', 'It costs forty five dollars and fifty cents today'],
  ['only $1', 'only one dollar'],
  ['£0.99 each', 'ninety nine pence each'],
  ['$1.2 million', 'one point two million dollars'],
  ['a 45.50 fee', 'a forty five point five zero fee'],
  ['We open at 9:30.', 'We open at nine thirty.'],
  ['from 9:05 am to 5 pm', 'from nine oh five a m to five p m'],
  ['at 17:00', 'at seventeen hundred'],
  ['Call 555-0100 now', 'Call five five five, zero one zero zero now'],
  ['Call +1 (555) 010-0199.', 'Call plus one, five five five, zero one zero, zero one nine nine.'],
  ['order 12345678', 'order one two three, four five six, seven eight'],
  ['code 0451', 'code zero four five one'],
  ['Write to help.desk@example.com.', 'Write to help dot desk at example dot com.'],
  ['See https://www.example.com/help for more', 'See example dot com slash help for more'],
  ['Dr. Smith lives at 12 Main St.', 'doctor Smith lives at twelve Main street'],
  ['open Mon-Fri, 9-5', 'open Monday to Friday, nine to five'],
  ['on 2026-01-05', 'on January fifth, twenty twenty six'],
  ['since 1998', 'since nineteen ninety eight'],
  ['the 21st floor', 'the twenty first floor'],
  ['a 15% discount & more', 'a fifteen percent discount and more'],
  ['1,250,000 users', 'one million two hundred fifty thousand users'],
  ['**Yes**, [we do](https://example.com)!', 'Yes, we do!'],
  ['about 30 min. or 2 hrs', 'about thirty minutes or two hours'],
  ['open 24/7', 'open twenty four seven'],
  ['The sun is out', 'The sun is out'],
  ['e.g. shoes', 'for example shoes'],
])('%s', (written, said) => {
  expect(spokenText(written)).toBe(said);
});

test('a written word keeps its place beside what is said for it', () => {
  expect(spokenTokens('It is ($45), at 9:30 am.')).toEqual([
    { written: 'It', spoken: 'It' },
    { written: 'is', spoken: 'is' },
    { written: '($45),', spoken: '(forty five dollars),' },
    { written: 'at', spoken: 'at' },
    { written: '9:30 am.', spoken: 'nine thirty a m' },
  ]);
});

test('numbers', () => {
  expect(cardinal(0)).toBe('zero');
  expect(cardinal(1_000_000)).toBe('one million');
  expect(cardinal(999_999)).toBe('nine hundred ninety nine thousand nine hundred ninety nine');
  expect([1, 2, 3, 8, 12, 20, 101].map(ordinal)).toEqual([
    'first',
    'second',
    'third',
    'eighth',
    'twelfth',
    'twentieth',
    'one hundred first',
  ]);
  expect([1900, 1905, 2000, 2005, 2026].map(year)).toEqual([
    'nineteen hundred',
    'nineteen oh five',
    'two thousand',
    'two thousand five',
    'twenty twenty six',
  ]);
});

test('never throws, keeps no digit, and loses no written word', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('$', '9:30', '1,000', '555-0100', 'a@b.co', 'St.', '%', '–', '12th', '24/7', ' '),
    fc.nat().map(String),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
      const text = parts.join(' ');
      expect(spokenText(text)).not.toMatch(/\d/);
      const written = spokenTokens(text)
        .map((token) => token.written)
        .join(' ');
      expect(written.replace(/\s+/g, '')).toBe(
        text
          .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
          .replace(/^\s{0,3}(?:#{1,6}|[-*•]|>)\s+/gm, '')
          .replace(/\s+/g, ''),
      );
    }),
    { numRuns: 300 },
  );
});

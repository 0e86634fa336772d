import { describe, expect, test } from 'vitest';
import { spokenTime } from './spoken-time.ts';

/** Friday 2026-03-27, 10:15 UTC: two days before the clocks of Europe change. */
const nowMs = Date.UTC(2026, 2, 27, 10, 15);

describe('a spoken time', () => {
  test.each([
    ['tomorrow at 3 pm', 'Europe/Lisbon', '2026-03-28T15:00:00.000Z'],
    ['on Monday at 9 am', 'Europe/Lisbon', '2026-03-30T08:00:00.000Z'], // summer time by then
    ['Monday at 14:30', 'Europe/Berlin', '2026-03-30T12:30:00.000Z'],
    ['April 2nd at 4:30 pm', 'America/New_York', '2026-04-02T20:30:00.000Z'],
    ['today at 11 pm', 'Australia/Sydney', '2026-03-27T12:00:00.000Z'],
    ['in two hours', 'Asia/Tokyo', '2026-03-27T12:15:00.000Z'],
  ])('%s in %s', (words, timeZone, instant) => {
    const found = spokenTime(words, { nowMs, timeZone, language: 'en' });
    expect(found === undefined ? undefined : new Date(found).toISOString()).toBe(instant);
  });

  test.each(['next week', 'tomorrow afternoon', 'at three', 'Monday or Tuesday', 'whenever', 'between 2 pm and 4 pm tomorrow', ''])(
    'is left in words: %s',
    (words) => {
      expect(spokenTime(words, { nowMs, timeZone: 'UTC', language: 'en' })).toBeUndefined();
    },
  );

  test('in a language without a parser stays in words', () => {
    expect(spokenTime('yarın saat 15', { nowMs, timeZone: 'UTC', language: 'tr' })).toBeUndefined();
  });
});

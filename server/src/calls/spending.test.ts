import { expect, test } from 'vitest';
import { ceilingReached, dayOf, Spending } from './spending.ts';

const noon = Date.UTC(2026, 2, 2, 12);
const HOUR = 3_600_000;
const entry = (dailyCeilingMicros: number | null, spentTodayMicros: number, timeZone = 'UTC') => ({
  id: 'b',
  timeZone,
  costs: { dailyCeilingMicros, spentTodayMicros },
});

test('what is left counts down to the ceiling and is never less than nothing', () => {
  const spending = new Spending();
  spending.publish(entry(1_000, 300), noon);
  expect(spending.left('b', noon)).toBe(700);
  expect(spending.spend('b', 600, noon)).toBe(100);
  expect(spending.spend('b', 600, noon)).toBe(0);
  expect(spending.spent('b', noon)).toBe(1_500);
});

test('without a ceiling, without an account and after the business is gone there is no limit', () => {
  const spending = new Spending();
  expect(spending.spend('b', 5, noon)).toBe(Infinity);
  expect(spending.spent('b', noon)).toBe(0);
  spending.publish(entry(null, 300), noon);
  expect(spending.spend('b', 1e12, noon)).toBe(Infinity);
  spending.publish({ id: 'c' }, noon);
  expect(spending.left('c', noon)).toBe(Infinity);
  spending.publish(entry(1, 300), noon);
  expect(spending.left('b', noon)).toBe(0);
  spending.remove('b');
  expect(spending.left('b', noon)).toBe(Infinity);
});

test('publishing again never counts a call twice and never forgets one; a new ceiling counts at once', () => {
  const spending = new Spending();
  spending.publish(entry(1_000, 300), noon);
  spending.spend('b', 200, noon);
  // The database is behind, then it has caught up, then it knows of another process's call.
  for (const [told, left] of [
    [300, 500],
    [500, 500],
    [650, 350],
  ]) {
    spending.publish(entry(1_000, told), noon);
    expect(spending.left('b', noon)).toBe(left);
  }
  spending.publish(entry(2_000, 0), noon);
  expect(spending.left('b', noon)).toBe(1_350);
});

test('a day begins at midnight where the business is, daylight saving included', () => {
  expect([dayOf(noon, 'UTC'), dayOf(noon, 'Pacific/Kiritimati'), dayOf(noon, 'America/New_York')]).toEqual([
    '2026-03-02',
    '2026-03-03',
    '2026-03-02',
  ]);
  const spending = new Spending();
  // New York is at UTC-5 on the 7th of March 2026 and at UTC-4 from the 8th.
  const evening = Date.UTC(2026, 2, 8, 4, 59);
  spending.publish(entry(1_000, 900, 'America/New_York'), evening);
  expect(spending.left('b', evening)).toBe(100);
  expect(spending.left('b', evening + 60_000)).toBe(1_000);
  spending.spend('b', 400, evening + 22 * HOUR);
  expect(spending.left('b', evening + 23 * HOUR - 60_000)).toBe(600);
  expect(spending.left('b', evening + 23 * HOUR + 60_000)).toBe(1_000);
});

test("nonsense is not spent; a call's own ceiling comes first", () => {
  const spending = new Spending();
  spending.publish(entry(1_000, 0), noon);
  for (const micros of [NaN, -5, Infinity, 0]) spending.spend('b', micros, noon);
  expect(spending.left('b', noon)).toBe(1_000);
  expect(ceilingReached({ ceilingMicros: 10, spentMicros: 10 }, 0)).toBe('call');
  expect(ceilingReached({ ceilingMicros: 10, spentMicros: 9 }, 0)).toBe('day');
  expect(ceilingReached({ ceilingMicros: 10, spentMicros: 9 }, 1)).toBeUndefined();
  expect(ceilingReached({ ceilingMicros: null, spentMicros: 1e9 }, Infinity)).toBeUndefined();
});

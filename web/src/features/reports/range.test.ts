import { expect, test } from 'vitest';
import { dateOf, daysOf, ownRange, rangeOf } from './range.ts';

const now = new Date(2026, 2, 10, 15, 30, 20);

test('a preset begins at a midnight and ends with the minute; the assistant is passed on', () => {
  const range = rangeOf({ days: 7, assistantId: 'ava' }, now);
  expect(new Date(range['from'] ?? '')).toEqual(new Date(2026, 2, 4));
  expect(new Date(range['to'] ?? '')).toEqual(new Date(2026, 2, 10, 15, 31));
  expect(range['assistantId']).toBe('ava');
  expect(rangeOf({}, now)).toEqual(rangeOf({ days: 7 }, new Date(2026, 2, 10, 15, 30, 59)));
});

test('a range of one’s own includes its last day; one that is no date is passed over', () => {
  const range = rangeOf({ from: '2026-02-27', to: '2026-03-01' }, now);
  expect(new Date(range['to'] ?? '')).toEqual(new Date(2026, 2, 2));
  expect(daysOf(range['from'] ?? '', range['to'] ?? '')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
  expect(rangeOf({ from: '2026-02-31', to: '2026-03-01' }, now)).toEqual(rangeOf({}, now));
});

test('every day is there once, also where clocks are put forward', () => {
  const { from, to } = ownRange(90, now);
  const range = rangeOf({ from, to }, now);
  const days = daysOf(range['from'] ?? '', range['to'] ?? '');
  expect(new Set(days).size).toBe(days.length);
  expect(days.at(-1)).toBe(dateOf(now));
});

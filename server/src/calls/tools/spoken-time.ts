/** A time in a caller's words as an instant, where it is clear. */
import { de, en, es, fr, nl, type ParsedResult, pt } from 'chrono-node';

export interface TimePlace {
  /** Wall clock, milliseconds since the epoch. */
  nowMs: number;
  /** IANA zone in which the words are meant. */
  timeZone: string;
  language: string;
}

const PARSERS: Record<string, { parse: typeof en.parse }> = { en, de, es, fr, nl, pt };

/**
 * "tomorrow at 3 pm" → milliseconds since the epoch. Undefined where day or hour are left open ("next week",
 * "tomorrow afternoon", "at three" of which half of the day) or the language has no parser: then the words stay as they are.
 */
export function spokenTime(words: string, { nowMs, timeZone, language }: TimePlace): number | undefined {
  const parser = PARSERS[language.split('-')[0].toLowerCase()];
  if (!parser || words.length > 200) return undefined;
  const reference = { instant: new Date(nowMs), timezone: offsetMinutes(nowMs, timeZone) };
  const [found, ...more] = parser.parse(words, reference, { forwardDate: true });
  if (!found || more.length > 0 || found.end || !isClear(found)) return undefined;
  const { start } = found;
  // A zone said aloud ("3 pm Eastern") or a distance from now ("in two hours") is an instant already.
  if (start.isCertain('timezoneOffset')) return start.date().getTime();
  const part = (name: 'year' | 'month' | 'day' | 'hour' | 'minute') => start.get(name) ?? 0;
  return instantOf(Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute')), timeZone);
}

function isClear({ start }: ParsedResult): boolean {
  const day = start.isCertain('day') || start.isCertain('weekday');
  const hour = start.isCertain('hour') && (start.isCertain('meridiem') || (start.get('hour') ?? 0) > 12);
  return day && hour;
}

/** The instant at which clocks in the zone show `local` (given as if it were UTC). In a gap of the clocks, the later one. */
function instantOf(local: number, timeZone: string): number {
  const guess = local - offsetMinutes(local, timeZone) * 60_000;
  return local - offsetMinutes(guess, timeZone) * 60_000;
}

/** Minutes east of UTC at an instant. */
function offsetMinutes(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(atMs);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value);
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return Math.round((local - Math.floor(atMs / 1000) * 1000) / 60_000);
}

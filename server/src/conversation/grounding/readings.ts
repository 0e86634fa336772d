/**
 * What texts say in numbers: amounts, prices, shares, spans, times, dates, telephone numbers, addresses, product codes.
 * A mention in a source gives out keys ({@link Mention.says}); a mention in a sentence is supported when one of its readings
 * ({@link Mention.needs}) is among the keys given out. So "9 am", "09:00" and "nine o'clock" meet, and "$45" and "45 %" do not.
 *
 *   =45 the number in any sense   #45 without a unit   $usd45 money   &45 a bare number that may be cents   %45   s60 m12 spans
 *   t540 a time, minutes of the day   u540 the same where am or pm is open   h540 either   M30 a time of a zone, by its minutes
 *   d5-31 a date   y2026-5-31   @mail   w:host   cA113 a code   ~555 figures in a row   W0 a day of the week, from Monday
 */
import { CURRENCIES, MONTHS_OF_SPAN, SECONDS } from './units.ts';

export interface Reading {
  says: readonly string[];
  /** Readings; all keys of one must be there. None: nobody has to know it. */
  needs: readonly (readonly string[])[];
}

/** A number in whatever sense. */
export const keys = (values: readonly number[]): string[] => values.map((value) => `=${value}`);

const HALF_DAY = 720;

/** `half`: "a", "p", or "x" where the hours are known to be counted to 24. */
export function clock(hour: number, minute: number, half?: string): Reading | undefined {
  if (hour > 24 || minute > 59) return undefined;
  const of = (half ?? '').toLowerCase();
  const hours = of === 'p' ? (hour % 12) + 12 : of === 'a' ? hour % 12 : hour % 24;
  const at = hours * 60 + minute;
  const open = of === '' && hour <= 12;
  const within = at % HALF_DAY;
  const numbers = [`=${hour}`, `=${hours}`, `=${hours % 12 === 0 ? 12 : hours % 12}`, ...(minute === 0 ? [] : [`=${minute}`])];
  const says = [...numbers, `h${within}`, open ? `u${within}` : `t${at}`];
  const bare = minute === 0 ? [[`#${hour}`], [`#${hours}`]] : [];
  const zone = [`M${minute % 15}`];
  return { says, needs: open ? [[`h${within}`], ...bare, zone] : [[`t${at}`], [`u${within}`], ...bare, zone] };
}

export function dateOf(month: number, day: number, year?: number): Reading | undefined {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31)) return undefined;
  const key = `d${month}-${day}`;
  const says = [key, `=${day}`, `#${day}`];
  if (year === undefined) return { says, needs: [[key]] };
  const whole = `y${year}-${month}-${day}`;
  return { says: [...says, whole, `=${year}`], needs: [[whole], [key, `=${year}`]] };
}

export function span(unit: string, values: readonly number[]): Reading {
  const seconds = SECONDS.get(unit);
  const spans = values.map((value) =>
    seconds === undefined ? `m${value * (MONTHS_OF_SPAN.get(unit) ?? 1)}` : `s${Math.round(value * seconds)}`,
  );
  // "One moment", "just a second".
  const passing = values[0] === 1 && seconds !== undefined && seconds <= 60;
  return {
    says: [...keys(values), ...spans],
    needs: passing ? [] : [...spans.map((key) => [key]), ...values.map((value) => [`#${value}`])],
  };
}

export function money(currency: string, values: readonly number[]): Reading {
  return {
    says: [...keys(values), ...values.map((value) => `$${currency}${value}`)],
    needs: values.flatMap((value) => [[`$${currency}${value}`], [`#${value}`], [`&${Math.round(value * 100)}`]]),
  };
}

/** Of whatever currency. */
export function cents(values: readonly number[]): Reading {
  const amounts = values.map((value) => value / 100);
  const keyed = [...new Set(CURRENCIES.values())].flatMap((currency) => amounts.map((value) => `$${currency}${value}`));
  return { says: [...keys(values), ...keyed], needs: [...keyed.map((key) => [key]), ...values.map((value) => [`#${value}`])] };
}

export function share(values: readonly number[]): Reading {
  const says = values.map((value) => `%${value}`);
  return { says: [...keys(values), ...says], needs: [...says.map((key) => [key]), ...values.map((value) => [`#${value}`])] };
}

/** Every number, date, time, price, address and code in a text, as keys that meet those of other texts ({@link ./readings.ts}). */
import {
  CENTS,
  CURRENCIES,
  DAY_GROUPS,
  EMERGENCY_NUMBERS,
  MONTHS,
  MONTHS_OF_SPAN,
  ORDINAL_WORDS,
  OWN_COUNTING,
  SECONDS,
  SHORT_WEEKDAYS,
  SPAN_ADJECTIVES,
  WEEKDAYS,
} from './units.ts';
import { asWritten, spelledNumber } from './number-words.ts';
import { cents, clock, dateOf, keys, money, type Reading, share, span } from './readings.ts';
import { WRITTEN_FORMS } from './written-forms.ts';

export interface Mention extends Reading {
  /** As it is written. */
  text: string;
}

type Found = Reading & { next: number };

/** Every mention in the text, in order of their kinds. */
export function mentionsIn(text: string, language: string): Mention[] {
  const mentions: Mention[] = [];
  let rest = text;
  for (const { sign, pattern, read } of WRITTEN_FORMS) {
    if (!sign.test(text)) continue;
    rest = rest.replace(pattern, (...match: (string | undefined)[]) => {
      const found = read(match);
      if (!found) return match[0] ?? '';
      mentions.push({ text: (match[0] ?? '').replace(/[\s.]+$/, '').trim(), ...found });
      return ' ; ';
    });
  }
  readTokens(rest, language, mentions);
  return mentions;
}

// Words and figures in a row

interface Token {
  word: string;
  from: number;
  to: number;
}

const TOKEN = /\d+(?:[.,]\d+)*|\p{L}+(?:['’]\p{L}+)*|[$€£%]|[^\s\p{L}\d]/gu;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const { 0: raw, index } of text.matchAll(TOKEN)) {
    // A hyphen joins.
    if (raw === '-' && /[\p{L}\d]/u.test(text[index - 1] ?? '') && /[\p{L}\d]/u.test(text[index + 1] ?? '')) continue;
    const lower = raw.toLowerCase();
    const word = /^[ -~]*$/.test(lower) ? lower : lower.normalize('NFKD').replace(/\p{M}/gu, '').replace(/’/g, "'");
    tokens.push({ word, from: index, to: index + raw.length });
  }
  return tokens;
}

/** A number as figures or words. */
interface Amount {
  values: number[];
  next: number;
  spelled: boolean;
  digits?: string;
  clock?: [number, number];
  ordinal?: boolean;
}

function readTokens(text: string, language: string, into: Mention[]): void {
  const tokens = tokensOf(text);
  const words = tokens.map(({ word }) => word);
  const days: { day: number; at: number }[] = [];
  for (let at = 0; at < words.length; ) {
    const read = readAt(words, at, language);
    if (read) {
      into.push({ text: text.slice(tokens[at].from, tokens[read.next - 1].to), says: read.says, needs: read.needs });
      at = read.next;
      continue;
    }
    const day = WEEKDAYS.get(words[at]) ?? SHORT_WEEKDAYS.get(text.slice(tokens[at].from, tokens[at].to));
    if (day !== undefined) {
      days.push({ day, at });
      into.push({ text: text.slice(tokens[at].from, tokens[at].to), says: ['W', `W${day}`], needs: [[`W${day}`]] });
    }
    const group = DAY_GROUPS.get(words[at]) ?? (words[at] === 'every' && words[at + 1] === 'day' ? DAY_GROUPS.get('daily') : undefined);
    if (group) into.push({ text: words[at], says: group.map((one) => `W${one}`), needs: [] });
    at++;
  }
  // "Monday to Friday" is every day between.
  for (let i = 1; i < days.length; i++) {
    const [first, last] = [days[i - 1], days[i]];
    const between = words.slice(first.at + 1, last.at).join(' ');
    if (!/^(?:to|through|thru|until|till|bis|a|al|au|hasta|-|–|—|)$/.test(between)) continue;
    const says: string[] = [];
    for (let day = first.day; day !== last.day; day = (day + 1) % 7) says.push(`W${day}`);
    into.push({ text: '', says, needs: [] });
  }
}

function readAt(words: readonly string[], at: number, language: string): Found | undefined {
  const word = words[at];
  if (word === 'noon' || word === 'midday') return { ...(clock(12, 0, 'p') as Reading), next: at + 1 };
  if (word === 'midnight') return { ...(clock(0, 0, 'a') as Reading), next: at + 1 };
  if (word === 'half' || word === 'quarter') return partOfHour(words, at, language);
  const article = (word === 'a' || word === 'an') && words[at + 1] !== undefined;
  if (article && (SECONDS.has(words[at + 1]) || MONTHS_OF_SPAN.has(words[at + 1]))) {
    return { ...span(words[at + 1], [1]), needs: [], next: at + 2 };
  }
  const sign = CURRENCIES.get(word);
  if (sign !== undefined && !/^\p{L}/u.test(word)) {
    const amount = amountAt(words, at + 1, language);
    return amount && { ...money(sign, amount.values), next: amount.next };
  }
  const month = MONTHS.get(word);
  if (month !== undefined) return afterMonth(month, words, at + 1, language);
  const amount = amountAt(words, at, language);
  return amount && counted(amount, words, language);
}

/** "half past nine", "quarter to five"; "half an hour". */
function partOfHour(words: readonly string[], at: number, language: string): Found | undefined {
  const minutes = words[at] === 'half' ? 30 : 15;
  const link = words[at + 1];
  if (words[at] === 'half' && link === 'an' && words[at + 2] === 'hour') return { ...span('minute', [30]), next: at + 3 };
  if (!/^(?:past|after|to|of|before)$/.test(link ?? '')) return undefined;
  const hour = amountAt(words, at + 2, language);
  if (!hour || !(hour.values[0] >= 1 && hour.values[0] <= 12)) return undefined;
  return pastHour(hour.values[0], /past|after/.test(link) ? minutes : -minutes, words, hour.next);
}

function pastHour(hour: number, minutes: number, words: readonly string[], next: number): Found | undefined {
  const [half, after] = halfOfDay(words, next);
  const [at, minute] = minutes < 0 ? [hour === 1 ? 12 : hour - 1, 60 + minutes] : [hour, minutes];
  const found = clock(at, minute, half);
  return found && { ...found, next: after };
}

/** "am", "in the evening", "o'clock"; undefined where the half of the day stays open. */
function halfOfDay(words: readonly string[], at: number): [half: string | undefined, next: number] {
  const next = words[at] === "o'clock" || words[at] === 'uhr' || words[at] === 'heures' ? at + 1 : at;
  if (words[next] === 'am' || words[next] === 'pm') return [words[next][0], next + 1];
  if ((words[next] === 'a' || words[next] === 'p') && words[next + 1] === 'm') return [words[next], next + 2];
  if ((words[next] === 'a' || words[next] === 'p') && words[next + 1] === '.' && words[next + 2] === 'm') return [words[next], next + 3];
  if (words[next] === 'in' && words[next + 1] === 'the') {
    if (words[next + 2] === 'morning') return ['a', next + 3];
    if (words[next + 2] === 'afternoon' || words[next + 2] === 'evening') return ['p', next + 3];
  }
  if (words[next] === 'at' && words[next + 1] === 'night') return ['p', next + 2];
  return [undefined, next];
}

/** "May 31", "May the 31st, 2026". */
function afterMonth(month: number, words: readonly string[], at: number, language: string): Found | undefined {
  const day = amountAt(words, words[at] === 'the' ? at + 1 : at, language);
  if (!day || (day.spelled && !day.ordinal && words[at - 1] === 'may')) return undefined;
  const [dated, next] = withYear(month, day.values[0], words, day.next, language);
  if (!dated) return undefined;
  // "May 5 to 9": the second day is of the same month.
  const to = /^(?:to|-|–|until|through)$/.test(words[next] ?? '') ? amountAt(words, next + 1, language) : undefined;
  const last = to && dateOf(month, to.values[0]);
  return { says: [...dated.says, ...(last?.says ?? [])], needs: dated.needs, next };
}

function withYear(
  month: number,
  day: number,
  words: readonly string[],
  at: number,
  language: string,
): [date: Reading | undefined, next: number] {
  const from = words[at] === ',' ? at + 1 : at;
  const year = amountAt(words, from, language);
  const known = year && year.values[0] >= 1900 && year.values[0] < 2200;
  return known ? [dateOf(month, day, year.values[0]), year.next] : [dateOf(month, day), at];
}

/** A number that stands at `at`, with its scale, as a whole. */
function amountAt(words: readonly string[], at: number, language: string): Amount | undefined {
  const word = words[at];
  if (word === undefined) return undefined;
  if (/^\d/.test(word)) return figures(word, words, at, language);
  const ordinal = ordinalAt(words, at);
  if (ordinal && language.startsWith('en')) return ordinal;
  const spelled = spelledNumber(words, at, language);
  return spelled && { ...spelled, spelled: true };
}

const SCALE_WORDS = new Map([
  ['hundred', 100],
  ['thousand', 1e3],
  ['tausend', 1e3],
  ['mil', 1e3],
  ['mille', 1e3],
  ['k', 1e3],
  ['million', 1e6],
  ['billion', 1e9],
]);

function figures(word: string, words: readonly string[], at: number, language: string): Amount {
  const values = numbersOf(word, language);
  const next = words[at + 1];
  if (/^(?:st|nd|rd|th)$/.test(next ?? '')) return { values, next: at + 2, spelled: false, ordinal: true };
  const scale = SCALE_WORDS.get(next ?? '');
  if (scale !== undefined) return { values: values.map((value) => asWritten(value * scale)), next: at + 2, spelled: false };
  if (next === 'and' && words[at + 2] === 'a' && words[at + 3] === 'half')
    return { values: [values[0] + 0.5], next: at + 4, spelled: false };
  const zeros = /^0\d/.test(word) ? { digits: word } : {};
  return { values, next: at + 1, spelled: false, ...zeros };
}

/** "1,200" and "1.200" are read as the language writes them; where both make sense, as both. */
function numbersOf(written: string, language: string): number[] {
  const english = Number(written.replace(/,/g, ''));
  const continental = Number(written.replace(/\./g, '').replace(',', '.'));
  const both = language.startsWith('en') ? [english] : [continental, english];
  return [...new Set(both.filter((value) => Number.isFinite(value)))].slice(0, 2);
}

function ordinalAt(words: readonly string[], at: number): Amount | undefined {
  const tens = words[at] === 'twenty' ? 20 : words[at] === 'thirty' ? 30 : 0;
  const value = ORDINAL_WORDS.get(words[tens > 0 ? at + 1 : at]);
  if (value === undefined || (tens > 0 && value > 9)) return undefined;
  return { values: [tens + value], next: at + (tens > 0 ? 2 : 1), spelled: true, ordinal: true };
}

/** A number with whatever follows it. */
function counted(amount: Amount, words: readonly string[], language: string): Found {
  const { values, next } = amount;
  const unit = words[next] ?? '';
  if (unit === '%' || unit === 'percent' || unit === 'prozent') return { ...share(values), next: next + 1 };
  if ((unit === 'per' && words[next + 1] === 'cent') || (unit === 'por' && words[next + 1] === 'ciento'))
    return { ...share(values), next: next + 2 };
  if (unit === 'pour' && words[next + 1] === 'cent') return { ...share(values), next: next + 2 };
  const currency = CURRENCIES.get(unit);
  if (currency !== undefined) return withCents(currency, values, words, next + 1, language);
  if (CENTS.has(unit)) return { ...cents(values), next: next + 1 };
  if (amount.ordinal || /^(?:de|\.|of)$/.test(unit) || MONTHS.has(unit)) {
    const at = /^(?:de|of)$/.test(unit) || (unit === '.' && MONTHS.has(words[next + 1] ?? '')) ? next + 1 : next;
    const month = MONTHS.get(words[at] ?? '');
    if (month !== undefined) {
      const [date, after] = withYear(month, values[0], words, words[at + 1] === 'de' ? at + 2 : at + 1, language);
      if (date) return { ...date, next: after };
    }
  }
  if (amount.ordinal) return ordinal(amount);
  const atSpan = SPAN_ADJECTIVES.has(unit) ? next + 1 : next;
  const spanned = words[atSpan] ?? '';
  if (SECONDS.has(spanned) || MONTHS_OF_SPAN.has(spanned)) {
    const hour = spanned === 'heures' && values[0] <= 24 ? clock(values[0], 0, 'x') : undefined;
    const found = span(spanned, values);
    return {
      says: [...found.says, ...(hour?.says ?? [])],
      needs: found.needs.length === 0 ? [] : [...found.needs, ...(hour?.needs ?? [])],
      next: atSpan + 1,
    };
  }
  const time = timeOf(amount, words);
  if (time) return time;
  return bare(amount, words);
}

/** "45 dollars and 50 cents". */
function withCents(currency: string, values: readonly number[], words: readonly string[], at: number, language: string): Found {
  const from = words[at] === 'and' || words[at] === 'und' || words[at] === 'con' || words[at] === 'et' ? at + 1 : at;
  const part = amountAt(words, from, language);
  if (!part || !(part.values[0] > 0 && part.values[0] < 100) || (from > at && !CENTS.has(words[part.next] ?? '')))
    return { ...money(currency, values), next: at };
  const next = CENTS.has(words[part.next] ?? '') ? part.next + 1 : part.next;
  const whole = values.map((value) => asWritten(value + part.values[0] / 100));
  return { ...money(currency, whole), next };
}

/** The first, the second, … of what was just said is nobody's fact; a higher one, or one in figures, is. */
function ordinal({ values, next, spelled }: Amount): Found {
  const own = spelled && values[0] <= 10;
  return { says: [...keys(values), ...values.map((value) => `#${value}`)], needs: own ? [] : values.map((value) => [`=${value}`]), next };
}

function timeOf(amount: Amount, words: readonly string[]): Found | undefined {
  const { values, next } = amount;
  const [half, after] = halfOfDay(words, next);
  const [hour, minute] = amount.clock ?? [values[0], 0];
  if (half !== undefined || after > next) {
    const found = Number.isInteger(hour) && hour <= 24 ? clock(hour, minute, half) : undefined;
    return found && { ...found, next: after };
  }
  const link = words[next] === 'minutes' ? words[next + 1] : words[next];
  if (link === 'past' && values[0] < 60) {
    const of = Number.isInteger(values[0]) ? amountAt(words, words[next] === 'minutes' ? next + 2 : next + 1, 'en') : undefined;
    if (of && of.values[0] >= 1 && of.values[0] <= 12) return pastHour(of.values[0], values[0], words, of.next);
  }
  return undefined;
}

function bare({ values, digits, clock: time, spelled, next }: Amount, words: readonly string[]): Found {
  const open = time && clock(time[0], time[1]);
  const says = [
    ...keys(values),
    ...values.map((value) => `#${value}`),
    ...values.map((value) => `&${value}`),
    ...(digits === undefined ? [] : [`~${digits}`]),
    ...(open?.says ?? []),
  ];
  const [value] = values;
  const own = (value === 1 && spelled) || (value !== undefined && value <= 5 && OWN_COUNTING.has(words[next] ?? ''));
  if (own || EMERGENCY_NUMBERS.has(digits ?? String(value))) return { says, needs: [], next };
  const needs = [...values.map((one) => [`=${one}`]), ...(digits === undefined ? [] : [[`~${digits}`]]), ...(open?.needs ?? [])];
  return { says, needs, next };
}

/** Days as people say them: "the third of March nineteen eighty four", "next Tuesday". English. */
import { en } from 'chrono-node';

const ORDINALS: Record<string, number> = {
  first: 1,
  second: 2,
  third: 3,
  fourth: 4,
  fifth: 5,
  sixth: 6,
  seventh: 7,
  eighth: 8,
  ninth: 9,
  tenth: 10,
  eleventh: 11,
  twelfth: 12,
  thirteenth: 13,
  fourteenth: 14,
  fifteenth: 15,
  sixteenth: 16,
  seventeenth: 17,
  eighteenth: 18,
  nineteenth: 19,
  twentieth: 20,
  thirtieth: 30,
};
const NUMBERS: Record<string, number> = {
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  thirteen: 13,
  fourteen: 14,
  fifteen: 15,
  sixteen: 16,
  seventeen: 17,
  eighteen: 18,
  nineteen: 19,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
};
const ones = 'one|two|three|four|five|six|seven|eight|nine';
const teens = 'ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen';
const tens = 'twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety';
const pair = `(?:(?:${tens})(?:[ -](?:${ones}))?|${teens})`;

const valueOf = (words: string): number => words.split(/[ -]/).reduce((sum, word) => sum + (NUMBERS[word] ?? ORDINALS[word] ?? 0), 0);

/** Years and ordinals in words become figures. */
function inFigures(text: string): string {
  return text
    .toLowerCase()
    .replace(/,/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(new RegExp(`\\btwo thousand(?: and)?(?: (${pair}|${ones}))?\\b`, 'g'), (_, rest?: string) =>
      String(2000 + (rest ? valueOf(rest) : 0)),
    )
    .replace(
      new RegExp(`\\b(nineteen|twenty) (?:(?:oh|o) (${ones})|(${pair}))\\b`, 'g'),
      (whole, century: string, one?: string, rest?: string) => {
        const last = valueOf(one ?? rest ?? '');
        return whole === '' ? whole : String(valueOf(century) * 100 + last);
      },
    )
    .replace(
      new RegExp(`\\b(twenty|thirty)[ -](${Object.keys(ORDINALS).slice(0, 9).join('|')})\\b`, 'g'),
      (_, ten: string, one: string) => `${NUMBERS[ten] + ORDINALS[one]}th`,
    )
    .replace(new RegExp(`\\b(${Object.keys(ORDINALS).join('|')})\\b`, 'g'), (word) => `${ORDINALS[word]}th`)
    .replace(/\b(\d+th) of\b/g, '$1');
}

/**
 * A day as `YYYY-MM-DD`; undefined when month or day were left open.
 * @param today `YYYY-MM-DD` where the business is, for "tomorrow"
 */
export function spokenDate(text: string, today: string): string | undefined {
  const figures = inFigures(text);
  const reference = { instant: new Date(`${today}T12:00:00Z`), timezone: 0 };
  const [found, ...more] = en.parse(figures, reference);
  if (!found || more.length > 0 || found.end) return undefined;
  const { start } = found;
  if (!start.isCertain('day') && !start.isCertain('weekday')) return undefined;
  return dateOf(start.get('year') ?? 0, start.get('month') ?? 0, start.get('day') ?? 0);
}

/** Keys: day, month and year, `DDMMYYYY`; undefined when there is no such day. */
export function keyedDate(keys: string): string | undefined {
  if (!/^\d{8}$/.test(keys)) return undefined;
  return dateOf(Number(keys.slice(4)), Number(keys.slice(2, 4)), Number(keys.slice(0, 2)));
}

function dateOf(year: number, month: number, day: number): string | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year > 1000;
  return real ? date.toISOString().slice(0, 10) : undefined;
}

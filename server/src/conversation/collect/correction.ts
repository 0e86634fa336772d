/** What callers say when one digit of a read-back was wrong: "no, the last one is seven", "not five, nine". English. */
import { digitOf, spokenDigits, wordsOf } from './spoken-digits.ts';

const PLACES: Record<string, number> = {
  first: 0,
  second: 1,
  third: 2,
  fourth: 3,
  fifth: 4,
  sixth: 5,
  seventh: 6,
  eighth: 7,
  ninth: 8,
  tenth: 9,
  last: -1,
  final: -1,
};

/** The digits with the correction made; undefined when the words correct no single place of them. */
export function correctedDigits(value: string, text: string): string | undefined {
  const words = wordsOf(text);
  return byPlace(value, words) ?? byContrast(value, text);
}

/** "the last one is seven", "the second digit should be a four", "the last two are eight nine". */
function byPlace(value: string, words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => Object.hasOwn(PLACES, word));
  if (at < 0) return undefined;
  const beforeLast = words[at] === 'last' && words[at - 1] === 'to' && words[at - 2] === 'second';
  const verb = words.findIndex((word, index) => index > at && ['is', 'are', 'be', 'was', 's'].includes(word));
  const from = verb > 0 ? verb + 1 : at + 1 + (['one', 'digit', 'number'].includes(words[at + 1]) ? 1 : 0);
  const digits = spokenDigits(
    words
      .slice(from)
      .filter((word) => word !== 'not')
      .join(' '),
  );
  if (digits === '') return undefined;
  const start = PLACES[words[at]] < 0 ? value.length - digits.length - (beforeLast ? 1 : 0) : PLACES[words[at]];
  if (start < 0 || start + digits.length > value.length) return undefined;
  const place = words[at] === 'second' && words[at + 1] === 'to' && words[at + 2] === 'last' ? value.length - 2 : start;
  return value.slice(0, place) + digits + value.slice(place + digits.length);
}

/** "nine instead of five", "not five, nine", "it's nine, not five": where the wrong digit stands only once. */
function byContrast(value: string, text: string): string | undefined {
  const words = wordsOf(text);
  const instead = words.indexOf('instead');
  const not = words.indexOf('not');
  const digits = words.map((word) => digitOf(word));
  let right: string | undefined;
  let wrong: string | undefined;
  if (instead >= 0) {
    right = digits.slice(0, instead).findLast((digit) => digit !== undefined);
    wrong = digits.slice(instead).find((digit) => digit !== undefined);
  } else if (not >= 0) {
    wrong = digits.slice(not).find((digit) => digit !== undefined);
    const wrongAt = digits.findIndex((digit, index) => index > not && digit !== undefined);
    right = digits.slice(wrongAt + 1).find((digit) => digit !== undefined) ?? digits.slice(0, not).findLast((digit) => digit !== undefined);
  }
  if (right === undefined || wrong === undefined || digits.filter((digit) => digit !== undefined).length > 2) return undefined;
  const at = value.indexOf(wrong);
  return at >= 0 && value.indexOf(wrong, at + 1) < 0 ? value.slice(0, at) + right + value.slice(at + 1) : undefined;
}

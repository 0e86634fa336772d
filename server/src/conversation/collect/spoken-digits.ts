/** Digits as people say them on the telephone, in English: "oh four double two", "eight hundred", "nineteen eighty four". */

const ONES: Record<string, number> = {
  zero: 0,
  oh: 0,
  o: 0,
  nought: 0,
  naught: 0,
  nil: 0,
  null: 0,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  niner: 9,
  fife: 5,
};
const TEENS: Record<string, number> = {
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
};
const TENS: Record<string, number> = {
  twenty: 20,
  thirty: 30,
  forty: 40,
  fourty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
};
const TIMES: Record<string, number> = { double: 2, triple: 3, treble: 3, quadruple: 4 };
/** What a recogniser writes for a digit now and then; only read so between digits. */
const SOUND_ALIKE: Record<string, number> = { won: 1, to: 2, too: 2, tree: 3, for: 4, fore: 4, ate: 8 };
/** Say nothing about the number. */
const FILLERS = new Set([
  'um',
  'uh',
  'er',
  'erm',
  'and',
  'then',
  'dash',
  'hyphen',
  'space',
  'slash',
  'dot',
  'point',
  'comma',
  'hash',
  'pound',
  'the',
  'a',
  'please',
]);

/** Lower-case words and digit runs; hyphens and apostrophes are gone. */
export function wordsOf(text: string): string[] {
  return (text
    .toLowerCase()
    .replace(/['’]/g, '')
    .match(/\d+|\p{L}+/gu) ?? []) as string[];
}

/** The digit a word stands for: "seven", "oh", "7". */
export function digitOf(word: string | undefined): string | undefined {
  if (word === undefined) return undefined;
  if (/^\d$/.test(word)) return word;
  return Object.hasOwn(ONES, word) ? String(ONES[word]) : undefined;
}

/** The number a word begins with and how many words it took; undefined where none begins. */
function readNumber(words: readonly string[], at: number): { digits: string; next: number } | undefined {
  const word = words[at];
  if (word === undefined) return undefined;
  if (Object.hasOwn(TIMES, word)) {
    const inner = readNumber(words, at + 1);
    return inner && inner.digits.length === 1 ? { digits: inner.digits.repeat(TIMES[word]), next: inner.next } : undefined;
  }
  let value: string;
  let next = at + 1;
  if (/^\d+$/.test(word)) value = word;
  else if (Object.hasOwn(ONES, word)) value = String(ONES[word]);
  else if (Object.hasOwn(TEENS, word)) value = String(TEENS[word]);
  else if (Object.hasOwn(TENS, word)) {
    const one = ONES[words[next] ?? ''] ?? 0;
    value = String(TENS[word] + one);
    if (one > 0) next++;
  } else return undefined;
  // "eight hundred", "five thousand": the zeros are digits of the number.
  for (const [scale, zeros] of [
    ['hundred', 2],
    ['thousand', 3],
  ] as const) {
    if (words[next] !== scale || !/^[1-9]\d?$/.test(value)) continue;
    next++;
    const after = words[next] === 'and' ? next + 1 : next;
    const rest = readNumber(words, after);
    if (rest && words[next] === 'and' && rest.digits.length <= zeros)
      return { digits: value + rest.digits.padStart(zeros, '0'), next: rest.next };
    return { digits: value + '0'.repeat(zeros), next };
  }
  return { digits: value, next };
}

/**
 * All digits of an utterance, "" when there are none. Of several stretches of digits with other words between ("I have
 * two of them: four five six") the longest counts; the last of equal ones, as people who correct themselves mean it.
 */
export function spokenDigits(text: string): string {
  const words = wordsOf(text);
  const stretches: string[] = [];
  let current = '';
  for (let at = 0; at < words.length; ) {
    const read = readNumber(words, at);
    if (read) {
      current += read.digits;
      at = read.next;
      continue;
    }
    const word = words[at++];
    const between = current !== '' || readNumber(words, at) !== undefined;
    if (Object.hasOwn(SOUND_ALIKE, word) && current !== '' && between) current += String(SOUND_ALIKE[word]);
    else if (!FILLERS.has(word)) {
      stretches.push(current);
      current = '';
    }
  }
  stretches.push(current);
  return stretches.reduce((best, one) => (one !== '' && one.length >= best.length ? one : best), '');
}

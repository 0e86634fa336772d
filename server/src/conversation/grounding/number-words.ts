/** Numbers as they are spelled out: "two hundred and five", "nineteen ninety eight", "zwölf", "treinta y dos". */
import { inLanguage } from '../rules/words.ts';

/** A number that begins at some word: what it may be worth, and the word after it. */
export interface SpelledNumber {
  /** Most likely first: "four fifty" is 450 or 4.5. */
  values: number[];
  /** Hour and minute, where it may be a time: "nine thirty". */
  clock?: [hour: number, minute: number];
  /** Said digit by digit, two at least. */
  digits?: string;
  next: number;
}

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SMALL = new Map<string, number>([
  ...ONES.map((word, value): [string, number] => [word, value]),
  ...TENS.map((word, at): [string, number] => [word, 20 + at * 10]),
  ['oh', 0],
  ['nought', 0],
]);
const SCALES = new Map([
  ['thousand', 1e3],
  ['million', 1e6],
  ['billion', 1e9],
]);
const REPEATS = new Map([
  ['double', 2],
  ['triple', 3],
]);

/** An English number word, a scale or a repetition. */
export const isEnglishNumberWord = (word: string): boolean =>
  SMALL.has(word) || SCALES.has(word) || REPEATS.has(word) || word === 'hundred';

/** A sum or product as it is written: 4 and 0.94 are 4.94, and not the nearest 4.9399999999999995. */
export const asWritten = (value: number): number => Number(value.toPrecision(15));

/** One of "zero" to "nine", and "oh". */
export const isEnglishDigit = (word: string): boolean => (SMALL.get(word) ?? 99) < 10;

/** The number whose spelling begins at `at`; undefined where none does. `words` are in lower case, without accents. */
export function spelledNumber(words: readonly string[], at: number, language: string): SpelledNumber | undefined {
  return language.startsWith('en') ? english(words, at) : looked(words, at, language);
}

/** One number that the grammar gives: "two hundred and five", "twenty six", "oh". */
function atomAt(words: readonly string[], from: number): { value: number; next: number } | undefined {
  let total = 0;
  let current = 0;
  let begun = false;
  let at = from;
  for (; at < words.length; at++) {
    const word = words[at];
    const small = SMALL.get(word);
    if (small !== undefined) {
      const fits = small < 10 ? current % 10 === 0 && current % 100 !== 10 && small > 0 : current % 100 === 0;
      if (begun && (!fits || current === 0)) break;
      current += small;
      begun = true;
      // A zero stands alone, and after a digit nothing but a scale goes on.
      if (small === 0) return { value: 0, next: at + 1 };
    } else if (word === 'hundred' && begun && current > 0 && current < 100) current *= 100;
    else if (SCALES.has(word) && begun && current > 0) {
      total += current * (SCALES.get(word) ?? 1);
      current = 0;
      const rest = words[at + 1] === 'and' ? at + 2 : at + 1;
      const after = atomAt(words, rest);
      if (!after || after.value >= (SCALES.get(word) ?? 1)) return { value: total, next: at + 1 };
      return { value: total + after.value, next: after.next };
    } else if (word === 'and' && current > 0 && current % 100 === 0 && (SMALL.get(words[at + 1]) ?? 0) > 0) continue;
    else if (word === 'a' && !begun && (words[at + 1] === 'hundred' || SCALES.has(words[at + 1]))) {
      current = 1;
      begun = true;
    } else break;
  }
  return begun ? { value: total + current, next: at } : undefined;
}

/** "double five" is 5, 5. */
function atomsAt(words: readonly string[], from: number): { atoms: number[]; next: number } | undefined {
  const times = REPEATS.get(words[from]);
  if (times === undefined) {
    const atom = atomAt(words, from);
    return atom && { atoms: [atom.value], next: atom.next };
  }
  const digit = SMALL.get(words[from + 1]);
  return digit !== undefined && digit < 10 ? { atoms: Array<number>(times).fill(digit), next: from + 2 } : undefined;
}

function english(words: readonly string[], from: number): SpelledNumber | undefined {
  if (words[from] === 'oh') return undefined;
  const atoms: number[] = [];
  let at = from;
  for (let found = atomsAt(words, at); found; found = atomsAt(words, at)) {
    atoms.push(...found.atoms);
    at = found.next;
  }
  if (atoms.length === 0) return undefined;
  if (words[at] === 'point' && SMALL.has(words[at + 1])) return withFraction(words, atoms, at);
  if (words[at] === 'and' && words[at + 1] === 'a' && words[at + 2] === 'half')
    return { values: [Number(atoms.join('')) + 0.5], next: at + 3 };
  return readingsOf(atoms, at);
}

function withFraction(words: readonly string[], atoms: readonly number[], point: number): SpelledNumber {
  let next = point + 1;
  let fraction = '';
  for (; isEnglishDigit(words[next] ?? '') || (fraction === '' && SMALL.has(words[next])); next++) fraction += SMALL.get(words[next]);
  return { values: [Number(`${atoms.join('')}.${fraction}`)], next };
}

function readingsOf(atoms: readonly number[], next: number): SpelledNumber {
  if (atoms.length === 1) return { values: [atoms[0]], next };
  const joined = atoms.join('');
  const values = joined.length <= 15 ? [Number(joined)] : [];
  const [first, second, third] = atoms;
  const digits = atoms.every((atom) => atom < 10) ? joined : undefined;
  if (digits !== undefined && atoms.length > 3) return { values, digits, next };
  const cents = atoms.length === 2 && second >= 10 && second < 100 ? [asWritten(first + second / 100)] : [];
  const minute = atoms.length === 2 && second >= 10 ? second : atoms.length === 3 && second === 0 ? third : undefined;
  const clock = minute !== undefined && minute < 60 && first <= 24 ? ([first, minute] as [number, number]) : undefined;
  return { values: [...values, ...cents], ...(digits === undefined ? {} : { digits }), ...(clock ? { clock } : {}), next };
}

// Other languages: whole spellings up to 999, the longest that fits.

const MOST_WORDS = 6;
const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').replace(/-/g, ' ');

function german(value: number): string {
  const ones =
    'null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn'.split(
      ' ',
    );
  const tens = '. . zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig'.split(' ');
  if (value >= 100) return `${value < 200 ? '' : ones[Math.floor(value / 100)]}hundert${value % 100 === 0 ? '' : german(value % 100)}`;
  if (value === 1) return 'eins';
  if (value < 20) return ones[value];
  return `${value % 10 === 0 ? '' : `${ones[value % 10]}und`}${tens[Math.floor(value / 10)]}`;
}

function spanish(value: number): string {
  const ones =
    'cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve'.split(
      ' ',
    );
  const tens = '. . . treinta cuarenta cincuenta sesenta setenta ochenta noventa'.split(' ');
  const hundreds = '. ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos'.split(' ');
  if (value === 100) return 'cien';
  if (value >= 100) return `${hundreds[Math.floor(value / 100)]}${value % 100 === 0 ? '' : ` ${spanish(value % 100)}`}`;
  if (value < 30) return ones[value];
  return `${tens[Math.floor(value / 10)]}${value % 10 === 0 ? '' : ` y ${ones[value % 10]}`}`;
}

function french(value: number): string {
  const ones =
    'zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf'.split(' ');
  const tens = '. . vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt'.split(' ');
  if (value >= 100) {
    const rest = value % 100 === 0 ? '' : ` ${french(value % 100)}`;
    return `${value < 200 ? '' : `${ones[Math.floor(value / 100)]} `}${value >= 200 && rest === '' ? 'cents' : 'cent'}${rest}`;
  }
  if (value < 20) return ones[value];
  const ten = Math.floor(value / 10);
  const rest = value - (ten === 7 || ten === 9 ? ten - 1 : ten) * 10;
  if (rest === 0) return value === 80 ? 'quatre-vingts' : tens[ten];
  return `${tens[ten]} ${(rest === 1 || rest === 11) && ten < 8 ? 'et ' : ''}${ones[rest]}`;
}

const spellers: Record<string, (value: number) => string> = { de: german, es: spanish, fr: french, en: () => '' };
const more: Record<string, readonly (readonly [string, number])[]> = {
  de: [['zwo', 2]],
  es: [
    ['un', 1],
    ['una', 1],
  ],
  fr: [['une', 1]],
  en: [],
};
const spellings = new Map<string, ReadonlyMap<string, number>>();

function spellingsOf(language: string): ReadonlyMap<string, number> {
  const code = language.slice(0, 2).toLowerCase();
  const known = spellings.get(code);
  if (known) return known;
  const speller = inLanguage(spellers, language);
  const made = new Map<string, number>(inLanguage(more, language));
  for (let value = 0; value < 1_000; value++) made.set(plain(speller(value)), value);
  made.delete('');
  spellings.set(code, made);
  return made;
}

function looked(words: readonly string[], at: number, language: string): SpelledNumber | undefined {
  const known = spellingsOf(language);
  for (let count = Math.min(MOST_WORDS, words.length - at); count > 0; count--) {
    const value = known.get(words.slice(at, at + count).join(' '));
    if (value !== undefined) return { values: [value], next: at + count };
  }
  return undefined;
}

/**
 * What recognition writes as words although documents write it in figures and letters: "four hundred" (400), "nineteen
 * ninety eight" (1998), "ex tee four hundred" (XT-400), "double u" (W), "bravo" (B).
 */

const SMALL = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
    .split(' ')
    .map((word, value) => [word, value] as const),
);
const TENS = new Map('twenty thirty forty fifty sixty seventy eighty ninety'.split(' ').map((word, at) => [word, (at + 2) * 10] as const));
const SCALES = new Map([
  ['hundred', 100],
  ['thousand', 1_000],
  ['million', 1_000_000],
  ['billion', 1_000_000_000],
]);
const ORDINALS = new Map([
  ...'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth'
    .split(' ')
    .map((word, at) => [word, at + 1] as const),
  ...[...TENS].map(([word, value]) => [`${word.slice(0, -1)}ieth`, value] as const),
]);
const FIGURES = [...SMALL.keys()];

/** The word for a whole number below twenty, or of a round ten; undefined for others. */
export function wordFor(figures: string): string | undefined {
  const value = /^\d{1,2}$/.test(figures) ? Number(figures) : 100;
  if (value < 20) return FIGURES[value];
  for (const [word, ten] of TENS) if (ten === value) return word;
  return undefined;
}

/** A number in a row of words: `words[from]` up to but without `words[to]`, in figures. */
export interface SpokenNumber {
  figures: string;
  from: number;
  to: number;
}

/** One cardinal ("four hundred and five", "twenty first") that begins at `from`. */
function cardinalAt(words: readonly string[], from: number): SpokenNumber | undefined {
  let at = from;
  let total = 0;
  let group = -1;
  let lastScale = Number.POSITIVE_INFINITY;
  for (; at < words.length; at++) {
    const word = words[at];
    const ordinal = ORDINALS.get(word);
    const small = SMALL.get(word) ?? ordinal;
    const ten = TENS.get(word);
    const scale = SCALES.get(word) ?? SCALES.get(word.replace(/th$/, ''));
    if (small !== undefined) {
      const fits =
        group < 0 || (group > 0 && group % 100 === 0 && small > 0) || (group % 100 >= 20 && group % 10 === 0 && small > 0 && small < 10);
      if (!fits) break;
      group = Math.max(group, 0) + small;
      if (ordinal !== undefined) {
        at++;
        break;
      }
    } else if (ten !== undefined) {
      if (group >= 0 && !(group > 0 && group % 100 === 0)) break;
      group = Math.max(group, 0) + ten;
    } else if (scale === 100 && group > 0 && group < 100) {
      group *= 100;
      if (word === 'hundredth') {
        at++;
        break;
      }
    } else if (scale !== undefined && scale > 100 && scale < lastScale && group > 0) {
      total += group * scale;
      lastScale = scale;
      group = -1;
    } else if (word === 'and' && at > from && SCALES.has(words[at - 1]) && (SMALL.has(words[at + 1]) || TENS.has(words[at + 1]))) {
      continue;
    } else break;
  }
  return at > from && (group >= 0 || total > 0) ? { figures: String(total + Math.max(group, 0)), from, to: at } : undefined;
}

/** Digit by digit ("four zero zero", "four oh oh"), or in pairs as years are ("nineteen ninety eight", "twenty twenty six"). */
function joined(parts: readonly SpokenNumber[], words: readonly string[]): SpokenNumber | undefined {
  const [first, second] = parts;
  const figures = parts.map((part) => part.figures).join('');
  const whole = { figures, from: first.from, to: parts[parts.length - 1].to };
  if (parts.every((part) => part.figures.length === 1)) return whole;
  const year = parts.length === 2 && first.figures.length === 2 && second.figures.length === 2 && Number(first.figures) < 22;
  const ohYear = parts.length === 3 && first.figures.length === 2 && words[second.from] === 'oh' && parts[2].figures.length === 1;
  return year || ohYear ? whole : undefined;
}

/** All numbers said in words, in order, none within another. "oh" is a zero between or behind other digits. */
export function spokenNumbers(words: readonly string[]): SpokenNumber[] {
  const found: SpokenNumber[] = [];
  let run: SpokenNumber[] = [];
  const close = (): void => {
    const whole = run.length > 1 ? joined(run, words) : undefined;
    found.push(...(whole ? [whole] : run));
    run = [];
  };
  for (let at = 0; at < words.length; ) {
    const oh = run.length > 0 && (words[at] === 'oh' || words[at] === 'o');
    const number = oh ? { figures: '0', from: at, to: at + 1 } : cardinalAt(words, at);
    if (number) run.push(number);
    else if (run.length > 0) close();
    at = number?.to ?? at + 1;
  }
  if (run.length > 0) close();
  return found;
}

const MOST_BARE_FIGURES = 2;
const NUMBER_WORDS = new Set('number no digit option choice nought'.split(' '));
/** "The two", "it's two", "is that a two". */
const BESIDE_A_NUMBER = new Set('the a it is its that'.split(' '));

/** "One", "first", "second one": what may stand for a thing that was spoken of. */
const standsForAThing = (words: readonly string[]): boolean =>
  words.every((word) => word === 'one' || ORDINALS.has(word)) && (words.length === 1 || words.some((word) => ORDINALS.has(word)));

/**
 * "One", "number two", "it's two", "9 1": a small number and nothing beside it that asks. More figures may be a code that is
 * written somewhere. "The second one" and "this one" are none: they stand for a thing.
 */
export function isBareNumber(words: readonly string[]): boolean {
  const numbers = spokenNumbers(words);
  const within = (at: number) => numbers.some(({ from, to }) => from <= at && at < to);
  const figures = [...numbers.map((number) => number.figures), ...words.filter((word) => /^\d+$/.test(word))];
  if (figures.length === 0 || figures.join('').length > MOST_BARE_FIGURES) return false;
  const beside = words.filter((word, at) => !within(at) && !/^\d+$/.test(word));
  if (!beside.every((word) => NUMBER_WORDS.has(word) || BESIDE_A_NUMBER.has(word))) return false;
  if (beside.some((word) => NUMBER_WORDS.has(word))) return true;
  const said = words.filter((_, at) => within(at));
  return !standsForAThing(said) || (said.length === 1 && beside.length === 0);
}

/** How the letters of the alphabet sound to a recogniser, and the spelling alphabet (ITU-R, ICAO). */
const LETTERS = new Map(
  Object.entries({
    a: 'ay alpha alfa',
    b: 'be bee bravo',
    c: 'see sea cee charlie',
    d: 'dee delta',
    e: 'ee echo',
    f: 'ef eff foxtrot',
    g: 'gee golf',
    h: 'aitch hotel',
    i: 'eye india',
    j: 'jay juliet juliett',
    k: 'kay kilo',
    l: 'el ell lima',
    m: 'em mike',
    n: 'en november',
    o: 'oh oscar',
    p: 'pea pee papa',
    q: 'cue queue quebec',
    r: 'are ar romeo',
    s: 'ess sierra',
    t: 'tea tee tango',
    u: 'you uniform',
    v: 'vee victor',
    w: 'whiskey whisky',
    x: 'ex xray',
    y: 'why yankee',
    z: 'zee zed zulu',
  }).flatMap(([letter, sounds]) => sounds.split(' ').map((sound) => [sound, letter] as const)),
);

/** Product codes have letters and figures, or capitals joined to figures: XT-400, R2D2, A4, 3M. */
const CODE = /\b(?=[\w/.-]*\d)(?=[\w/.-]*[A-Za-z])[A-Za-z0-9]+(?:[-/.][A-Za-z0-9]+)*\b/g;
const NOT_A_CODE = /^(?:\d+(?:st|nd|rd|th|s|am|pm|h|km|cm|mm|kg|g|m|min|ms)|\d+(?:-[a-z]+)+)$/;
const MOST_CODE_LENGTH = 24;

/** The codes that a text writes, without their joints and in lower case: "XT-400" is `xt400`. */
export function codesIn(text: string): string[] {
  const codes = new Set<string>();
  for (const [found] of text.matchAll(CODE)) {
    const code = found.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
    if (!NOT_A_CODE.test(found) && code.length > 1 && code.length <= MOST_CODE_LENGTH) codes.add(code);
  }
  return [...codes];
}

/** One word of a code: what it may stand for, and where it stood. */
export interface CodePart {
  text: string;
  from: number;
  to: number;
}

/** The words as parts of a code: numbers in figures, sounds of letters as letters, all else as it is. */
export function codeParts(words: readonly string[], numbers: readonly SpokenNumber[]): CodePart[] {
  const parts: CodePart[] = [];
  const starts = new Map(numbers.map((number) => [number.from, number]));
  for (let at = 0; at < words.length; ) {
    const number = starts.get(at);
    const doubleU = words[at] === 'double' && (words[at + 1] === 'u' || words[at + 1] === 'you');
    if (number) parts.push({ text: number.figures, from: at, to: number.to });
    else if (doubleU) parts.push({ text: 'w', from: at, to: at + 2 });
    else parts.push({ text: LETTERS.get(words[at]) ?? words[at], from: at, to: at + 1 });
    at = parts[parts.length - 1].to;
  }
  return parts;
}

/**
 * Texts of a call as strangers may read them. Names, numbers and every word that could tell something about somebody get a
 * stand-in: the same one for the same word, of about the same length, with its capitals, accents and punctuation, and as
 * many words as before, so that what the rules of turn-taking read in it stays the same.
 */
import { wordsOf } from '#conversation/rules/words.ts';
import { plainWords, wordClasses } from './plain-words.ts';

/**
 * How numbers and spelled letters are hidden. `order`: a stand-in tells only that a different one stood in the same place
 * ("four two four" and "nine nine one" look alike). `each`: every digit has its own stand-in throughout, as words have.
 */
export type NumberDisguise = 'order' | 'each';

const CONSONANTS = 'bdfgklmnprvz';
const VOWELS = 'aiou';
const LETTERS = 'bcdfgjklmnpqrstvwxz';
/** What the rules look for at the end of a word: ordinals, and German numbers above twenty. */
const TELLING_END = /(?:th|te[rn]?|zwanzig|dreissig|dreißig|vierzig|funfzig|sechzig|siebzig|achtzig|neunzig)$/;
const TOKEN = /\p{Nd}+|[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu;
const SHORTEST = 3;

interface Node {
  readonly children: Map<string, Node>;
  readonly counts: Map<string, number>;
  /** What stands for the token that led here. */
  readonly standIn: string;
}

const node = (standIn: string): Node => ({ children: new Map(), counts: new Map(), standIn });

export class Disguise {
  readonly #numbers: NumberDisguise;
  readonly #words = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #counts = new Map<number, number>();
  readonly #classOf = new Map<string, number>();
  readonly #root = node('');
  /** Texts whose stand-in was made elsewhere. */
  readonly #known = new Map<string, string>();

  constructor(numbers: NumberDisguise = 'order') {
    this.#numbers = numbers;
    wordClasses.forEach((words, index) => {
      for (const word of words) if (!this.#classOf.has(word)) this.#classOf.set(word, index);
    });
  }

  /** From now on `text` becomes `standIn`. */
  learn(text: string, standIn: string): void {
    this.#known.set(text, standIn);
  }

  text(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const tokens = [...text.matchAll(TOKEN)];
    let at = this.#root;
    let result = '';
    let end = 0;
    tokens.forEach(({ 0: token, index }, i) => {
      const kind = this.#kindOf(token, tokens[i - 1]?.[0], tokens[i + 1]?.[0]);
      result += text.slice(end, index);
      if (kind === undefined) {
        at = this.#root;
        result += this.#word(token);
      } else {
        at = this.#step(this.#numbers === 'order' ? at : this.#root, kind, token);
        result += shaped(at.standIn, token);
      }
      end = index + token.length;
    });
    return result + text.slice(end);
  }

  /** The words of a text that is said, each as it stands in the whole. */
  words(words: readonly string[]): string[] {
    const whole = this.text(words.join(' ')).split(' ');
    return whole.length === words.length ? whole : words.map(() => '…');
  }

  /** Of a token that is hidden by its place: digits, number words, days and months, letters that are spelled. */
  #kindOf(token: string, before: string | undefined, after: string | undefined): string | undefined {
    if (/^\p{Nd}/u.test(token)) return `digits ${token.length}`;
    const plain = plainOf(token);
    if (/^\p{L}$/u.test(plain) && (!plainWords.has(plain) || isLetter(before) || isLetter(after))) return 'letter';
    const index = this.#classOf.get(plain);
    return index === undefined ? undefined : `class ${index}`;
  }

  #step(from: Node, kind: string, token: string): Node {
    const key = `${kind} ${plainOf(token)}`;
    const known = from.children.get(key);
    if (known) return known;
    const count = from.counts.get(kind) ?? 0;
    from.counts.set(kind, count + 1);
    const next = node(standInOf(kind, count));
    from.children.set(key, next);
    return next;
  }

  #word(token: string): string {
    const plain = plainOf(token);
    if (plainWords.has(plain)) return token;
    let standIn = this.#words.get(plain);
    if (standIn === undefined) {
      standIn = this.#newWord(plain);
      this.#words.set(plain, standIn);
    }
    return shaped(standIn, token);
  }

  #newWord(plain: string): string {
    const telling = TELLING_END.exec(plain)?.[0] ?? '';
    const length = Math.max(SHORTEST, plain.length - telling.length);
    for (;;) {
      const count = this.#counts.get(length) ?? 0;
      this.#counts.set(length, count + 1);
      const word = syllables(count, length) + telling;
      if (this.#taken.has(word) || plainWords.has(word) || this.#classOf.has(word)) continue;
      this.#taken.add(word);
      return word;
    }
  }
}

const plainOf = (token: string): string => wordsOf(token).join('');
const isLetter = (token: string | undefined): boolean => token !== undefined && /^\p{L}$/u.test(plainOf(token));

function standInOf(kind: string, count: number): string {
  const [type, which] = kind.split(' ');
  if (type === 'digits') {
    const length = Number(which);
    return String(count).padStart(length, '0').slice(-length);
  }
  if (type === 'letter') return LETTERS[count % LETTERS.length];
  const words = wordClasses[Number(which)];
  return words[count % words.length];
}

/** The `count`-th pronounceable word of `length` letters, or of a few more when those are used up. */
function syllables(count: number, length: number): string {
  const each = CONSONANTS.length * VOWELS.length;
  let word = '';
  let rest = count;
  while (word.length + 1 < length || rest > 0) {
    const syllable = rest % each;
    rest = Math.floor(rest / each);
    word += CONSONANTS[syllable % CONSONANTS.length] + VOWELS[Math.floor(syllable / CONSONANTS.length)];
  }
  return word.length < length ? `${word}n` : word;
}

/** With the capitals of `like`, an accent where it has one, an apostrophe where it has one. */
function shaped(word: string, like: string): string {
  let result = word;
  if (/\p{M}/u.test(like.normalize('NFKD'))) result = result.replace(/[aiou]/, (vowel) => `${vowel}\u0308`).normalize('NFC');
  if (/['’]/.test(like)) result = `${result.slice(0, -1)}'${result.slice(-1)}`;
  if (/^\p{Lu}/u.test(like)) result = result[0].toUpperCase() + result.slice(1);
  if (like.length > 1 && like === like.toUpperCase() && /\p{L}/u.test(like)) result = result.toUpperCase();
  return result;
}

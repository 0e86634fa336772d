/**
 * A script: streamed words of a language model cut into clauses that can be spoken one after the other. The first clause
 * is short, so that speech begins early; later ones are sentences, so that it sounds natural.
 */
import { isEnglishDigit, isEnglishNumberWord } from './grounding/number-words.ts';
import { plainText } from './plain-text.ts';

/** The first clause ends at the latest after this many words, and at a fitting place from `EARLY_WORDS` on. */
const FIRST_WORDS = 8;
const EARLY_WORDS = 4;
/** At the latest after this many where a number would be cut. */
const LATEST_WORDS = 14;
/** A sentence longer than this is cut at a comma, or between two words. */
const MAX_CLAUSE_CHARS = 220;

/** A clause may start with one of these: cutting before it does not hurt. */
const STARTERS =
  /^(and|but|or|because|so|which|who|that|if|when|while|where|with|for|from|until|unless|und|aber|oder|weil|dass|wenn|y|pero|porque|que|et|mais|car|si)$/i;
const ABBREVIATION = /(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|no|vs|etc|e\.g|i\.e|approx|z\.b|d\.h|nr|bzw|sr|sra|mme|[A-Z])\.$/i;
const ENUMERATOR = /(?:^|\n)\s*\d{1,3}[.)]$/;

/** Cuts text as it arrives. `push` and `flush` give the clauses that are complete, cleaned for speech. */
export class ClauseCutter {
  readonly #maxChars: number;
  #rest = '';
  #cut = 0;
  #chars = 0;

  /** Nothing is given out after the clause that passes `maxChars`. */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /** The script is as long as it may be. */
  get full(): boolean {
    return this.#chars >= this.#maxChars;
  }

  /** Forgets the clause that has begun and is not complete. */
  drop(): void {
    this.#rest = '';
  }

  push(text: string): string[] {
    const clauses: string[] = [];
    this.#rest += text;
    while (!this.full) {
      const end = this.#cut === 0 ? firstEnd(this.#rest) : sentenceEnd(this.#rest);
      if (end === undefined) break;
      this.#take(end, clauses);
    }
    if (this.full) this.#rest = '';
    return clauses;
  }

  /** The text has ended: what is left is a clause. */
  flush(): string[] {
    const clauses = this.push('\n');
    if (!this.full && this.#rest !== '') this.#take(this.#rest.length, clauses);
    this.#rest = '';
    return clauses;
  }

  #take(end: number, into: string[]): void {
    const clause = plainText(this.#rest.slice(0, end));
    this.#rest = this.#rest.slice(end);
    if (!/[\p{L}\p{N}]/u.test(clause)) return;
    this.#cut++;
    this.#chars += clause.length;
    into.push(clause);
  }
}

/** The clauses of a whole text stream, in order. */
export async function* clausesOf(text: AsyncIterable<string>, maxChars: number): AsyncGenerator<string, void, undefined> {
  const cutter = new ClauseCutter(maxChars);
  for await (const piece of text) {
    yield* cutter.push(piece);
    if (cutter.full) return;
  }
  yield* cutter.flush();
}

/** The sentences of a whole text. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const end = markEnd(rest, /[.?!…]["')\]]*(?=\s)|[。？！]|\n/g) ?? rest.length;
    sentences.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trim();
  }
  return sentences;
}

function firstEnd(text: string): number | undefined {
  const mark = markEnd(text, /[,;:.?!…]["')\]]*(?=\s)|[。？！，]|\n/g);
  const words = wordEnds(text);
  if (mark !== undefined && (words.length <= FIRST_WORDS || mark <= words[FIRST_WORDS - 1] + 1)) return mark;
  if (words.length <= FIRST_WORDS) return undefined;
  const word = (i: number) => text.slice(words[i - 1] ?? 0, words[i]).trim();
  const cuts = (i: number) => !isOneNumber(word(i - 1), word(i));
  for (let i = FIRST_WORDS - 1; i >= EARLY_WORDS; i--) if (STARTERS.test(word(i)) && cuts(i)) return words[i - 1];
  for (let i = FIRST_WORDS; i >= EARLY_WORDS; i--) if (cuts(i)) return words[i - 1];
  for (let i = FIRST_WORDS + 1; i < words.length; i++) if (i >= LATEST_WORDS || cuts(i)) return words[i - 1];
  return undefined;
}

/** Two words that are one number, or may be: cut in between, its first half would be another number. */
function isOneNumber(left: string, right: string): boolean {
  const [one, next] = [left, right].map((word) => word.toLowerCase().replace(/[^\p{L}\d]+$/u, ''));
  if (/[.,;:]$/.test(left)) return false;
  if (isEnglishDigit(one) && isEnglishDigit(next)) return false;
  if (/^(?:dollars?|euros?|pounds?)$/.test(one)) return next === 'and';
  const number = isEnglishNumberWord(one) || /\d$/.test(one) || one === 'and' || one === 'point';
  if (one === 'and' || one === 'point') return isEnglishNumberWord(next);
  return number && (isEnglishNumberWord(next) || /^\d/.test(next) || next === 'and' || next === 'point');
}

function sentenceEnd(text: string): number | undefined {
  const mark = markEnd(text, /[.?!…]["')\]]*(?=\s)|[。？！]|\n/g);
  if (mark !== undefined && mark <= MAX_CLAUSE_CHARS) return mark;
  if (text.length <= MAX_CLAUSE_CHARS) return undefined;
  const head = text.slice(0, MAX_CLAUSE_CHARS);
  const comma = Math.max(head.lastIndexOf(', '), head.lastIndexOf('; '), head.lastIndexOf(': '));
  if (comma > MAX_CLAUSE_CHARS / 3) return comma + 1;
  const space = head.lastIndexOf(' ');
  return space > 0 ? space : MAX_CLAUSE_CHARS;
}

/** Where the first real mark ends: not an abbreviation's point, not the number of a list's item. */
function markEnd(text: string, marks: RegExp): number | undefined {
  for (const match of text.matchAll(marks)) {
    const end = match.index + match[0].length;
    const head = text.slice(0, end);
    if (head.trim() === '') continue;
    if (match[0] !== '\n' && (ABBREVIATION.test(head) || ENUMERATOR.test(head))) continue;
    return end;
  }
  return undefined;
}

/** The ends of all words that are complete (something follows them). */
function wordEnds(text: string): number[] {
  const ends: number[] = [];
  for (const match of text.matchAll(/\S+(?=\s)/g)) ends.push(match.index + match[0].length);
  return ends;
}

/**
 * The terms of a business's knowledge as numbers, and the way from a word that nobody wrote (misheard, mistyped) to those
 * that sound or look like it.
 */
import { doubleMetaphone } from 'double-metaphone';
import { CODE_MARK } from './index-terms.ts';
import { rootOf } from './word-family.ts';

/** A known term that stands in for another; `likeness` 0 to 1. */
export interface Neighbour {
  term: string;
  likeness: number;
}

/** Shorter words have too many neighbours to mean anything. */
const LEAST_LETTERS = 4;
const WORD = /^\p{Ll}+$/u;
/** Kept between searches of one thread, all zero outside `neighbours`: trigrams that a term shares with the word (of 100 letters at most, so that they fit). */
let shared = new Uint8Array(0);
let touched = new Uint32Array(0);
const MOST_LETTERS = 100;
/** Share of common trigrams (Dice) from which on two words look alike; with equal sound less is asked. */
const LOOKS_ALIKE = 0.5;
const SOUNDS_ALIKE = 0.25;
/** What equal sound adds to equal looks. */
const SOUND_LIKENESS = 0.35;

export class Vocabulary {
  readonly #ids = new Map<string, number>();
  readonly #terms: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  #longestCode = 0;
  readonly #bySound = new Map<string, number[]>();
  readonly #byGram = new Map<string, number[]>();
  readonly #byRoot = new Map<string, number[]>();

  get size(): number {
    return this.#ids.size;
  }

  /** Characters of the longest term that ever stood for a code (`codeTerm`); 0 when there was none. */
  get longestCode(): number {
    return this.#longestCode;
  }

  /** The number of a term that is in use. */
  idOf(term: string): number | undefined {
    return this.#ids.get(term);
  }

  /** One more passage holds the term. */
  take(term: string): number {
    let id = this.#ids.get(term);
    if (id === undefined) {
      id = this.#free.pop() ?? this.#terms.length;
      this.#ids.set(term, id);
      if (term.startsWith(CODE_MARK)) this.#longestCode = Math.max(this.#longestCode, term.length);
      this.#terms[id] = term;
      this.#uses[id] = 0;
      for (const [map, key] of this.#keysOf(term)) addTo(map, key, id);
    }
    this.#uses[id]++;
    return id;
  }

  /** One passage less. A term that none holds is forgotten. */
  release(id: number): void {
    if (--this.#uses[id] > 0) return;
    const term = this.#terms[id];
    this.#ids.delete(term);
    for (const [map, key] of this.#keysOf(term)) removeFrom(map, key, id);
    this.#free.push(id);
  }

  /** Terms of the same root as `term`, itself not among them, in no order. */
  family(term: string): string[] {
    if (!comparable(term)) return [];
    const ids = this.#byRoot.get(rootOf(term)) ?? [];
    return ids.map((id) => this.#terms[id]).filter((other) => other !== term);
  }

  /** Terms like `word`, itself not among them, best first; of equals in order of the alphabet. */
  neighbours(word: string, limit: number): Neighbour[] {
    if (!comparable(word)) return [];
    const grams = gramsOf(word);
    if (shared.length < this.#terms.length) {
      shared = new Uint8Array(2 * this.#terms.length);
      touched = new Uint32Array(2 * this.#terms.length);
    }
    let count = 0;
    for (const gram of grams) for (const id of this.#byGram.get(gram) ?? []) if (shared[id]++ === 0) touched[count++] = id;
    const sounds = new Set<number>();
    for (const sound of soundsOf(word)) for (const id of this.#bySound.get(sound) ?? []) sounds.add(id);
    const found: Neighbour[] = [];
    for (let at = 0; at < count; at++) {
      const id = touched[at];
      const term = this.#terms[id];
      const looks = (2 * shared[id]) / (grams.size + term.length);
      shared[id] = 0;
      const alike = sounds.has(id) ? looks >= SOUNDS_ALIKE : looks >= LOOKS_ALIKE;
      if (alike && term !== word) found.push({ term, likeness: Math.min(1, looks + (sounds.has(id) ? SOUND_LIKENESS : 0)) });
    }
    return found.sort((a, b) => b.likeness - a.likeness || (a.term < b.term ? -1 : 1)).slice(0, limit);
  }

  *#keysOf(term: string): Generator<readonly [Map<string, number[]>, string], void, undefined> {
    if (!comparable(term)) return;
    yield [this.#byRoot, rootOf(term)];
    for (const gram of gramsOf(term)) yield [this.#byGram, gram];
    for (const sound of soundsOf(term)) yield [this.#bySound, sound];
  }
}

/** How alike two words look and sound, 0 to 1; 0 when they are not taken for each other. */
export function wordLikeness(a: string, b: string): number {
  if (a === b) return 1;
  if (!comparable(a) || !comparable(b)) return 0;
  const grams = gramsOf(a);
  const others = gramsOf(b);
  const looks = (2 * grams.intersection(others).size) / (grams.size + others.size);
  // Most pairs have nothing in common: how they sound need not be worked out.
  if (looks < SOUNDS_ALIKE) return 0;
  const sounds = !soundsOf(a).isDisjointFrom(soundsOf(b));
  if (looks < (sounds ? SOUNDS_ALIKE : LOOKS_ALIKE)) return 0;
  return Math.min(1, looks + (sounds ? SOUND_LIKENESS : 0));
}

const comparable = (word: string): boolean => word.length >= LEAST_LETTERS && word.length <= MOST_LETTERS && WORD.test(word);

/** Trigrams with a blank before the word: the beginning of a word is misheard least. */
function gramsOf(word: string): Set<string> {
  const grams = new Set<string>();
  const padded = ` ${word} `;
  for (let at = 0; at + 3 <= padded.length; at++) grams.add(padded.slice(at, at + 3));
  return grams;
}

const soundsOf = (word: string): Set<string> => new Set(doubleMetaphone(word).filter((sound) => sound.length > 1));

function addTo(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key);
  if (ids) ids.push(id);
  else map.set(key, [id]);
}

function removeFrom(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key) ?? [];
  const last = ids.pop();
  if (ids.length === 0 && last === id) map.delete(key);
  else if (last !== undefined && last !== id) ids[ids.indexOf(id)] = last;
}

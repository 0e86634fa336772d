/**
 * Vectors without a model: every term of a text, and the letter sequences of its words, are hashed onto a few signed places of
 * the vector (signed feature hashing: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning").
 *
 * It knows spelling and a handful of synonyms, no meaning. It stands misspelt and misheard words well, which an index of
 * words does not; on long passages it finds less than BM25 does, because hundreds of features share the places.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Embedder } from '../embedder.ts';
import { termOf, wordsOf } from '../terms.ts';
import { isCommonTerm, isFunctionWord } from './common-words.ts';

/** Raised with anything that changes a vector, so that vectors of two kinds never meet in an index. */
const VERSION = 1;
export const DIMENSIONS = 384;
const PLACES = 4; // of one feature
const TEXTS_A_TURN = 8; // passages of one document take the thread of the searches for half a millisecond
const SHORTEST = 3;
const LONGEST = 5;
const MOST_CHARACTERS = 20_000; // what a text has beyond these is not read

const FUNCTION_WEIGHT = 0.1;
const COMMON_WEIGHT = 0.5;
/** Of all letter sequences of a word together, beside 1 for its term. */
const LETTERS_WEIGHT = 1.4;

const FNV_PRIME = 0x01000193;
const TERM_SEED = 0x811c9dc5;
const FUNCTION_SEED = 0x1f0d3804;
const LETTERS_SEED = 0x5bd1e995;
const BORDER = 0x02; // stands before and behind a word; no text has it
const FIRST_IDEOGRAPH = 0x2e80; // from here on a letter is a syllable or a word

export class HashingEmbedder implements Embedder {
  readonly name = `hashing-${VERSION}`;
  readonly dimensions = DIMENSIONS;
  readonly instant = true;

  /** About 15 µs for a question, 75 µs for a passage of 140 words. Of many texts others get their turn in between. */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const vectors: Float32Array[] = [];
    for (const text of texts) {
      if (vectors.length > 0 && vectors.length % TEXTS_A_TURN === 0) {
        await nextTurn();
        signal.throwIfAborted();
      }
      vectors.push(hashedVector(text));
    }
    return vectors;
  }
}

/** Unit length; a text without a letter or digit gets the first axis. */
export function hashedVector(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  const counts = new Map<string, number>();
  for (const word of wordsOf(text.slice(0, MOST_CHARACTERS))) counts.set(word, (counts.get(word) ?? 0) + 1);
  for (const [word, count] of counts) addWord(vector, word, 1 + Math.log(count));
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) vector[0] = 1;
  const scale = square === 0 ? 1 : 1 / Math.sqrt(square);
  for (let i = 0; i < DIMENSIONS; i++) vector[i] *= scale;
  return vector;
}

function addWord(vector: Float32Array, word: string, frequency: number): void {
  if (isFunctionWord(word)) {
    addFeature(vector, hashOf(word, FUNCTION_SEED), FUNCTION_WEIGHT * frequency);
    return;
  }
  const term = termOf(word);
  const weight = frequency * (isCommonTerm(term) ? COMMON_WEIGHT : 1);
  addFeature(vector, hashOf(term, TERM_SEED), weight * lengthWeight(term.length));
  addLetters(vector, word, weight * LETTERS_WEIGHT * lengthWeight(word.length));
}

/** Longer words are rarer. */
const lengthWeight = (length: number): number => (Math.min(10, length) / 6) ** 0.3;

/** Sequences of 3 to 5 letters (of 2 as well where letters are syllables), borders counted. All together weigh `weight`. */
function addLetters(vector: Float32Array, word: string, weight: number): void {
  const shortest = word.charCodeAt(0) >= FIRST_IDEOGRAPH ? 2 : SHORTEST;
  const length = word.length + 2;
  let sequences = 0;
  for (let size = shortest; size <= LONGEST; size++) sequences += Math.max(0, length - size + 1);
  if (sequences === 0) return;
  const each = weight / Math.sqrt(sequences);
  for (let from = 0; from + shortest <= length; from++) {
    let hash = LETTERS_SEED;
    const until = Math.min(length, from + LONGEST);
    for (let at = from; at < until; at++) {
      const code = at === 0 || at === length - 1 ? BORDER : word.charCodeAt(at - 1);
      hash = Math.imul(hash ^ code, FNV_PRIME);
      if (at - from + 1 >= shortest) addFeature(vector, hash, each);
    }
  }
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** Each half of a mixed hash (MurmurHash3's finaliser) is a place and its sign. */
function addFeature(vector: Float32Array, feature: number, weight: number): void {
  const part = weight / Math.sqrt(PLACES);
  let hash = feature;
  for (let place = 0; place < PLACES; place += 2) {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    vector[((hash & 0x7fff) * DIMENSIONS) >>> 15] += hash & 0x8000 ? part : -part;
    vector[(((hash >>> 16) & 0x7fff) * DIMENSIONS) >>> 15] += hash < 0 ? part : -part;
    hash = (hash + 0x9e3779b9) | 0;
  }
}

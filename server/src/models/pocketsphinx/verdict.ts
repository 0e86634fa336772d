/**
 * Was it one of the phrases? A grammar always finds its nearest phrase, whatever was said, so its path is held
 * against the path of a loop of all phones, which explains any sound: words of the grammar score nearly as well,
 * other words far worse. Both decoders must score all senones (`-compallsen yes`), or the two scores are normalised
 * by different sums and mean nothing together.
 *
 * Calibrated on 65 phrases of recorded human speech in a grammar and 220 prompts of 1-8 words outside it, and on the
 * demo's questions and small talk by four synthetic voices with 130 sentences outside it, all through µ-law.
 */
import { type DecodedPath, isFiller } from './decoded-path.ts';

export interface Verdict {
  /** Words of the best path, fillers left out. Empty when there is no path. */
  words: { text: string; first: number; last: number }[];
  accepted: boolean;
  /** 0..1: the share of accepted utterances of this difference that were recognised correctly. */
  confidence: number;
}

/** Logistic regression of "in the grammar, and rightly recognised" on the difference in path score per 10 ms frame. */
const INTERCEPT = 3.33;
const SLOPE = 0.358;
/** Few words give little evidence: a stranger's "Monday" is near to something. Longer phrases are told apart well. */
const SHORT_WORDS = 2;
const LEAST_DIFFERENCE = { short: -9.5, long: -11.5 };
/** A cough or a knock is shorter than any word (10 ms frames). */
const SHORTEST_WORDS = 12;

/** Difference of the two path scores per frame; negative infinity when either has no path. */
export function differenceOf(grammar: DecodedPath, loop: DecodedPath): number {
  const frames = Math.max(grammar.segments.at(-1)?.last ?? -1, loop.segments.at(-1)?.last ?? -1) + 1;
  if (grammar.segments.length === 0 || loop.segments.length === 0) return Number.NEGATIVE_INFINITY;
  return (grammar.score - loop.score) / frames;
}

export function judge(grammar: DecodedPath, loop: DecodedPath): Verdict {
  const words = grammar.segments.filter(({ word }) => !isFiller(word)).map(({ word, first, last }) => ({ text: word, first, last }));
  const difference = differenceOf(grammar, loop);
  const frames = words.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const least = words.length <= SHORT_WORDS ? LEAST_DIFFERENCE.short : LEAST_DIFFERENCE.long;
  const confidence = 1 / (1 + Math.exp(-(INTERCEPT + SLOPE * difference)));
  return { words, accepted: frames >= SHORTEST_WORDS && difference > least, confidence };
}

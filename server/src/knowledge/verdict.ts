/**
 * Whether what was found answers the question. The bounds come from `bench -- answers`: the score for which 2 x refused
 * answerable questions + answered questions about articles that are not in the knowledge is smallest, on the questions of
 * even number of XQuAD (English) and SQuAD 2.0 as they are written, the mean of both sets (by words 0.34 and 0.38, with
 * vectors 0.33 and 0.32). The bench reports the questions of odd number. Misheard questions would be served better by lower
 * bounds (0.23 to 0.29), at the price of more wrong answers: those between `clarify` and `answer` get one more question.
 */
import type { Confidence, Verdict } from '@tandem/contract';

export interface Bounds {
  /** From this score on the passages answer. */
  answer: number;
  /** From this score on something is near, and one more question may bring it out. */
  clarify: number;
}

/** By words alone a score is higher than with the cosine of the built-in embedder in it; other embedders have other cosines. */
export const WORDS_BOUNDS: Bounds = { answer: 0.36, clarify: 0.25 };
export const HYBRID_BOUNDS: Bounds = { answer: 0.32, clarify: 0.23 };

export interface Found extends Confidence {
  /** Whether vectors took part in the score. */
  vectors: boolean;
  /** Share of the words said in this very question that the best passage holds; 1 when it said none of its own. */
  ownCoverage: number;
}

/** A passage that fits only the words of earlier turns is never an answer: the question has left that subject. */
export function verdictOf({ score, vectors, ownCoverage }: Found): Verdict {
  const { answer, clarify } = vectors ? HYBRID_BOUNDS : WORDS_BOUNDS;
  if (score >= answer && ownCoverage > 0) return 'answer';
  return score >= clarify ? 'clarify' : 'unknown';
}

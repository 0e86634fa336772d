/**
 * One order out of words and vectors. Scores are weighted and added: measured with `bench -- answers` that is as good as
 * adding reciprocal ranks (RRF, k = 60) on clean questions and better on misheard ones, and a sum is comparable between
 * queries, so that it also says whether there is an answer at all. The weights lie on a broad plateau.
 */

export interface Evidence {
  /** Share of the question's information that the passage holds, 0 to 1. */
  coverage: number;
  /** BM25F as a share of what a very good passage would have, 0 to 1. */
  relevance: number;
  /** How near to each other the passage says what was asked, 0 to 1 (`proximity.ts`). */
  proximity: number;
  /** Cosine of question and passage; undefined when there are no vectors. */
  cosine: number | undefined;
}

const COVERAGE_WEIGHT = 0.37;
const RELEVANCE_WEIGHT = 0.37;
const PROXIMITY_WEIGHT = 0.26;
const VECTOR_WEIGHT = 0.23;

/** 0 to 1. */
export function fuse({ coverage, relevance, proximity, cosine }: Evidence): number {
  const words = COVERAGE_WEIGHT * coverage + RELEVANCE_WEIGHT * relevance + PROXIMITY_WEIGHT * proximity;
  if (cosine === undefined) return words;
  return (1 - VECTOR_WEIGHT) * words + VECTOR_WEIGHT * Math.min(1, Math.max(0, cosine));
}

/** Which passage, or which result of a tool, a spoken sentence rests on. Pure. */
import { termsOf } from '#models/terms.ts';
import { claimsIn } from './grounding/claims.ts';
import type { ReadText } from './grounding/read-texts.ts';

/** A passage by its id, or a tool's result by the id of its call. */
export interface Source {
  id: string;
  text: ReadText;
}

export interface SupportedSentence {
  text: string;
  /** Best first. */
  passages: string[];
}

/** Share of a sentence's content that a source must hold; less where it holds what the sentence claims. */
const SHARE = 0.6;
const SHARE_WITH_CLAIMS = 0.25;
const MOST_SOURCES = 3;

/** Each sentence with its sources. */
export function supportOf(sentences: readonly string[], sources: readonly Source[], language: string): SupportedSentence[] {
  if (sources.length === 0) return sentences.map((text) => ({ text, passages: [] }));
  return sentences.map((text) => {
    const terms = [...new Set(termsOf(text))];
    const claims = claimsIn(text, language);
    const rated = sources.map(({ id, text: read }) => {
      const share = terms.filter((term) => read.terms.has(term)).length / Math.max(1, terms.length);
      // What a source holds beside its words is only read where the sentence claims something.
      const known = claims.length === 0 ? 0 : claims.filter((claim) => claim.knownIn([read.evidence.withCents])).length;
      const claimed = known / Math.max(1, claims.length);
      const enough = share >= SHARE ? claims.length === 0 || claimed > 0 : share >= SHARE_WITH_CLAIMS && claimed > 0;
      return { id, score: enough ? share + claimed : 0 };
    });
    const best = rated.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
    // What is clearly further from it than the best only uses the same words.
    const near = best.filter(({ score }) => score >= best[0].score * 0.75);
    return { text, passages: near.slice(0, MOST_SOURCES).map(({ id }) => id) };
  });
}

/** What every kind of bad turn is found by: one function over the facts of a call. A new kind is a new file and a line in `explain.ts`. */
import type { CauseCode, ExplanationLimits, TurnCause, TurnFinding } from '@tandem/contract';
import type { CallFacts } from '../call-facts.ts';
import type { Usual } from '../usual.ts';

export interface Context {
  facts: CallFacts;
  usual: Usual;
  limits: ExplanationLimits;
}

/** Pure; answers nothing where nothing is wrong. */
export type Problem = (context: Context) => TurnFinding[];

/** A cause that is no matter of time. */
export function causeOf(
  code: CauseCode,
  confidence: number,
  sentence: string,
  advice: string,
  seqs: readonly (number | undefined)[],
  figures: TurnCause['evidence']['figures'] = {},
): TurnCause {
  const known = [...new Set(seqs.filter((seq) => seq !== undefined))].sort((a, b) => a - b);
  return { code, shareMs: null, confidence, sentence, advice, evidence: { seqs: known, figures } };
}

/** What can be bad about a turn, as a manager would call it. */
import type { TurnProblem } from '@tandem/contract';

export const problemTitle: Record<TurnProblem, string> = {
  slow: 'Slow answer',
  'dead-air': 'Silence inside the answer',
  'cut-off': 'The caller was cut off',
  'false-interruption': 'Stopped for nothing',
  unanswered: 'No answer to the question',
  'broken-sound': 'Broken sound',
};

/** How sure the rules are, in words. */
export const sureInWords = (confidence: number): string =>
  confidence >= 0.85 ? 'Nearly certain' : confidence >= 0.6 ? 'Very likely' : confidence >= 0.4 ? 'Likely' : 'A guess';

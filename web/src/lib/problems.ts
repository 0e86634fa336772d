/** What can be bad about a turn, as a manager would call it. */
import type { TurnProblem, TurnProblems } from '@tandem/contract';
import { plural } from './format.ts';

export const problemTitle: Record<TurnProblem, string> = {
  slow: 'Slow answer',
  'dead-air': 'Silence inside the answer',
  'cut-off': 'The caller was cut off',
  'false-interruption': 'Stopped for nothing',
  unanswered: 'No answer to the question',
  'broken-sound': 'Broken sound',
};

/** So many turns of a call, the worst for a caller first. */
const counted: Record<TurnProblem, (turns: number) => string> = {
  slow: (turns) => plural(turns, 'slow turn'),
  'cut-off': (turns) => `caller cut off${turns > 1 ? ` ${turns} times` : ''}`,
  unanswered: (turns) => plural(turns, 'unanswered question'),
  'broken-sound': (turns) => plural(turns, 'turn with broken sound', 'turns with broken sound'),
  'dead-air': (turns) => plural(turns, 'long silence'),
  'false-interruption': (turns) => plural(turns, 'needless stop'),
};

/** "2 slow turns, 1 long silence"; empty where nothing was bad, or nobody has looked yet. */
export function problemsInWords(problems: TurnProblems | null | undefined): string {
  const kinds = Object.keys(counted) as TurnProblem[];
  const words = kinds.flatMap((kind) => (problems?.[kind] ? counted[kind](problems[kind]) : [])).join(', ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How sure the rules are, in words. */
export const sureInWords = (confidence: number): string =>
  confidence >= 0.85 ? 'Nearly certain' : confidence >= 0.6 ? 'Very likely' : confidence >= 0.4 ? 'Likely' : 'A guess';

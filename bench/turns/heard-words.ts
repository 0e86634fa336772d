/** Heard-text fidelity: the words that sounded before a cut, against those that the next prompt says were heard. */
import { MS_PER_CHARACTER } from './script.ts';

/** What is told the model behind the words, in brackets, is no speech. */
const wordsOf = (text: string): string[] =>
  text
    .replace(/\[[^\]]*\]/g, ' ')
    .toLowerCase()
    .match(/[\p{L}\p{N}']+/gu) ?? [];

/** Words of `clauses`, spoken one behind the other at the provider's pace, that have ended after `heardMs` of sound. */
function wordsWithin(clauses: readonly string[], heardMs: number): number {
  let fromMs = 0;
  let count = 0;
  for (const clause of clauses) {
    for (const match of clause.matchAll(/\S+/g)) {
      if (wordsOf(match[0]).length > 0 && fromMs + (match.index + match[0].length) * MS_PER_CHARACTER <= heardMs) count++;
    }
    // The provider makes whole 20 ms of each text.
    fromMs += Math.ceil((clause.length * MS_PER_CHARACTER) / 20) * 20;
  }
  return count;
}

export function heardWords(
  clauses: readonly string[],
  heardMs: number,
  prompt: string,
): { heardWords: number; promptWords: number; faithful: boolean } {
  const said = wordsOf(clauses.join(' '));
  const told = wordsOf(prompt);
  const heard = wordsWithin(clauses, heardMs);
  const begins = told.every((word, index) => word === said[index]);
  return { heardWords: heard, promptWords: told.length, faithful: begins && Math.abs(told.length - heard) <= 1 };
}

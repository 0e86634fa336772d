/**
 * A phone line has no echo canceller in its path: what the assistant says can come back and be transcribed. A
 * transcript that is nearly a stretch of what the assistant has just said is such an echo.
 */
import { wordsOf } from './words.ts';

/** Share of the heard words that must appear, in order and close together, in what was said. */
const LIKENESS = 0.8;
/** One or two words match by chance ("thank you", "of course"): when nothing more comes they are the caller's. */
const MIN_WORDS = 3;

/** `spoken`: what the assistant said in the last 8 s, as text or as its words. `complete`: no more words belong to `heard`. */
export function isEchoOf(heard: string, spoken: string | readonly string[], complete: boolean): boolean {
  const words = wordsOf(heard);
  if (words.length === 0 || (complete && words.length < MIN_WORDS)) return false;
  const said = typeof spoken === 'string' ? wordsOf(spoken) : spoken;
  // Most of what callers say has too few words of it, in whatever order: that is known at once.
  if (said.length < LIKENESS * words.length || shared(words, said) < LIKENESS * words.length) return false;
  // Only stretches of about the same length are compared, so that common words scattered over 8 s do not add up.
  const width = words.length + Math.ceil(words.length / 4);
  for (let from = 0; from < said.length; from++) {
    if (commonInOrder(words, said, from, Math.min(said.length, from + width)) >= LIKENESS * words.length) return true;
    if (from + words.length > said.length) break;
  }
  return false;
}

/** How many of `words` are somewhere in `said`. */
function shared(words: readonly string[], said: readonly string[]): number {
  let count = 0;
  for (const word of words) if (said.includes(word)) count++;
  return count;
}

/** Length of the longest common subsequence of `words` and `said[from, to)`. */
function commonInOrder(words: readonly string[], said: readonly string[], from: number, to: number): number {
  let row = Array.from({ length: to - from + 1 }, () => 0);
  for (const word of words) {
    const next = [0];
    for (let i = from; i < to; i++) {
      const column = i - from;
      next.push(word === said[i] ? row[column] + 1 : Math.max(row[column + 1], next[column]));
    }
    row = next;
  }
  return row[row.length - 1];
}

/** Which word is heard at a moment of the recording. */
import type { TranscriptLine } from '@tandem/contract';

type Timed = Pick<TranscriptLine, 'fromMs' | 'toMs' | 'words'>;

/** A word stays lit this long after its end, so that light does not flicker between words. */
const AFTERGLOW_MS = 120;

/** Index of the word of `line` heard at `ms` of the recording; -1 before, between long gaps and after. Words are in order. */
export function wordIndexAt({ fromMs, toMs, words }: Timed, ms: number): number {
  if (ms < fromMs || ms > toMs + AFTERGLOW_MS) return -1;
  const inLine = ms - fromMs;
  let low = 0;
  let high = words.length - 1;
  let found = -1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if ((words[middle]?.fromMs ?? 0) <= inLine) {
      found = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  const word = words[found];
  return word && inLine <= word.toMs + AFTERGLOW_MS ? found : -1;
}

/** Where a word begins in the recording. */
export const wordStartMs = (line: Timed, index: number): number => line.fromMs + (line.words[index]?.fromMs ?? 0);

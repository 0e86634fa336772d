/**
 * What PocketSphinx writes to its log about one utterance (with `-backtrace yes`), line by line:
 *
 *   INFO: batch.c(729): Decoding '7'
 *   INFO: pocketsphinx.c(1168): opening hours (-2453)
 *   word                 start end   pprob ascr       lscr       lback
 *   opening              14    84    1.000 -1204      0          1
 *   INFO: batch.c(760): 7: 0.92 seconds speech, 0.01 seconds CPU, 0.02 seconds wall
 *
 * The log is written through at once, unlike the result file, which a long-lived program keeps in its buffer.
 */

/** A stretch of the best path. Frames of 10 ms, `last` included; `score` is acoustic, a logarithm, summed over the frames. */
export interface Segment {
  word: string;
  first: number;
  last: number;
  score: number;
}

/** The best path of an utterance; no segments: no way through the grammar. */
export interface DecodedPath {
  id: string;
  segments: Segment[];
  /** Path score, transitions included. */
  score: number;
}

/** A step of the grammar without words. */
const EMPTY = '(NULL)';
const RESULT = /pocketsphinx\.c\(\d+\): .*\((-?\d+)\)$/;
const SEGMENT = /^(\S+)\s+(\d+)\s+(\d+)\s+[\d.]+\s+(-?\d+)\s+-?\d+\s+-?\d+\s*$/;
const BEGIN = /batch\.c\(\d+\): Decoding '(.*)'$/;
const END = /batch\.c\(\d+\): .*: [\d.]+ seconds speech/;

/** Reads the log as it arrives. */
export class PathReader {
  #rest = '';
  #path: DecodedPath | undefined;

  /** The paths that became complete with this piece of the log. */
  push(text: string): DecodedPath[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() as string;
    const done: DecodedPath[] = [];
    for (const line of lines) {
      const complete = this.#line(line);
      if (complete) done.push(complete);
    }
    return done;
  }

  #line(line: string): DecodedPath | undefined {
    const begin = BEGIN.exec(line);
    if (begin) this.#path = { id: begin[1], segments: [], score: 0 };
    const path = this.#path;
    if (!path || begin) return undefined;
    const segment = SEGMENT.exec(line);
    if (segment) {
      if (segment[1] === EMPTY) return undefined;
      path.segments.push({
        word: segment[1].replace(/\(\d+\)$/, ''),
        first: Number(segment[2]),
        last: Number(segment[3]),
        score: Number(segment[4]),
      });
      return undefined;
    }
    const result = RESULT.exec(line);
    if (result) path.score = Number(result[1]);
    if (!END.test(line)) return undefined;
    this.#path = undefined;
    return path;
  }
}

/** Silence and noise, which PocketSphinx may put between any words. */
export const isFiller = (word: string): boolean => word.startsWith('<') || word.startsWith('[');

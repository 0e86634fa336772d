/** What an exact search finds: by the kernel, checked against a plain loop in double precision. */
import { VectorRows } from '../../server/src/vectors/memory/vector-rows.ts';
import { Passages, type Work } from './data.ts';

export interface Truth {
  /** Numbers of the nearest ten passages of each query, best first: of all, and of the query's group. */
  all: number[][];
  ofGroup: number[][];
}

const NEAREST = 10;
const CHECKED_QUERIES = 3;

export function findTruth(work: Work, queryCount: number): Truth {
  const passages = new Passages(work);
  const rows = new VectorRows(work.dimensions);
  rows.reserve(work.size);
  for (let i = 0; i < work.size; i++) rows.write(i, passages.vector(i));
  const slots = Uint32Array.from({ length: work.size }, (_, i) => i);
  const truth: Truth = { all: [], ofGroup: [] };
  const scores = new Float32Array(work.size);
  for (const [number, { vector, group }] of passages.queries(queryCount).entries()) {
    for (let from = 0; from < work.size; ) {
      const piece = rows.score(vector, slots, from, work.size);
      scores.set(piece, from);
      from += piece.length;
    }
    if (number < CHECKED_QUERIES) check(rows, vector, scores);
    truth.all.push(best(scores, () => true));
    truth.ofGroup.push(best(scores, (i) => passages.group(i) === group));
  }
  return truth;
}

function best(scores: Float32Array, counts: (i: number) => boolean): number[] {
  const found: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (found.length === NEAREST && scores[i] <= scores[found[NEAREST - 1]]) continue;
    if (!counts(i)) continue;
    let at = found.length;
    while (at > 0 && scores[found[at - 1]] < scores[i]) at--;
    found.splice(at, 0, i);
    if (found.length > NEAREST) found.pop();
  }
  return found;
}

function check(rows: VectorRows, query: Float32Array, scores: Float32Array): void {
  for (let i = 0; i < scores.length; i += 97) {
    const row = rows.row(i);
    let sum = 0;
    for (let k = 0; k < query.length; k++) sum += row[k] * query[k];
    if (!(Math.abs(sum - scores[i]) < 1e-5)) throw new Error(`the kernel is wrong: ${scores[i]} for ${sum}`);
  }
}

/** What every room of the seam asks of points and queries, and how a partition is told from another. */
import { TandemError } from '#kit/errors.ts';
import type { NearestQuery, Partition, VectorFilter, VectorMetadata, VectorPoint } from './vector-index.ts';

/** How far the squared length of a vector may be from 1: more is no rounding but a vector that was never made unit length. */
const LENGTH_TOLERANCE = 0.02;
const MOST_DIMENSIONS = 16_000;

/** Different for every two partitions, whatever their names hold. */
export function partitionKey({ businessId, base, embedder, dimensions }: Partition): string {
  return JSON.stringify([businessId, base, embedder, dimensions]);
}

/** Throws `invalid-input` before anything is changed. */
export function checkPoints(partition: Partition, points: readonly VectorPoint[]): void {
  checkPartition(partition);
  for (const { id, vector } of points) {
    if (id === '') throw new TandemError('invalid-input', 'a vector point has no id');
    checkVector(partition, vector, id);
  }
}

/** Throws `invalid-input`, or the reason of a signal that was aborted already. */
export function checkQuery(partition: Partition, { vector, limit, signal }: NearestQuery): void {
  signal?.throwIfAborted();
  checkPartition(partition);
  checkVector(partition, vector, 'query');
  if (!Number.isInteger(limit) || limit < 1)
    throw new TandemError('invalid-input', 'the limit of a vector search is a whole number from 1');
}

function checkPartition({ dimensions }: Partition): void {
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MOST_DIMENSIONS)
    throw new TandemError('invalid-input', `vectors have 1 to ${MOST_DIMENSIONS} dimensions`, { dimensions });
}

function checkVector({ dimensions }: Partition, vector: Float32Array, id: string): void {
  if (vector.length !== dimensions)
    throw new TandemError('invalid-input', `a vector of ${vector.length} dimensions in a partition of ${dimensions}`, { id });
  let squared = 0;
  for (let i = 0; i < dimensions; i++) squared += vector[i] * vector[i];
  // Written so that NaN is refused too.
  if (!(Math.abs(squared - 1) <= LENGTH_TOLERANCE)) throw new TandemError('invalid-input', 'a vector is not of unit length', { id });
}

const allows = (list: readonly string[] | undefined, value: string) => list === undefined || list.length === 0 || list.includes(value);

/** True when all of what the filter names fits. */
export function passes(filter: VectorFilter, { documentId, language, tags, audience }: VectorMetadata): boolean {
  return (
    allows(filter.documentIds, documentId) &&
    allows(filter.languages, language) &&
    allows(filter.audiences, audience) &&
    (filter.tags === undefined || filter.tags.length === 0 || filter.tags.some((tag) => tags.includes(tag)))
  );
}

/** Undefined when it allows everything. */
export function activeFilter(filter: VectorFilter | undefined): VectorFilter | undefined {
  return filter !== undefined && Object.values(filter).some((list: readonly string[] | undefined) => list !== undefined && list.length > 0)
    ? filter
    : undefined;
}

/** Best first; of equals the smaller id, by code units. */
export function byScoreThenId(a: { score: number; id: string }, b: { score: number; id: string }): number {
  return b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** A similarity that rounding has carried past its bounds, put back. */
export const clampScore = (score: number): number => Math.min(1, Math.max(-1, score));

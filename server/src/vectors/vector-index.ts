/**
 * Where vectors are kept and the nearest are found. A **partition** is one knowledge base of one business: no search ever
 * crosses it, and metadata narrows it before anything is compared.
 */

export interface Partition {
  businessId: string;
  /** Knowledge base of that business. */
  base: string;
  /** Vectors of different embedders never meet. */
  embedder: string;
  dimensions: number;
}

export interface VectorMetadata {
  documentId: string;
  language: string;
  tags: readonly string[];
  audience: string;
}

export interface VectorPoint extends VectorMetadata {
  /** The passage's. Unique in its partition; the same id again replaces it. */
  id: string;
  /** Unit length. Kept by the index: not to be changed afterwards. */
  vector: Float32Array;
}

/** All of what is given must fit; a list that is absent or empty allows everything. `tags`: at least one of them. */
export interface VectorFilter {
  documentIds?: readonly string[];
  tags?: readonly string[];
  languages?: readonly string[];
  audiences?: readonly string[];
}

export interface Near {
  id: string;
  /** Cosine similarity, -1…1. */
  score: number;
}

export interface NearestQuery {
  vector: Float32Array;
  limit: number;
  filter?: VectorFilter;
  signal?: AbortSignal;
}

export interface VectorIndexStats {
  partitions: number;
  points: number;
  /** Bytes held in this process, as far as known. */
  bytes: number;
}

/** One contract for all rooms: `vector-index.contract.ts`. Rejects with `TandemError` `unavailable` when it cannot be reached. */
export interface VectorIndex {
  readonly name: string;
  /** Searches started after it resolved see the points. One that is there already, the same in everything, costs a comparison. */
  upsert(partition: Partition, points: readonly VectorPoint[]): Promise<void>;
  /** Ids that are not there are no error. */
  remove(partition: Partition, ids: readonly string[]): Promise<void>;
  /** Removes every point that is not named; ids that are not there are no error. */
  retain(partition: Partition, ids: readonly string[]): Promise<void>;
  drop(partition: Partition): Promise<void>;
  /** The knowledge bases that hold points of this embedder, in no order. */
  bases(businessId: string, embedder: string, dimensions: number): Promise<string[]>;
  /** Best first; of equals the smaller id. An unknown partition is empty. */
  nearest(partition: Partition, query: NearestQuery): Promise<Near[]>;
  size(partition: Partition): Promise<number>;
  /** Writes what it holds to where it persists, if anywhere; a crash costs no more than a rebuild. */
  save(): Promise<void>;
  stats(): VectorIndexStats;
  close(): Promise<void>;
}

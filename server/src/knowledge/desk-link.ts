/** What passes between the knowledge thread's desk and those who ask there: the office and the call thread. */
import type { MessagePort } from 'node:worker_threads';
import type { EmbeddingUsage } from '#models/embedding-batcher.ts';
import type { Catalogue } from './feed.ts';
import type { LibraryStats } from './lazy-library.ts';
import type { LibraryQuery, PassageRecord, Retrieval } from './library.ts';

/** Since the thread opened. */
export interface EmbeddingCounts {
  requests: number;
  texts: number;
  /** Texts that were asked for already. */
  shared: number;
  refused: number;
  failures: number;
  pauses: number;
  tokens: number;
  /** Millionths of a US dollar. */
  costMicros: number;
}

export interface DeskStats extends LibraryStats {
  /** Absent: nobody counts. */
  embedding?: EmbeddingCounts;
}

/** Questions that the desk answers. */
export type DeskQuestions = {
  search: { input: { businessId: string; query: Omit<LibraryQuery, 'signal'> }; output: Retrieval };
  /** For ingestion: not urgent. */
  embed: { input: { businessId: string; texts: string[] }; output: Float32Array[] };
  /** Which embedder made them, as stored with every vector. */
  embedder: { input: null; output: { name: string; dimensions: number } };
  changed: { input: { businessId: string; revision?: number }; output: null };
  /** The business is gone. */
  forget: { input: { businessId: string }; output: null };
  /** Businesses whose knowledge is loaded, for following changes made elsewhere. */
  loaded: { input: null; output: string[] };
  stats: { input: null; output: DeskStats };
  /** Another thread may ask on this port from now on. Sent with the port transferred. */
  connect: { input: { port: MessagePort }; output: null };
  stop: { input: null; output: null };
};

/** Questions that the desk asks the office. */
export type FeedQuestions = {
  catalogue: { input: { businessId: string }; output: Catalogue };
  passages: { input: { businessId: string; itemIds: string[]; embedder: string }; output: PassageRecord[] };
  keepVectors: { input: { businessId: string; embedder: string; vectors: { text: string; vector: Float32Array }[] }; output: null };
  /** What making vectors took, to be added for good. */
  embedded: { input: { uses: EmbeddingUsage[] }; output: null };
};

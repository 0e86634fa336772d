/** What passes between the knowledge thread's desk and those who ask there: the office and the call thread. */
import type { MessagePort } from 'node:worker_threads';
import type { Catalogue } from './feed.ts';
import type { LibraryStats } from './lazy-library.ts';
import type { LibraryQuery, PassageRecord, Retrieval } from './library.ts';

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
  stats: { input: null; output: LibraryStats };
  /** Another thread may ask on this port from now on. Sent with the port transferred. */
  connect: { input: { port: MessagePort }; output: null };
  stop: { input: null; output: null };
};

/** Questions that the desk asks the office. */
export type FeedQuestions = {
  catalogue: { input: { businessId: string }; output: Catalogue };
  passages: { input: { businessId: string; itemIds: string[]; embedder: string }; output: PassageRecord[] };
  keepVectors: { input: { businessId: string; embedder: string; vectors: { text: string; vector: Float32Array }[] }; output: null };
};

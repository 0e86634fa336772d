/**
 * The door of the caches: process memory, then the memory that nodes share (Redis, when there is one), then the source.
 * A cache may be lost at any moment and never fails anybody: what it cannot answer is loaded.
 */
import type { Kit } from '#kit/kit.ts';
import type { Vendor } from '#kit/vendor.ts';
import type { CacheKey, CacheName, Change } from './cache-keys.ts';

export { type CacheKey, type CacheName, type Change, changedBusiness, EVERYTHING, keys } from './cache-keys.ts';

/** How a value is written for other processes. What cannot be read back is loaded. */
export interface CacheCodec<Value> {
  encode(value: Value): string;
  decode(text: string): Value;
}

export interface KeepOptions<Value> {
  /** The longest that anybody may be served a value whose change was missed. */
  ttlMs: number;
  /** So long it is remembered that there is nothing; 0, the default, not at all. */
  negativeTtlMs?: number;
  /** false keeps it out of the memory that nodes share: what another program with access to it must never decide. */
  shared?: boolean;
  /** JSON unless named. */
  codec?: CacheCodec<Value>;
  /** Bytes it takes in this process, roughly; 1 KiB unless named. */
  sizeOf?: (value: Value) => number;
}

export interface LayerCounters {
  /** Values and negative entries that were found. */
  hits: number;
  /** Of these: entries that say that there is nothing. */
  negativeHits: number;
  misses: number;
  /** Times the layer could not be used, or held what could not be read. */
  errors: number;
  /** Mean time of a load, for each hit. */
  savedMs: number;
}

/** Since the start, of one cache; plain data that crosses threads. */
export interface CacheCounters {
  cache: string;
  /** Entries in this process now. */
  size: number;
  bytes: number;
  /** Questions to the source. */
  loads: number;
  loadFailures: number;
  /** Entries that a change made stale. */
  invalidations: number;
  process: LayerCounters;
  shared?: LayerCounters;
}

/** Told after the entries that a change concerns are gone from this process; `*` too after a time without news. */
export type ChangeListener = (change: Change) => void;

export interface Cache {
  /**
   * The value, loaded by `load` when no layer has it; whoever asks meanwhile, here or on another node, waits for the same
   * load. undefined means that there is nothing. Values are shared: not to be changed. Rejects only as `load` does.
   */
  get<Value>(key: CacheKey, load: () => Promise<Value | undefined>, keep: KeepOptions<Value>): Promise<Value | undefined>;
  /**
   * A business, single keys or a whole cache went stale: here before this returns, elsewhere when it resolves or, while
   * the others cannot be reached, as soon as they can. Never rejects.
   */
  invalidate(what: string | readonly CacheKey[] | { cache: CacheName }): Promise<void>;
  /** Changes made on other nodes. Answers the way to stop listening. */
  onChange(listener: ChangeListener): () => void;
  counters(): CacheCounters[];
  /** Waits for what runs towards other nodes, for 1 s at most. Layers and feeds are closed by whoever opened them. */
  close(): Promise<void>;
}

/** What a node hears of the others. */
export interface FeedListener {
  changed(change: Change): void;
  /** From now on changes may be missed. */
  lost(): void;
  /** Changes are heard again; those in between are not known. */
  resumed(): void;
}

/** Carries changes between nodes. */
export interface ChangeFeed {
  /** false while changes made elsewhere may be missed. */
  readonly live: boolean;
  /** Rejects when the others could not be told. */
  publish(change: Change): Promise<void>;
  subscribe(listener: FeedListener): () => void;
}

/** Answer of the shared memory to one question. A lease lets exactly one asker load; it ends by itself. */
export type Consulted = { state: 'hit'; text: string; ttlMs: number } | { state: 'leased'; lease: Lease } | { state: 'busy' };

export interface Lease {
  token: string;
  /** State of the key's scopes when it was given: what is filled in after a change is dead on arrival. */
  stamp: string;
}

/** Memory that nodes share. Every operation has a deadline of its own and rejects when it cannot be done. */
export interface SharedLayer {
  readonly name: string;
  /** Finds the value, or gives the lease to load it, or says that another has it. */
  consult(key: CacheKey, leaseMs: number): Promise<Consulted>;
  /** Keeps the value unless the lease was lost, and gives the lease back. */
  fill(key: CacheKey, lease: Lease, text: string, ttlMs: number): Promise<void>;
  /** Gives a lease back without a value. */
  release(key: CacheKey, lease: Lease): Promise<void>;
  drop(change: Change): Promise<void>;
}

/** A shared layer with the feed that belongs to it. */
export interface SharedMemory {
  layer: SharedLayer;
  feed: ChangeFeed;
  close(): Promise<void>;
}

export interface SharedMemoryVendor extends Vendor {
  /**
   * Opens it; resolves undefined when it is not wanted (no URL). One that cannot be reached yet is opened all the same:
   * it keeps trying.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- settings are checked by the vendor's own schema
  sharedMemory(settings: any, kit: Kit): Promise<SharedMemory | undefined>;
}

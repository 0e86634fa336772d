/**
 * Process memory, then shared memory, then the source.
 *
 * ```
 *   get ─▶ process ─hit─▶ value                                        a change: entries gone, loads under way marked
 *             │ miss: the first asker goes on, the rest wait for it     stale, shared entries dead, other nodes told
 *             ▼
 *          shared ──hit────────────────────────────▶ kept in process ─▶ value
 *             ├─busy: another node loads; ask again ▲
 *             └─leased ─▶ load ─▶ fill ─────────────┘
 * ```
 *
 * The lease is that of Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013) §3.2.1: it answers both the stampede
 * and the value that was read before a change and would be written after it.
 */
import type { Kit } from '#kit/kit.ts';
import type {
  Cache,
  CacheCodec,
  CacheCounters,
  ChangeFeed,
  ChangeListener,
  FeedListener,
  KeepOptions,
  Lease,
  SharedLayer,
} from './cache.ts';
import { type CacheKey, type CacheName, type Change, changeOfBusiness, changeOfCache, concerns, EVERYTHING } from './cache-keys.ts';
import { ProcessLayer } from './cache-process.ts';
import { CacheRemote } from './cache-remote.ts';
import { CacheTally } from './cache-tally.ts';

const DEFAULT_ENTRIES = 1_000;
const DEFAULT_BYTES = 64 * 1024 * 1024;
const DEFAULT_ENTRY_BYTES = 1_024;
/** Another node may load for so long before somebody else begins. */
const LEASE_MS = 5_000;
/** So long a node waits for another's load before it loads by itself. */
const WAIT_MS = 2_000;
const POLL_MS = 10;
/** While changes may be missed nothing older than this is served from the process. */
export const BLIND_MS = 5_000;
const CLOSE_WITHIN_MS = 1_000;

export interface LayeredCacheOptions {
  kit: Pick<Kit, 'clock' | 'log'>;
  /** Of each cache in this process; 1,000 unless named. */
  entries?: number;
  /** Of each cache in this process; 64 MiB unless named. */
  bytes?: number;
  shared?: SharedLayer;
  /** Without one this is the only node. */
  feed?: ChangeFeed;
}

interface Loading {
  key: CacheKey;
  /** A change came in between: what is being loaded may be older than it. */
  stale: boolean;
  value: Promise<unknown>;
}

const json: CacheCodec<unknown> = { encode: (value) => JSON.stringify(value), decode: (text) => JSON.parse(text) };
/** First character of what is kept in shared memory. */
const NOTHING = '-';
const SOMETHING = '+';

export class LayeredCache implements Cache {
  readonly #kit: Pick<Kit, 'clock' | 'log'>;
  readonly #process: ProcessLayer;
  readonly #remote: CacheRemote;
  readonly #feed: ChangeFeed | undefined;
  readonly #isShared: boolean;
  readonly #tally = new CacheTally();
  readonly #loading = new Map<string, Loading>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #unsubscribe: (() => void) | undefined;

  constructor({ kit, entries = DEFAULT_ENTRIES, bytes = DEFAULT_BYTES, shared, feed }: LayeredCacheOptions) {
    this.#kit = kit;
    this.#process = new ProcessLayer(kit.clock, { entries, bytes });
    this.#remote = new CacheRemote({ kit, layer: shared, feed, onError: ({ cache }) => this.#tally.failed(cache, 'shared') });
    this.#isShared = shared !== undefined;
    this.#feed = feed;
    const listener: FeedListener = {
      changed: (change) => this.#heard(change),
      lost: () => kit.log.warn({}, 'changes on other nodes are not heard; the cache keeps little'),
      resumed: () => {
        this.#heard(EVERYTHING);
        this.#remote.resumed();
      },
    };
    this.#unsubscribe = feed?.subscribe(listener);
  }

  async get<Value>(key: CacheKey, load: () => Promise<Value | undefined>, keep: KeepOptions<Value>): Promise<Value | undefined> {
    const kept = this.#process.find(key, this.#feed?.live === false ? BLIND_MS : Infinity);
    if (kept) {
      this.#tally.hit(key.cache, 'process', kept.value === undefined);
      return kept.value as Value | undefined;
    }
    this.#tally.missed(key.cache, 'process');
    const running = this.#loading.get(key.text);
    if (running) return running.value as Promise<Value | undefined>;
    const loading: Loading = { key, stale: false, value: Promise.resolve() };
    this.#loading.set(key.text, loading);
    const value = this.#fetch(loading, load, keep).finally(() => {
      if (this.#loading.get(key.text) === loading) this.#loading.delete(key.text);
    });
    loading.value = value;
    return value;
  }

  async invalidate(what: string | readonly CacheKey[] | { cache: CacheName }): Promise<void> {
    const changes = changesOf(what);
    for (const change of changes) this.#drop(change);
    await Promise.all(
      changes.map(async (change) => {
        await this.#remote.tell(change);
        // Until the shared memory had dropped it, it could still be fetched from there.
        if (this.#isShared) this.#drop(change);
      }),
    );
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  counters(): CacheCounters[] {
    return this.#tally.counters((cache) => this.#process.size(cache), this.#isShared);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#listeners.clear();
    const late = Promise.withResolvers<void>();
    const timer = this.#kit.clock.after(CLOSE_WITHIN_MS, late.resolve);
    await Promise.race([this.#remote.close(), late.promise]);
    timer.cancel();
  }

  async #fetch<Value>(loading: Loading, load: () => Promise<Value | undefined>, keep: KeepOptions<Value>): Promise<Value | undefined> {
    const { clock } = this.#kit;
    const { key } = loading;
    const giveUpAt = clock.now() + WAIT_MS;
    let missed = false;
    while (this.#isShared && keep.shared !== false) {
      const found = await this.#remote.consult(key, LEASE_MS);
      if (!found) break;
      if (found.state === 'hit') {
        const read = this.#decode(key, found.text, keep);
        if (!read) break;
        this.#tally.hit(key.cache, 'shared', read.value === undefined);
        this.#keep(loading, read.value, found.ttlMs, keep);
        return read.value;
      }
      if (!missed) this.#tally.missed(key.cache, 'shared');
      missed = true;
      if (found.state === 'leased') return this.#loadAndFill(loading, found.lease, load, keep);
      if (clock.now() >= giveUpAt) break;
      await clock.sleep(POLL_MS);
    }
    return this.#load(loading, load, keep);
  }

  async #loadAndFill<Value>(
    loading: Loading,
    lease: Lease,
    load: () => Promise<Value | undefined>,
    keep: KeepOptions<Value>,
  ): Promise<Value | undefined> {
    const { key } = loading;
    let value: Value | undefined;
    try {
      value = await this.#load(loading, load, keep);
    } catch (error) {
      await this.#remote.release(key, lease);
      throw error;
    }
    const ttlMs = ttlOf(value, keep);
    const text = ttlMs > 0 && !loading.stale ? this.#encode(key, value, keep) : undefined;
    await (text === undefined ? this.#remote.release(key, lease) : this.#remote.fill(key, lease, text, ttlMs));
    return value;
  }

  async #load<Value>(loading: Loading, load: () => Promise<Value | undefined>, keep: KeepOptions<Value>): Promise<Value | undefined> {
    const { cache } = loading.key;
    const began = this.#kit.clock.now();
    try {
      const value = await load();
      this.#tally.loaded(cache, this.#kit.clock.now() - began);
      this.#keep(loading, value, ttlOf(value, keep), keep);
      return value;
    } catch (error) {
      this.#tally.loadFailed(cache);
      throw error;
    }
  }

  #keep<Value>({ key, stale }: Loading, value: Value | undefined, ttlMs: number, { sizeOf }: KeepOptions<Value>): void {
    if (stale || ttlMs <= 0) return;
    this.#process.keep(key, value, ttlMs, value === undefined || !sizeOf ? DEFAULT_ENTRY_BYTES : sizeOf(value));
  }

  #encode<Value>(key: CacheKey, value: Value | undefined, keep: KeepOptions<Value>): string | undefined {
    if (value === undefined) return NOTHING;
    try {
      return SOMETHING + (keep.codec ?? (json as CacheCodec<Value>)).encode(value);
    } catch (error) {
      this.#tally.failed(key.cache, 'shared');
      this.#kit.log.warn({ cache: key.cache, error }, 'a value cannot be written for the shared memory');
      return undefined;
    }
  }

  #decode<Value>(key: CacheKey, text: string, keep: KeepOptions<Value>): { value: Value | undefined } | undefined {
    if (text === NOTHING) return { value: undefined };
    try {
      return { value: (keep.codec ?? (json as CacheCodec<Value>)).decode(text.slice(SOMETHING.length)) };
    } catch (error) {
      this.#tally.failed(key.cache, 'shared');
      this.#kit.log.warn({ cache: key.cache, error }, 'a value in the shared memory cannot be read; it is loaded');
      return undefined;
    }
  }

  #drop(change: Change): void {
    this.#tally.invalidated(this.#process.drop(change));
    for (const loading of this.#loading.values()) {
      if (!concerns(change, loading.key)) continue;
      loading.stale = true;
      // Whoever asks from now on wants to see the change.
      this.#loading.delete(loading.key.text);
    }
  }

  #heard(change: Change): void {
    this.#drop(change);
    for (const listener of this.#listeners) listener(change);
  }
}

const ttlOf = <Value>(value: Value | undefined, { ttlMs, negativeTtlMs = 0 }: KeepOptions<Value>) =>
  value === undefined ? negativeTtlMs : ttlMs;

function changesOf(what: string | readonly CacheKey[] | { cache: CacheName }): Change[] {
  if (typeof what === 'string') return [changeOfBusiness(what)];
  return 'cache' in what ? [changeOfCache(what.cache)] : what.map(({ text }) => text);
}

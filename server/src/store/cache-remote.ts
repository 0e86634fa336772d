/**
 * The other side of a cache: the memory that nodes share and the feed that tells them of changes. Whoever asks here is
 * never failed. A shared memory that does not answer is left alone for a while, and a change that could not be told is
 * owed: until it is, the shared memory counts as stale and is not asked.
 */
import { Breaker } from '#kit/breaker.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import type { ChangeFeed, Consulted, Lease, SharedLayer } from './cache.ts';
import { type CacheKey, type Change, EVERYTHING } from './cache-keys.ts';

/** Owed changes beyond these become one: everything. */
const MOST_OWED = 1_000;
const RETRY_MS = 1_000;

export interface CacheRemoteOptions {
  kit: Pick<Kit, 'clock' | 'log'>;
  layer: SharedLayer | undefined;
  feed: ChangeFeed | undefined;
  /** Told of every question that failed. */
  onError: (key: CacheKey) => void;
}

export class CacheRemote {
  readonly #options: CacheRemoteOptions;
  readonly #owed = new Set<Change>();
  #breaker: Breaker;
  #retry: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: CacheRemoteOptions) {
    this.#options = options;
    this.#breaker = new Breaker(options.kit.clock);
  }

  /** undefined: there is no shared memory, or it cannot be asked now. */
  async consult(key: CacheKey, leaseMs: number): Promise<Consulted | undefined> {
    const { layer } = this.#options;
    if (!layer || this.#closed || this.#owed.size > 0) return undefined;
    return this.#attempt(key, () => layer.consult(key, leaseMs));
  }

  async fill(key: CacheKey, lease: Lease, text: string, ttlMs: number): Promise<void> {
    await this.#attempt(key, async () => this.#options.layer?.fill(key, lease, text, ttlMs));
  }

  async release(key: CacheKey, lease: Lease): Promise<void> {
    await this.#attempt(key, async () => this.#options.layer?.release(key, lease));
  }

  /** Drops what `change` concerns from the shared memory, then tells the other nodes. Never rejects. */
  async tell(change: Change): Promise<void> {
    const { layer, feed, kit } = this.#options;
    if (!layer && !feed) return;
    try {
      await this.#tellInOrder(change);
    } catch (error) {
      if (this.#owed.size === 0) kit.log.warn({ error }, 'a change could not be told to other nodes; it is owed');
      this.#owe(change);
      // A shared memory that is gone for all keeps nothing stale; for those who still reach it, the change is told again when it is paid.
      await feed?.publish(change).catch(() => {});
    }
  }

  /** The others are there again: what is owed goes out now. */
  resumed(): void {
    this.#breaker = new Breaker(this.#options.kit.clock);
    this.#pay();
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#running;
  }

  async #attempt<T>(key: CacheKey, ask: () => Promise<T>): Promise<T | undefined> {
    const breaker = this.#breaker;
    if (!breaker.admit()) return undefined;
    try {
      const answer = await ask();
      breaker.succeeded();
      return answer;
    } catch (error) {
      breaker.failed();
      this.#options.onError(key);
      this.#options.kit.log.debug({ error, layer: this.#options.layer?.name }, 'the shared memory did not answer');
      return undefined;
    }
  }

  #owe(change: Change): void {
    if (this.#owed.size >= MOST_OWED) {
      this.#owed.clear();
      this.#owed.add(EVERYTHING);
    } else this.#owed.add(change);
    this.#payLater();
  }

  #payLater(): void {
    if (this.#closed) return;
    this.#retry ??= this.#options.kit.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#pay();
    });
  }

  /** One after the other: where the first fails, the rest would too. */
  #pay(): void {
    this.#running = this.#running.then(async () => {
      for (const change of this.#owed.values()) {
        if (this.#closed) return;
        try {
          await this.#tellInOrder(change);
        } catch {
          return this.#payLater();
        }
      }
    });
  }

  async #tellInOrder(change: Change): Promise<void> {
    await this.#options.layer?.drop(change);
    await this.#options.feed?.publish(change);
    this.#owed.delete(change);
  }
}

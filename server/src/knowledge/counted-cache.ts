/** A bounded cache that counts what it is worth. Misses of the same key at the same time become one load; failures are not kept. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '#kit/clock.ts';

export interface CacheCounts {
  hits: number;
  misses: number;
  size: number;
  /** What its values take, roughly. */
  bytes: number;
  /** That ended; a failure is not kept. */
  loads: number;
  loadFailures: number;
  /** Mean time of a load until then, for each hit. */
  savedMs: number;
}

export class CountedCache<V extends object> {
  readonly #clock: Clock;
  readonly #kept: LRUCache<string, Promise<V>>;
  readonly #bytesEach: number;
  readonly #counts = { hits: 0, misses: 0, loads: 0, loadFailures: 0, savedMs: 0 };
  #loadMs = 0;

  /** `bytesEach`: what a value takes, roughly. */
  constructor(clock: Clock, { max, bytesEach }: { max: number; bytesEach: number }) {
    this.#clock = clock;
    this.#bytesEach = bytesEach;
    this.#kept = new LRUCache({ max });
  }

  get(key: string, load: () => Promise<V>): Promise<V> {
    const kept = this.#kept.get(key);
    if (kept) {
      const counts = this.#counts;
      counts.hits++;
      if (counts.loads > 0) counts.savedMs += this.#loadMs / counts.loads;
      return kept;
    }
    this.#counts.misses++;
    const from = this.#clock.now();
    const loading = load();
    this.#kept.set(key, loading);
    loading.then(
      () => {
        this.#counts.loads++;
        this.#loadMs += this.#clock.now() - from;
      },
      () => {
        this.#counts.loadFailures++;
        if (this.#kept.peek(key) === loading) this.#kept.delete(key);
      },
    );
    return loading;
  }

  drop(key: string): void {
    this.#kept.delete(key);
  }

  counts(): CacheCounts {
    const { size } = this.#kept;
    return { ...this.#counts, size, bytes: size * this.#bytesEach };
  }
}

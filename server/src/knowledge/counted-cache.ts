/** A bounded cache that counts what it is worth. Misses of the same key at the same time become one load; failures are not kept. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '#kit/clock.ts';

export interface CacheCounts {
  hits: number;
  misses: number;
  size: number;
  /** Milliseconds that loads took, in total; times hits over misses it is what the cache saved. */
  loadMs: number;
}

export class CountedCache<V extends object> {
  readonly #clock: Clock;
  readonly #kept: LRUCache<string, Promise<V>>;
  readonly #counts = { hits: 0, misses: 0, loadMs: 0 };

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#kept = new LRUCache({ max });
  }

  get(key: string, load: () => Promise<V>): Promise<V> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#counts.hits++;
      return kept;
    }
    this.#counts.misses++;
    const from = this.#clock.now();
    const loading = load();
    this.#kept.set(key, loading);
    loading.then(
      () => {
        this.#counts.loadMs += this.#clock.now() - from;
      },
      () => {
        if (this.#kept.peek(key) === loading) this.#kept.delete(key);
      },
    );
    return loading;
  }

  drop(key: string): void {
    this.#kept.delete(key);
  }

  counts(): CacheCounts {
    return { ...this.#counts, size: this.#kept.size };
  }
}

/** Counts what each cache found, missed, loaded and saved. */
import type { CacheCounters, LayerCounters } from './cache.ts';
import type { CacheName } from './cache-keys.ts';

type Layer = 'process' | 'shared';

interface Tally {
  loads: number;
  loadFailures: number;
  loadMs: number;
  invalidations: number;
  layers: Record<Layer, LayerCounters>;
}

const zero = (): LayerCounters => ({ hits: 0, negativeHits: 0, misses: 0, errors: 0, savedMs: 0 });

export class CacheTally {
  readonly #tallies = new Map<CacheName, Tally>();

  hit(cache: CacheName, layer: Layer, negative: boolean): void {
    const tally = this.#of(cache);
    const counters = tally.layers[layer];
    counters.hits++;
    if (negative) counters.negativeHits++;
    if (tally.loads > 0) counters.savedMs += tally.loadMs / tally.loads;
  }

  missed(cache: CacheName, layer: Layer): void {
    this.#of(cache).layers[layer].misses++;
  }

  failed(cache: CacheName, layer: Layer): void {
    this.#of(cache).layers[layer].errors++;
  }

  loaded(cache: CacheName, tookMs: number): void {
    const tally = this.#of(cache);
    tally.loads++;
    tally.loadMs += tookMs;
  }

  loadFailed(cache: CacheName): void {
    this.#of(cache).loadFailures++;
  }

  invalidated(dropped: ReadonlyMap<CacheName, number>): void {
    for (const [cache, count] of dropped) this.#of(cache).invalidations += count;
  }

  counters(sizeOf: (cache: CacheName) => { size: number; bytes: number }, shared: boolean): CacheCounters[] {
    return [...this.#tallies].map(([cache, { loads, loadFailures, invalidations, layers }]) => ({
      cache,
      ...sizeOf(cache),
      loads,
      loadFailures,
      invalidations,
      process: { ...layers.process },
      ...(shared && { shared: { ...layers.shared } }),
    }));
  }

  #of(cache: CacheName): Tally {
    const known = this.#tallies.get(cache);
    if (known) return known;
    const made: Tally = { loads: 0, loadFailures: 0, loadMs: 0, invalidations: 0, layers: { process: zero(), shared: zero() } };
    this.#tallies.set(cache, made);
    return made;
  }
}

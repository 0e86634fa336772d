/** What each cache found, missed, loaded and saved, by cache and layer; read at each scrape. A business is never a label. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { CacheCounters, LayerCounters } from '#store/cache.ts';

/** Those of one thread or part; answered as often as metrics are read. */
export type CacheSource = () => readonly CacheCounters[];

const layersOf = ({ process, shared }: CacheCounters): [string, LayerCounters][] =>
  shared ? Object.entries({ process, shared }) : [['process', process]];

/** Registers the metrics of all caches, and answers how to add a part that has some. */
export function watchCaches(registry: Registry): (source: CacheSource) => void {
  const sources: CacheSource[] = [];
  const all = () => summed(sources.flatMap((source) => [...source()]));

  /** The caches count by themselves: at a scrape their sums replace what was said before. */
  const counter = (name: string, help: string, read: (counters: CacheCounters) => number) =>
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: ['cache'],
        registers: [],
        collect() {
          this.reset();
          for (const counters of all()) this.inc({ cache: counters.cache }, read(counters));
        },
      }),
    );
  const layerCounter = (name: string, help: string, read: (counters: LayerCounters) => number) =>
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: ['cache', 'layer'],
        registers: [],
        collect() {
          this.reset();
          for (const counters of all())
            for (const [layer, its] of layersOf(counters)) this.inc({ cache: counters.cache, layer }, read(its));
        },
      }),
    );
  const gauge = (name: string, help: string, read: (counters: CacheCounters) => number) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['cache'],
        registers: [],
        collect() {
          this.reset();
          for (const counters of all()) this.set({ cache: counters.cache }, read(counters));
        },
      }),
    );

  layerCounter('tandem_cache_hits_total', 'Found in the cache, that there is nothing included', ({ hits }) => hits);
  layerCounter('tandem_cache_negative_hits_total', 'Found in the cache that there is nothing', ({ negativeHits }) => negativeHits);
  layerCounter('tandem_cache_misses_total', 'Not found in the cache', ({ misses }) => misses);
  layerCounter('tandem_cache_errors_total', 'Times a layer could not be used', ({ errors }) => errors);
  layerCounter('tandem_cache_saved_seconds_total', 'Mean time of a load, for each hit', ({ savedMs }) => savedMs / 1_000);
  counter('tandem_cache_loads_total', 'Questions to the source behind the cache', ({ loads }) => loads);
  counter('tandem_cache_load_failures_total', 'Questions to the source that failed', ({ loadFailures }) => loadFailures);
  counter('tandem_cache_invalidations_total', 'Entries that a change made stale', ({ invalidations }) => invalidations);
  gauge('tandem_cache_entries', 'Entries in this process', ({ size }) => size);
  gauge('tandem_cache_bytes', 'Bytes of the entries in this process, roughly', ({ bytes }) => bytes);
  return (source) => void sources.push(source);
}

/** A cache of one layer that counts less, as all caches count. */
export function countersOf(
  cache: string,
  counts: Pick<CacheCounters, 'size' | 'bytes' | 'loads' | 'loadFailures'> & Pick<LayerCounters, 'hits' | 'misses' | 'savedMs'>,
): CacheCounters {
  const { size, bytes, loads, loadFailures, hits, misses, savedMs } = counts;
  const process = { hits, negativeHits: 0, misses, errors: 0, savedMs };
  return { cache, size, bytes, loads, loadFailures, invalidations: 0, process };
}

/** The same cache in several threads is one in the metrics. */
function summed(all: readonly CacheCounters[]): CacheCounters[] {
  const byName = new Map<string, CacheCounters>();
  for (const one of all) {
    const before = byName.get(one.cache);
    byName.set(one.cache, before ? sum(before, one) : one);
  }
  return [...byName.values()];
}

function sum(one: CacheCounters, other: CacheCounters): CacheCounters {
  const layer = (a: LayerCounters, b: LayerCounters): LayerCounters => ({
    hits: a.hits + b.hits,
    negativeHits: a.negativeHits + b.negativeHits,
    misses: a.misses + b.misses,
    errors: a.errors + b.errors,
    savedMs: a.savedMs + b.savedMs,
  });
  const shared = one.shared && other.shared ? layer(one.shared, other.shared) : (one.shared ?? other.shared);
  return {
    cache: one.cache,
    size: one.size + other.size,
    bytes: one.bytes + other.bytes,
    loads: one.loads + other.loads,
    loadFailures: one.loadFailures + other.loadFailures,
    invalidations: one.invalidations + other.invalidations,
    process: layer(one.process, other.process),
    ...(shared && { shared }),
  };
}

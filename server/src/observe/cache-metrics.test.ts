import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { KeptSpeech } from '#conversation/kept-speech.ts';
import { testKit } from '#kit/testing.ts';
import { type CacheCounters, keys } from '#store/cache.ts';
import { LayeredCache } from '#store/cache-layered.ts';
import { countersOf, watchCaches } from './cache-metrics.ts';

const KEEP = { ttlMs: 60_000, negativeTtlMs: 60_000 };

const samples = async (registry: Registry) =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.endsWith(' 0'));

test('each scrape tells the state of all caches, by cache and layer, never by business', async () => {
  const kit = testKit();
  const registry = new Registry();
  const watch = watchCaches(registry);
  const cache = new LayeredCache({ kit });
  watch(() => cache.counters());
  expect(await samples(registry)).toEqual([]);

  const slow = cache.get(keys.entry('business_1'), () => kit.clock.sleep(500).then(() => 1), KEEP);
  await kit.clock.advance(500);
  await slow;
  for (let n = 0; n < 4; n++) await cache.get(keys.entry('business_1'), async () => 1, KEEP);
  for (let n = 0; n < 2; n++) await cache.get(keys.number('+1'), async () => undefined, KEEP);
  await cache.get(keys.entry('business_2'), () => Promise.reject(new Error('away')), KEEP).catch(() => {});
  await cache.invalidate('business_1');
  const told = await samples(registry);
  expect(told).toEqual([
    'tandem_cache_hits_total{cache="entry",layer="process"} 4',
    'tandem_cache_hits_total{cache="number",layer="process"} 1',
    'tandem_cache_negative_hits_total{cache="number",layer="process"} 1',
    'tandem_cache_misses_total{cache="entry",layer="process"} 2',
    'tandem_cache_misses_total{cache="number",layer="process"} 1',
    'tandem_cache_saved_seconds_total{cache="entry",layer="process"} 2',
    'tandem_cache_loads_total{cache="entry"} 1',
    'tandem_cache_loads_total{cache="number"} 1',
    'tandem_cache_load_failures_total{cache="entry"} 1',
    'tandem_cache_invalidations_total{cache="entry"} 1',
    'tandem_cache_entries{cache="number"} 1',
    'tandem_cache_bytes{cache="number"} 1024',
  ]);
  expect(await samples(registry)).toEqual(told);
});

test('a cache of one layer counts as the others do', async () => {
  const registry = new Registry();
  const counts = { size: 3, bytes: 30, loads: 2, loadFailures: 1, hits: 5, misses: 3, savedMs: 1_500 };
  watchCaches(registry)(() => [countersOf('query-embeddings', counts)]);
  expect(await samples(registry)).toEqual([
    'tandem_cache_hits_total{cache="query-embeddings",layer="process"} 5',
    'tandem_cache_misses_total{cache="query-embeddings",layer="process"} 3',
    'tandem_cache_saved_seconds_total{cache="query-embeddings",layer="process"} 1.5',
    'tandem_cache_loads_total{cache="query-embeddings"} 2',
    'tandem_cache_load_failures_total{cache="query-embeddings"} 1',
    'tandem_cache_entries{cache="query-embeddings"} 3',
    'tandem_cache_bytes{cache="query-embeddings"} 30',
  ]);
});

test('the same cache in two threads is one, and kept speech counts as the others do', async () => {
  const registry = new Registry();
  const watch = watchCaches(registry);
  const counted = (hits: number): CacheCounters => ({
    cache: 'search',
    size: 1,
    bytes: 10,
    loads: 0,
    loadFailures: 0,
    invalidations: 0,
    process: { hits, negativeHits: 0, misses: 0, errors: 0, savedMs: 0 },
    shared: { hits: 1, negativeHits: 0, misses: 0, errors: 0, savedMs: 0 },
  });
  watch(() => [counted(2)]);
  watch(() => [counted(3)]);
  const kept = new KeptSpeech();
  await kept.obtain(
    { businessId: 'b', synthesizer: 's', model: undefined, voice: 'v', language: 'en', format: 'mulaw-8000', text: 'Hello.' },
    async () => ({ sound: new Uint8Array(80), words: [] }),
  );
  watch(() => [kept.counters()]);
  expect(await samples(registry)).toEqual([
    'tandem_cache_hits_total{cache="search",layer="process"} 5',
    'tandem_cache_hits_total{cache="search",layer="shared"} 2',
    'tandem_cache_misses_total{cache="speech",layer="process"} 1',
    'tandem_cache_loads_total{cache="speech"} 1',
    'tandem_cache_entries{cache="search"} 2',
    'tandem_cache_entries{cache="speech"} 1',
    'tandem_cache_bytes{cache="search"} 20',
    'tandem_cache_bytes{cache="speech"} 80',
  ]);
});

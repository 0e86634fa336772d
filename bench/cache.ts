/**
 * Caches: what they spare the database, and how soon a change is known everywhere. Needs PostgreSQL and Redis (Debian's
 * `postgresql` and `redis-server`); both are started for the run, on sockets and ports of their own.
 *
 *   npm run bench -- cache [--calls 2000] [--businesses 300] [--rounds 300] [--seed 1]
 *
 * - queries_...: statements per call that a cache may answer: the configuration at ring (number, entry), and who a session
 *   lets in, three times for the page of the call in the console. `..._facts`: what that page reads of the call itself, which
 *   is never cached. A business changes once in 100 calls, and each change must be seen at once.
 * - queries_saved_pct: of the first kind, with both layers against no cache. queries_saved_with_facts_pct: of both kinds.
 * - second_node_...: the same calls on a node that has just started, beside Redis that the first node filled.
 * - loads_...: what 1,000 simultaneous misses cost, in one process and in two (500 each); the worst round.
 * - invalidation_...: two processes; from the commit on one to the other's cache having dropped the value (`heard`), and to
 *   its answering the new one (`fresh`), through Redis and through the database's notifications.
 */
import { parseArgs } from 'node:util';
import { hasRedis, startRedis } from '../server/test/redis-server.ts';
import { hasPostgres, startPostgres } from '../server/test/postgres-server.ts';
import { systemKit } from '../server/src/kit/kit.ts';
import type { CacheCounters } from '../server/src/store/cache.ts';
import { LayeredCache } from '../server/src/store/cache-layered.ts';
import { migrate } from '../server/src/store/migrate.ts';
import { postgres } from '../server/src/store/postgres/postgres.ts';
import { openRedis } from '../server/src/store/redis/redis.ts';
import { burst, invalidationDelays, Node } from './cache/nodes.ts';
import { makeTenants, noCache, type QueriesOfCalls, runCalls } from './cache/queries.ts';
import { type Figure, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '2000' },
    businesses: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});
const [calls, businesses, rounds, seed] = [values.calls, values.businesses, values.rounds, values.seed].map(Number);
const BURST = 1_000;
const BURST_ROUNDS = 20;
const CHANGE_EVERY = 100;

if (!hasPostgres() || !hasRedis()) {
  console.error('this benchmark needs PostgreSQL and Redis: apt-get install postgresql redis-server');
  process.exit(2);
}

const figures: Figure[] = [];
const samples: Record<string, unknown> = {};
const kit = systemKit('warn');
const [server, redis] = [await startPostgres(), await startRedis()];
const nodes: Node[] = [];
try {
  const databaseUrl = await server.createDatabase('tandem_bench_cache');
  let queries = 0;
  const database = await postgres.database({ url: databaseUrl }, { kit, dataFolder: undefined, onQuery: () => queries++ });
  await migrate(database, kit);
  console.log(`${businesses} businesses …`);
  const tenants = await makeTenants(database, kit, businesses);

  const source = { database, kit, queries: () => queries };
  const workload = { calls, changeEvery: CHANGE_EVERY, seed };
  const none = await counted('no_cache', () => runCalls(source, noCache, tenants, workload));
  const single = new LayeredCache({ kit });
  await counted('process', () => runCalls(source, single, tenants, workload));
  await single.close();
  const both = await counted('process_and_redis', () => withRedis((cache) => runCalls(source, cache, tenants, workload)));
  const second = await counted('second_node', () => withRedis((cache) => runCalls(source, cache, tenants, workload)));
  const saved = (before: number, after: number) => (1 - after / before) * 100;
  figures.unshift(
    { name: 'queries_saved_pct', value: saved(none.lookUps, both.lookUps), unit: '%', n: calls, goal: 80 },
    {
      name: 'queries_saved_with_facts_pct',
      value: saved(none.lookUps + none.facts, both.lookUps + both.facts),
      unit: '%',
      n: calls,
    },
    { name: 'second_node_queries_saved_pct', value: saved(none.lookUps, second.lookUps), unit: '%', n: calls },
  );

  for (const through of ['redis', 'notify'] as const) {
    console.log(`two nodes, changes through ${through} …`);
    const settings = { databaseUrl, redisUrl: through === 'redis' ? redis.url : undefined, prefix: 'bench-nodes' };
    const two = await Promise.all([Node.start(settings), Node.start(settings)]);
    nodes.push(...two);
    if (through === 'redis') {
      loads('loads_of_1000_misses', await burst(two.slice(0, 1), tenants[0].id, BURST, BURST_ROUNDS));
      loads('loads_of_1000_misses_two_processes', await burst(two, tenants[0].id, BURST / 2, BURST_ROUNDS));
    }
    await invalidationDelays(two, tenants[1].id, 20);
    const { heardMs, freshMs } = await invalidationDelays(two, tenants[1].id, rounds);
    for (const [what, delays] of Object.entries({ heard: heardMs, fresh: freshMs })) {
      samples[`invalidation_${through}_${what}_ms`] = delays;
      for (const share of [0.5, 0.95, 0.99]) {
        const name = `invalidation_${through}_${what}_p${share * 100}_ms`;
        figures.push({ name, value: percentile(delays, share), unit: 'ms', n: delays.length });
      }
    }
    for (const node of nodes.splice(0)) await node.stop();
  }
  await database.close();
} finally {
  await Promise.all(nodes.map((node) => node.stop()));
  await redis.stop();
  await server.stop();
}

publish(
  'cache',
  { businesses, calls, popularity: 'Zipf, exponent 1', change_every_calls: CHANGE_EVERY, requests_of_a_call_page: 3, burst: BURST },
  figures,
  samples,
  seed,
);

async function withRedis<T>(work: (cache: LayeredCache) => Promise<T>): Promise<T> {
  const memory = await openRedis({ url: redis.url, prefix: 'bench' }, kit);
  const cache = new LayeredCache({ kit, shared: memory.layer, feed: memory.feed });
  try {
    return await work(cache);
  } finally {
    await cache.close();
    await memory.close();
  }
}

async function counted(name: string, run: () => Promise<QueriesOfCalls>): Promise<QueriesOfCalls> {
  console.log(`${name}: ${calls} calls …`);
  const result = await run();
  figures.push({ name: `queries_per_call_${name}`, value: result.lookUps, unit: '', n: calls });
  if (name === 'no_cache') figures.push({ name: 'queries_per_call_facts', value: result.facts, unit: '', n: calls });
  for (const one of result.counters) hitRate(name, one);
  samples[name] = result;
  return result;
}

function hitRate(name: string, { cache, process: own, shared }: CacheCounters): void {
  const of = (layer: string, hits: number, all: number) => {
    if (all > 0) figures.push({ name: `hit_rate_${name}_${cache}_${layer}_pct`, value: (hits / all) * 100, unit: '%', n: all });
  };
  of('process', own.hits, own.hits + own.misses);
  if (shared) of('redis', shared.hits, shared.hits + shared.misses);
}

function loads(name: string, each: number[]): void {
  samples[name] = each;
  figures.push({ name, value: Math.max(...each), unit: '', n: each.length, goal: 1 });
}

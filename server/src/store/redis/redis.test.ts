import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { Ids } from '#kit/ids.ts';
import type { Kit } from '#kit/kit.ts';
import { silentLog } from '#kit/log.ts';
import { SystemRandom } from '#kit/random.ts';
import { hasRedis, type RedisServer, startRedis } from '../../../test/redis-server.ts';
import { keys, type SharedMemory } from '../cache.ts';
import { LayeredCache } from '../cache-layered.ts';
import { testSharedMemory } from '../shared-layer.contract.ts';
import { openRedis, redis } from './redis.ts';

const clock = new SystemClock();
const random = new SystemRandom();
const kit: Kit = { clock, random, ids: new Ids(clock, random), log: silentLog };
const KEEP = { ttlMs: 60_000, negativeTtlMs: 60_000 };

interface Node {
  cache: LayeredCache;
  memory: SharedMemory;
  close(): Promise<void>;
}

async function until(holds: () => boolean, withinMs = 8_000): Promise<void> {
  const began = clock.now();
  while (!holds()) {
    if (clock.now() - began > withinMs) throw new Error('it did not come to hold');
    await clock.sleep(5);
  }
}

test('without a URL there is none', async () => {
  expect(await redis.sharedMemory(redis.settings.parse({}), kit)).toBeUndefined();
  expect(() => redis.settings.parse({ url: 'http://localhost' })).toThrow(/redis:/);
});

describe.skipIf(!hasRedis())('on a real Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());
  const prefix = () => `test-${randomBytes(4).toString('hex')}`;

  const shared = prefix();
  testSharedMemory('redis', () => openRedis({ url: server.url, prefix: shared }, kit));

  const nodes = (count: number, name = prefix()): Promise<Node[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const memory = await openRedis({ url: server.url, prefix: name }, kit);
        const cache = new LayeredCache({ kit, shared: memory.layer, feed: memory.feed });
        const close = async () => {
          await cache.close();
          await memory.close();
        };
        return { cache, memory, close };
      }),
    );
  const closeAll = (all: Node[]) => Promise.all(all.map((node) => node.close()));

  test('1,000 simultaneous misses on two nodes are one load', async () => {
    const both = await nodes(2);
    let loads = 0;
    const load = async () => {
      loads++;
      await clock.sleep(30);
      return { greeting: 'Grüß Gott' };
    };
    const asked = Array.from({ length: 1_000 }, (_, n) => both[n % 2].cache.get(keys.entry('a'), load, KEEP));
    expect(new Set((await Promise.all(asked)).map((value) => JSON.stringify(value)))).toEqual(new Set(['{"greeting":"Grüß Gott"}']));
    expect(loads).toBe(1);
    await closeAll(both);
  });

  test('nothing is remembered on all nodes, until a change', async () => {
    const both = await nodes(2);
    const [here, there] = both.map(({ cache }) => cache);
    let value: string | undefined;
    let loads = 0;
    const load = async () => {
      loads++;
      return value;
    };
    for (const cache of [here, there, here]) expect(await cache.get(keys.assistant('a', 'x'), load, KEEP)).toBeUndefined();
    expect(loads).toBe(1);
    value = 'made';
    await there.invalidate('a');
    expect(await there.get(keys.assistant('a', 'x'), load, KEEP)).toBe('made');
    await until(() => here.counters()[0].invalidations > 0);
    expect(await here.get(keys.assistant('a', 'x'), load, KEEP)).toBe('made');
    expect(loads).toBe(2);
    await closeAll(both);
  });

  test('a value that cannot be read back is loaded, and counted', async () => {
    const both = await nodes(2);
    const codec = {
      encode: String,
      decode: (): number => {
        throw new Error('sealed with another key');
      },
    };
    await both[0].cache.get(keys.entry('a'), async () => 1, { ...KEEP, codec });
    expect(await both[1].cache.get(keys.entry('a'), async () => 2, { ...KEEP, codec })).toBe(2);
    expect(both[1].cache.counters()[0].shared).toMatchObject({ errors: 1, hits: 0 });
    await closeAll(both);
  });

  test('it dies and comes back in mid-use: nobody is failed, and what was missed is made good', async () => {
    const both = await nodes(2);
    const [here, there] = both.map(({ cache }) => cache);
    let value = 1;
    const load = async () => value;
    const get = (cache: LayeredCache) => cache.get(keys.entry('a'), load, KEEP);
    expect([await get(here), await get(there)]).toEqual([1, 1]);

    await server.kill();
    await until(() => !both[0].memory.feed.live && !both[1].memory.feed.live);
    value = 2;
    const began = clock.now();
    await here.invalidate('a');
    expect(await get(here)).toBe(2);
    expect(await here.get(keys.entry('b'), async () => 'b', KEEP)).toBe('b');
    expect(clock.now() - began).toBeLessThan(1_000);
    // The other node has not heard: it may still serve what it had.
    expect(await get(there)).toBe(1);

    await server.restart();
    await until(() => both[0].memory.feed.live && both[1].memory.feed.live);
    expect(await get(there)).toBe(2);
    value = 3;
    await here.invalidate('a');
    await until(() => there.counters()[0].size === 0);
    expect([await get(here), await get(there)]).toEqual([3, 3]);
    await closeAll(both);
  }, 30_000);

  test('it hangs: questions go on without it, and a change that could not be told is told afterwards', async () => {
    const both = await nodes(2);
    const [here, there] = both.map(({ cache }) => cache);
    let value = 1;
    const load = async () => value;
    const get = (cache: LayeredCache) => cache.get(keys.entry('a'), load, KEEP);
    expect([await get(here), await get(there)]).toEqual([1, 1]);
    server.freeze();
    value = 2;
    const telling = here.invalidate('a');
    expect(await get(here)).toBe(2);
    await telling;
    for (let n = 0; n < 20; n++) expect(await here.get(keys.number(`+${n}`), async () => n, KEEP)).toBe(n);
    server.thaw();
    await until(() => there.counters()[0].size === 0);
    expect(await get(there)).toBe(2);
    await closeAll(both);
  }, 30_000);

  test('one that cannot be reached at the start is no error, and is used once it is there', async () => {
    await server.kill();
    const [node] = await nodes(1);
    expect(node.memory.feed.live).toBe(false);
    expect(await node.cache.get(keys.entry('a'), async () => 1, KEEP)).toBe(1);
    await server.restart();
    await until(() => node.memory.feed.live);
    // Its questions go over a connection of their own, which may be there a little later than the one for news.
    let asked = 0;
    await until(() => {
      void node.cache.get(keys.entry(`b${++asked}`), async () => 1, KEEP);
      return (node.cache.counters()[0].shared?.misses ?? 0) > 0;
    });
    await node.close();
  }, 30_000);
});

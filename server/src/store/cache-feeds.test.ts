import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestPostgres } from '../../test/database.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../test/postgres-server.ts';
import { systemKit } from '#kit/kit.ts';
import { type ChangeFeed, type FeedListener, keys } from './cache.ts';
import { databaseFeed, everyFeed, inProcessFeed } from './cache-feeds.ts';
import { LayeredCache } from './cache-layered.ts';
import type { Database } from './database.ts';

const KEEP = { ttlMs: 60_000 };
const kit = systemKit('silent');

test('through several feeds a change is told and heard as long as one of them carries', async () => {
  const [redis, notified] = [inProcessFeed(), inProcessFeed()];
  const listeners: FeedListener[] = [];
  let away = false;
  /** The end of a line that can be cut. */
  const cuttable = (feed: ChangeFeed): ChangeFeed => ({
    get live() {
      return !away;
    },
    publish: (change) => (away ? Promise.reject(new Error('away')) : feed.publish(change)),
    subscribe: (listener) => {
      listeners.push(listener);
      return feed.subscribe(listener);
    },
  });
  const [here, there] = [1, 2].map(() => everyFeed([cuttable(redis.node()), notified.node()]));
  const heard: string[] = [];
  const end = there.subscribe({
    changed: (change) => heard.push(change),
    lost: () => heard.push('lost'),
    resumed: () => heard.push('resumed'),
  });
  await here.publish('a');
  expect(heard).toEqual(['a', 'a']);
  away = true;
  for (const listener of listeners) listener.lost();
  expect(here.live).toBe(true);
  await here.publish('b');
  expect(heard).toEqual(['a', 'a', 'b']);
  away = false;
  for (const listener of listeners) listener.resumed();
  expect(heard.at(-1)).toBe('resumed');
  end();
  await here.publish('c');
  expect(heard).not.toContain('c');
  away = true;
  await expect(everyFeed([cuttable(redis.node())]).publish('d')).rejects.toThrow('away');
});

describe.skipIf(!hasPostgres())('through PostgreSQL, without Redis', () => {
  let server: PostgresServer;
  let databases: Database[];
  beforeAll(async () => {
    server = await startPostgres();
    const one = await openTestPostgres(server, 'tandem_feed');
    databases = [one, one];
  }, 90_000);
  afterAll(async () => {
    await databases?.[0].close();
    await server?.stop();
  });

  test('a change on one node is known on the other, of a business, of a key and of a whole cache', async () => {
    const feeds = await Promise.all(databases.map(databaseFeed));
    const [here, there] = feeds.map((feed) => new LayeredCache({ kit, feed }));
    const all = [keys.entry('business_1'), keys.number('+1'), keys.apiKey('d'), keys.entry('business_2')];
    let version = 1;
    const read = (cache: LayeredCache) => Promise.all(all.map((key) => cache.get(key, async () => version, KEEP)));
    expect([await read(here), await read(there)]).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
    version = 2;
    const heard = Promise.withResolvers<void>();
    let changes = 0;
    there.onChange(() => ++changes === 3 && heard.resolve());
    await here.invalidate('business_1');
    await here.invalidate([keys.number('+1')]);
    await here.invalidate({ cache: 'api-key' });
    await heard.promise;
    expect(await read(there)).toEqual([2, 2, 2, 1]);
    for (const cache of [here, there]) await cache.close();
    for (const feed of feeds) await feed.close();
  });
});

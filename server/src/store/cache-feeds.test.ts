import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestPostgres } from '../../test/database.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../test/postgres-server.ts';
import { systemKit } from '#kit/kit.ts';
import { keys } from './cache.ts';
import { databaseFeed } from './cache-feeds.ts';
import { LayeredCache } from './cache-layered.ts';
import type { Database } from './database.ts';

const KEEP = { ttlMs: 60_000 };
const kit = systemKit('silent');

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

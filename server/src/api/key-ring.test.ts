import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestKit, testKit } from '#kit/testing.ts';
import { createApiKey, deleteApiKey } from '#store/api-keys.ts';
import { createBusiness, deleteBusiness } from '#store/businesses.ts';
import { inProcessFeed } from '#store/cache-feeds.ts';
import { BLIND_MS, LayeredCache } from '#store/cache-layered.ts';
import type { Database } from '#store/database.ts';
import { openTestPglite } from '../../test/database.ts';
import { StoredKeyRing } from './key-ring.ts';

const kit: TestKit = testKit();
let database: Database;
let queries = 0;

beforeAll(async () => {
  database = await openTestPglite(() => queries++);
}, 60_000);
afterAll(() => database.close());

const asked = async (work: () => Promise<unknown>) => {
  const before = queries;
  await work();
  return queries - before;
};
const make = (name: string) => createBusiness(database, kit, { name, language: 'en', timeZone: 'UTC' });
function nodes(count: number): StoredKeyRing[] {
  const feed = inProcessFeed();
  return Array.from({ length: count }, () => new StoredKeyRing(database, kit.clock, new LayeredCache({ kit, feed: feed.node() })));
}

test('a key is looked up once; deleted it opens nothing, here and on the other nodes', async () => {
  const { id } = await make('A');
  const [here, there] = nodes(2);
  const { key, id: keyId } = await createApiKey(database, kit, { businessId: id, name: 'x', scopes: ['read'] });
  const principal = { keyId, businessId: id, scopes: ['read'] };
  for (const ring of [here, there]) {
    expect(await ring.byKey(key)).toEqual(principal);
    expect(await ring.byId(keyId)).toEqual(principal);
    expect(await asked(() => Promise.all([ring.byKey(key), ring.byId(keyId), ring.byKey(key)]))).toBe(0);
  }
  await deleteApiKey(database, id, keyId);
  const forgetting = here.forgetKey(keyId);
  expect(await here.byKey(key)).toBeUndefined();
  await forgetting;
  for (const ring of [here, there]) expect([await ring.byKey(key), await ring.byId(keyId)]).toEqual([undefined, undefined]);
});

test('that a key is none is remembered for a while', async () => {
  const [ring] = nodes(1);
  const guess = () => ring.byKey('tandem_guess');
  expect(await asked(guess)).toBe(1);
  expect(await asked(guess)).toBe(0);
  await kit.clock.advance(5_000);
  expect(await asked(guess)).toBe(1);
});

test('without a cache that hears of changes a deleted key lives for seconds only', async () => {
  const ring = new StoredKeyRing(database, kit.clock);
  const { key, id } = await createApiKey(database, kit, { businessId: null, name: 'x', scopes: [] });
  expect(await ring.byKey(key)).toBeDefined();
  await deleteApiKey(database, undefined, id);
  await kit.clock.advance(BLIND_MS);
  expect(await ring.byKey(key)).toBeUndefined();
});

test('businesses are known until one is added or removed', async () => {
  const [ring] = nodes(1);
  const first = await ring.firstBusinessId();
  const [a, b] = [await make('A'), await make('B')];
  for (const { id } of [a, b]) expect(await ring.hasBusiness(id)).toBe(true);
  expect(await ring.hasBusiness('business_none')).toBe(false);
  expect(await asked(() => Promise.all([ring.hasBusiness(a.id), ring.hasBusiness('business_none'), ring.firstBusinessId()]))).toBe(0);
  await deleteBusiness(database, a.id);
  if (first !== undefined) await deleteBusiness(database, first);
  ring.forgetBusinesses();
  expect([await ring.hasBusiness(a.id), await ring.hasBusiness(b.id), await ring.firstBusinessId()]).toEqual([false, true, b.id]);
});

test('what a request made up instead of an id harms nobody', async () => {
  const [ring] = nodes(1);
  const { id } = await make('A');
  await ring.hasBusiness(id);
  for (const made of ['*', '#business', '["business","x"]', 'x'.repeat(10_000)]) expect(await ring.hasBusiness(made)).toBe(false);
  expect(await asked(() => ring.hasBusiness(id))).toBe(0);
});

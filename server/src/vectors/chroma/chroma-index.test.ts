import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import type { Partition, VectorPoint } from '../vector-index.ts';
import { describeVectorIndex, unitVector } from '../vector-index.contract.ts';
import { ChromaIndex } from './chroma-index.ts';
import { startTestChroma, type TestChroma } from './testing.ts';
import { chroma } from './vendor.ts';

const place = { tenant: 'default_tenant', database: 'default_database' };
let server: TestChroma;
beforeAll(async () => {
  server = await startTestChroma();
});
afterAll(() => server.close());

describeVectorIndex('chroma', async () => new ChromaIndex(testKit(), { url: server.url, ...place }), { operations: 1_000 });

/** A server of the user's own, such as `chroma run`: nothing of it is kept. */
const real = process.env.CHROMA_TEST_URL;
describe.skipIf(real === undefined)('the server at CHROMA_TEST_URL', () => {
  const kit = { ...testKit(), clock: new SystemClock() };
  describeVectorIndex('chroma', async () => new ChromaIndex(kit, { url: real as string, ...place }), { operations: 600, many: 1_000 });
});

describe('on the wire', () => {
  const random = new SeededRandom(1);
  let made = 0;
  let partition: Partition;
  beforeEach(() => {
    partition = { businessId: `wire_${made++}`, base: 'main', embedder: 'e', dimensions: 8 };
    server.requests.length = 0;
  });
  const point = (id: string, tags: string[] = []): VectorPoint => ({
    id,
    vector: unitVector(random, 8),
    documentId: 'doc_1',
    language: 'en',
    tags,
    audience: 'everyone',
  });
  const paths = () => server.requests.map(({ method, path }) => `${method} ${path.replace(/id-\d+/, 'ID').replace(/tandem-\w+/, 'NAME')}`);

  test('batches of points; the collection is looked up once; the key goes along', async () => {
    const index = new ChromaIndex(testKit(), { url: `${server.url}/`, apiKey: 'ck-secret', ...place });
    await index.upsert(
      partition,
      Array.from({ length: 1_500 }, (_, i) => point(`p${i}`)),
    );
    expect(paths()).toEqual(['POST ', 'POST /ID/get', 'POST /ID/upsert', 'POST /ID/get', 'POST /ID/upsert']);
    expect(server.requests[0].body).toMatchObject({ get_or_create: true, configuration: { hnsw: { space: 'cosine' } } });
    expect(server.requests.every(({ headers }) => headers['x-chroma-token'] === 'ck-secret')).toBe(true);
    await index.close();
  });

  test('a filter becomes a where: one condition by itself, several in $and, tags in $or', async () => {
    const index = new ChromaIndex(testKit(), { url: server.url, ...place });
    await index.upsert(partition, [point('a')]);
    const whereFor = async (filter: object) => {
      await index.nearest(partition, { vector: unitVector(random, 8), limit: 1, filter });
      return (server.requests.at(-1)?.body as { where?: object } | undefined)?.where;
    };
    expect(await whereFor({})).toBeUndefined();
    expect(await whereFor({ tags: ['x'] })).toEqual({ 'tag:x': true });
    expect(await whereFor({ tags: ['x', 'y'], languages: ['en'] })).toEqual({
      $and: [{ language: { $in: ['en'] } }, { $or: [{ 'tag:x': true }, { 'tag:y': true }] }],
    });
    await index.close();
  });

  test('a passing fault is tried again; one that stays, a refusal and silence are `unavailable`, without the key', async () => {
    const kit = testKit();
    const index = new ChromaIndex(kit, { url: server.url, apiKey: 'ck-secret', ...place });
    await index.upsert(partition, [point('a')]);
    const query = { vector: unitVector(random, 8), limit: 1 };
    const settled = async (work: Promise<unknown>) => {
      const state = { done: false };
      const result = work.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      void result.then(() => {
        state.done = true;
      });
      while (!state.done) {
        await kit.clock.advance(50);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return result;
    };
    server.faults.push('hang-up');
    expect(await settled(index.nearest(partition, query))).toMatchObject({ value: [{ id: 'a' }] });
    server.faults.push(503);
    expect(await settled(index.nearest(partition, query))).toMatchObject({ value: [{ id: 'a' }] });
    server.faults.push(503, 503);
    expect(await settled(index.nearest(partition, query))).toMatchObject({ error: { code: 'unavailable' } });
    server.faults.push(401);
    const before = server.requests.length;
    expect(await settled(index.nearest(partition, query))).toMatchObject({ error: { code: 'unavailable', detail: { status: 401 } } });
    expect(server.requests.length).toBe(before + 1);
    server.faults.push('silence');
    expect(await settled(index.nearest(partition, query))).toMatchObject({
      error: { code: 'unavailable', message: expect.stringContaining('1500 ms') },
    });
    expect(kit.clock.pending).toBe(0);
    await index.close();
  });

  test('a collection that another process dropped is looked up again; a search made void rejects with its reason', async () => {
    const [one, other] = [0, 1].map(() => new ChromaIndex(testKit(), { url: server.url, ...place }));
    await one.upsert(partition, [point('a')]);
    expect(await other.size(partition)).toBe(1);
    await one.drop(partition);
    expect(await other.size(partition)).toBe(0);
    await one.upsert(partition, [point('b')]);
    expect(await other.size(partition)).toBe(1);
    await other.upsert(partition, [point('c')]);
    await one.drop(partition);
    await other.upsert(partition, [point('d')]);
    expect(await one.size(partition)).toBe(1);
    const abort = new AbortController();
    server.faults.push('silence');
    const search = one.nearest(partition, { vector: unitVector(random, 8), limit: 1, signal: abort.signal });
    const reason = new Error('call ended');
    abort.abort(reason);
    await expect(search).rejects.toBe(reason);
    await one.close();
    await other.close();
  });

  test('without CHROMA_URL there is no such room', async () => {
    const settings = chroma.settings.parse({});
    expect(await chroma.vectorIndex(settings, { kit: testKit(), folder: undefined })).toBeUndefined();
  });
});

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../../../test/postgres-server.ts';
import type { Partition, VectorPoint } from '../vector-index.ts';
import { describeVectorIndex, nearestOf, unitVector } from '../vector-index.contract.ts';
import { openPgvectorIndex } from './pgvector-index.ts';
import { openTestDatabase } from './testing.ts';
import { openPool } from './vector-database.ts';
import { pgvector } from './vendor.ts';

describeVectorIndex('pgvector in PGlite', async () => openPgvectorIndex(testKit(), await openTestDatabase()), {
  operations: 600,
  many: 1_000,
});

const bin = findPostgres();
/** Debian keeps the control files of extensions here; a server of one's own is named by PGVECTOR_TEST_URL. */
const control = bin && join('/usr/share/postgresql', basename(dirname(bin)), 'extension/vector.control');
const given = process.env.PGVECTOR_TEST_URL;
describe.skipIf(given === undefined && !(control && existsSync(control)))('PostgreSQL with the extension "vector" installed', () => {
  let server: PostgresServer | undefined;
  afterAll(() => server?.stop());
  describeVectorIndex(
    'pgvector',
    async () => {
      if (given === undefined) server = await startPostgres();
      return openPgvectorIndex(testKit(), openPool(given ?? (await server?.createDatabase('vectors')) ?? '', testKit()));
    },
    { operations: 600, many: 1_000 },
  );
});

test('a row that stays as it was is not written again', async () => {
  const database = await openTestDatabase();
  const index = await openPgvectorIndex(testKit(), database);
  const partition = { businessId: 'b', base: 'main', embedder: 'e', dimensions: 384 };
  const random = new SeededRandom(6);
  const points: VectorPoint[] = ['a', 'b', 'c'].map((id) => ({
    id,
    vector: unitVector(random, 384),
    documentId: 'doc_1',
    language: 'en',
    tags: ['x', 'y'],
    audience: 'everyone',
  }));
  const places = async () =>
    (await database.ask<{ ctid: string }>('select ctid from tandem_vectors.points_384 order by id')).map(({ ctid }) => ctid);
  await index.upsert(partition, points);
  const before = await places();
  await index.upsert(partition, points);
  expect(await places()).toEqual(before);
  await index.upsert(partition, [points[0], { ...points[1], tags: ['x'] }, { ...points[2], vector: unitVector(random, 384) }]);
  const after = await places();
  expect(after.map((place, i) => place === before[i])).toEqual([true, false, false]);
  await index.close();
});

describe('refusals', () => {
  test('a PostgreSQL without the extension is refused with what to do', async () => {
    const database = await openTestDatabase({ extension: false });
    await expect(openPgvectorIndex(testKit(), database)).rejects.toMatchObject({
      code: 'setting-invalid',
      message: expect.stringMatching(/CREATE EXTENSION vector/),
    });
  });

  test('without DATABASE_URL there is no such room; a server that is not there is a setting that is wrong', async () => {
    const context = { kit: testKit(), folder: undefined };
    expect(await pgvector.vectorIndex(pgvector.settings.parse({}), context)).toBeUndefined();
    const nowhere = pgvector.settings.parse({ url: 'postgres://127.0.0.1:1/none' });
    await expect(pgvector.vectorIndex(nowhere, context)).rejects.toMatchObject({ code: 'setting-invalid' });
  });

  test('a database that is lost later is `unavailable`', async () => {
    const database = await openTestDatabase();
    const index = await openPgvectorIndex(testKit(), database);
    await database.close();
    const partition = { businessId: 'b', base: 'main', embedder: 'e', dimensions: 2 };
    await expect(index.size(partition)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('beyond what is compared exactly', () => {
  const partition: Partition = { businessId: 'large', base: 'main', embedder: 'e', dimensions: 8 };
  const random = new SeededRandom(4);
  const centers = Array.from({ length: 30 }, () => unitVector(random, 8));
  const points: VectorPoint[] = Array.from({ length: 2_500 }, (_, i) => ({
    id: `p${i}`,
    vector: unitVector(random, 8, centers[i % 30], 0.3),
    documentId: `doc_${i % 100}`,
    language: i % 30 === 0 ? 'de' : 'en',
    tags: [],
    audience: 'everyone',
  }));
  let index: Awaited<ReturnType<typeof openPgvectorIndex>>;
  beforeAll(async () => {
    index = await openPgvectorIndex(testKit(), await openTestDatabase(), { exactRows: 1_000 });
    await index.upsert(partition, points);
  });
  afterAll(() => index.close());

  test('the index finds the nearest; a filter does not cost recall', async () => {
    expect(await index.size(partition)).toBe(2_500);
    const recallOf = async (filter: object) => {
      let hits = 0;
      for (let i = 0; i < 20; i++) {
        const query = { vector: unitVector(random, 8, centers[i % 30], 0.2), limit: 10, filter };
        const found = new Set((await index.nearest(partition, query)).map(({ id }) => id));
        hits += nearestOf(points, query).filter(({ id }) => found.has(id)).length;
      }
      return hits / 200;
    };
    expect(await recallOf({})).toBeGreaterThanOrEqual(0.97);
    // More than 1,000 pass, though none in a cluster that is asked for.
    expect(await recallOf({ languages: ['en'] })).toBeGreaterThanOrEqual(0.97);
    expect(await recallOf({ languages: ['de'] })).toBe(1);
    expect(await recallOf({ documentIds: ['doc_7'] })).toBe(1);
  });
});

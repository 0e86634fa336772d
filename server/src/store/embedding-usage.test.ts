import { beforeEach, expect, test } from 'vitest';
import { testKit, type TestKit } from '#kit/testing.ts';
import { describeOnEachDatabase, emptyDatabase } from '../../test/database.ts';
import { createBusiness, deleteBusiness } from './businesses.ts';
import { addEmbeddingUsage, type EmbeddingUse } from './embedding-usage.ts';
import { reportUsage } from './reports.ts';

const SMALL = 'openai/text-embedding-3-small';
const RANGE = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-08T00:00:00Z') };

describeOnEachDatabase('the use of embedders', ({ database, queries }) => {
  let kit: TestKit;
  let here: string;
  let there: string;

  beforeEach(async () => {
    kit = testKit();
    await emptyDatabase(database());
    here = (await createBusiness(database(), kit, { name: 'Here', language: 'en', timeZone: 'America/New_York' })).id;
    there = (await createBusiness(database(), kit, { name: 'There', language: 'en', timeZone: 'UTC' })).id;
  });

  const use = (businessId: string, texts: number, embedder = SMALL): EmbeddingUse => ({
    businessId,
    embedder,
    texts,
    tokens: embedder === SMALL ? texts * 100 : 0,
    costMicros: embedder === SMALL ? texts * 2 : 0,
  });
  const add = (uses: EmbeddingUse[], at: string) => addEmbeddingUsage(database(), uses, new Date(at));

  test('adds up by the day where the business is, and is part of the report', async () => {
    await add([use(here, 10), use(there, 1), use(here, 5, 'hashing-1')], '2026-03-02T04:59:00Z');
    await add([use(here, 20)], '2026-03-02T05:01:00Z');
    await add([use(here, 3)], '2026-03-02T06:00:00Z');
    const line = { stage: 'embedder', provider: 'openai', model: 'text-embedding-3-small' };
    expect(await reportUsage(database(), here, RANGE)).toEqual({
      totalCostMicros: 66,
      embeddingCostMicros: 66,
      calls: 0,
      lines: [
        { ...line, unit: 'input-tokens', quantity: 3_300, costMicros: 66 },
        { stage: 'embedder', provider: 'hashing-1', model: '', unit: 'texts', quantity: 5, costMicros: 0 },
        { ...line, unit: 'texts', quantity: 33, costMicros: 0 },
      ],
      days: [
        { day: '2026-03-01', calls: 0, costMicros: 20 },
        { day: '2026-03-02', calls: 0, costMicros: 46 },
      ],
    });
    expect(await reportUsage(database(), there, RANGE)).toMatchObject({ totalCostMicros: 2, days: [{ day: '2026-03-02' }] });
  });

  test('belongs to no assistant, and to the days of the range alone', async () => {
    await add([use(there, 10)], '2026-03-02T12:00:00Z');
    expect(await reportUsage(database(), there, { ...RANGE, assistantId: 'a' })).toEqual({
      totalCostMicros: 0,
      calls: 0,
      lines: [],
      days: [],
    });
    const before = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-02T00:00:00Z') };
    expect((await reportUsage(database(), there, before)).lines).toEqual([]);
    const after = { from: new Date('2026-03-03T00:00:00Z'), to: new Date('2026-03-04T00:00:00Z') };
    expect((await reportUsage(database(), there, after)).lines).toEqual([]);
  });

  test('of many businesses is one statement; one that is gone is no error', async () => {
    await deleteBusiness(database(), there);
    const from = queries();
    await add([use(here, 1), use(there, 1), use('business_nowhere', 1), use(here, 2, 'hashing-1')], '2026-03-02T12:00:00Z');
    expect(queries() - from).toBe(1);
    expect((await reportUsage(database(), here, RANGE)).totalCostMicros).toBe(2);
    await add([], '2026-03-02T12:00:00Z');
    expect(queries() - from).toBe(2);
  });

  test('two nodes that add to the same days at once lose nothing', async () => {
    const uses = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? [use(here, 1), use(there, 1)] : [use(there, 1), use(here, 1)]));
    await Promise.all(uses.map((one) => add(one, '2026-03-02T12:00:00Z')));
    for (const id of [here, there]) expect(await reportUsage(database(), id, RANGE)).toMatchObject({ totalCostMicros: 40 });
  });
});

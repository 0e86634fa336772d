import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import type { EmbeddingUsage } from '#models/embedding-batcher.ts';
import { EmbeddingTally } from './embedding-tally.ts';

const use = (businessId: string, texts: number): EmbeddingUsage => ({
  businessId,
  embedder: 'openai/small',
  texts,
  tokens: texts * 10,
  costMicros: texts * 0.2,
});

test('many requests are one line a business, handed on together', async () => {
  const kit = testKit();
  const sent: EmbeddingUsage[][] = [];
  const tally = new EmbeddingTally(kit, async (uses) => sent.push(uses));
  for (let n = 0; n < 500; n++) tally.add(use(`business_${n % 2}`, 2));
  await kit.clock.advance(1_999);
  expect(sent).toEqual([]);
  await kit.clock.advance(1);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject([
    { businessId: 'business_0', texts: 500, tokens: 5_000 },
    { businessId: 'business_1', texts: 500, tokens: 5_000 },
  ]);
  expect(sent[0][0].costMicros).toBeCloseTo(100);
  await kit.clock.advance(60_000);
  expect(sent).toHaveLength(1);
});

test('what could not be handed on waits, with what came meanwhile, and nothing is told twice', async () => {
  const kit = testKit();
  const sent: EmbeddingUsage[][] = [];
  let away = true;
  const tally = new EmbeddingTally(kit, async (uses) => {
    if (away) throw new Error('the database is away');
    sent.push(uses);
  });
  tally.add(use('a', 1));
  await kit.clock.advance(2_000);
  tally.add(use('a', 2));
  tally.add(use('b', 4));
  away = false;
  await kit.clock.advance(10_000);
  expect(sent).toMatchObject([
    [
      { businessId: 'a', texts: 3 },
      { businessId: 'b', texts: 4 },
    ],
  ]);
});

test('at the end it is handed on at once', async () => {
  const kit = testKit();
  const sent: EmbeddingUsage[][] = [];
  const tally = new EmbeddingTally(kit, async (uses) => sent.push(uses));
  tally.add(use('a', 1));
  await tally.flush();
  tally.close();
  expect(sent).toMatchObject([[{ businessId: 'a', texts: 1 }]]);
  await kit.clock.advance(60_000);
  expect(sent).toHaveLength(1);
});

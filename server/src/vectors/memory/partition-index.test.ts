import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { nearestOf, unitVector } from '../vector-index.contract.ts';
import type { Partition, VectorPoint } from '../vector-index.ts';
import { type MakeNativeIndex, openUsearch } from './graph.ts';
import { PartitionIndex } from './partition-index.ts';

const partition: Partition = { businessId: 'biz_1', base: 'main', embedder: 'e', dimensions: 32 };

function clusteredPoints(random: SeededRandom): VectorPoint[] {
  const centers = Array.from({ length: 20 }, () => unitVector(random, 32));
  return Array.from({ length: 4_000 }, (_, i) => ({
    id: `p${i}`,
    vector: unitVector(random, 32, centers[i % 20], 0.5),
    documentId: `doc_${i % 50}`,
    language: i % 4 === 0 ? 'de' : 'en',
    tags: [],
    audience: 'everyone',
  }));
}

test('where every query has a filter, the graph is measured with those, and asked from then on', async () => {
  const kit = testKit();
  const makeReal = await openUsearch(kit.log);
  if (!makeReal) throw new Error('usearch is needed here');
  let searches = 0;
  const makeCounted: MakeNativeIndex = (dimensions) => {
    const native = makeReal(dimensions);
    const search = native.search.bind(native);
    native.search = (...asked) => {
      searches++;
      return search(...asked);
    };
    return native;
  };
  // Few enough pass for exact scan to serve while the graph is in doubt.
  const index = new PartitionIndex(partition, kit, makeCounted, { exactFloats: 500 * 32, doubtfulFloats: 100_000 * 32 });
  const random = new SeededRandom(3);
  const points = clusteredPoints(random);
  index.reserve(points);
  for (const point of points) index.put(point);
  const finish = () => {
    for (let pieces = 0; index.wantsIndexing; pieces++) {
      if (pieces > 10_000) throw new Error('it does not end');
      index.indexPiece();
    }
  };
  finish();
  const askOnce = async (): Promise<number> => {
    const query = {
      vector: unitVector(random, 32, points[random.below(points.length)].vector, 0.2),
      limit: 10,
      filter: { languages: ['en'] },
    };
    const found = new Set((await index.nearest(query)).map(({ id }) => id));
    return nearestOf(points, query).filter(({ id }) => found.has(id)).length;
  };
  for (let i = 0; i < 20; i++) expect(await askOnce()).toBe(10);
  expect(searches).toBe(0);
  finish();
  expect(searches).toBeGreaterThan(0);

  searches = 0;
  let hits = 0;
  for (let i = 0; i < 50; i++) hits += await askOnce();
  expect(searches).toBeGreaterThanOrEqual(50);
  expect(hits / 500).toBeGreaterThanOrEqual(0.98);
});

/** What every vector index keeps to. A room's test calls this with a way to open one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { byScoreThenId, passes } from './points.ts';
import type { NearestQuery, Partition, VectorFilter, VectorIndex, VectorPoint } from './vector-index.ts';

/** Scores of other systems are off by rounding, half precision among it. */
const SCORE_DIGITS = 3;

/** A unit vector: around `center` when there is one, `spread` far. */
export function unitVector(random: SeededRandom, dimensions: number, center?: Float32Array, spread = 1): Float32Array {
  const vector = new Float32Array(dimensions);
  let squared = 0;
  for (let i = 0; i < dimensions; i++) {
    vector[i] = (center ? center[i] : 0) + spread * (random.next() + random.next() - 1);
    squared += vector[i] ** 2;
  }
  const length = Math.sqrt(squared);
  return vector.map((value) => value / length);
}

/** The plain model: everything in a list, everything compared. */
export function nearestOf(points: Iterable<VectorPoint>, { vector, limit, filter }: NearestQuery): { id: string; score: number }[] {
  return [...points]
    .filter((point) => passes(filter ?? {}, point))
    .map(({ id, vector: other }) => ({ id, score: other.reduce((sum, value, i) => sum + value * vector[i], 0) }))
    .sort(byScoreThenId)
    .slice(0, limit);
}

export interface VectorIndexManner {
  /** Random operations against the plain model; 10,000 when absent. */
  operations?: number;
  /** Points in the test of a narrow filter; 3,000 when absent. */
  many?: number;
}

export function describeVectorIndex(name: string, open: () => Promise<VectorIndex>, manner: VectorIndexManner = {}): void {
  describe(`${name} as a vector index`, () => {
    let index: VectorIndex;
    let made = 0;
    const random = new SeededRandom(7);
    beforeAll(async () => {
      index = await open();
    });
    afterAll(() => index.close());

    const partitionOf = (change: Partial<Partition> = {}): Partition => ({
      businessId: `biz_${made++}`,
      base: 'main',
      embedder: 'words-1',
      dimensions: 16,
      ...change,
    });
    const pointOf = (id: string, change: Partial<VectorPoint> = {}): VectorPoint => ({
      id,
      vector: unitVector(random, 16),
      documentId: 'doc_1',
      language: 'en',
      tags: [],
      audience: 'everyone',
      ...change,
    });
    const idsOf = async (partition: Partition, query: NearestQuery) => (await index.nearest(partition, query)).map(({ id }) => id);
    const axis = (at: number, dimensions = 16) => Float32Array.from({ length: dimensions }, (_, i) => (i === at ? 1 : 0));

    test('what was put in is found, best first, with its cosine', async () => {
      const partition = partitionOf();
      const points = Array.from({ length: 40 }, (_, i) => pointOf(`p${i}`));
      await index.upsert(partition, points);
      expect(await index.size(partition)).toBe(40);
      for (const { id, vector } of points.slice(0, 5)) {
        const found = await index.nearest(partition, { vector, limit: 7 });
        const expected = nearestOf(points, { vector, limit: 7 });
        expect(found[0].id).toBe(id);
        expect(found.map((near) => near.id)).toEqual(expected.map((near) => near.id));
        for (const [i, near] of found.entries()) expect(near.score).toBeCloseTo(expected[i].score, SCORE_DIGITS);
      }
    });

    test('an unknown partition is empty; nothing put in and nothing removed is no error', async () => {
      const partition = partitionOf();
      expect(await index.nearest(partition, { vector: axis(0), limit: 3 })).toEqual([]);
      expect(await index.size(partition)).toBe(0);
      await index.remove(partition, ['x']);
      await index.upsert(partition, []);
      await index.drop(partition);
      expect(await index.size(partition)).toBe(0);
    });

    test('the same id again replaces the point, metadata too', async () => {
      const partition = partitionOf();
      await index.upsert(partition, [pointOf('a', { vector: axis(0), tags: ['old'] }), pointOf('b', { vector: axis(1) })]);
      await index.upsert(partition, [pointOf('a', { vector: axis(2), tags: ['new'], documentId: 'doc_2' })]);
      expect(await index.size(partition)).toBe(2);
      expect(await index.nearest(partition, { vector: axis(2), limit: 1 })).toEqual([{ id: 'a', score: expect.closeTo(1, SCORE_DIGITS) }]);
      expect(await idsOf(partition, { vector: axis(0), limit: 5, filter: { tags: ['old'] } })).toEqual([]);
      expect(await idsOf(partition, { vector: axis(0), limit: 5, filter: { documentIds: ['doc_2'] } })).toEqual(['a']);
      await index.upsert(partition, [pointOf('c', { vector: axis(3) }), pointOf('c', { vector: axis(4) })]);
      expect(await index.size(partition)).toBe(3);
      expect((await index.nearest(partition, { vector: axis(4), limit: 1 }))[0]).toEqual({
        id: 'c',
        score: expect.closeTo(1, SCORE_DIGITS),
      });
    });

    test('what was removed or dropped does not come back', async () => {
      const partition = partitionOf();
      await index.upsert(
        partition,
        ['a', 'b', 'c'].map((id) => pointOf(id)),
      );
      await index.remove(partition, ['b', 'never']);
      expect((await idsOf(partition, { vector: axis(0), limit: 9 })).sort()).toEqual(['a', 'c']);
      await index.drop(partition);
      expect(await idsOf(partition, { vector: axis(0), limit: 9 })).toEqual([]);
      await index.upsert(partition, [pointOf('d')]);
      expect(await idsOf(partition, { vector: axis(0), limit: 9 })).toEqual(['d']);
    });

    test('what is named stays, everything else goes', async () => {
      const [partition, other] = [partitionOf(), partitionOf()];
      const points = Array.from({ length: 450 }, (_, i) => pointOf(`p${i}`, { tags: [i % 2 === 0 ? 'even' : 'odd'] }));
      await index.upsert(partition, points);
      await index.upsert(other, [pointOf('p1')]);
      const kept = points.filter((_, i) => i % 3 === 0);
      await index.retain(partition, [...kept.map(({ id }) => id), 'never']);
      expect(await index.size(partition)).toBe(150);
      const query = { vector: points[4].vector, limit: 200, filter: { tags: ['even'] } };
      expect((await idsOf(partition, query)).sort()).toEqual(
        nearestOf(kept, query)
          .map(({ id }) => id)
          .sort(),
      );
      await index.retain(
        partition,
        kept.map(({ id }) => id),
      );
      expect(await index.size(partition)).toBe(150);
      await index.retain(partition, []);
      expect(await index.size(partition)).toBe(0);
      await index.retain(partitionOf(), ['a']);
      expect(await idsOf(other, { vector: axis(0), limit: 9 })).toEqual(['p1']);
    });

    test('the bases that hold points are named, of this business and embedder only', async () => {
      const first = partitionOf();
      const { businessId } = first;
      const bases = async (of = 'words-1', dimensions = 16) => (await index.bases(businessId, of, dimensions)).sort();
      expect(await bases()).toEqual([]);
      for (const base of ['main', "it's sales"]) await index.upsert({ ...first, base }, [pointOf('a'), pointOf('b')]);
      await index.upsert({ ...first, embedder: 'words-2', base: 'other' }, [pointOf('a')]);
      await index.upsert({ ...first, dimensions: 8, base: 'small' }, [pointOf('a', { vector: axis(0, 8) })]);
      await index.upsert(partitionOf({ base: 'foreign' }), [pointOf('a')]);
      // Asked about, and empty.
      await index.size({ ...first, base: 'empty' });
      expect(await bases()).toEqual(["it's sales", 'main']);
      expect(await bases('words-2')).toEqual(['other']);
      expect(await bases('words-1', 8)).toEqual(['small']);
      await index.remove(first, ['a', 'b']);
      expect(await bases()).toEqual(["it's sales"]);
      await index.drop({ ...first, base: "it's sales" });
      expect(await bases()).toEqual([]);
    });

    test('the same points again change nothing; other metadata alone is seen', async () => {
      const partition = partitionOf();
      const points = Array.from({ length: 30 }, (_, i) => pointOf(`p${i}`, { tags: ['b', 'a'], documentId: `doc_${i % 3}` }));
      await index.upsert(partition, points);
      const query = { vector: axis(2), limit: 50 };
      const before = await index.nearest(partition, query);
      await index.upsert(
        partition,
        points.map((point) => ({ ...point, vector: point.vector.slice() })),
      );
      expect(await index.nearest(partition, query)).toEqual(before);
      expect(await index.size(partition)).toBe(30);
      const tagged = points.map((point, i) => (i < 10 ? { ...point, tags: ['c'], audience: 'dealers' } : point));
      await index.upsert(partition, tagged);
      expect(await index.nearest(partition, query)).toEqual(before);
      for (const filter of [{ tags: ['c'] }, { tags: ['a'] }, { audiences: ['dealers'], documentIds: ['doc_1'] }]) {
        expect(await idsOf(partition, { ...query, filter })).toEqual(nearestOf(tagged, { ...query, filter }).map(({ id }) => id));
      }
      // The last of two with the same id counts, also when the first is the one that is there.
      await index.upsert(partition, [tagged[0], { ...tagged[0], vector: axis(9) }]);
      await index.upsert(partition, [tagged[0], { ...tagged[0], vector: axis(9) }]);
      expect((await index.nearest(partition, { vector: axis(9), limit: 1 }))[0]).toEqual({
        id: 'p0',
        score: expect.closeTo(1, SCORE_DIGITS),
      });
    });

    test('businesses, bases, embedders and sizes never meet', async () => {
      const first = partitionOf();
      const others = [
        { ...first, businessId: `${first.businessId}x` },
        { ...first, base: 'sales' },
        { ...first, embedder: 'words-2' },
        { ...first, dimensions: 8 },
        // Names that run together when they are joined carelessly.
        { ...first, businessId: `${first.businessId}:main`, base: 'x' },
        { ...first, businessId: first.businessId, base: 'main:x' },
      ];
      await index.upsert(first, [pointOf('secret', { vector: axis(0) })]);
      for (const [i, other] of others.entries()) {
        const vector = axis(0, other.dimensions);
        expect(await index.nearest(other, { vector, limit: 9 })).toEqual([]);
        await index.upsert(other, [pointOf(`own-${i}`, { vector })]);
        await index.remove(other, ['secret']);
      }
      for (const [i, other] of others.entries()) {
        expect(await idsOf(other, { vector: axis(0, other.dimensions), limit: 9 })).toEqual([`own-${i}`]);
        await index.drop(other);
      }
      expect(await idsOf(first, { vector: axis(0), limit: 9 })).toEqual(['secret']);
    });

    test('a filter on documents, tags, languages and audiences; all of what is named must fit', async () => {
      const partition = partitionOf();
      const points = [
        pointOf('a', { documentId: 'doc_a', tags: ['opening', "it's $here.or"], language: 'en' }),
        pointOf('b', { documentId: 'doc_b', tags: ['prices', 'opening'], language: 'de' }),
        pointOf('c', { documentId: 'doc_c', tags: [], language: 'de-CH', audience: 'dealers' }),
        pointOf('d', { documentId: 'doc_d', tags: ['Prices'], language: 'en', audience: 'dealers' }),
      ];
      await index.upsert(partition, points);
      const cases: VectorFilter[] = [
        {},
        { documentIds: [], tags: [], languages: [], audiences: [] },
        { documentIds: ['doc_a', 'doc_c', 'doc_never'] },
        { tags: ['opening'] },
        { tags: ['prices', "it's $here.or"] },
        { tags: ['never'] },
        { languages: ['de'] },
        { languages: ['de', 'de-CH'], audiences: ['dealers'] },
        { audiences: ['everyone'], tags: ['opening'], languages: ['en'], documentIds: ['doc_a', 'doc_b'] },
        { documentIds: ['doc_a'], languages: ['de'] },
      ];
      for (const filter of cases) {
        const query = { vector: axis(3), limit: 9, filter };
        expect(await idsOf(partition, query), JSON.stringify(filter)).toEqual(nearestOf(points, query).map(({ id }) => id));
      }
    });

    test('a filter that keeps one in a hundred still finds the true nearest among them', async () => {
      const partition = partitionOf({ dimensions: 32 });
      const centers = Array.from({ length: 12 }, () => unitVector(random, 32));
      const many = manner.many ?? 3_000;
      const points = Array.from({ length: many }, (_, i) =>
        pointOf(`p${i}`, { vector: unitVector(random, 32, centers[i % 12], 0.4), documentId: `doc_${i % 100}`, tags: [`tag ${i % 100}`] }),
      );
      await index.upsert(partition, points);
      for (let i = 0; i < 20; i++) {
        // The query lies in a cluster that the filter keeps nothing of more often than not.
        const vector = unitVector(random, 32, centers[i % 12], 0.3);
        const filter = i % 2 === 0 ? { tags: [`tag ${i}`] } : { documentIds: [`doc_${i}`] };
        expect(await idsOf(partition, { vector, limit: 5, filter })).toEqual(
          nearestOf(points, { vector, limit: 5, filter }).map(({ id }) => id),
        );
      }
    });

    test('of equals the smaller id; a limit beyond the size gives all', async () => {
      const partition = partitionOf();
      await index.upsert(
        partition,
        ['d', 'b', 'a', 'c'].map((id) => pointOf(id, { vector: axis(5) })),
      );
      await index.upsert(partition, [pointOf('z', { vector: axis(6) })]);
      expect(await idsOf(partition, { vector: axis(5), limit: 2 })).toEqual(['a', 'b']);
      expect(await idsOf(partition, { vector: axis(5), limit: 1_000 })).toEqual(['a', 'b', 'c', 'd', 'z']);
    });

    test('wrong vectors and limits are refused before anything is changed; an aborted search rejects with its reason', async () => {
      const partition = partitionOf();
      const refused = { code: 'invalid-input' };
      await expect(index.upsert(partition, [pointOf('a'), pointOf('b', { vector: axis(0, 8) })])).rejects.toMatchObject(refused);
      await expect(index.upsert(partition, [pointOf('a', { vector: new Float32Array(16) })])).rejects.toMatchObject(refused);
      await expect(index.upsert(partition, [pointOf('a', { vector: axis(0).fill(Number.NaN, 3, 4) })])).rejects.toMatchObject(refused);
      expect(await index.size(partition)).toBe(0);
      await expect(index.nearest(partition, { vector: axis(0, 8), limit: 1 })).rejects.toMatchObject(refused);
      await expect(index.nearest(partition, { vector: axis(0), limit: 0 })).rejects.toMatchObject(refused);
      const reason = new Error('call ended');
      await expect(index.nearest(partition, { vector: axis(0), limit: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test('changes and searches at once: nothing is lost, nothing is doubled', async () => {
      const partition = partitionOf();
      const points = Array.from({ length: 60 }, (_, i) => pointOf(`p${i}`));
      await Promise.all(points.map((point) => index.upsert(partition, [point])));
      await Promise.all([
        ...points.slice(0, 20).map(({ id }) => index.remove(partition, [id])),
        ...points.slice(20, 30).map((point) => index.upsert(partition, [point])),
        ...points.slice(0, 10).map(({ vector }) => index.nearest(partition, { vector, limit: 5 })),
      ]);
      expect((await idsOf(partition, { vector: axis(0), limit: 100 })).sort()).toEqual(
        points
          .slice(20)
          .map(({ id }) => id)
          .sort(),
      );
    });

    const operations = manner.operations ?? 10_000;
    test(`${operations} random operations agree with the plain model; another partition's points never come back`, {
      timeout: 180_000,
    }, async () => {
      const partitions = ['one', 'two', 'three'].map((base) => partitionOf({ businessId: `biz_random_${base}`, base }));
      const models = partitions.map(() => new Map<string, VectorPoint>());
      const pick = (list: readonly string[]) => list[random.below(list.length)];
      const randomPoint = (where: number): VectorPoint =>
        pointOf(`${where}-${random.below(150)}`, {
          documentId: `doc_${random.below(6)}`,
          language: pick(['en', 'de', 'fr']),
          tags: ['a', 'b', 'c'].filter(() => random.below(2) === 0),
          audience: pick(['everyone', 'dealers']),
        });
      const randomFilter = (): VectorFilter => ({
        ...(random.below(3) === 0 ? { documentIds: [`doc_${random.below(6)}`, `doc_${random.below(6)}`] } : {}),
        ...(random.below(3) === 0 ? { tags: [pick(['a', 'b', 'c', 'never'])] } : {}),
        ...(random.below(3) === 0 ? { languages: [pick(['en', 'de', 'fr'])] } : {}),
        ...(random.below(4) === 0 ? { audiences: ['everyone'] } : {}),
      });
      for (let step = 0; step < operations; step++) {
        const where = random.below(3);
        const [partition, model] = [partitions[where], models[where]];
        const dice = random.below(100);
        if (dice < 30) {
          const points = Array.from({ length: 1 + random.below(4) }, () => randomPoint(where));
          await index.upsert(partition, points);
          for (const point of points) model.set(point.id, point);
        } else if (dice < 45) {
          const ids = Array.from({ length: 1 + random.below(5) }, () => `${random.below(3)}-${random.below(150)}`);
          await index.remove(partition, ids);
          for (const id of ids) model.delete(id);
        } else if (dice === 46 && random.below(3) === 0) {
          const ids = [...model.keys()].filter(() => random.below(8) > 0);
          await index.retain(partition, [...ids, 'never']);
          for (const id of model.keys()) if (!ids.includes(id)) model.delete(id);
        } else if (dice < 50) {
          // As after a restart: what is there comes again, some of it with other metadata.
          const again = [...model.values()].slice(0, 40).map((point) => (random.below(5) === 0 ? { ...point, language: 'fr' } : point));
          await index.upsert(partition, again);
          for (const point of again) model.set(point.id, point);
        } else if (dice === 50 && random.below(4) === 0) {
          await index.drop(partition);
          model.clear();
        } else {
          const query = { vector: unitVector(random, 16), limit: 1 + random.below(12), filter: randomFilter() };
          const found = await index.nearest(partition, query);
          const expected = nearestOf(model.values(), query);
          if (found.length !== expected.length) expect(found).toEqual(expected);
          for (const [i, { id, score }] of found.entries()) {
            // Scores within rounding may stand in another order: what counts is that each is as good as it should be.
            if (!(Math.abs(score - expected[i].score) < 1e-3)) expect({ step, found }).toEqual({ step, found: expected });
            if (!model.has(id)) expect(`${id} in ${where}`).toBe('a point of this partition');
          }
        }
      }
      for (const [where, partition] of partitions.entries()) expect(await index.size(partition)).toBe(models[where].size);
    });
  });
}

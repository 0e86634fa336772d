import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { testKit, type TestKit } from '#kit/testing.ts';
import type { Partition, VectorPoint } from '../vector-index.ts';
import { describeVectorIndex, nearestOf, unitVector } from '../vector-index.contract.ts';
import { type MemoryIndex, openMemoryIndex } from './memory-index.ts';

const partition: Partition = { businessId: 'biz_1', base: 'main', embedder: 'e', dimensions: 32 };
const MIB = 1 << 20;
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-vectors-'));
  folders.push(folder);
  return folder;
}

function makePoints(count: number, seed = 3, prefix = 'p'): VectorPoint[] {
  const random = new SeededRandom(seed);
  const centers = Array.from({ length: 20 }, () => unitVector(random, 32));
  return Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${i}`,
    vector: unitVector(random, 32, centers[i % 20], 0.5),
    documentId: `doc_${i % 50}`,
    language: i % 2 === 0 ? 'en' : 'de',
    tags: [`t${i % 7}`],
    audience: 'everyone',
  }));
}

/** Lets the background index until nothing is left. */
async function settle(kit: TestKit, index: MemoryIndex): Promise<void> {
  const state = { done: false };
  const indexed = index.indexed().then(() => {
    state.done = true;
  });
  while (!state.done) await kit.clock.advance(1);
  await indexed;
}

async function recallOf(index: MemoryIndex, points: readonly VectorPoint[], filter = {}): Promise<number> {
  const random = new SeededRandom(11);
  let hits = 0;
  for (let i = 0; i < 50; i++) {
    const vector = unitVector(random, 32, points[random.below(points.length)].vector, 0.2);
    const found = new Set((await index.nearest(partition, { vector, limit: 10, filter })).map(({ id }) => id));
    hits += nearestOf(points, { vector, limit: 10, filter }).filter(({ id }) => found.has(id)).length;
  }
  return hits / 500;
}

describeVectorIndex('memory', () => openMemoryIndex({ kit: testKit(), maxBytes: 64 * MIB }));
// So small a bound that the graph is in use nearly all the time.
describe('with graphs', () => {
  const kit = testKit();
  const state = { running: true };
  const pump = async () => {
    while (state.running) {
      await kit.clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  describeVectorIndex('memory with graphs', async () => {
    const index = await openMemoryIndex({ kit, maxBytes: 64 * MIB, exactFloats: 16 * 20, doubtfulFloats: 16 * 20 });
    void pump();
    return Object.assign(index, {
      close: async () => {
        state.running = false;
      },
    });
  });
});

describe('a large partition', () => {
  const exactFloats = 500 * 32;

  test('the graph finds what exact scan finds: while it is built, after changes, and when it is worn out', async () => {
    const kit = testKit();
    const index = await openMemoryIndex({ kit, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    const points = makePoints(4_000);
    await index.upsert(partition, points);
    const building = recallOf(index, points);
    for (let i = 0; i < 20; i++) await kit.clock.advance(1);
    expect(await building).toBe(1);
    await settle(kit, index);
    expect(await recallOf(index, points)).toBeGreaterThanOrEqual(0.99);

    const changed = new Map(points.map((point) => [point.id, point]));
    for (const point of makePoints(300, 5)) changed.set(point.id, point);
    await index.upsert(partition, makePoints(300, 5));
    expect(await recallOf(index, [...changed.values()])).toBeGreaterThanOrEqual(0.99);
    const removed = points.slice(1_000, 2_500).map(({ id }) => id);
    await index.remove(partition, removed);
    for (const id of removed) changed.delete(id);
    expect(await recallOf(index, [...changed.values()])).toBeGreaterThanOrEqual(0.99);
    await settle(kit, index);
    expect(await recallOf(index, [...changed.values()])).toBeGreaterThanOrEqual(0.99);
    await index.close();
    expect(kit.clock.pending).toBe(0);
  });

  test('vectors that have nothing in common lose nothing either: what the graph does not find is scanned', async () => {
    const kit = testKit();
    const index = await openMemoryIndex({ kit, maxBytes: 64 * MIB, exactFloats });
    const random = new SeededRandom(7);
    const points = makePoints(4_000).map((point) => ({ ...point, vector: unitVector(random, 32) }));
    await index.upsert(partition, points);
    await settle(kit, index);
    expect(await recallOf(index, points)).toBe(1);
    await settle(kit, index);
    expect(await recallOf(index, points)).toBeGreaterThanOrEqual(0.99);
    await index.close();
  });

  test('filters, wide and narrow, lose nothing', async () => {
    const kit = testKit();
    const index = await openMemoryIndex({ kit, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    const points = makePoints(4_000);
    await index.upsert(partition, points);
    await settle(kit, index);
    for (const filter of [{ languages: ['en'] }, { tags: ['t1', 't2'] }, { documentIds: ['doc_3'] }, { tags: ['t1'], languages: ['de'] }]) {
      expect(await recallOf(index, points, filter), JSON.stringify(filter)).toBeGreaterThanOrEqual(0.99);
    }
    // The query's own cluster is filtered out: the graph must not answer with less than there is.
    const far = points.filter((_, i) => i % 20 !== 0).map((point) => ({ ...point, audience: 'far' }));
    await index.upsert(partition, far);
    await settle(kit, index);
    const query = { vector: points[0].vector, limit: 10, filter: { audiences: ['far'] } };
    expect((await index.nearest(partition, query)).map(({ id }) => id)).toEqual(nearestOf(far, query).map(({ id }) => id));
    await index.close();
  });
});

describe('files', () => {
  const exactFloats = 500 * 32;
  const query = { vector: makePoints(3)[2].vector, limit: 10 };

  test('what was saved is there again, its graph mapped; changes since go on from there', async () => {
    const kit = testKit();
    const folder = await makeFolder();
    const points = makePoints(2_000);
    const first = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    await first.upsert(partition, points);
    await settle(kit, first);
    await first.remove(partition, ['p7', 'p8']);
    await first.close();
    expect((await readdir(folder)).map((name) => name.split('.')[1]).sort()).toEqual(['graph', 'members', 'vectors']);

    const second = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    const kept = points.filter(({ id }) => id !== 'p7' && id !== 'p8');
    expect(await second.size(partition)).toBe(1_998);
    expect(await recallOf(second, kept)).toBeGreaterThanOrEqual(0.99);
    // Mapped: nothing was built.
    await settle(kit, second);
    const more = makePoints(600, 9, 'q');
    await second.upsert(partition, more);
    expect(await recallOf(second, [...kept, ...more])).toBeGreaterThanOrEqual(0.99);
    await settle(kit, second);
    await second.close();

    const third = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    expect(await recallOf(third, [...kept, ...more])).toBeGreaterThanOrEqual(0.99);
    await third.drop(partition);
    expect(await readdir(folder)).toEqual([]);
    await third.close();
  });

  test('after a restart 20,000 points that come again unchanged build no graph and write no file', async () => {
    const kit = testKit();
    const folder = await makeFolder();
    const points = makePoints(20_000);
    const first = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    await first.upsert(partition, points);
    await settle(kit, first);
    await first.close();
    const filesNow = async () =>
      Promise.all(
        (await readdir(folder)).sort().map(async (name) => {
          const { ino, mtimeMs, size } = await stat(join(folder, name));
          return { name, ino, mtimeMs, size };
        }),
      );
    const before = await filesNow();
    expect(before).toHaveLength(3);

    const second = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    expect(await second.bases('biz_1', 'e', 32)).toEqual(['main']);
    expect(second.stats().partitions).toBe(0);
    await second.size(partition);
    const { bytes } = second.stats();
    for (let from = 0; from < points.length; from += 500) await second.upsert(partition, points.slice(from, from + 500));
    await second.retain(
      partition,
      points.map(({ id }) => id),
    );
    await second.remove(partition, ['never']);
    await settle(kit, second);
    // A graph that was built would be counted, one that is mapped is not; neither rows nor slots were added.
    expect(second.stats()).toEqual({ partitions: 1, points: 20_000, bytes });
    await second.save();
    expect(await filesNow()).toEqual(before);
    expect(await recallOf(second, points)).toBeGreaterThanOrEqual(0.99);

    // Metadata alone: the vectors' file is written, the graph stays.
    await second.upsert(partition, [{ ...points[0], tags: ['other'] }]);
    await settle(kit, second);
    expect(second.stats().points).toBe(20_000);
    await second.close();
    const isGraph = ({ name }: { name: string }) => !name.endsWith('.vectors');
    expect((await filesNow()).filter(isGraph)).toEqual(before.filter(isGraph));

    const third = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    const query = { vector: points[0].vector, limit: 5, filter: { tags: ['other'] } };
    expect((await third.nearest(partition, query)).map(({ id }) => id)).toEqual(['p0']);
    expect(await recallOf(third, points)).toBeGreaterThanOrEqual(0.99);
    await third.close();
  });

  test('bases in files are known after a restart; what serves nobody is cleared away', async () => {
    const kit = testKit();
    const folder = await makeFolder();
    const first = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB });
    for (const base of ['main', 'sales', 'torn']) await first.upsert({ ...partition, base }, makePoints(10));
    await first.save();
    const torn = (await readdir(folder)).sort();
    await first.upsert({ ...partition, base: 'torn' }, makePoints(11));
    await first.close();
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(torn);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    // The one with a point more.
    const damaged = names[sizes.indexOf(Math.max(...sizes))];
    const bytes = await readFile(join(folder, damaged));
    bytes[20] ^= 1;
    await writeFile(join(folder, damaged), bytes);
    await writeFile(join(folder, `${'0'.repeat(32)}.graph`), 'a graph without vectors');
    await writeFile(join(folder, `${'1'.repeat(32)}.vectors.new`), 'a draft');
    await writeFile(join(folder, 'notes.txt'), 'not ours');

    const second = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB });
    expect((await second.bases('biz_1', 'e', 32)).sort()).toEqual(['main', 'sales']);
    expect((await readdir(folder)).sort()).toEqual([...names.filter((name) => name !== damaged), 'notes.txt'].sort());
    await second.drop({ ...partition, base: 'sales' });
    expect(await second.bases('biz_1', 'e', 32)).toEqual(['main']);
    expect(await second.size(partition)).toBe(10);
    await second.close();
  });

  test('a crash after a change leaves nothing that could bring back what was removed', async () => {
    const kit = testKit();
    const folder = await makeFolder();
    const crashed = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB });
    await crashed.upsert(partition, makePoints(10));
    await crashed.save();
    await crashed.remove(partition, ['p2']);
    const after = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB });
    expect(await after.size(partition)).toBe(0);
    await after.close();
    await crashed.close();
  });

  test('changes are written by themselves after some quiet', async () => {
    const kit = testKit();
    const folder = await makeFolder();
    const index = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB });
    await index.upsert(partition, makePoints(10));
    expect(await readdir(folder)).toEqual([]);
    await kit.clock.advance(30_000);
    await index.save();
    expect(await readdir(folder)).toHaveLength(1);
    await index.close();
    expect(kit.clock.pending).toBe(0);
  });

  test.each(['vectors', 'graph', 'members'])('damage to the %s is noticed: never a wrong answer', async (end) => {
    const kit = testKit();
    const folder = await makeFolder();
    const points = makePoints(1_200);
    const first = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
    await first.upsert(partition, points);
    await settle(kit, first);
    await first.close();
    const name = (await readdir(folder)).find((entry) => entry.endsWith(`.${end}`)) ?? '';
    const bytes = await readFile(join(folder, name));
    const others = new Map<string, Buffer>();
    for (const entry of await readdir(folder)) others.set(entry, await readFile(join(folder, entry)));
    const random = new SeededRandom(2);
    const damages = [
      bytes.subarray(0, bytes.length / 2),
      bytes.subarray(0, 0),
      ...Array.from({ length: 6 }, () => {
        const changed = Buffer.from(bytes);
        changed[random.below(bytes.length)] ^= 1 << random.below(8);
        return changed;
      }),
      Buffer.concat([bytes, Buffer.from('more')]),
    ];
    for (const [i, damage] of damages.entries()) {
      for (const [entry, content] of others) await writeFile(join(folder, entry), content);
      await rm(join(folder, name));
      await appendFile(join(folder, name), damage);
      const index = await openMemoryIndex({ kit, folder, maxBytes: 64 * MIB, exactFloats, doubtfulFloats: exactFloats });
      const size = await index.size(partition);
      const found = await index.nearest(partition, query);
      const expected = nearestOf(points, query).map(({ id }) => id);
      // What follows the end of the vectors is of no consequence; any other damage empties the partition.
      if (end !== 'vectors' || i === damages.length - 1) expect(found.map(({ id }) => id)).toEqual(expected);
      else expect([size, found]).toEqual([0, []]);
      await settle(kit, index);
      await index.upsert(partition, points.slice(0, 1));
      await index.close();
    }
  });

  test('the least recently used partitions are put away beyond the bound, and come back', async () => {
    const kit = testKit();
    const folder = await makeFolder();
    const index = await openMemoryIndex({ kit, folder, maxBytes: 3 * MIB });
    const bases = Array.from({ length: 12 }, (_, i) => ({ ...partition, base: `base-${i}` }));
    for (const [i, base] of bases.entries()) {
      await index.upsert(base, makePoints(2_000, i));
      await kit.clock.advance(10);
    }
    await index.save();
    expect(index.stats().bytes).toBeLessThan(3.5 * MIB);
    expect(index.stats().partitions).toBeLessThan(11);
    for (const [i, base] of bases.entries()) {
      const points = makePoints(2_000, i);
      const near = { vector: points[5].vector, limit: 5 };
      expect((await index.nearest(base, near)).map(({ id }) => id)).toEqual(nearestOf(points, near).map(({ id }) => id));
      await kit.clock.advance(10);
    }
    await index.close();
    await expect(index.size(partition)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

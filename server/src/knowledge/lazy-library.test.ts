import { afterEach, describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import type { NearestQuery, Partition, VectorIndex, VectorPoint } from '#vectors/vector-index.ts';
import type { Catalogue, KnowledgeFeed } from './feed.ts';
import { LazyLibrary, type QueryEmbedder } from './lazy-library.ts';
import type { PassageRecord } from './library.ts';

/** Compares with every point; enough to see what was put in. */
function plainIndex(): VectorIndex & { points: Map<string, VectorPoint[]> } {
  const points = new Map<string, VectorPoint[]>();
  const key = ({ businessId, base }: Partition) => `${businessId}/${base}`;
  return {
    name: 'plain',
    points,
    upsert: async (partition, fresh) => {
      const others = (points.get(key(partition)) ?? []).filter(({ id }) => !fresh.some((one) => one.id === id));
      points.set(key(partition), [...others, ...fresh]);
    },
    remove: async (partition, ids) => {
      points.set(
        key(partition),
        (points.get(key(partition)) ?? []).filter(({ id }) => !ids.includes(id)),
      );
    },
    drop: async (partition) => void points.delete(key(partition)),
    nearest: async (partition, { vector, limit }: NearestQuery) =>
      (points.get(key(partition)) ?? [])
        .map((point) => ({ id: point.id, score: point.vector.reduce((sum, value, i) => sum + value * vector[i], 0) }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, limit),
    size: async (partition) => points.get(key(partition))?.length ?? 0,
    save: async () => {},
    stats: () => ({ partitions: points.size, points: 0, bytes: 0 }),
    close: async () => {},
  };
}

/** Two dimensions of meaning: money and everything else. */
const vectorOf = (text: string): Float32Array => (/refund|money|cash/i.test(text) ? Float32Array.of(1, 0) : Float32Array.of(0, 1));

interface Shop {
  revision: number;
  documents: Record<string, { version: string; texts: string[]; base?: string }>;
}

function library(options: { embed?: QueryEmbedder['embed']; stored?: boolean } = {}) {
  const kit = testKit();
  const shops: Record<string, Shop> = {};
  const asked = { catalogue: 0, passages: [] as string[], kept: [] as string[], embedded: [] as string[] };
  let down = false;
  const recordsOf = (id: string, { texts, base = 'main' }: Shop['documents'][string]): PassageRecord[] =>
    texts.map((text, i) => ({
      id: `${id}#${i}`,
      documentId: id,
      base,
      title: id,
      text,
      language: 'en',
      tags: [],
      audience: 'everyone',
      ...(options.stored === false ? {} : { vector: vectorOf(text) }),
    }));
  const feed: KnowledgeFeed = {
    catalogue: async (businessId): Promise<Catalogue> => {
      asked.catalogue++;
      if (down) throw new Error('the database is down');
      const shop = shops[businessId] ?? { revision: 0, documents: {} };
      return { revision: shop.revision, items: Object.entries(shop.documents).map(([id, { version }]) => ({ id, version })) };
    },
    passages: async (businessId, ids) => {
      asked.passages.push(...ids);
      return ids.flatMap((id) => recordsOf(id, shops[businessId].documents[id]));
    },
    keepVectors: async (_, __, vectors) => void asked.kept.push(...vectors.map(({ text }) => text)),
  };
  const embedder: QueryEmbedder = {
    name: 'two',
    dimensions: 2,
    embed:
      options.embed ??
      (async (texts) => {
        asked.embedded.push(...texts);
        return texts.map(vectorOf);
      }),
  };
  const index = plainIndex();
  const made = new LazyLibrary({ kit, feed, index, embedder });
  open.push(() => made.close());
  return { kit, shops, asked, index, library: made, fail: (is: boolean) => void (down = is) };
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const HOURS = 'We are open from nine to five on weekdays and until noon on Saturdays.';
const REFUNDS = 'You get your money back within fourteen days of buying when you bring the receipt.';
const shopOf = (revision: number, documents: Record<string, string>): Shop => ({
  revision,
  documents: Object.fromEntries(Object.entries(documents).map(([id, text]) => [id, { version: text, texts: [text] }])),
});

/** Searches while the library's own pauses go by. */
async function search(made: ReturnType<typeof library>, businessId: string, text: string) {
  const found = made.library.search(businessId, { text });
  found.catch(() => {});
  await made.kit.clock.advance(5);
  return await found;
}

describe('a library that loads when it is asked', () => {
  test('a thousand first questions load a business once', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    const searches = Array.from({ length: 1_000 }, (_, i) => made.library.search('acme', { text: `when are you open ${i % 7}` }));
    const all = Promise.all(searches);
    await made.kit.clock.advance(5);
    for (const found of await all) expect(found.passages[0].id).toBe('hours#0');
    expect(made.asked.catalogue).toBe(1);
    expect(made.library.stats().caches['search-results']).toMatchObject({ hits: 993, misses: 7 });
  });

  test('what means the same is found without a common word', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    const found = await search(made, 'acme', 'refund');
    expect(found.passages[0].id).toBe('refunds#0');
  });

  test('a change is taken in item by item, and only what changed is read again', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    await search(made, 'acme', 'when are you open');
    made.shops.acme = shopOf(2, { hours: 'We are open from ten to four, every day.', delivery: 'Delivery is free above fifty pounds.' });
    const changed = made.library.changed('acme', 2);
    await made.kit.clock.advance(5);
    await changed;
    expect(made.asked.passages).toEqual(['hours', 'refunds', 'hours', 'delivery']);
    expect((await search(made, 'acme', 'when are you open')).passages[0].text).toContain('ten to four');
    expect((await search(made, 'acme', 'money back')).passages.map(({ id }) => id)).not.toContain('refunds#0');
    expect(
      made.index.points
        .get('acme/main')
        ?.map(({ id }) => id)
        .toSorted(),
    ).toEqual(['delivery#0', 'hours#0']);
    // Known already.
    await made.library.changed('acme', 2);
    expect(made.asked.catalogue).toBe(2);
  });

  test('one business never hears of another', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { secret: 'The secret word of this house is marmalade.' });
    made.shops.other = shopOf(1, { hours: HOURS });
    await search(made, 'acme', 'secret word');
    const found = await search(made, 'other', 'what is the secret word marmalade');
    expect(JSON.stringify(found)).not.toContain('The secret word');
  });

  test('while the rows cannot be read the old answers stay; a business never read is an error, asked again a second later', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS });
    await search(made, 'acme', 'when are you open');
    made.fail(true);
    await made.library.changed('acme', 2);
    expect((await search(made, 'acme', 'when are you open')).passages[0].id).toBe('hours#0');
    await expect(search(made, 'fresh', 'when')).rejects.toThrow('cannot be read');
    await expect(search(made, 'fresh', 'when')).rejects.toThrow('cannot be read');
    const before = made.asked.catalogue;
    made.fail(false);
    made.shops.fresh = shopOf(1, { hours: HOURS });
    await made.kit.clock.advance(1_000);
    expect((await search(made, 'fresh', 'when are you open')).passages[0].id).toBe('hours#0');
    expect(made.asked.catalogue).toBe(before + 1);
  });

  test('passages without vectors are found by words at once, embedded behind, and their vectors stored', async () => {
    const made = library({ stored: false });
    made.shops.acme = shopOf(1, { refunds: REFUNDS });
    await search(made, 'acme', 'receipt');
    await made.kit.clock.advance(5);
    expect(made.asked.kept).toEqual([`refunds\n${REFUNDS}`]);
    expect((await search(made, 'acme', 'refund')).passages[0].id).toBe('refunds#0');
  });

  test('a vector that is late leaves it to the words, and is not remembered', async () => {
    const made = library({
      embed: (_, { signal }) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    made.shops.acme = shopOf(1, { hours: HOURS });
    for (const times of [1, 2]) {
      const found = made.library.search('acme', { text: 'when are you open' });
      await made.kit.clock.advance(100);
      expect((await found).passages[0].id).toBe('hours#0');
      expect(made.library.stats().withoutVector).toBe(times);
    }
  });

  test('a business that is gone takes its vectors along', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS });
    await search(made, 'acme', 'when');
    await made.library.forget('acme');
    expect(made.index.points.size).toBe(0);
    expect(made.library.loaded).toEqual([]);
  });
});

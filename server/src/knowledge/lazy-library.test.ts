import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { openMemoryIndex } from '#vectors/memory/memory-index.ts';
import type { NearestQuery, Partition, VectorIndex, VectorPoint } from '#vectors/vector-index.ts';
import type { Catalogue, KnowledgeFeed } from './feed.ts';
import { LazyLibrary } from './lazy-library.ts';
import type { QueryEmbedder } from './shelf.ts';
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
    retain: async (partition, ids) => {
      points.set(
        key(partition),
        (points.get(key(partition)) ?? []).filter(({ id }) => ids.includes(id)),
      );
    },
    drop: async (partition) => void points.delete(key(partition)),
    bases: async (businessId) =>
      [...points].filter(([name, held]) => name.startsWith(`${businessId}/`) && held.length > 0).map(([name]) => name.split('/')[1]),
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

interface LibraryTestOptions {
  embed?: QueryEmbedder['embed'];
  /** Whether vectors come with the passages. */
  stored?: boolean;
  index?: VectorIndex;
}

function library(options: LibraryTestOptions = {}) {
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
  const plain = plainIndex();
  const made = new LazyLibrary({ kit, feed, index: options.index ?? plain, embedder });
  open.push(() => made.close());
  return { kit, shops, asked, index: plain, library: made, fail: (is: boolean) => void (down = is) };
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

/** Waits while the library's own pauses go by. */
async function settled<T>(made: ReturnType<typeof library>, work: Promise<T>): Promise<T> {
  const state = { done: false };
  const end = () => {
    state.done = true;
  };
  work.then(end, end);
  while (!state.done) {
    await made.kit.clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await work;
}

const search = (made: ReturnType<typeof library>, businessId: string, text: string) =>
  settled(made, made.library.search(businessId, { text }));

describe('a library that loads when it is asked', () => {
  test('a thousand first questions load a business once', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    const searches = Array.from({ length: 1_000 }, (_, i) => made.library.search('acme', { text: `when are you open ${i % 7}` }));
    const all = Promise.all(searches);
    await made.kit.clock.advance(5);
    for (const found of await all) expect(found.passages[0].id).toBe('hours#0');
    expect(made.asked.catalogue).toBe(1);
    expect(made.library.stats()).toMatchObject({ passages: 2, caches: { 'search-results': { hits: 993, misses: 7 } } });
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

describe('an index that has outlived the library', () => {
  const idsIn = (index: ReturnType<typeof plainIndex>, base = 'acme/main') =>
    index.points
      .get(base)
      ?.map(({ id }) => id)
      .toSorted();

  test('what did not change is not put in anew: the file stays as it was written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tandem-library-'));
    const documents = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`doc-${i}`, `Money for parcel number ${i} comes back.`]));
    const openOnce = async () => {
      const index = await openMemoryIndex({ kit: testKit(), folder, maxBytes: 1 << 26 });
      const made = library({ index });
      made.shops.acme = shopOf(1, documents);
      const found = await settled(made, made.library.search('acme', { text: 'refund for parcel number 7' }));
      expect(found.passages[0].id).toBe('doc-7#0');
      expect(index.stats().points).toBe(50);
      await index.close();
      const [name, ...others] = await readdir(folder);
      expect(others).toEqual([]);
      const { ino, mtimeMs } = await stat(join(folder, name));
      return { ino, mtimeMs };
    };
    try {
      const written = await openOnce();
      expect(await openOnce()).toEqual(written);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('what was deleted or replaced meanwhile is gone with its vectors, whole bases too; other businesses keep theirs', async () => {
    const before = library();
    before.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    before.shops.acme.documents.guide = { version: 'guide 1', texts: [HOURS, REFUNDS, 'Cash is welcome.'] };
    before.shops.acme.documents.prices = { version: 'prices 1', texts: [REFUNDS], base: 'dealers' };
    before.shops.other = shopOf(1, { refunds: REFUNDS });
    await search(before, 'acme', 'refund');
    await search(before, 'other', 'refund');
    expect(idsIn(before.index)).toEqual(['guide#0', 'guide#1', 'guide#2', 'hours#0', 'refunds#0']);
    expect(idsIn(before.index, 'acme/dealers')).toEqual(['prices#0']);

    const after = library({ index: before.index });
    after.shops.acme = shopOf(5, { hours: HOURS });
    after.shops.acme.documents.guide = { version: 'guide 2', texts: ['Parking is behind the house.'] };
    const found = await search(after, 'acme', 'money back');
    expect(found.passages.map(({ id }) => id)).not.toContain('refunds#0');
    expect(idsIn(before.index)).toEqual(['guide#0', 'hours#0']);
    expect(before.index.points.get('acme/main')?.find(({ id }) => id === 'guide#0')?.vector).toEqual(Float32Array.of(0, 1));
    expect(before.index.points.has('acme/dealers')).toBe(false);
    expect(idsIn(before.index, 'other/main')).toEqual(['refunds#0']);
  });

  test('the vector of an earlier text does not answer for a later one that has none yet', async () => {
    const before = library();
    before.shops.acme = shopOf(1, { guide: REFUNDS, hours: HOURS });
    await search(before, 'acme', 'refund');
    const embed: QueryEmbedder['embed'] = async (texts, { use }) => {
      if (use === 'passage') throw new Error('the embedder is down');
      return texts.map(vectorOf);
    };
    const after = library({ index: before.index, stored: false, embed });
    after.shops.acme = shopOf(2, { guide: 'Parking is behind the house.' });
    await search(after, 'acme', 'refund');
    expect(idsIn(before.index)).toEqual([]);
  });

  test('a document deleted while it is embedded does not come back', async () => {
    const embedding = Promise.withResolvers<void>();
    const made = library({
      stored: false,
      embed: async (texts, { use }) => {
        if (use === 'passage') await embedding.promise;
        return texts.map(vectorOf);
      },
    });
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    await search(made, 'acme', 'when');
    made.shops.acme = shopOf(2, { hours: HOURS });
    await settled(made, made.library.changed('acme', 2));
    embedding.resolve();
    await made.kit.clock.advance(5);
    expect(idsIn(made.index)).toEqual(['hours#0']);
  });

  test('after a change that the index refused, the next one puts it right', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    await search(made, 'acme', 'when');
    const remove = made.index.remove.bind(made.index);
    made.index.remove = () => Promise.reject(new Error('the index is down'));
    made.shops.acme = shopOf(2, { hours: HOURS });
    await settled(made, made.library.changed('acme', 2));
    expect(idsIn(made.index)).toEqual(['hours#0', 'refunds#0']);
    made.index.remove = remove;
    made.shops.acme = shopOf(3, { hours: HOURS });
    await settled(made, made.library.changed('acme', 3));
    expect(idsIn(made.index)).toEqual(['hours#0']);
  });

  test('while the index is down words answer, and it is filled when it is back', async () => {
    const made = library();
    made.shops.acme = shopOf(1, { hours: HOURS, refunds: REFUNDS });
    const upsert = made.index.upsert.bind(made.index);
    made.index.upsert = () => Promise.reject(new Error('the index is down'));
    expect((await search(made, 'acme', 'when are you open')).passages[0].id).toBe('hours#0');
    expect(idsIn(made.index) ?? []).toEqual([]);
    made.index.upsert = upsert;
    await search(made, 'acme', 'and on saturdays');
    expect(idsIn(made.index) ?? []).toEqual([]);
    await made.kit.clock.advance(30_000);
    await search(made, 'acme', 'until when');
    await made.kit.clock.advance(10);
    expect(idsIn(made.index)).toEqual(['hours#0', 'refunds#0']);
    expect((await search(made, 'acme', 'refund')).passages[0].id).toBe('refunds#0');
  });

  test('a business that is forgotten without having been loaded leaves no vectors', async () => {
    const before = library();
    before.shops.acme = shopOf(1, { hours: HOURS });
    before.shops.other = shopOf(1, { hours: HOURS });
    await search(before, 'acme', 'when');
    await search(before, 'other', 'when');
    await library({ index: before.index }).library.forget('acme');
    expect([...before.index.points.keys()]).toEqual(['other/main']);
  });
});

test('two questions in one breath are looked up one by one, each with a vector of its own', async () => {
  const made = library();
  made.shops.a = shopOf(1, { refunds: 'A refund takes five days.', door: 'The door is green.' });
  const text = 'How long does a refund take? And is the door green?';
  const { passages } = await search(made, 'a', text);
  expect(passages.slice(0, 2).map(({ documentId, questions }) => [documentId, questions?.[0]])).toEqual([
    ['refunds', 'How long does a refund take?'],
    ['door', 'is the door green?'],
  ]);
  expect(made.asked.embedded.toSorted()).toEqual([text, 'How long does a refund take?', 'is the door green?'].toSorted());
});

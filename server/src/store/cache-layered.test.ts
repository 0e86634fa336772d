import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TestKit, testKit } from '#kit/testing.ts';
import { type CacheKey, type ChangeFeed, type FeedListener, keys, type SharedLayer } from './cache.ts';
import { scopesOf } from './cache-keys.ts';
import { inProcessFeed } from './cache-feeds.ts';
import { BLIND_MS, LayeredCache } from './cache-layered.ts';

const KEEP = { ttlMs: 60_000, negativeTtlMs: 10_000 };

/** A shared layer on the virtual clock that can be away. */
class MemoryLayer implements SharedLayer {
  readonly name = 'memory';
  away = false;
  asked = 0;
  readonly #kit: TestKit;
  readonly #values = new Map<string, { text: string; stamp: string; until: number }>();
  readonly #leases = new Map<string, { token: string; until: number }>();
  readonly #stamps = new Map<string, number>();

  constructor(kit: TestKit) {
    this.#kit = kit;
  }

  async consult(key: CacheKey, leaseMs: number) {
    this.asked++;
    await this.#trip();
    const now = this.#kit.clock.now();
    const stamp = scopesOf(key)
      .map((scope) => this.#stamps.get(scope) ?? 0)
      .join('.');
    const kept = this.#values.get(key.text);
    if (kept && kept.stamp === stamp && kept.until > now) return { state: 'hit' as const, text: kept.text, ttlMs: kept.until - now };
    if ((this.#leases.get(key.text)?.until ?? 0) > now) return { state: 'busy' as const };
    const token = this.#kit.ids.token(8);
    this.#leases.set(key.text, { token, until: now + leaseMs });
    return { state: 'leased' as const, lease: { token, stamp } };
  }

  async fill(key: CacheKey, { token, stamp }: { token: string; stamp: string }, text: string, ttlMs: number) {
    await this.#trip();
    if (this.#leases.get(key.text)?.token !== token) return;
    this.#leases.delete(key.text);
    this.#values.set(key.text, { text, stamp, until: this.#kit.clock.now() + ttlMs });
  }

  async release(key: CacheKey, { token }: { token: string }) {
    await this.#trip();
    if (this.#leases.get(key.text)?.token === token) this.#leases.delete(key.text);
  }

  async drop(change: string) {
    await this.#trip();
    if (change.startsWith('[')) {
      this.#values.delete(change);
      this.#leases.delete(change);
    } else this.#stamps.set(change, (this.#stamps.get(change) ?? 0) + 1);
  }

  async #trip() {
    await Promise.resolve();
    if (this.away) throw new Error('away');
  }
}

/** A feed that a test cuts. */
function cutFeed(): ChangeFeed & { cut(): void; mend(): void; say(change: string): void; published: string[]; failing: boolean } {
  let listener: FeedListener | undefined;
  const feed = {
    live: true,
    failing: false,
    published: [] as string[],
    publish: async (change: string) => {
      if (feed.failing) throw new Error('not connected');
      feed.published.push(change);
    },
    subscribe: (added: FeedListener) => {
      listener = added;
      return () => {
        listener = undefined;
      };
    },
    cut: () => {
      feed.live = false;
      listener?.lost();
    },
    mend: () => {
      feed.live = true;
      listener?.resumed();
    },
    say: (change: string) => listener?.changed(change),
  };
  return feed;
}

/** A source that says how often it was asked. */
function source<Value>(value: Value) {
  const made = { value, loads: 0, load: async () => (made.loads++, made.value) };
  return made;
}

describe('in one process', () => {
  test('1,000 simultaneous misses are one load', async () => {
    const kit = testKit();
    const cache = new LayeredCache({ kit });
    const gate = Promise.withResolvers<string>();
    let loads = 0;
    const load = () => {
      loads++;
      return gate.promise;
    };
    const asked = Array.from({ length: 1_000 }, () => cache.get(keys.entry('a'), load, KEEP));
    gate.resolve('entry');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['entry']));
    expect(loads).toBe(1);
    expect(await cache.get(keys.entry('a'), load, KEEP)).toBe('entry');
    expect(cache.counters()).toMatchObject([{ cache: 'entry', size: 1, loads: 1, process: { hits: 1, misses: 1_000 } }]);
    expect(kit.clock.pending).toBe(0);
  });

  test('a value lives as long as it may, and that there is none as long as that may', async () => {
    const kit = testKit();
    const cache = new LayeredCache({ kit });
    const [there, none] = [source('x'), source(undefined)];
    const ask = async () => {
      await cache.get(keys.business('a'), there.load, KEEP);
      await cache.get(keys.business('b'), none.load, KEEP);
      return [there.loads, none.loads];
    };
    expect(await ask()).toEqual([1, 1]);
    await kit.clock.advance(9_999);
    expect(await ask()).toEqual([1, 1]);
    await kit.clock.advance(1);
    expect(await ask()).toEqual([1, 2]);
    await kit.clock.advance(50_000);
    expect(await ask()).toEqual([2, 3]);
    expect(cache.counters()[0].process).toMatchObject({ hits: 3, negativeHits: 1, misses: 5 });
    const fresh = new LayeredCache({ kit });
    for (let n = 0; n < 3; n++) await fresh.get(keys.business('b'), none.load, { ttlMs: 60_000 });
    expect(none.loads).toBe(6);
  });

  test('a failure is not kept, and fails everybody who waited for it', async () => {
    const cache = new LayeredCache({ kit: testKit() });
    const failing = () => Promise.reject(new Error('database away'));
    const asked = [1, 2].map(() => cache.get(keys.entry('a'), failing, KEEP));
    for (const answer of asked) await expect(answer).rejects.toThrow('database away');
    expect(await cache.get(keys.entry('a'), async () => 1, KEEP)).toBe(1);
    expect(cache.counters()).toMatchObject([{ loads: 1, loadFailures: 1 }]);
  });

  test('it holds so many entries and bytes of each cache, the latest used', async () => {
    const cache = new LayeredCache({ kit: testKit(), entries: 2, bytes: 100 });
    const loads: string[] = [];
    const get = (id: string, bytes = 10) =>
      cache.get(keys.entry(id), async () => (loads.push(id), id), { ttlMs: 60_000, sizeOf: () => bytes });
    for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) await get(id);
    expect(loads.join('')).toBe('abcb');
    await get('huge', 101);
    expect(cache.counters()[0]).toMatchObject({ size: 2, bytes: 20 });
    await get('large', 95);
    expect(cache.counters()[0]).toMatchObject({ size: 1, bytes: 95 });
    // What went for want of room is not looked for at a change either.
    await cache.invalidate('a');
    expect(cache.counters()[0]).toMatchObject({ size: 1, invalidations: 0 });
  });

  test('a change is seen by whoever asks after it, also while an older load is under way', async () => {
    for (const change of [(cache: LayeredCache) => cache.invalidate('a'), (cache: LayeredCache) => cache.invalidate([keys.entry('a')])]) {
      const cache = new LayeredCache({ kit: testKit() });
      const slow = Promise.withResolvers<string>();
      const before = cache.get(keys.entry('a'), () => slow.promise, KEEP);
      void change(cache);
      const after = cache.get(keys.entry('a'), async () => 'new', KEEP);
      slow.resolve('old');
      expect([await before, await after]).toEqual(['old', 'new']);
      expect(await cache.get(keys.entry('a'), async () => 'asked again', KEEP)).toBe('new');
    }
  });

  test('a business, a key or a cache goes, the rest stays', async () => {
    const cache = new LayeredCache({ kit: testKit() });
    const all = [keys.entry('a'), keys.assistant('a', '1'), keys.entry('b'), keys.number('+1'), keys.apiKey('d')];
    const fill = async () => {
      const loaded: string[] = [];
      for (const key of all) await cache.get(key, async () => (loaded.push(key.text), 1), KEEP);
      return loaded;
    };
    const texts = (...at: number[]) => at.map((index) => all[index].text);
    expect(await fill()).toEqual(texts(0, 1, 2, 3, 4));
    expect(await fill()).toEqual([]);
    await cache.invalidate('a');
    expect(await fill()).toEqual(texts(0, 1));
    await cache.invalidate([keys.number('+1'), keys.assistant('a', '1')]);
    expect(await fill()).toEqual(texts(1, 3));
    await cache.invalidate({ cache: 'entry' });
    expect(await fill()).toEqual(texts(0, 2));
  });

  test('time saved is the mean time of a load for each hit', async () => {
    const kit = testKit();
    const cache = new LayeredCache({ kit });
    const slow = cache.get(keys.entry('a'), () => kit.clock.sleep(40).then(() => 1), KEEP);
    await kit.clock.advance(40);
    await slow;
    for (let n = 0; n < 5; n++) await cache.get(keys.entry('a'), async () => 1, KEEP);
    expect(cache.counters()[0].process.savedMs).toBe(200);
  });
});

describe('with a feed', () => {
  test('changes on other nodes are dropped here before whoever listens is told', async () => {
    const feed = inProcessFeed();
    const kit = testKit();
    const [one, other] = [0, 1].map(() => new LayeredCache({ kit, feed: feed.node() }));
    const answers: unknown[] = [];
    const told: string[] = [];
    other.onChange((change) => {
      told.push(change);
      void other.get(keys.entry('a'), async () => 'new', KEEP).then((value) => answers.push(value));
    });
    one.onChange((change) => told.push(`itself: ${change}`));
    await other.get(keys.entry('a'), async () => 'old', KEEP);
    await one.invalidate('a');
    await kit.clock.settle();
    expect([told, answers]).toEqual([['a'], ['new']]);
    await Promise.all([one.close(), other.close()]);
    expect(kit.clock.pending).toBe(0);
  });

  test('while it is lost little is kept, and nothing that was kept before it came back', async () => {
    const kit = testKit();
    const feed = cutFeed();
    const cache = new LayeredCache({ kit, feed });
    const told: string[] = [];
    cache.onChange((change) => told.push(change));
    const its = source(1);
    const ask = () => cache.get(keys.entry('a'), its.load, KEEP);
    await ask();
    feed.cut();
    await kit.clock.advance(BLIND_MS - 1);
    await ask();
    expect(its.loads).toBe(1);
    await kit.clock.advance(1);
    await ask();
    expect(its.loads).toBe(2);
    feed.mend();
    await ask();
    expect(its.loads).toBe(3);
    expect(told).toEqual(['*']);
    await cache.close();
  });

  test('a change that could not be told is told when it can be', async () => {
    const kit = testKit();
    const feed = cutFeed();
    const cache = new LayeredCache({ kit, feed });
    feed.failing = true;
    await cache.invalidate('a');
    await cache.invalidate([keys.number('+1')]);
    await kit.clock.advance(3_000);
    expect(feed.published).toEqual([]);
    feed.failing = false;
    await kit.clock.advance(1_000);
    expect(feed.published).toEqual(['a', keys.number('+1').text]);
    expect(kit.clock.pending).toBe(0);
    feed.failing = true;
    await cache.invalidate('a');
    await cache.close();
    expect(kit.clock.pending).toBe(0);
  });

  test('too many that could not be told become one: everything', async () => {
    const kit = testKit();
    const feed = cutFeed();
    const cache = new LayeredCache({ kit, feed });
    feed.failing = true;
    for (let n = 0; n < 1_001; n++) await cache.invalidate(`business_${n}`);
    feed.failing = false;
    await kit.clock.advance(1_000);
    expect(feed.published).toEqual(['*']);
    await cache.close();
  });
});

describe('with shared memory', () => {
  function nodes() {
    const kit = testKit();
    const layer = new MemoryLayer(kit);
    const feed = inProcessFeed();
    const [one, other] = [0, 1].map(() => new LayeredCache({ kit, shared: layer, feed: feed.node() }));
    return { kit, layer, one, other };
  }

  test('what one node loaded the other finds, for as long as is left of it', async () => {
    const { kit, one, other } = nodes();
    const its = source('entry');
    await one.get(keys.entry('a'), its.load, KEEP);
    await kit.clock.advance(50_000);
    expect(await other.get(keys.entry('a'), its.load, KEEP)).toBe('entry');
    expect(its.loads).toBe(1);
    await kit.clock.advance(10_000);
    await other.get(keys.entry('a'), its.load, KEEP);
    expect(its.loads).toBe(2);
    expect(other.counters()[0]).toMatchObject({ loads: 1, shared: { hits: 1, misses: 1, errors: 0 } });
  });

  test('a node waits for the load of another, and loads by itself when that takes too long', async () => {
    const { kit, one, other } = nodes();
    const slow = one.get(keys.entry('a'), () => kit.clock.sleep(100).then(() => 'theirs'), KEEP);
    await kit.clock.settle();
    const waiting = other.get(keys.entry('a'), async () => 'mine', KEEP);
    await kit.clock.advance(200);
    expect([await slow, await waiting]).toEqual(['theirs', 'theirs']);

    const endless = one.get(keys.entry('b'), () => kit.clock.sleep(60_000).then(() => 'theirs'), KEEP);
    await kit.clock.settle();
    const impatient = other.get(keys.entry('b'), async () => 'mine', KEEP);
    await kit.clock.advance(2_100);
    expect(await impatient).toBe('mine');
    await kit.clock.advance(60_000);
    await endless;
    expect(kit.clock.pending).toBe(0);
  });

  test('a load that fails gives its lease back', async () => {
    const { one, other } = nodes();
    await expect(one.get(keys.entry('a'), () => Promise.reject(new Error('away')), KEEP)).rejects.toThrow('away');
    expect(await other.get(keys.entry('a'), async () => 1, KEEP)).toBe(1);
  });

  test('what must not be shared is not, and what says that there is nothing is', async () => {
    const { layer, one, other } = nodes();
    await one.get(keys.apiKey('d'), async () => 1, { ...KEEP, shared: false });
    expect(layer.asked).toBe(0);
    const none = source(undefined);
    for (const cache of [one, other]) expect(await cache.get(keys.number('+1'), none.load, KEEP)).toBeUndefined();
    expect(none.loads).toBe(1);
    expect(other.counters()[0].shared).toMatchObject({ hits: 1, negativeHits: 1 });
  });

  test('while it is away nobody is failed, it is left alone, and a change makes up for it before it is asked again', async () => {
    const { kit, layer, one } = nodes();
    const its = source(1);
    await one.get(keys.entry('a'), its.load, KEEP);
    layer.away = true;
    its.value = 2;
    await one.invalidate('a');
    expect(await one.get(keys.entry('a'), its.load, KEEP)).toBe(2);
    const asked = layer.asked;
    for (let n = 0; n < 20; n++) expect(await one.get(keys.number(`${n}`), async () => n, KEEP)).toBe(n);
    expect(layer.asked).toBe(asked);
    layer.away = false;
    await kit.clock.advance(1_000);
    await kit.clock.advance(60_000);
    its.value = 3;
    expect(await one.get(keys.entry('a'), its.load, KEEP)).toBe(3);
    await one.close();
    expect(kit.clock.pending).toBe(0);
  });

  test('while it is away other nodes are told all the same, once, and again when it is paid', async () => {
    const kit = testKit();
    const layer = new MemoryLayer(kit);
    const feed = cutFeed();
    const cache = new LayeredCache({ kit, shared: layer, feed });
    layer.away = true;
    await cache.invalidate('a');
    await kit.clock.advance(10_000);
    expect(feed.published).toEqual(['a']);
    layer.away = false;
    await kit.clock.advance(1_000);
    expect(feed.published).toEqual(['a', 'a']);
    await cache.close();
    expect(kit.clock.pending).toBe(0);
  });

  test('a value that cannot be written is answered all the same', async () => {
    const { one, other } = nodes();
    const its = source(1n);
    expect(await one.get(keys.entry('a'), its.load, KEEP)).toBe(1n);
    expect(await other.get(keys.entry('a'), its.load, KEEP)).toBe(1n);
    expect(its.loads).toBe(2);
  });

  test('no value of one business is ever served to another, and none that is older than a change that was told', async () => {
    const ids = ['a', 'b', 'a"', '*', '#entry', '["entry","a"]', 'business_01'];
    const id = fc.constantFrom(...ids);
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ what: fc.constant('get' as const), node: fc.nat(1), id, part: fc.constantFrom('x', 'y', 'a","x') }),
      },
      { weight: 2, arbitrary: fc.record({ what: fc.constant('change' as const), node: fc.nat(1), id }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.nat(20_000) }) },
      { weight: 1, arbitrary: fc.record({ what: fc.constant('away' as const), away: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { kit, layer, one, other } = nodes();
        const both = [one, other];
        const versions = new Map(ids.map((business) => [business, 0]));
        for (const next of steps) {
          if (next.what === 'wait') await kit.clock.advance(next.ms);
          else if (next.what === 'away') layer.away = next.away;
          else if (next.what === 'change') {
            versions.set(next.id, (versions.get(next.id) ?? 0) + 1);
            // One that cannot reach the others is owed; while it is, only this node is sure to know.
            layer.away = false;
            await both[next.node].invalidate(next.id);
          } else {
            const truth = { id: next.id, part: next.part, version: versions.get(next.id) };
            const found = await both[next.node].get(keys.assistant(next.id, next.part), async () => truth, KEEP);
            expect(found).toEqual(truth);
          }
        }
        await Promise.all(both.map((cache) => cache.close()));
        expect(kit.clock.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

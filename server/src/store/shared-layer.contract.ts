/** What every shared layer with its feed must do: each room runs it against its real server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CacheKey, keys, type SharedMemory } from './cache.ts';
import { changeOfCache, EVERYTHING } from './cache-keys.ts';

const LEASE_MS = 5_000;
const TTL_MS = 60_000;

/** `open` connects one more node to the same memory. */
export function testSharedMemory(name: string, open: () => Promise<SharedMemory>): void {
  describe(`shared memory: ${name}`, () => {
    let one: SharedMemory;
    let other: SharedMemory;
    beforeAll(async () => {
      [one, other] = [await open(), await open()];
    });
    afterAll(() => Promise.all([one?.close(), other?.close()]));

    const leased = async (memory: SharedMemory, key: CacheKey, leaseMs = LEASE_MS) => {
      const answer = await memory.layer.consult(key, leaseMs);
      if (answer.state !== 'leased') throw new Error(`expected a lease of ${key.text}, was ${answer.state}`);
      return answer.lease;
    };

    test('one asker loads, the others are told to wait, and all find what was filled in', async () => {
      const key = keys.business('business_fill');
      const lease = await leased(one, key);
      expect(await other.layer.consult(key, LEASE_MS)).toEqual({ state: 'busy' });
      expect(await one.layer.consult(key, LEASE_MS)).toEqual({ state: 'busy' });
      await one.layer.fill(key, lease, 'the välue\n', TTL_MS);
      for (const memory of [one, other]) {
        const answer = await memory.layer.consult(key, LEASE_MS);
        expect(answer).toMatchObject({ state: 'hit', text: 'the välue\n' });
        expect(answer.state === 'hit' && answer.ttlMs).toSatisfy((ttlMs: number) => ttlMs > TTL_MS - 5_000 && ttlMs <= TTL_MS);
      }
    });

    test('a lease that is given back, or ends by itself, goes to the next', async () => {
      const key = keys.business('business_release');
      await one.layer.release(key, await leased(one, key));
      const late = await leased(other, key, 20);
      await new Promise((resolve) => setTimeout(resolve, 40));
      const lease = await leased(one, key);
      await other.layer.fill(key, late, 'late', TTL_MS);
      expect(await other.layer.consult(key, LEASE_MS)).toEqual({ state: 'busy' });
      await one.layer.fill(key, lease, 'in time', TTL_MS);
      expect(await other.layer.consult(key, LEASE_MS)).toMatchObject({ text: 'in time' });
    });

    test('what was filled in goes when its time is over', async () => {
      const key = keys.number('+15550100');
      await one.layer.fill(key, await leased(one, key), 'brief', 20);
      await new Promise((resolve) => setTimeout(resolve, 40));
      await one.layer.release(key, await leased(other, key));
    });

    test.each([
      ['its own', (key: CacheKey) => key.text],
      ["its business's", (key: CacheKey) => key.businessId as string],
      ["its cache's", (key: CacheKey) => changeOfCache(key.cache)],
      ["everything's", () => EVERYTHING],
    ])('a value is gone after %s change', async (whose, changeOf) => {
      const key = keys.entry(`business_${whose.replaceAll(/\W/g, '_')}`);
      await one.layer.fill(key, await leased(one, key), 'old', TTL_MS);
      await other.layer.drop(changeOf(key));
      await one.layer.fill(key, await leased(one, key), 'new', TTL_MS);
      expect(await other.layer.consult(key, LEASE_MS)).toMatchObject({ text: 'new' });
    });

    test.each(['key', 'business'] as const)('what was read before a change of its %s is dead on arrival after it', async (what) => {
      const key = keys.assistant('business_race', what);
      const lease = await leased(one, key);
      await other.layer.drop(what === 'key' ? key.text : 'business_race');
      await one.layer.fill(key, lease, 'old', TTL_MS);
      await other.layer.release(key, await leased(other, key));
    });

    test("a business's change leaves the others alone", async () => {
      const [mine, yours] = [keys.entry('business_mine'), keys.entry('business_yours')];
      for (const key of [mine, yours]) await one.layer.fill(key, await leased(one, key), 'kept', TTL_MS);
      await other.layer.drop('business_mine');
      expect(await one.layer.consult(yours, LEASE_MS)).toMatchObject({ state: 'hit' });
      await one.layer.release(mine, await leased(one, mine));
    });

    test('changes reach the other nodes, not the one that made them', async () => {
      const heard: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const hear = (name: string) => ({
        changed: (change: string) => {
          heard.push(`${name}: ${change}`);
          if (heard.length === 2) resolve();
        },
        lost: () => {},
        resumed: () => {},
      });
      expect([one.feed.live, other.feed.live]).toEqual([true, true]);
      const deafen = [one.feed.subscribe(hear('one')), other.feed.subscribe(hear('other'))];
      await one.feed.publish('business_a b');
      await one.feed.publish(keys.number('+1').text);
      await promise;
      for (const stop of deafen) stop();
      expect(heard).toEqual(['other: business_a b', `other: ${keys.number('+1').text}`]);
    });
  });
}

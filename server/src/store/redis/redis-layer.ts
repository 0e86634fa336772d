/**
 * The shared layer in Redis. Each scope (everything, a cache, a business) has a random stamp, and a value carries the
 * stamps it was loaded under: a new stamp makes all values of a scope dead at once, with one write and no search for keys.
 * A stamp that was evicted is replaced by a new one, so that nothing old comes back to life.
 */
import type { Redis, Result } from 'ioredis';
import type { Kit } from '#kit/kit.ts';
import type { Consulted, SharedLayer } from '../cache.ts';
import { type CacheKey, scopesOf } from '../cache-keys.ts';

/** Longer than anything is kept; what outlives its stamp is a miss. */
const STAMP_TTL_MS = 24 * 60 * 60 * 1_000;
const TOKEN_CHARACTERS = 16;

/** KEYS value, lease, stamps…; ARGV fresh stamp, its ttl, lease token, lease ms. */
const CONSULT = `
local stamp = ''
for i = 3, #KEYS do
  local part = redis.call('GET', KEYS[i])
  if not part then
    part = ARGV[1]
    redis.call('SET', KEYS[i], part, 'PX', ARGV[2])
  end
  stamp = stamp .. part .. '.'
end
local kept = redis.call('GET', KEYS[1])
if kept and string.sub(kept, 1, #stamp) == stamp then
  return {'hit', string.sub(kept, #stamp + 1), redis.call('PTTL', KEYS[1])}
end
if redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[4]) then return {'leased', stamp} end
return {'busy'}`;

/** KEYS value, lease; ARGV token, ttl (0: nothing is kept), stamp and value. */
const FILL = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '0' then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2]) end
redis.call('DEL', KEYS[2])
return 1`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    tandemConsult(keyCount: number, ...keysAndValues: (string | number)[]): Result<[string, string?, number?], Context>;
    tandemFill(value: string, lease: string, token: string, ttlMs: number, text: string): Result<number, Context>;
  }
}

export function redisLayer(client: Redis, prefix: string, { ids }: Pick<Kit, 'ids'>): SharedLayer {
  client.defineCommand('tandemConsult', { lua: CONSULT });
  client.defineCommand('tandemFill', { lua: FILL, numberOfKeys: 2 });
  const valueOf = (key: string) => `${prefix}:value:${key}`;
  const leaseOf = (key: string) => `${prefix}:lease:${key}`;
  const stampOf = (scope: string) => `${prefix}:stamp:${scope}`;
  const token = () => ids.token(TOKEN_CHARACTERS);

  return {
    name: 'redis',
    async consult(key: CacheKey, leaseMs: number): Promise<Consulted> {
      const lease = token();
      const names = [valueOf(key.text), leaseOf(key.text), ...scopesOf(key).map(stampOf)];
      const [state, text = '', ttlMs = 0] = await client.tandemConsult(names.length, ...names, token(), STAMP_TTL_MS, lease, leaseMs);
      if (state === 'hit') return { state, text, ttlMs };
      return state === 'leased' ? { state, lease: { token: lease, stamp: text } } : { state: 'busy' };
    },
    async fill(key, lease, text, ttlMs) {
      await client.tandemFill(valueOf(key.text), leaseOf(key.text), lease.token, Math.ceil(ttlMs), lease.stamp + text);
    },
    async release(key, lease) {
      await client.tandemFill(valueOf(key.text), leaseOf(key.text), lease.token, 0, '');
    },
    async drop(change) {
      if (change.startsWith('[')) await client.del(valueOf(change), leaseOf(change));
      else await client.set(stampOf(change), token(), 'PX', STAMP_TTL_MS);
    },
  };
}

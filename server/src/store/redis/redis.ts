/** Redis 6 or newer, named by `REDIS_URL`: the memory that several nodes share, and how they hear of each other's changes. */
import { Redis, type RedisOptions } from 'ioredis';
import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor, type SettingMeta } from '#kit/vendor.ts';
import type { SharedMemory, SharedMemoryVendor } from '../cache.ts';
import { RedisFeed } from './redis-feed.ts';
import { redisLayer } from './redis-layer.ts';

/** A memory that takes longer is slower than the database it is to spare. */
const COMMAND_WITHIN_MS = 250;
const CONNECT_WITHIN_MS = 2_000;
const LONGEST_RETRY_MS = 2_000;

const settings = z.object({
  url: z
    .string()
    .regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://')
    .optional()
    .meta({
      env: 'REDIS_URL',
      secret: true,
      description: 'Redis server whose memory several nodes share; without it each keeps its own',
    } satisfies SettingMeta),
  prefix: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .default('tandem')
    .meta({
      env: 'TANDEM_REDIS_PREFIX',
      description: 'What its keys in Redis begin with, where installations share a server',
    } satisfies SettingMeta),
});

/** Commands fail at once while there is no connection: what waits for a cache is slower than without one. */
const connection: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_WITHIN_MS,
  connectTimeout: CONNECT_WITHIN_MS,
  keepAlive: 10_000,
  retryStrategy: (times) => Math.min(LONGEST_RETRY_MS, 50 * 2 ** Math.min(times, 10)),
};

/** Opens both connections; one that cannot be made yet is tried again and again. */
export async function openRedis({ url, prefix }: { url: string; prefix: string }, kit: Kit): Promise<SharedMemory> {
  const log = kit.log.with({ part: 'redis' });
  const commands = new Redis(url, { ...connection, enableAutoPipelining: true });
  const subscriber = new Redis(url, connection);
  for (const client of [commands, subscriber]) {
    // Each attempt that fails says so; unheard, the event would be printed to the console.
    client.on('error', (error: Error) => log.debug({ reason: error.message }, 'redis'));
  }
  const channel = `${prefix}:changes:${commands.options.db ?? 0}`;
  const feed = new RedisFeed({ commands, subscriber, channel, kit: { ...kit, log } });
  const connected = await Promise.allSettled([commands.connect(), subscriber.connect()]);
  const failure = connected.find((one) => one.status === 'rejected');
  if (failure) log.warn({ error: failure.reason }, 'redis cannot be reached; the cache keeps to this process and tries again');
  else await feed.settled();
  return {
    layer: redisLayer(commands, prefix, kit),
    feed,
    close: async () => {
      feed.close();
      for (const client of [commands, subscriber]) client.disconnect();
    },
  };
}

export const redis = defineVendor({
  name: 'redis',
  settings,
  sharedMemory: async ({ url, prefix }: z.infer<typeof settings>, kit) => (url === undefined ? undefined : openRedis({ url, prefix }, kit)),
} satisfies SharedMemoryVendor);

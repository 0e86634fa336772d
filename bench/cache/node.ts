/** One node of an installation of several: a process with its own cache, told by messages what to do. */
import { keys, type ChangeFeed, type SharedLayer } from '../../server/src/store/cache.ts';
import { databaseFeed } from '../../server/src/store/cache-feeds.ts';
import { LayeredCache } from '../../server/src/store/cache-layered.ts';
import { readBusiness, updateBusiness } from '../../server/src/store/businesses.ts';
import { postgres } from '../../server/src/store/postgres/postgres.ts';
import { openRedis } from '../../server/src/store/redis/redis.ts';
import { systemKit } from '../../server/src/kit/kit.ts';

export interface NodeSettings {
  databaseUrl: string;
  /** Changes travel through Redis, which is also the second layer; without it through the database. */
  redisUrl: string | undefined;
  prefix: string;
}

export type ToNode =
  | { do: 'burst'; key: string; gets: number; businessId: string }
  | { do: 'hold'; businessId: string }
  | { do: 'rename'; businessId: string; name: string }
  | { do: 'stop' };
export type FromNode =
  | { told: 'ready' }
  /** Loads of this process in the burst. */
  | { told: 'loads'; loads: number; values: number }
  | { told: 'held' }
  /** When it was committed; nanoseconds of the clock that processes of a machine share. */
  | { told: 'renamed'; name: string; at: bigint }
  /** When the change was heard, and when this node answered the new name from its cache or the source. */
  | { told: 'fresh'; name: string; heardAt: bigint; at: bigint };

const KEEP = { ttlMs: 600_000 };
const settings = JSON.parse(process.argv[2]) as NodeSettings;
const kit = systemKit('warn');
const database = await postgres.database({ url: settings.databaseUrl }, { kit, dataFolder: undefined });
const memory = settings.redisUrl === undefined ? undefined : await openRedis({ url: settings.redisUrl, prefix: settings.prefix }, kit);
const own: (ChangeFeed & { close(): Promise<void> }) | undefined = memory ? undefined : await databaseFeed(database);
const shared: SharedLayer | undefined = memory?.layer;
const cache = new LayeredCache({ kit, shared, feed: memory?.feed ?? own });

const tell = (message: FromNode) => process.send?.(message);
const nameOf = async (businessId: string) =>
  (await cache.get(keys.business(businessId), () => readBusiness(database, businessId), KEEP))?.name;

cache.onChange((change) => {
  const heardAt = process.hrtime.bigint();
  if (!change.startsWith('business_')) return;
  void nameOf(change).then((name) => tell({ told: 'fresh', name: String(name), heardAt, at: process.hrtime.bigint() }));
});

async function take(message: ToNode): Promise<void> {
  if (message.do === 'burst') {
    let loads = 0;
    const load = () => {
      loads++;
      return readBusiness(database, message.businessId);
    };
    const key = keys.assistant(message.businessId, message.key);
    const found = await Promise.all(Array.from({ length: message.gets }, () => cache.get(key, load, KEEP)));
    tell({ told: 'loads', loads, values: found.filter((one) => one?.id === message.businessId).length });
  } else if (message.do === 'hold') {
    await nameOf(message.businessId);
    tell({ told: 'held' });
  } else if (message.do === 'rename') {
    await updateBusiness(database, message.businessId, { name: message.name });
    const at = process.hrtime.bigint();
    void cache.invalidate(message.businessId);
    tell({ told: 'renamed', name: message.name, at });
  } else {
    await cache.close();
    await own?.close();
    await memory?.close();
    await database.close();
    process.disconnect();
  }
}

process.on('message', (message: ToNode) => void take(message));
// The one who asks is gone.
process.on('disconnect', () => process.exit());
tell({ told: 'ready' });

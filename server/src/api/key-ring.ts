/** The keys that open the API, over the store, through the cache: a console page is not a query per request. */
import { createHash } from 'node:crypto';
import type { Business } from '@tandem/contract';
import type { Clock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import { silentLog } from '#kit/log.ts';
import { type ApiKey, findApiKey, readApiKey } from '#store/api-keys.ts';
import { listBusinesses, readBusiness } from '#store/businesses.ts';
import { type Cache, keys } from '#store/cache.ts';
import { BLIND_MS, LayeredCache } from '#store/cache-layered.ts';
import type { Database } from '#store/database.ts';
import { readFirstBusinessId } from '#store/snapshot.ts';
import type { KeyRing, Principal } from './auth.ts';

/** With a cache that hears of revocations. Without one a deleted key opens nothing after {@link BLIND_MS}. */
const KEPT_MS = 60_000;
const NEGATIVE_MS = 5_000;
const PAGE = 200;
/** A console offers at most this many businesses to choose from. */
const MOST_PAGES = 50;

const principalOf = (key: ApiKey): Principal => ({ keyId: key.id, businessId: key.businessId ?? undefined, scopes: key.scopes });

/** Oldest first, so that the first is the one a console opens with; only `businessId` where the reader may see no other. */
export async function everyBusiness(database: Database, businessId?: string): Promise<Business[]> {
  const all: Business[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await listBusinesses(database, { limit: PAGE, cursor }, businessId);
    all.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  return all.toReversed();
}

export class StoredKeyRing implements KeyRing {
  readonly #database: Database;
  readonly #cache: Cache;
  /** Never in memory that nodes share: whoever can write there could let himself in. */
  readonly #keep: { ttlMs: number; negativeTtlMs: number; shared: false };

  constructor(database: Database, clock: Clock, cache?: Cache) {
    this.#database = database;
    this.#cache = cache ?? new LayeredCache({ kit: { clock, log: silentLog } });
    this.#keep = { ttlMs: cache ? KEPT_MS : BLIND_MS, negativeTtlMs: NEGATIVE_MS, shared: false };
  }

  byKey(key: string): Promise<Principal | undefined> {
    // Remembered by its hash: a heap dump shows no key.
    const digest = createHash('sha256').update(key).digest('base64url');
    return this.#principal(keys.apiKey(digest), () => findApiKey(this.#database, key));
  }

  byId(keyId: string): Promise<Principal | undefined> {
    return this.#principal(keys.apiKeyId(keyId), () => readApiKey(this.#database, keyId));
  }

  async firstBusinessId(): Promise<string | undefined> {
    return this.#cache.get(keys.firstBusiness(), () => readFirstBusinessId(this.#database), { ...this.#keep, negativeTtlMs: 0 });
  }

  async hasBusiness(businessId: string): Promise<boolean> {
    const load = async () => {
      try {
        return await readBusiness(this.#database, businessId);
      } catch (error) {
        if (error instanceof TandemError && (error.code === 'not-found' || error.code === 'invalid-input')) return undefined;
        throw error;
      }
    };
    return (await this.#cache.get(keys.business(businessId), load, this.#keep)) !== undefined;
  }

  /** A key was deleted: it opens nothing from now on, and on other nodes when this resolves. */
  async forgetKey(keyId: string): Promise<void> {
    await Promise.all([this.#cache.invalidate([keys.apiKeyId(keyId)]), this.#cache.invalidate({ cache: 'api-key' })]);
  }

  /** A business was added or removed, its keys with it. */
  forgetBusinesses(): void {
    for (const cache of ['first-business', 'business', 'api-key', 'api-key-id'] as const) void this.#cache.invalidate({ cache });
  }

  #principal(key: ReturnType<typeof keys.apiKey>, load: () => Promise<ApiKey | undefined>): Promise<Principal | undefined> {
    const toPrincipal = (found: ApiKey | undefined) => found && principalOf(found);
    return this.#cache.get(key, async () => toPrincipal(await load()), this.#keep);
  }
}

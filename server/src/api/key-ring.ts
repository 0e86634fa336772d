/** The keys that open the API, over the store, remembered for a few seconds so that a console page is not a query per request. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Business } from '@tandem/contract';
import type { Clock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import { type ApiKey, findApiKey, readApiKey } from '#store/api-keys.ts';
import { listBusinesses, readBusiness } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import type { KeyRing, Principal } from './auth.ts';

/** A deleted key opens nothing after this long. */
const REMEMBERED_MS = 5_000;
const PAGE = 200;
/** A console offers at most this many businesses to choose from. */
const MOST_PAGES = 50;

const principalOf = (key: ApiKey): Principal => ({ keyId: key.id, businessId: key.businessId ?? undefined, scopes: key.scopes });

interface Remembered {
  value: Principal | undefined;
  until: number;
}

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
  #database: Database;
  #clock: Clock;
  #keys = new LRUCache<string, Remembered>({ max: 1_000 });
  #known = new LRUCache<string, number>({ max: 1_000 });
  #first: string | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  byKey(key: string): Promise<Principal | undefined> {
    // Remembered by its hash: a heap dump shows no key.
    const hash = createHash('sha256').update(key).digest('base64');
    return this.#remember(`key ${hash}`, () => findApiKey(this.#database, key));
  }

  byId(keyId: string): Promise<Principal | undefined> {
    return this.#remember(`id ${keyId}`, () => readApiKey(this.#database, keyId));
  }

  async firstBusinessId(): Promise<string | undefined> {
    this.#first ??= (await everyBusiness(this.#database))[0]?.id;
    return this.#first;
  }

  async hasBusiness(businessId: string): Promise<boolean> {
    if ((this.#known.get(businessId) ?? -Infinity) > this.#clock.now()) return true;
    try {
      await readBusiness(this.#database, businessId);
    } catch (error) {
      if (error instanceof TandemError && (error.code === 'not-found' || error.code === 'invalid-input')) return false;
      throw error;
    }
    this.#known.set(businessId, this.#clock.now() + REMEMBERED_MS);
    return true;
  }

  /** A business was added or removed, its keys with it. */
  forgetBusinesses(): void {
    this.#first = undefined;
    this.#known.clear();
    this.#keys.clear();
  }

  async #remember(cacheKey: string, load: () => Promise<ApiKey | undefined>): Promise<Principal | undefined> {
    const known = this.#keys.get(cacheKey);
    if (known && known.until > this.#clock.now()) return known.value;
    const key = await load();
    const value = key && principalOf(key);
    this.#keys.set(cacheKey, { value, until: this.#clock.now() + REMEMBERED_MS });
    return value;
  }
}

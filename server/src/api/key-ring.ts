/** The keys that open the API, over the store, remembered for a few seconds so that a console page is not a query per request. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '#kit/clock.ts';
import { type ApiKey, findApiKey, readApiKey } from '#store/api-keys.ts';
import { listBusinesses } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import type { KeyRing, Principal } from './auth.ts';

/** A deleted key opens nothing after this long. */
const REMEMBERED_MS = 5_000;

const principalOf = (key: ApiKey): Principal => ({ keyId: key.id, businessId: key.businessId ?? undefined, scopes: key.scopes });

interface Remembered<T> {
  value: T;
  until: number;
}

export class StoredKeyRing implements KeyRing {
  #database: Database;
  #clock: Clock;
  #keys = new LRUCache<string, Remembered<Principal | undefined>>({ max: 1_000 });
  #businesses: Remembered<string[]> | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  byKey(key: string): Promise<Principal | undefined> {
    return this.#remember(`key ${key}`, () => findApiKey(this.#database, key));
  }

  byId(keyId: string): Promise<Principal | undefined> {
    return this.#remember(`id ${keyId}`, () => readApiKey(this.#database, keyId));
  }

  async firstBusinessId(): Promise<string | undefined> {
    return (await this.#businessIds()).at(-1);
  }

  async hasBusiness(businessId: string): Promise<boolean> {
    return (await this.#businessIds()).includes(businessId);
  }

  /** A business was added or removed. */
  forgetBusinesses(): void {
    this.#businesses = undefined;
  }

  async #remember(cacheKey: string, load: () => Promise<ApiKey | undefined>): Promise<Principal | undefined> {
    const known = this.#keys.get(cacheKey);
    if (known && known.until > this.#clock.now()) return known.value;
    const key = await load();
    const value = key && principalOf(key);
    this.#keys.set(cacheKey, { value, until: this.#clock.now() + REMEMBERED_MS });
    return value;
  }

  /** Newest first, as the store lists them. */
  async #businessIds(): Promise<string[]> {
    if (this.#businesses && this.#businesses.until > this.#clock.now()) return this.#businesses.value;
    const { items } = await listBusinesses(this.#database, { limit: 200 });
    const value = items.map(({ id }) => id);
    this.#businesses = { value, until: this.#clock.now() + REMEMBERED_MS };
    return value;
  }
}

/**
 * What a cached value is found by. A key can only be made here, and every builder of what belongs to a business asks for
 * the business first: a look-up that forgets it does not compile.
 */
import { createHash } from 'node:crypto';
import { TandemError } from '#kit/errors.ts';

export type CacheName = 'business' | 'first-business' | 'assistant' | 'number' | 'entry' | 'api-key' | 'api-key-id';

/** Longer parts are replaced by their digest: nobody makes a key of a megabyte. */
const PART_CHARACTERS = 120;

/** Kept in this file: nothing else can make a key. */
const made = Symbol('cache key');

class Key {
  readonly cache: CacheName;
  /** undefined for what is looked up before the business is known. */
  readonly businessId: string | undefined;
  /** Unique among all keys. Holds what it was made of: a key of something secret is made of its digest. */
  readonly text: string;
  readonly [made] = true;

  constructor(cache: CacheName, businessId: string | undefined, parts: readonly string[]) {
    this.cache = cache;
    this.businessId = businessId;
    // JSON quotes every part, so that no two lists of parts have one text; lone surrogates are escaped.
    this.text = JSON.stringify([cache, businessId ?? null, ...parts.map(short)]);
  }
}

export type CacheKey = Key;

const digestOf = (part: string) => `sha256:${createHash('sha256').update(JSON.stringify(part)).digest('base64url')}`;
const short = (part: string) => (part.length <= PART_CHARACTERS ? part : digestOf(part));

function owned(cache: CacheName, businessId: string, ...parts: string[]): CacheKey {
  if (businessId === '') throw new TandemError('internal-error', `A key of the cache ${cache} needs its business`);
  return new Key(cache, changeOfBusiness(businessId), parts);
}
const global = (cache: CacheName, ...parts: string[]): CacheKey => new Key(cache, undefined, parts);

export const keys = {
  business: (businessId: string) => owned('business', businessId),
  assistant: (businessId: string, id: string) => owned('assistant', businessId, id),
  /** What a call of the business is answered from. */
  entry: (businessId: string) => owned('entry', businessId),
  /** Address → the businesses that list it. Of no business: it is what finds one. */
  number: (address: string) => global('number', address),
  /** Digest of a secret → id of its key. Of no business: it is what finds one. */
  apiKey: (digest: string) => global('api-key', digest),
  /** Id of a key → whom it lets in. */
  apiKeyId: (id: string) => global('api-key-id', id),
  /** The one that an admin acts for when it names none. */
  firstBusiness: () => global('first-business'),
};

/**
 * What went stale, as it travels between nodes: a business (its id), one key (its text, which begins with `[`), a whole
 * cache (`#name`) or everything (`*`).
 */
export type Change = string;

export const EVERYTHING: Change = '*';
/** The id itself; what a request made up instead of an id is replaced by its digest. */
export const changeOfBusiness = (businessId: string): Change => (/^[\w-]{1,64}$/.test(businessId) ? businessId : digestOf(businessId));
export const changeOfCache = (cache: CacheName): Change => `#${cache}`;

/** The business that changed, if the change is one of a business. */
export function changedBusiness(change: Change): string | undefined {
  return /^[^[#*]/.test(change) ? change : undefined;
}

/** Changes, other than of the key itself, after which the key's value is stale. */
export function scopesOf({ cache, businessId }: CacheKey): Change[] {
  const wide = [EVERYTHING, changeOfCache(cache)];
  return businessId === undefined ? wide : [...wide, businessId];
}

/** True when the value of `key` is stale after `change`. */
export const concerns = (change: Change, key: CacheKey): boolean => change === key.text || scopesOf(key).includes(change);

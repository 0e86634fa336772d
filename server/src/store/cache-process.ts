/** The first layer: values in this process, one list per cache, the least recently used goes first. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '#kit/clock.ts';
import { type CacheKey, type CacheName, type Change, concerns } from './cache-keys.ts';

export interface ProcessLayerLimits {
  /** Of each cache. */
  entries: number;
  /** Of each cache; a larger value is not kept. */
  bytes: number;
}

export interface Kept {
  key: CacheKey;
  /** undefined: known not to exist. */
  value: unknown;
  bytes: number;
  keptAt: number;
  until: number;
}

export class ProcessLayer {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #limits: ProcessLayerLimits;
  readonly #caches = new Map<CacheName, LRUCache<string, Kept>>();
  /** By business, so that its change costs what it has and not what everybody has. */
  readonly #ofBusiness = new Map<string, Set<CacheKey>>();

  constructor(clock: Pick<Clock, 'now'>, limits: ProcessLayerLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** A living entry, not older than `maxAgeMs`. */
  find(key: CacheKey, maxAgeMs: number): Kept | undefined {
    const kept = this.#caches.get(key.cache)?.get(key.text);
    if (!kept) return undefined;
    const now = this.#clock.now();
    return now < kept.until && now - kept.keptAt < maxAgeMs ? kept : undefined;
  }

  keep(key: CacheKey, value: unknown, ttlMs: number, bytes: number): void {
    const cache = this.#cacheOf(key.cache);
    const keptAt = this.#clock.now();
    cache.set(key.text, { key, value, bytes: Math.max(1, Math.ceil(bytes)), keptAt, until: keptAt + ttlMs });
    if (key.businessId === undefined || !cache.has(key.text)) return;
    const its = this.#ofBusiness.get(key.businessId);
    if (its) its.add(key);
    else this.#ofBusiness.set(key.businessId, new Set([key]));
  }

  /** Drops what `change` made stale; answers how many entries of which cache. */
  drop(change: Change): Map<CacheName, number> {
    const dropped = new Map<CacheName, number>();
    for (const key of this.#concerned(change)) {
      if (this.#caches.get(key.cache)?.delete(key.text)) dropped.set(key.cache, (dropped.get(key.cache) ?? 0) + 1);
    }
    return dropped;
  }

  size(name: CacheName): { size: number; bytes: number } {
    const cache = this.#caches.get(name);
    return { size: cache?.size ?? 0, bytes: cache?.calculatedSize ?? 0 };
  }

  #concerned(change: Change): CacheKey[] {
    const its = this.#ofBusiness.get(change);
    if (its) return [...its];
    const found: CacheKey[] = [];
    for (const cache of this.#caches.values()) {
      if (change.startsWith('[')) {
        const kept = cache.peek(change);
        if (kept) found.push(kept.key);
      } else if (change.startsWith('#') || change === '*') {
        for (const { key } of cache.values()) if (concerns(change, key)) found.push(key);
      }
    }
    return found;
  }

  #cacheOf(name: CacheName): LRUCache<string, Kept> {
    const known = this.#caches.get(name);
    if (known) return known;
    const made = new LRUCache<string, Kept>({
      max: this.#limits.entries,
      maxSize: this.#limits.bytes,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: ({ key }) => this.#forget(key),
    });
    this.#caches.set(name, made);
    return made;
  }

  #forget(key: CacheKey): void {
    if (key.businessId === undefined) return;
    const its = this.#ofBusiness.get(key.businessId);
    its?.delete(key);
    if (its?.size === 0) this.#ofBusiness.delete(key.businessId);
  }
}

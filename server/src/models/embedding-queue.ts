/** Texts that wait for their vectors: equal ones once, businesses in turn, and whatever must be asked again before all others. */
import type { EmbedderLimits, EmbedUse } from './embedder.ts';

/** One text, for all who wait for it. */
export interface EmbeddingItem {
  readonly key: string;
  readonly text: string;
  readonly use: EmbedUse;
  /** Of who asked first: it takes that business's turn, and is counted there. */
  readonly businessId: string;
  readonly outcome: PromiseWithResolvers<Float32Array>;
  /** Who still wants it; at 0 it is dropped. */
  waiters: number;
  /** The request it is in. */
  batch?: EmbeddingBatch | undefined;
}

/** What is asked in one request: texts of one use. */
export interface EmbeddingBatch {
  items: EmbeddingItem[];
  /** Requests that failed with it so far. */
  attempts: number;
  abort?: AbortController;
}

export class EmbeddingQueue {
  /** Waiting or in flight, by use and text. */
  readonly #items = new Map<string, EmbeddingItem>();
  /** Waiting and never asked, by business; the first in order has the next turn. */
  readonly #businesses = new Map<string, Set<EmbeddingItem>>();
  #again: EmbeddingBatch[] = [];
  #fresh = { texts: 0, characters: 0 };

  /** Texts that wait. */
  get size(): number {
    return this.#again.reduce((sum, { items }) => sum + items.length, this.#fresh.texts);
  }

  /** Whether a full request waits. */
  isFull(limits: EmbedderLimits): boolean {
    return this.#again.length > 0 || this.#fresh.texts >= limits.texts || this.#fresh.characters >= limits.characters;
  }

  /** The item of this text, new or shared with who asked before. */
  add(text: string, use: EmbedUse, businessId: string): { item: EmbeddingItem; shared: boolean } {
    const key = `${use} ${text}`;
    const found = this.#items.get(key);
    if (found) {
      found.waiters++;
      return { item: found, shared: true };
    }
    const item: EmbeddingItem = { key, text, use, businessId, outcome: Promise.withResolvers(), waiters: 1 };
    item.outcome.promise.catch(() => {});
    this.#items.set(key, item);
    const own = this.#businesses.get(businessId);
    if (own) own.add(item);
    else this.#businesses.set(businessId, new Set([item]));
    this.#count(item, 1);
    return { item, shared: false };
  }

  /** One waiter less. An item that nobody wants leaves, unless it is in flight. */
  release(item: EmbeddingItem): void {
    item.waiters--;
    if (item.waiters > 0 || item.batch) return;
    this.#forget(item);
    if (this.#leave(item)) return;
    for (const batch of this.#again) batch.items = batch.items.filter((one) => one !== item);
    this.#again = this.#again.filter(({ items }) => items.length > 0);
  }

  /** The next request; undefined when nothing waits. One text longer than the limit goes alone. */
  take(limits: EmbedderLimits): EmbeddingBatch | undefined {
    const batch = this.#again.shift() ?? this.#takeFresh(limits);
    for (const item of batch?.items ?? []) item.batch = batch;
    return batch;
  }

  /** Back to the front, without what nobody wants any more. */
  putBack(...batches: EmbeddingBatch[]): void {
    for (const batch of batches.toReversed()) {
      for (const item of batch.items) item.batch = undefined;
      const wanted = batch.items.filter(({ waiters }) => waiters > 0);
      for (const item of batch.items) if (item.waiters <= 0) this.#forget(item);
      if (wanted.length > 0) this.#again.unshift({ items: wanted, attempts: batch.attempts });
    }
  }

  /** An item of a batch that was taken is done with: who asks for its text now asks anew. */
  settled(item: EmbeddingItem): void {
    item.batch = undefined;
    this.#forget(item);
  }

  /** Empties it: all that waited. */
  drain(): EmbeddingItem[] {
    const all = this.#again.splice(0).flatMap(({ items }) => items);
    for (const own of this.#businesses.values()) all.push(...own);
    this.#businesses.clear();
    this.#fresh = { texts: 0, characters: 0 };
    for (const item of all) this.#forget(item);
    return all;
  }

  /** A later item of the same text stays. */
  #forget(item: EmbeddingItem): void {
    if (this.#items.get(item.key) === item) this.#items.delete(item.key);
  }

  #takeFresh(limits: EmbedderLimits): EmbeddingBatch | undefined {
    const items: EmbeddingItem[] = [];
    let characters = 0;
    let passed = 0; // businesses in a row without a text that fits
    while (items.length < limits.texts && passed < this.#businesses.size) {
      const [businessId, own] = this.#businesses.entries().next().value as [string, Set<EmbeddingItem>];
      const item = firstOf(own, items[0]?.use);
      const fits = item && (items.length === 0 || characters + item.text.length <= limits.characters);
      if (fits) {
        items.push(item);
        characters += item.text.length;
        this.#leave(item);
        passed = 0;
      } else passed++;
      // To the end of the line.
      if (!this.#businesses.delete(businessId) || own.size === 0) continue;
      this.#businesses.set(businessId, own);
    }
    return items.length > 0 ? { items, attempts: 0 } : undefined;
  }

  #leave(item: EmbeddingItem): boolean {
    const own = this.#businesses.get(item.businessId);
    if (!own?.delete(item)) return false;
    if (own.size === 0) this.#businesses.delete(item.businessId);
    this.#count(item, -1);
    return true;
  }

  #count(item: EmbeddingItem, by: 1 | -1): void {
    this.#fresh.texts += by;
    this.#fresh.characters += by * item.text.length;
  }
}

function firstOf(items: Set<EmbeddingItem>, use: EmbedUse | undefined): EmbeddingItem | undefined {
  for (const item of items) if (use === undefined || item.use === use) return item;
  return undefined;
}

/**
 * What one business knows, in memory: words in an engine, vectors in the index, both brought to the feed's newest revision
 * item by item. An index that is away costs the meaning of what is new, never its words.
 */
import type { Kit } from '#kit/kit.ts';
import type { Partition, VectorIndex } from '#vectors/vector-index.ts';
import { KnowledgeEngine } from './engine.ts';
import { type CatalogueItem, embeddedText, type KnowledgeFeed } from './feed.ts';
import type { PassageRecord } from './library.ts';

/** Turns texts into vectors; `urgent` for a caller who waits. */
export interface QueryEmbedder {
  readonly name: string;
  readonly dimensions: number;
  embed(
    texts: readonly string[],
    request: { businessId: string; signal: AbortSignal; urgent: boolean; use: 'query' | 'passage' },
  ): Promise<Float32Array[]>;
}

export interface ShelfOptions {
  kit: Kit;
  feed: KnowledgeFeed;
  index: VectorIndex;
  embedder: QueryEmbedder;
  /** What runs in the background ends with it. */
  closed: AbortSignal;
}

const ITEMS_PER_LOAD = 20;

export class Shelf {
  readonly engine = new KnowledgeEngine();
  /** Of what is searched; -1 before the first load. */
  revision = -1;
  /** Counts whatever may change an answer; results of another generation are not used. */
  generation = 0;
  /** The index could not be changed: everything is to be put into it again. */
  owed = false;
  /** Ends when it can be searched for the first time. */
  loaded: Promise<void> = Promise.resolve();
  /** Something changed that has not been taken in. */
  stale = true;
  refreshing: Promise<void> | undefined;
  readonly #businessId: string;
  readonly #options: ShelfOptions;
  /** Versions in the engine. */
  readonly #items = new Map<string, string>();
  /** Base and passage ids of each item, for taking it out again. */
  readonly #places = new Map<string, { base: string; ids: string[] }>();
  /** Passages without a vector, by item, until they go to be embedded. */
  readonly #waiting = new Map<string, PassageRecord[]>();
  /** The index is known to hold no more than this; not so before the first load, nor after a change that failed. */
  #settled = false;

  constructor(businessId: string, options: ShelfOptions) {
    this.#businessId = businessId;
    this.#options = options;
  }

  /** A change broke off: the index may hold more than it should. */
  unsettle(): void {
    this.#settled = false;
  }

  /** What is being embedded finds nothing left to belong to, and the index nothing of the business. */
  async clear(): Promise<void> {
    this.#items.clear();
    for (const base of await this.#indexedBases()) await this.#options.index.drop(this.partition(base));
  }

  /** Takes in what the feed says now. Rejects when it cannot be read; what is there stays. */
  async take(): Promise<void> {
    const { feed, embedder, kit } = this.#options;
    const { revision, items } = await feed.catalogue(this.#businessId);
    const wanted = new Map(items.map(({ id, version }) => [id, version]));
    const again = this.owed;
    this.owed = false;
    for (const id of this.#items.keys()) if (!wanted.has(id)) await this.#takeOut(id);
    const fresh = items.filter(({ id, version }) => again || this.#items.get(id) !== version);
    for (let from = 0; from < fresh.length; from += ITEMS_PER_LOAD) {
      const part = fresh.slice(from, from + ITEMS_PER_LOAD);
      const ids = part.map(({ id }) => id);
      const records = await feed.passages(this.#businessId, ids, embedder.name);
      for (const item of part) {
        const own = records.filter(({ documentId }) => documentId === item.id);
        this.#waiting.set(
          item.id,
          own.filter((record) => !this.#hasVector(record)),
        );
        await this.#putIn(item, own);
      }
      await kit.clock.sleep(0);
    }
    const without = [...this.#waiting.values()].flat();
    if (!this.#settled) await this.#inIndex(() => this.#settle(without));
    this.#waiting.clear();
    this.revision = revision;
    this.generation++;
    if (without.length > 0) void this.#embedMissing(without);
  }

  /**
   * An index that persists, or is shared, may hold what was deleted or replaced while nobody here followed: whole bases,
   * points, and vectors of an earlier text under an id that is still in use (`without`: passages that have none yet).
   */
  async #settle(without: readonly PassageRecord[]): Promise<void> {
    const { index } = this.#options;
    const waiting = new Set(without.map(({ id }) => id));
    const known = Map.groupBy(this.#places.values(), ({ base }) => base);
    for (const [base, places] of known) {
      const ids = places.flatMap((place) => place.ids).filter((id) => !waiting.has(id));
      await index.retain(this.partition(base), ids);
    }
    for (const base of await this.#indexedBases()) {
      if (!known.has(base)) await index.drop(this.partition(base));
    }
    this.#settled = true;
  }

  /** The new version in the place of the old one: in one step for the words, then for the vectors. */
  async #putIn(item: CatalogueItem, records: PassageRecord[]): Promise<void> {
    const before = this.#places.get(item.id);
    this.engine.remove(item.id);
    this.engine.upsert(records);
    this.#items.set(item.id, item.version);
    const ids = records.map(({ id }) => id);
    const base = records[0]?.base ?? 'main';
    if (records.length > 0) this.#places.set(item.id, { base, ids });
    else this.#places.delete(item.id);
    const { index } = this.#options;
    await this.#inIndex(async () => {
      if (before) {
        const replaced = new Set(before.base === base ? records.filter((record) => this.#hasVector(record)).map(({ id }) => id) : []);
        const gone = before.ids.filter((id) => !replaced.has(id));
        if (gone.length > 0) await index.remove(this.partition(before.base), gone);
      }
      await this.#upsertVectors(records);
    });
  }

  /** An index that is away costs the meaning of what is new, not its words: it is filled when it is back. */
  async #inIndex(work: () => Promise<void>): Promise<void> {
    if (this.owed) return;
    try {
      await work();
    } catch (error) {
      this.owed = true;
      this.#settled = false;
      this.#options.kit.log.warn({ error }, 'vectors could not be put into their index: found by words for now');
    }
  }

  async #takeOut(id: string): Promise<void> {
    const place = this.#places.get(id);
    this.engine.remove(id);
    this.#items.delete(id);
    this.#places.delete(id);
    this.#waiting.delete(id);
    if (!place) return;
    await this.#inIndex(() => this.#options.index.remove(this.partition(place.base), place.ids));
  }

  async #upsertVectors(records: readonly PassageRecord[]): Promise<void> {
    const { index } = this.#options;
    const byBase = Map.groupBy(
      records.filter((record) => this.#hasVector(record)),
      ({ base }) => base,
    );
    for (const [base, own] of byBase) {
      const points = own.map(({ id, vector, documentId, language, tags, audience }) => ({
        id,
        vector: vector as Float32Array,
        documentId,
        language,
        tags,
        audience,
      }));
      await index.upsert(this.partition(base), points);
    }
  }

  /** Found by words already; by meaning as soon as their vectors are there. */
  async #embedMissing(records: readonly PassageRecord[]): Promise<void> {
    const { embedder, feed, kit } = this.#options;
    const versions = new Map(this.#items);
    const isCurrent = ({ documentId }: PassageRecord) =>
      this.#items.has(documentId) && this.#items.get(documentId) === versions.get(documentId);
    try {
      for (let from = 0; from < records.length; from += 64) {
        const part = records.slice(from, from + 64).filter(isCurrent);
        if (part.length === 0) continue;
        const vectors = await embedder.embed(part.map(embeddedText), {
          businessId: this.#businessId,
          signal: this.#options.closed,
          urgent: false,
          use: 'passage',
        });
        await this.#upsertVectors(part.map((record, i) => ({ ...record, vector: vectors[i] })).filter(isCurrent));
        this.generation++;
        await feed.keepVectors(
          this.#businessId,
          embedder.name,
          part.map((record, i) => ({ text: embeddedText(record), vector: vectors[i] })),
        );
        await kit.clock.sleep(0);
      }
    } catch (error) {
      kit.log.warn({ businessId: this.#businessId, error }, 'passages stay without vectors for now');
    }
  }

  #hasVector({ vector }: PassageRecord): boolean {
    return vector?.length === this.#options.embedder.dimensions;
  }

  #indexedBases(): Promise<string[]> {
    const { embedder, index } = this.#options;
    return index.bases(this.#businessId, embedder.name, embedder.dimensions);
  }

  /** Where the vectors of a knowledge base are. */
  partition(base: string): Partition {
    const { name, dimensions } = this.#options.embedder;
    return { businessId: this.#businessId, base, embedder: name, dimensions };
  }
}

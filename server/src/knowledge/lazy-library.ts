/**
 * What all businesses know, loaded when somebody first asks and kept true afterwards. Searches never wait for a change: they
 * go on with what is there until the new version has been put in its place, item by item. Lives in the knowledge thread.
 */
import type { KnowledgeScope } from '@tandem/contract';
import { LRUCache } from 'lru-cache';
import { untilAborted } from '#kit/abort.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Near, Partition, VectorFilter, VectorIndex } from '#vectors/vector-index.ts';
import { CountedCache, type CacheCounts } from './counted-cache.ts';
import { KnowledgeEngine } from './engine.ts';
import { type CatalogueItem, embeddedText, type KnowledgeFeed } from './feed.ts';
import type { Library, LibraryQuery, PassageRecord, Retrieval } from './library.ts';

export interface LazyLibraryOptions {
  kit: Kit;
  feed: KnowledgeFeed;
  index: VectorIndex;
  embedder: QueryEmbedder;
  /** Passages of all businesses kept in memory; who was not asked about for longest is forgotten first. */
  maxPassages?: number;
  /** Results and query vectors kept. */
  maxResults?: number;
}

/** Turns texts into vectors; `urgent` for a caller who waits. */
export interface QueryEmbedder {
  readonly name: string;
  readonly dimensions: number;
  embed(
    texts: readonly string[],
    request: { businessId: string; signal: AbortSignal; urgent: boolean; use: 'query' | 'passage' },
  ): Promise<Float32Array[]>;
}

export interface LibraryStats {
  businesses: number;
  passages: number;
  /** Of approved questions, among the passages. */
  phrasings: number;
  vectors: number;
  vectorBytes: number;
  /** Searches answered by words alone because the vector did not come in time. */
  withoutVector: number;
  caches: Record<'query-embeddings' | 'search-results', CacheCounts>;
}

interface Shelf {
  engine: KnowledgeEngine;
  revision: number;
  /** Counts whatever may change an answer; results of another generation are not used. */
  generation: number;
  /** Versions in the engine. */
  items: Map<string, string>;
  /** Bases and passage ids of each item, for taking it out again. */
  places: Map<string, { base: string; ids: string[] }>;
  /** Passages without a vector, by item, until they go to be embedded. */
  waiting: Map<string, PassageRecord[]>;
  /** The index is known to hold no more than this; not so before the first load, nor after a change that failed. */
  settled: boolean;
  /** The index could not be changed: everything is to be put into it again. */
  owed: boolean;
  /** Ends when it can be searched. */
  loaded: Promise<void>;
  /** A change that came while another was taken in. */
  stale: boolean;
  refreshing: Promise<void> | undefined;
}

const MAX_PASSAGES = 400_000;
const MAX_RESULTS = 2_000;
/** Five passages whose texts the engine holds anyway. */
const RESULT_BYTES = 1_024;
/** Words answer alone when the vector of the query takes longer: a remote embedder on a bad day. */
const VECTOR_WITHIN_MS = 80;
const ITEMS_PER_LOAD = 20;
const NEAREST = 50;
/** A feed that failed is asked again with the next search, but not sooner; an index that failed is filled again after longer. */
const AGAIN_MS = 1_000;
const FILL_AGAIN_MS = 30_000;

export class LazyLibrary implements Library {
  readonly #options: LazyLibraryOptions;
  readonly #shelves: LRUCache<string, Shelf>;
  readonly #vectors: CountedCache<Float32Array>;
  readonly #results: CountedCache<Retrieval>;
  readonly #failedAt = new Map<string, number>();
  readonly #closed = new AbortController();
  #withoutVector = 0;

  constructor(options: LazyLibraryOptions) {
    this.#options = options;
    const { kit, maxPassages = MAX_PASSAGES, maxResults = MAX_RESULTS } = options;
    this.#shelves = new LRUCache({
      max: 10_000,
      maxSize: maxPassages,
      // One that is larger than all may be is kept alone.
      sizeCalculation: ({ engine }) => Math.min(maxPassages, Math.max(1, engine.size)),
    });
    this.#vectors = new CountedCache(kit.clock, { max: maxResults, bytesEach: 4 * options.embedder.dimensions });
    this.#results = new CountedCache(kit.clock, { max: maxResults, bytesEach: RESULT_BYTES });
  }

  async search(businessId: string, query: LibraryQuery): Promise<Retrieval> {
    const shelf = await this.#shelfOf(businessId);
    const key = JSON.stringify([
      businessId,
      shelf.generation,
      query.text.toLowerCase(),
      query.scope ?? {},
      query.limit ?? 0,
      query.history ?? [],
    ]);
    return await this.#results.get(key, async () => {
      const near = await this.#nearest(businessId, shelf, query);
      // Next time the vector may come in time.
      if (!near) this.#results.drop(key);
      return shelf.engine.search(query, near);
    });
  }

  /** The business's knowledge changed, here or on another node; does nothing when it is not loaded. Never rejects. */
  async changed(businessId: string, revision?: number): Promise<void> {
    const shelf = this.#shelves.peek(businessId);
    if (!shelf || (revision !== undefined && revision <= shelf.revision)) return;
    shelf.stale = true;
    shelf.refreshing ??= this.#refresh(businessId, shelf);
    await shelf.refreshing;
  }

  /** The business is gone, with all its vectors. */
  async forget(businessId: string): Promise<void> {
    const { index } = this.#options;
    const shelf = this.#shelves.peek(businessId);
    this.#shelves.delete(businessId);
    // What is being embedded finds nothing left to belong to.
    shelf?.items.clear();
    for (const base of await this.#indexedBases(businessId)) await index.drop(this.#partition(businessId, base));
  }

  /** What runs in the background ends. */
  close(): void {
    this.#closed.abort(new Error('the library is closed'));
  }

  get loaded(): string[] {
    return [...this.#shelves.keys()];
  }

  stats(): LibraryStats {
    const { points, bytes } = this.#options.index.stats();
    return {
      businesses: this.#shelves.size,
      passages: this.#shelves.calculatedSize,
      phrasings: [...this.#shelves.values()].reduce((sum, { engine }) => sum + engine.stats.phrasings, 0),
      vectors: points,
      vectorBytes: bytes,
      withoutVector: this.#withoutVector,
      caches: { 'query-embeddings': this.#vectors.counts(), 'search-results': this.#results.counts() },
    };
  }

  /** Undefined when there is no vector to search with: words answer alone. */
  async #nearest(businessId: string, shelf: Shelf, query: LibraryQuery): Promise<Near[] | undefined> {
    const { kit, embedder, index } = this.#options;
    const text = shelf.engine.resolve(query);
    if (shelf.engine.size === 0 || text.trim() === '') return undefined;
    const late = new AbortController();
    const timer = kit.clock.after(VECTOR_WITHIN_MS, () => late.abort(new Error('the vector of the query was late')));
    try {
      const key = JSON.stringify([businessId, embedder.name, text]);
      const vector = await untilAborted(
        this.#vectors.get(
          key,
          async () => (await embedder.embed([text], { businessId, signal: late.signal, urgent: true, use: 'query' }))[0],
        ),
        late.signal,
      );
      const filter = filterOf(query.scope);
      const bases = query.scope?.bases?.length ? query.scope.bases : shelf.engine.bases;
      const limit = NEAREST;
      const found = await Promise.all(
        bases.map((base) => index.nearest(this.#partition(businessId, base), { vector, limit, filter, signal: late.signal })),
      );
      return found.flat().toSorted((a, b) => b.score - a.score);
    } catch (error) {
      if (query.signal?.aborted) throw error;
      this.#withoutVector++;
      kit.log.debug({ businessId, error: messageOf(error) }, 'searched by words alone');
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  async #shelfOf(businessId: string): Promise<Shelf> {
    const { kit } = this.#options;
    let shelf = this.#shelves.get(businessId);
    if (!shelf) {
      const failedAt = this.#failedAt.get(businessId);
      if (failedAt !== undefined && kit.clock.now() - failedAt < AGAIN_MS) throw new Error('the knowledge of this business cannot be read');
      shelf = {
        engine: new KnowledgeEngine(),
        revision: -1,
        generation: 0,
        items: new Map(),
        places: new Map(),
        waiting: new Map(),
        settled: false,
        owed: false,
        loaded: Promise.resolve(),
        stale: true,
        refreshing: undefined,
      };
      const made = shelf;
      this.#shelves.set(businessId, made);
      made.refreshing = this.#refresh(businessId, made);
      made.loaded = made.refreshing;
    }
    await shelf.loaded;
    this.#tryAgain(businessId, shelf);
    if (shelf.revision < 0) throw new Error('the knowledge of this business cannot be read');
    return shelf;
  }

  /** What failed is done again behind a search; it answers from what is there. */
  #tryAgain(businessId: string, shelf: Shelf): void {
    if (!shelf.stale || shelf.refreshing) return;
    const sinceMs = this.#options.kit.clock.now() - (this.#failedAt.get(businessId) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= (shelf.owed ? FILL_AGAIN_MS : AGAIN_MS)) shelf.refreshing = this.#refresh(businessId, shelf);
  }

  /** Takes in changes until none is left. Never rejects: what cannot be read leaves everything as it was. */
  async #refresh(businessId: string, shelf: Shelf): Promise<void> {
    const { kit } = this.#options;
    try {
      while (shelf.stale) {
        shelf.stale = false;
        await this.#take(businessId, shelf);
      }
      this.#failedAt.delete(businessId);
      if (shelf.owed) {
        shelf.stale = true;
        this.#failedAt.set(businessId, kit.clock.now());
      }
      // Its size has changed; the same entry set again would keep the old one.
      if (this.#shelves.peek(businessId) === shelf) {
        this.#shelves.delete(businessId);
        this.#shelves.set(businessId, shelf);
      }
    } catch (error) {
      kit.log.warn({ businessId, error }, 'knowledge could not be taken in');
      this.#failedAt.set(businessId, kit.clock.now());
      shelf.settled = false;
      if (shelf.revision < 0) this.#shelves.delete(businessId);
      else shelf.stale = true;
    } finally {
      shelf.refreshing = undefined;
    }
  }

  async #take(businessId: string, shelf: Shelf): Promise<void> {
    const { feed, embedder, kit } = this.#options;
    const { revision, items } = await feed.catalogue(businessId);
    const wanted = new Map(items.map(({ id, version }) => [id, version]));
    const again = shelf.owed;
    shelf.owed = false;
    for (const id of shelf.items.keys()) if (!wanted.has(id)) await this.#takeOut(businessId, shelf, id);
    const fresh = items.filter(({ id, version }) => again || shelf.items.get(id) !== version);
    for (let from = 0; from < fresh.length; from += ITEMS_PER_LOAD) {
      const part = fresh.slice(from, from + ITEMS_PER_LOAD);
      const ids = part.map(({ id }) => id);
      const records = await feed.passages(businessId, ids, embedder.name);
      for (const item of part) {
        const own = records.filter(({ documentId }) => documentId === item.id);
        shelf.waiting.set(
          item.id,
          own.filter((record) => !this.#hasVector(record)),
        );
        await this.#putIn(businessId, shelf, item, own);
      }
      await kit.clock.sleep(0);
    }
    const without = [...shelf.waiting.values()].flat();
    if (!shelf.settled) await this.#inIndex(shelf, () => this.#settle(businessId, shelf, without));
    shelf.waiting.clear();
    shelf.revision = revision;
    shelf.generation++;
    if (without.length > 0) void this.#embedMissing(businessId, shelf, without);
  }

  /**
   * An index that persists, or is shared, may hold what was deleted or replaced while nobody here followed: whole bases,
   * points, and vectors of an earlier text under an id that is still in use (`without`: passages that have none yet).
   */
  async #settle(businessId: string, shelf: Shelf, without: readonly PassageRecord[]): Promise<void> {
    const { index } = this.#options;
    const waiting = new Set(without.map(({ id }) => id));
    const known = Map.groupBy(shelf.places.values(), ({ base }) => base);
    for (const [base, places] of known) {
      const ids = places.flatMap((place) => place.ids).filter((id) => !waiting.has(id));
      await index.retain(this.#partition(businessId, base), ids);
    }
    for (const base of await this.#indexedBases(businessId)) {
      if (!known.has(base)) await index.drop(this.#partition(businessId, base));
    }
    shelf.settled = true;
  }

  /** The new version in the place of the old one: in one step for the words, then for the vectors. */
  async #putIn(businessId: string, shelf: Shelf, item: CatalogueItem, records: PassageRecord[]): Promise<void> {
    const before = shelf.places.get(item.id);
    shelf.engine.remove(item.id);
    shelf.engine.upsert(records);
    shelf.items.set(item.id, item.version);
    const ids = records.map(({ id }) => id);
    const base = records[0]?.base ?? 'main';
    if (records.length > 0) shelf.places.set(item.id, { base, ids });
    else shelf.places.delete(item.id);
    const { index } = this.#options;
    await this.#inIndex(shelf, async () => {
      if (before) {
        const replaced = new Set(before.base === base ? records.filter((record) => this.#hasVector(record)).map(({ id }) => id) : []);
        const gone = before.ids.filter((id) => !replaced.has(id));
        if (gone.length > 0) await index.remove(this.#partition(businessId, before.base), gone);
      }
      await this.#upsertVectors(businessId, records);
    });
  }

  /** An index that is away costs the meaning of what is new, not its words: it is filled when it is back. */
  async #inIndex(shelf: Shelf, work: () => Promise<void>): Promise<void> {
    if (shelf.owed) return;
    try {
      await work();
    } catch (error) {
      shelf.owed = true;
      shelf.settled = false;
      this.#options.kit.log.warn({ error }, 'vectors could not be put into their index: found by words for now');
    }
  }

  async #takeOut(businessId: string, shelf: Shelf, id: string): Promise<void> {
    const place = shelf.places.get(id);
    shelf.engine.remove(id);
    shelf.items.delete(id);
    shelf.places.delete(id);
    shelf.waiting.delete(id);
    if (!place) return;
    await this.#inIndex(shelf, () => this.#options.index.remove(this.#partition(businessId, place.base), place.ids));
  }

  async #upsertVectors(businessId: string, records: readonly PassageRecord[]): Promise<void> {
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
      await index.upsert(this.#partition(businessId, base), points);
    }
  }

  /** Found by words already; by meaning as soon as their vectors are there. */
  async #embedMissing(businessId: string, shelf: Shelf, records: readonly PassageRecord[]): Promise<void> {
    const { embedder, feed, kit } = this.#options;
    const versions = new Map(shelf.items);
    const isCurrent = ({ documentId }: PassageRecord) =>
      shelf.items.has(documentId) && shelf.items.get(documentId) === versions.get(documentId);
    try {
      for (let from = 0; from < records.length; from += 64) {
        const part = records.slice(from, from + 64).filter(isCurrent);
        if (part.length === 0) continue;
        const vectors = await embedder.embed(part.map(embeddedText), {
          businessId,
          signal: this.#closed.signal,
          urgent: false,
          use: 'passage',
        });
        await this.#upsertVectors(businessId, part.map((record, i) => ({ ...record, vector: vectors[i] })).filter(isCurrent));
        shelf.generation++;
        await feed.keepVectors(
          businessId,
          embedder.name,
          part.map((record, i) => ({ text: embeddedText(record), vector: vectors[i] })),
        );
        await kit.clock.sleep(0);
      }
    } catch (error) {
      kit.log.warn({ businessId, error }, 'passages stay without vectors for now');
    }
  }

  #hasVector({ vector }: PassageRecord): boolean {
    return vector?.length === this.#options.embedder.dimensions;
  }

  #indexedBases(businessId: string): Promise<string[]> {
    const { embedder, index } = this.#options;
    return index.bases(businessId, embedder.name, embedder.dimensions);
  }

  #partition(businessId: string, base: string): Partition {
    const { name, dimensions } = this.#options.embedder;
    return { businessId, base, embedder: name, dimensions };
  }
}

/** `everyone` may always hear. */
export function filterOf(scope: Partial<KnowledgeScope> | undefined): VectorFilter | undefined {
  if (!scope) return undefined;
  const { documentIds, tags, languages, audiences } = scope;
  return { documentIds, tags, languages, audiences: ['everyone', ...(audiences ?? [])] };
}

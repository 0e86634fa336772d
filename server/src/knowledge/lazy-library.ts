/**
 * What all businesses know, loaded when somebody first asks and kept true afterwards. Searches never wait for a change: they
 * go on with what is there until the new version has been put in its place, item by item. Lives in the knowledge thread.
 */
import type { KnowledgeScope } from '@tandem/contract';
import { LRUCache } from 'lru-cache';
import { untilAborted } from '#kit/abort.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Near, VectorFilter, VectorIndex } from '#vectors/vector-index.ts';
import { CountedCache, type CacheCounts } from './counted-cache.ts';
import type { KnowledgeFeed } from './feed.ts';
import type { Library, LibraryQuery, Retrieval } from './library.ts';
import { severalIn, togetherOf } from './questions.ts';
import { type QueryEmbedder, Shelf } from './shelf.ts';

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

const MAX_PASSAGES = 400_000;
const MAX_RESULTS = 2_000;
/** Five passages whose texts the engine holds anyway. */
const RESULT_BYTES = 1_024;
/** Words answer alone when the vector of the query takes longer: a remote embedder on a bad day. */
const VECTOR_WITHIN_MS = 80;
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
    const several = severalIn(query);
    if (!several) return await this.#searchOne(businessId, shelf, query);
    const [whole, ...found] = await Promise.all([query, ...several].map((one) => this.#searchOne(businessId, shelf, one)));
    return togetherOf(whole, several, found, query.text);
  }

  async #searchOne(businessId: string, shelf: Shelf, query: LibraryQuery): Promise<Retrieval> {
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
    const shelf = this.#shelves.peek(businessId) ?? this.#emptyShelf(businessId);
    this.#shelves.delete(businessId);
    await shelf.clear();
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
        bases.map((base) => index.nearest(shelf.partition(base), { vector, limit, filter, signal: late.signal })),
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

  #emptyShelf(businessId: string): Shelf {
    const { kit, feed, index, embedder } = this.#options;
    return new Shelf(businessId, { kit, feed, index, embedder, closed: this.#closed.signal });
  }

  async #shelfOf(businessId: string): Promise<Shelf> {
    const { kit } = this.#options;
    let shelf = this.#shelves.get(businessId);
    if (!shelf) {
      const failedAt = this.#failedAt.get(businessId);
      if (failedAt !== undefined && kit.clock.now() - failedAt < AGAIN_MS) throw new Error('the knowledge of this business cannot be read');
      shelf = this.#emptyShelf(businessId);
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
        await shelf.take();
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
      shelf.unsettle();
      if (shelf.revision < 0) this.#shelves.delete(businessId);
      else shelf.stale = true;
    } finally {
      shelf.refreshing = undefined;
    }
  }
}

/** `everyone` may always hear. */
export function filterOf(scope: Partial<KnowledgeScope> | undefined): VectorFilter | undefined {
  if (!scope) return undefined;
  const { documentIds, tags, languages, audiences } = scope;
  return { documentIds, tags, languages, audiences: ['everyone', ...(audiences ?? [])] };
}

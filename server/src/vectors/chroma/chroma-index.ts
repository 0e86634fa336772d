/**
 * Vectors on a ChromaDB server: a collection per partition (cosine space, HNSW), named by a hash of it, with what it is in
 * its metadata. A point's metadata stands in flat keys, since Chroma knows no lists: `document`, `language`, `audience`,
 * and `tag:NAME` = true for each tag. Chroma merges metadata on upsert, so that tags of before are set to null.
 */
import { createHash } from 'node:crypto';
import type { Kit } from '#kit/kit.ts';
import { activeFilter, byScoreThenId, checkPoints, checkQuery, clampScore, partitionKey } from '../points.ts';
import { Turns } from '../turns.ts';
import type { Near, NearestQuery, Partition, VectorFilter, VectorIndex, VectorIndexStats, VectorPoint } from '../vector-index.ts';
import { ChromaHttp, ChromaNotFound, type ChromaSettings, forChange, forSearch, type Patience } from './chroma-http.ts';

/** Points per request: at most so many, and so many numbers (each about 12 characters; Chroma takes 40 MB). */
const BATCH_POINTS = 1_000;
const BATCH_FLOATS = 400_000;
/** Of a list that is read to its end. */
const PAGE = 1_000;
/** Asked beyond the limit: HNSW is surest of its first results, and equals at the end are put in order here. */
const MIN_ASKED = 64;
const ASKED_PER_LIMIT = 3;
const HNSW = { space: 'cosine', ef_construction: 128, ef_search: 128, max_neighbors: 16 };

type Metadata = Record<string, string | boolean | null>;

export class ChromaIndex implements VectorIndex {
  readonly name = 'chroma';
  readonly #http: ChromaHttp;
  readonly #turns = new Turns();
  /** Ids of collections by partition. */
  readonly #collections = new Map<string, string>();

  constructor(kit: Kit, settings: ChromaSettings) {
    this.#http = new ChromaHttp(kit, settings);
  }

  async upsert(partition: Partition, points: readonly VectorPoint[]): Promise<void> {
    checkPoints(partition, points);
    if (points.length === 0) return;
    const latest = [...new Map(points.map((point) => [point.id, point])).values()];
    const perBatch = Math.max(1, Math.min(BATCH_POINTS, Math.floor(BATCH_FLOATS / partition.dimensions)));
    await this.#turns.take(partitionKey(partition), async () => {
      for (let from = 0; from < latest.length; from += perBatch) {
        const batch = latest.slice(from, from + perBatch);
        await this.#withCollection(partition, true, async (path) => this.#upsertBatch(path, batch), undefined);
      }
    });
  }

  async remove(partition: Partition, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#turns.take(partitionKey(partition), () => this.#delete(partition, ids));
  }

  async retain(partition: Partition, ids: readonly string[]): Promise<void> {
    const named = new Set(ids);
    await this.#turns.take(partitionKey(partition), async () => {
      const gone: string[] = [];
      // All are listed before the first goes: the pages are counted from the beginning.
      for await (const page of this.#pages((offset) => this.#idsFrom(partition, offset))) gone.push(...page.filter((id) => !named.has(id)));
      await this.#delete(partition, gone);
    });
  }

  async drop(partition: Partition): Promise<void> {
    const key = partitionKey(partition);
    await this.#turns.take(key, async () => {
      this.#collections.delete(key);
      await this.#http.ask('DELETE', `/collections/${nameOf(partition)}`, undefined, forChange).catch(ignoreMissing);
    });
  }

  /** Chroma cannot look for collections by their metadata: all of the database are listed. */
  async bases(businessId: string, embedder: string, dimensions: number): Promise<string[]> {
    const bases: string[] = [];
    const list = (offset: number) =>
      this.#http.ask<{ metadata: Record<string, unknown> | null }[]>(
        'GET',
        `/collections?limit=${PAGE}&offset=${offset}`,
        undefined,
        forChange,
      );
    for await (const page of this.#pages(list)) {
      for (const { metadata } of page) {
        if (metadata?.businessId !== businessId || metadata.embedder !== embedder || metadata.dimensions !== dimensions) continue;
        const base = String(metadata.base);
        if ((await this.size({ businessId, base, embedder, dimensions })) > 0) bases.push(base);
      }
    }
    return bases;
  }

  async nearest(partition: Partition, query: NearestQuery): Promise<Near[]> {
    checkQuery(partition, query);
    const { vector, limit, filter, signal } = query;
    const active = activeFilter(filter);
    const body = {
      query_embeddings: [Array.from(vector)],
      n_results: Math.max(MIN_ASKED, limit * ASKED_PER_LIMIT),
      include: ['distances'],
      ...(active ? { where: whereOf(active) } : {}),
    };
    const ask = (path: string) =>
      this.#http.ask<{ ids: string[][]; distances: number[][] }>('POST', `${path}/query`, body, forSearch, signal);
    const { ids, distances } = await this.#withCollection(partition, false, ask, { ids: [[]], distances: [[]] }, forSearch, signal);
    return ids[0]
      .map((id, i) => ({ id, score: clampScore(1 - distances[0][i]) }))
      .sort(byScoreThenId)
      .slice(0, limit);
  }

  size(partition: Partition): Promise<number> {
    return this.#withCollection(partition, false, (path) => this.#http.ask<number>('GET', `${path}/count`, undefined, forSearch), 0);
  }

  /** Chroma keeps what it has accepted. */
  async save(): Promise<void> {
    await this.#turns.idle();
  }

  stats(): VectorIndexStats {
    return { partitions: this.#collections.size, points: 0, bytes: 0 };
  }

  async close(): Promise<void> {
    await this.#turns.idle();
    this.#http.close();
  }

  #idsFrom(partition: Partition, offset: number): Promise<string[]> {
    const ask = async (path: string) =>
      (await this.#http.ask<{ ids: string[] }>('POST', `${path}/get`, { limit: PAGE, offset, include: [] }, forChange)).ids;
    return this.#withCollection(partition, false, ask, []);
  }

  async #delete(partition: Partition, ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += BATCH_POINTS) {
      const body = { ids: [...new Set(ids.slice(from, from + BATCH_POINTS))] };
      await this.#withCollection(partition, false, (path) => this.#http.ask('POST', `${path}/delete`, body, forChange), undefined);
    }
  }

  /** Until one is empty: a server may give less at once than it is asked for. */
  async *#pages<T>(list: (offset: number) => Promise<T[]>): AsyncGenerator<T[]> {
    for (let offset = 0; ; ) {
      const page = await list(offset);
      if (page.length === 0) return;
      yield page;
      offset += page.length;
    }
  }

  async #upsertBatch(path: string, batch: readonly VectorPoint[]): Promise<void> {
    const ids = batch.map(({ id }) => id);
    const known = await this.#http.ask<{ ids: string[]; metadatas: (Metadata | null)[] }>(
      'POST',
      `${path}/get`,
      { ids, include: ['metadatas'] },
      forChange,
    );
    const before = new Map(known.ids.map((id, i) => [id, known.metadatas[i] ?? {}]));
    const metadatas = batch.map((point) => {
      const metadata = metadataOf(point);
      for (const key of Object.keys(before.get(point.id) ?? {})) metadata[key] ??= null;
      return metadata;
    });
    const embeddings = batch.map(({ vector }) => Array.from(vector));
    await this.#http.ask('POST', `${path}/upsert`, { ids, embeddings, metadatas }, forChange);
  }

  /**
   * `work` is given the collection's path. A collection that is not there is made, or else the answer is `missing`; one that
   * another process has dropped and made anew since is looked up once more.
   */
  async #withCollection<T>(
    partition: Partition,
    make: boolean,
    work: (path: string) => Promise<T>,
    missing: T,
    patience: Patience = forChange,
    signal?: AbortSignal,
  ): Promise<T> {
    const key = partitionKey(partition);
    for (let attempt = 1; ; attempt++) {
      try {
        let id = this.#collections.get(key);
        if (id === undefined) {
          id = await this.#findCollection(partition, make, patience, signal);
          this.#collections.set(key, id);
        }
        return await work(`/collections/${id}`);
      } catch (error) {
        if (!(error instanceof ChromaNotFound)) throw error;
        const wasKnown = this.#collections.delete(key);
        if (wasKnown && attempt === 1) continue;
        if (make) throw error;
        return missing;
      }
    }
  }

  async #findCollection(partition: Partition, make: boolean, patience: Patience, signal: AbortSignal | undefined): Promise<string> {
    const name = nameOf(partition);
    const { businessId, base, embedder, dimensions } = partition;
    const found = make
      ? await this.#http.ask<{ id: string }>(
          'POST',
          '/collections',
          { name, get_or_create: true, configuration: { hnsw: HNSW }, metadata: { businessId, base, embedder, dimensions } },
          patience,
        )
      : await this.#http.ask<{ id: string }>('GET', `/collections/${name}`, undefined, patience, signal);
    return found.id;
  }
}

/** Chroma allows 3 to 512 characters of `[a-zA-Z0-9._-]`. */
const nameOf = (partition: Partition) => `tandem-${createHash('sha256').update(partitionKey(partition)).digest('hex').slice(0, 40)}`;

function ignoreMissing(error: unknown): void {
  if (!(error instanceof ChromaNotFound)) throw error;
}

function metadataOf({ documentId, language, audience, tags }: VectorPoint): Metadata {
  return { document: documentId, language, audience, ...Object.fromEntries(tags.map((tag) => [`tag:${tag}`, true])) };
}

function whereOf({ documentIds = [], languages = [], audiences = [], tags = [] }: VectorFilter): object {
  const conditions: object[] = [];
  const among = (key: string, values: readonly string[]) => {
    if (values.length > 0) conditions.push({ [key]: { $in: [...values] } });
  };
  among('document', documentIds);
  among('language', languages);
  among('audience', audiences);
  const ofTags = tags.map((tag) => ({ [`tag:${tag}`]: true }));
  if (ofTags.length > 0) conditions.push(ofTags.length === 1 ? ofTags[0] : { $or: ofTags });
  return conditions.length === 1 ? conditions[0] : { $and: conditions };
}

/**
 * Vectors in PostgreSQL with the extension pgvector. HNSW under a narrow filter loses results (recall 0.75 was measured
 * with iterative scan at 2 %), so few rows are compared exactly, and the index is asked only where many pass.
 */
import { untilAborted } from '#kit/abort.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { activeFilter, byScoreThenId, checkPoints, checkQuery, clampScore, partitionKey } from '../points.ts';
import { Turns } from '../turns.ts';
import type { Near, NearestQuery, Partition, VectorFilter, VectorIndex, VectorIndexStats, VectorPoint } from '../vector-index.ts';
import * as sql from './statements.ts';
import type { Ask, VectorDatabase } from './vector-database.ts';

/** Rows that are compared exactly: about 10 ms of PostgreSQL's time at 384 dimensions. */
const EXACT_ROWS = 10_000;
/** Asked of the index beyond the limit: it is surest of its first results. */
const ASKED_PER_LIMIT = 2;
const BATCH_POINTS = 500;
/** A caller waits for a search. */
const SEARCH_WITHIN_MS = 2_000;
/** How long a partition's size is believed: other processes add to it too. */
const SIZE_FOR_MS = 10_000;

/** Opens the room over `database`. Rejects with `setting-invalid` when its PostgreSQL has no pgvector. */
export async function openPgvectorIndex(kit: Kit, database: VectorDatabase, options: { exactRows?: number } = {}): Promise<VectorIndex> {
  try {
    await ensureExtension(database);
  } catch (error) {
    await database.close().catch(() => {});
    throw error;
  }
  return new PgvectorIndex(kit, database, options.exactRows ?? EXACT_ROWS);
}

async function ensureExtension({ ask }: VectorDatabase): Promise<void> {
  const hint = 'install pgvector (0.8 or later) on the PostgreSQL server and run CREATE EXTENSION vector, or set TANDEM_VECTORS=memory';
  let installed: { extversion: string } | undefined;
  try {
    const find = async () => (await ask<{ extversion: string }>("select extversion from pg_extension where extname = 'vector'"))[0];
    installed = await find();
    if (!installed) {
      const [available] = await ask("select 1 from pg_available_extensions where name = 'vector'");
      if (available) await ask('create extension if not exists vector');
      installed = await find();
    }
  } catch (error) {
    throw new TandemError('setting-invalid', `pgvector cannot be used: ${messageOf(error)}; ${hint}`, { setting: 'TANDEM_VECTORS' }, error);
  }
  const [major, minor] = (installed?.extversion ?? '0.0').split('.').map(Number);
  if (major > 0 || minor >= 8) return;
  const found = installed ? `its version ${installed.extversion} is too old` : 'the extension is not there';
  throw new TandemError('setting-invalid', `pgvector cannot be used: ${found}; ${hint}`, { setting: 'TANDEM_VECTORS' });
}

class PgvectorIndex implements VectorIndex {
  readonly name = 'pgvector';
  readonly #kit: Kit;
  readonly #database: VectorDatabase;
  readonly #exactRows: number;
  readonly #turns = new Turns();
  /** Tables made or seen, by dimensions. */
  readonly #tables = new Map<number, Promise<void>>();
  readonly #sizes = new Map<string, { size: number; at: number }>();
  #closed: Promise<void> | undefined;

  constructor(kit: Kit, database: VectorDatabase, exactRows: number) {
    this.#kit = kit;
    this.#exactRows = exactRows;
    this.#database = database;
  }

  async upsert(partition: Partition, points: readonly VectorPoint[]): Promise<void> {
    checkPoints(partition, points);
    if (points.length === 0) return;
    const latest = [...new Map(points.map((point) => [point.id, point])).values()];
    await this.#change(partition, async (ask) => {
      for (let from = 0; from < latest.length; from += BATCH_POINTS) {
        const batch = latest.slice(from, from + BATCH_POINTS);
        await ask(sql.upsert(partition), [
          ...sql.partitionValues(partition),
          batch.map(({ id }) => id),
          batch.map(({ documentId }) => documentId),
          batch.map(({ language }) => language),
          batch.map(({ audience }) => audience),
          batch.map(({ tags }) => JSON.stringify(tags)),
          batch.map(({ vector }) => sql.vectorText(vector)),
        ]);
      }
    });
  }

  async remove(partition: Partition, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#change(partition, (ask) => ask(sql.remove(partition), [...sql.partitionValues(partition), ids]));
  }

  async retain(partition: Partition, ids: readonly string[]): Promise<void> {
    await this.#change(partition, (ask) => ask(sql.retain(partition), [...sql.partitionValues(partition), ids]));
  }

  async drop(partition: Partition): Promise<void> {
    await this.#change(partition, (ask) => ask(sql.drop(partition), sql.partitionValues(partition)));
  }

  bases(businessId: string, embedder: string, dimensions: number): Promise<string[]> {
    return this.#reach(async () => {
      await this.#ready({ dimensions });
      const rows = await this.#database.ask<{ base: string }>(sql.bases({ dimensions }), [businessId, embedder]);
      return rows.map(({ base }) => base);
    });
  }

  async nearest(partition: Partition, query: NearestQuery): Promise<Near[]> {
    checkQuery(partition, query);
    const { signal } = query;
    const searched = this.#reach(() => this.#search(partition, query));
    const late = Promise.withResolvers<never>();
    const timer = this.#kit.clock.after(SEARCH_WITHIN_MS, () =>
      late.reject(new TandemError('unavailable', `pgvector: no answer within ${SEARCH_WITHIN_MS} ms`)),
    );
    try {
      return await Promise.race([signal ? untilAborted(searched, signal) : searched, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  size(partition: Partition): Promise<number> {
    return this.#reach(async () => {
      await this.#ready(partition);
      return this.#count(partition, {}, Number.MAX_SAFE_INTEGER);
    });
  }

  /** PostgreSQL keeps what it has committed. */
  async save(): Promise<void> {
    await this.#turns.idle();
  }

  stats(): VectorIndexStats {
    let points = 0;
    for (const { size } of this.#sizes.values()) points += size;
    return { partitions: this.#sizes.size, points, bytes: 0 };
  }

  close(): Promise<void> {
    this.#closed ??= this.#turns.idle().then(() => this.#database.close());
    return this.#closed;
  }

  async #search(partition: Partition, { vector, limit, filter }: NearestQuery): Promise<Near[]> {
    await this.#ready(partition);
    const active = activeFilter(filter);
    const total = await this.#sizeOf(partition);
    if (total === 0) return [];
    const few =
      total <= this.#exactRows || (active !== undefined && (await this.#count(partition, active, this.#exactRows + 1)) <= this.#exactRows);
    if (few || partition.dimensions > sql.MOST_INDEXED_DIMENSIONS) return this.#exact(partition, vector, limit, active);
    const { text, values } = sql.nearest(partition, active ?? {}, { vector, limit: limit * ASKED_PER_LIMIT, exact: false });
    const rows = await this.#database.transaction(async (ask) => {
      for (const setting of sql.scanSettings) await ask(setting);
      return ask<Near>(text, values);
    });
    // The scan gave up before enough rows had passed.
    if (rows.length < Math.min(limit * ASKED_PER_LIMIT, this.#exactRows)) return this.#exact(partition, vector, limit, active);
    return nearsOf(rows).slice(0, limit);
  }

  async #exact(partition: Partition, vector: Float32Array, limit: number, filter: VectorFilter | undefined): Promise<Near[]> {
    const { text, values } = sql.nearest(partition, filter ?? {}, { vector, limit, exact: true });
    return nearsOf(await this.#database.ask<Near>(text, values));
  }

  async #count(partition: Partition, filter: VectorFilter, most: number): Promise<number> {
    const { text, values } = sql.count(partition, filter, most);
    const [{ count }] = await this.#database.ask<{ count: number }>(text, values);
    return count;
  }

  async #sizeOf(partition: Partition): Promise<number> {
    const key = partitionKey(partition);
    const now = this.#kit.clock.now();
    const known = this.#sizes.get(key);
    if (known && now - known.at < SIZE_FOR_MS) return known.size;
    const size = await this.#count(partition, {}, this.#exactRows + 1);
    if (size > 0) this.#sizes.set(key, { size, at: now });
    return size;
  }

  #change(partition: Partition, work: (ask: Ask) => Promise<unknown>): Promise<void> {
    const key = partitionKey(partition);
    return this.#reach(() =>
      this.#turns.take(key, async () => {
        await this.#ready(partition);
        try {
          await this.#database.transaction(work);
        } finally {
          this.#sizes.delete(key);
        }
      }),
    );
  }

  #ready({ dimensions }: Pick<Partition, 'dimensions'>): Promise<void> {
    let ready = this.#tables.get(dimensions);
    if (!ready) {
      ready = this.#database.transaction(async (ask) => {
        for (const statement of sql.definition({ dimensions })) await ask(statement);
      });
      ready.catch(() => this.#tables.delete(dimensions));
      this.#tables.set(dimensions, ready);
    }
    return ready;
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new TandemError('unavailable', 'the vector index is closed');
    try {
      return await work();
    } catch (error) {
      if (error instanceof TandemError) throw error;
      throw new TandemError('unavailable', `pgvector: ${messageOf(error)}`, {}, error);
    }
  }
}

const nearsOf = (rows: readonly Near[]): Near[] => rows.map(({ id, score }) => ({ id, score: clampScore(score) })).sort(byScoreThenId);

/**
 * The default room: partitions in this process, loaded from their files when they are first asked for, the least recently
 * used put back there when they outgrow the bound. Changes of one partition stand in a queue; searches never wait for them.
 *
 * ```
 *   nowhere ──first use──▶ loading ──▶ resident ──changed: its file is deleted──▶ resident, unsaved ──┐
 *      ▲                                 │  ▲                                                         │
 *      └── unused, beyond the bound ─────┘  └── saved: after SAVE_AFTER_MS of quiet, by save(), close() ┘
 * ```
 */
import { mkdir } from 'node:fs/promises';
import { Cancelled, untilAborted } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { checkPoints, checkQuery, partitionKey } from '../points.ts';
import type { Near, NearestQuery, Partition, VectorIndex, VectorIndexStats, VectorPoint } from '../vector-index.ts';
import { type Graph, type MakeNativeIndex, openUsearch } from './graph.ts';
import { PartitionFile } from './partition-file.ts';
import { readFolder } from './partition-folder.ts';
import { DOUBTFUL_FLOATS, EXACT_FLOATS, PartitionIndex, PIECE_MS } from './partition-index.ts';

/** Unsaved changes are written after so much quiet. */
const SAVE_AFTER_MS = 30_000;

export interface MemoryIndexOptions {
  kit: Kit;
  /** Undefined: nothing persists, and nothing is ever put away. */
  folder?: string | undefined;
  /** Bytes to stay below, as far as partitions in use allow. */
  maxBytes: number;
  /** Floats an exact scan may read before a graph is asked instead. */
  exactFloats?: number;
  /** The same while a graph is not known to find enough. */
  doubtfulFloats?: number;
}

interface Resident {
  index: PartitionIndex;
  file: PartitionFile | undefined;
  lineage: string;
  /** Changed since its file was written. */
  unsaved: boolean;
  /** The graph that lies in the file, with so many entries; undefined when it is mapped, or none. */
  savedGraph: { graph: Graph; size: number } | undefined;
  usedAt: number;
}

interface Entry {
  partition: Partition;
  /** Undefined: in its file only, if anywhere. */
  resident: Resident | undefined;
  loading: Promise<Resident> | undefined;
  /** The last of the changes that stand in the queue, saving and putting away among them. */
  turn: Promise<unknown>;
}

/** Opens the room; of what its folder holds it reads who it belongs to, and loads what it is asked for. */
export async function openMemoryIndex(options: MemoryIndexOptions): Promise<MemoryIndex> {
  const { folder, kit } = options;
  const log = kit.log.with({ part: 'vectors' });
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const filed = folder === undefined ? [] : await readFolder(folder, log);
  return new MemoryIndex(options, filed, await openUsearch(log));
}

export class MemoryIndex implements VectorIndex {
  readonly name = 'memory';
  readonly #options: MemoryIndexOptions;
  readonly #makeNative: MakeNativeIndex | undefined;
  readonly #entries = new Map<string, Entry>();
  /** Aborted when it closes. */
  readonly #closing = new AbortController();
  #indexing: Promise<void> | undefined;
  #saveTimer: Timer | undefined;
  #closed: Promise<void> | undefined;

  /** `filed`: partitions that lie in the folder. */
  constructor(options: MemoryIndexOptions, filed: readonly Partition[], makeNative: MakeNativeIndex | undefined) {
    this.#options = options;
    this.#makeNative = makeNative;
    for (const partition of filed) this.#entry(partition);
  }

  async upsert(partition: Partition, points: readonly VectorPoint[]): Promise<void> {
    checkPoints(partition, points);
    if (points.length === 0) return;
    const latest = [...new Map(points.map((point) => [point.id, point])).values()];
    await this.#change(
      partition,
      (index) => this.#those(latest, (point) => !index.holds(point)),
      (index, changed) => {
        index.reserve(changed);
        return this.#inPieces(changed, (point) => index.put(point));
      },
    );
  }

  async remove(partition: Partition, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#change(
      partition,
      (index) => this.#those(ids, (id) => index.has(id)),
      (index, gone) => this.#inPieces(gone, (id) => index.take(id)),
    );
  }

  async retain(partition: Partition, ids: readonly string[]): Promise<void> {
    const named = new Set(ids);
    await this.#change(
      partition,
      (index) => this.#those(index.liveIds(), (id) => !named.has(id)),
      (index, gone) => this.#inPieces(gone, (id) => index.take(id)),
    );
  }

  async drop(partition: Partition): Promise<void> {
    this.#refuseClosed();
    const entry = this.#entry(partition);
    await this.#inTurn(entry, async () => {
      await entry.loading?.catch(() => {});
      // An empty one in its place: a search that comes meanwhile must not read the file that goes.
      entry.resident = this.#fresh(partition);
      await entry.resident.file?.remove();
    });
  }

  async bases(businessId: string, embedder: string, dimensions: number): Promise<string[]> {
    this.#refuseClosed();
    const own = [...this.#entries.values()].filter(
      ({ partition }) => partition.businessId === businessId && partition.embedder === embedder && partition.dimensions === dimensions,
    );
    const held = await Promise.all(own.map((entry) => this.#holdsPoints(entry)));
    return own.filter((_, i) => held[i]).map(({ partition }) => partition.base);
  }

  async nearest(partition: Partition, query: NearestQuery): Promise<Near[]> {
    this.#refuseClosed();
    checkQuery(partition, query);
    const entry = this.#entry(partition);
    let resident = entry.resident;
    if (!resident) {
      const loading = this.#load(entry);
      resident = await (query.signal ? untilAborted(loading, query.signal) : loading);
    }
    resident.usedAt = this.#options.kit.clock.now();
    const { index } = resident;
    const found = await index.nearest(query);
    if (index.wantsIndexing) this.#index();
    return found;
  }

  async size(partition: Partition): Promise<number> {
    this.#refuseClosed();
    return (await this.#load(this.#entry(partition))).index.size;
  }

  async save(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#inTurn(entry, () => this.#write(entry, false))));
  }

  stats(): VectorIndexStats {
    const stats = { partitions: 0, points: 0, bytes: 0 };
    for (const { resident } of this.#entries.values()) {
      if (!resident) continue;
      stats.partitions++;
      stats.points += resident.index.size;
      stats.bytes += resident.index.bytes;
    }
    return stats;
  }

  /** Resolves when every graph is built and every tail is in its graph: for benchmarks and tests. */
  async indexed(): Promise<void> {
    while (this.#indexing) await this.#indexing;
  }

  /** Writes what is unsaved, graphs too; then everything rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(new Cancelled('shutdown'));
    this.#saveTimer?.cancel();
    await this.#indexing;
    for (const entry of this.#entries.values()) await this.#inTurn(entry, () => this.#write(entry, true)).catch(() => {});
    this.#entries.clear();
  }

  #refuseClosed(): void {
    if (this.#closed) throw new TandemError('unavailable', 'the vector index is closed');
  }

  #entry(partition: Partition): Entry {
    const key = partitionKey(partition);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { partition, resident: undefined, loading: undefined, turn: Promise.resolve() };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #fileOf(partition: Partition): PartitionFile | undefined {
    return this.#options.folder === undefined ? undefined : new PartitionFile(this.#options.folder, partition);
  }

  async #holdsPoints({ partition, resident }: Entry): Promise<boolean> {
    if (resident) return resident.index.size > 0;
    return (await this.#fileOf(partition)?.exists()) ?? false;
  }

  /** After everything that asked before. A failure of one is not the next one's. */
  #inTurn<T>(entry: Entry, work: () => Promise<T>): Promise<T> {
    const done = entry.turn.then(work);
    entry.turn = done.catch(() => {});
    return done;
  }

  /** `find` says what would change something: when that is nothing, the file stays true and everything as it is. */
  #change<T>(
    partition: Partition,
    find: (index: PartitionIndex) => Promise<T[]>,
    work: (index: PartitionIndex, found: T[]) => Promise<void>,
  ): Promise<void> {
    this.#refuseClosed();
    const entry = this.#entry(partition);
    return this.#inTurn(entry, async () => {
      const resident = await this.#load(entry);
      resident.usedAt = this.#options.kit.clock.now();
      const found = await find(resident.index);
      if (found.length === 0) return;
      if (!resident.unsaved) {
        await resident.file?.invalidate();
        resident.unsaved = true;
      }
      await work(resident.index, found);
      this.#saveLater();
      this.#index();
      this.#makeRoom();
    });
  }

  async #those<T>(items: Iterable<T>, matters: (item: T) => boolean): Promise<T[]> {
    const found: T[] = [];
    await this.#inPieces(items, (item) => {
      if (matters(item)) found.push(item);
    });
    return found;
  }

  async #inPieces<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
    const { clock } = this.#options.kit;
    let until = clock.now() + PIECE_MS;
    for (const item of items) {
      work(item);
      if (clock.now() < until) continue;
      await clock.sleep(0);
      until = clock.now() + PIECE_MS;
    }
  }

  #load(entry: Entry): Promise<Resident> {
    if (entry.resident) return Promise.resolve(entry.resident);
    entry.loading ??= this.#read(entry.partition)
      .then((resident) => {
        entry.resident = resident;
        this.#index();
        this.#makeRoom();
        return resident;
      })
      .finally(() => {
        entry.loading = undefined;
      });
    return entry.loading;
  }

  #fresh(partition: Partition): Resident {
    const { kit, exactFloats = EXACT_FLOATS, doubtfulFloats = DOUBTFUL_FLOATS } = this.#options;
    return {
      index: new PartitionIndex(partition, kit, this.#makeNative, { exactFloats, doubtfulFloats }),
      file: this.#fileOf(partition),
      lineage: kit.ids.make('lineage'),
      unsaved: false,
      savedGraph: undefined,
      usedAt: kit.clock.now(),
    };
  }

  async #read(partition: Partition): Promise<Resident> {
    const log = this.#options.kit.log.with({ part: 'vectors', businessId: partition.businessId, base: partition.base });
    const resident = this.#fresh(partition);
    const { file } = resident;
    if (!file) return resident;
    try {
      resident.lineage = await file.readVectors(resident.index);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return resident;
      log.warn({ reason: messageOf(error) }, 'a file of vectors cannot be read: the base is empty until it is filled again');
      await file.remove().catch(() => {});
      return this.#fresh(partition);
    }
    const { index, lineage } = resident;
    try {
      if (this.#makeNative) await file.readGraph(index, this.#makeNative, lineage);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        log.warn({ reason: messageOf(error) }, 'a graph cannot be read: it is built anew');
    }
    return resident;
  }

  /** Nothing else changes the partition meanwhile: it stands in the queue. */
  async #write({ resident }: Entry, withGraph: boolean): Promise<void> {
    if (!resident?.file) return;
    const { index, file, lineage } = resident;
    try {
      if (resident.unsaved && index.size === 0) await file.remove();
      else if (resident.unsaved) await file.writeVectors(index, lineage);
      resident.unsaved = false;
      const { graph } = index;
      const saved = resident.savedGraph;
      if (!withGraph || !graph || graph.fixed || (graph === saved?.graph && graph.size === saved.size)) return;
      const { size } = graph;
      await file.writeGraph(index, graph, lineage);
      resident.savedGraph = { graph, size };
    } catch (error) {
      this.#options.kit.log.warn(
        { part: 'vectors', reason: messageOf(error) },
        'vectors cannot be written: they are rebuilt after a restart',
      );
      throw new TandemError('unavailable', 'the vector index cannot be written', {}, error);
    }
  }

  #saveLater(): void {
    if (this.#options.folder === undefined || this.#closed) return;
    this.#saveTimer?.cancel();
    this.#saveTimer = this.#options.kit.clock.after(SAVE_AFTER_MS, () => {
      this.save().catch(() => {}); // It has been logged.
    });
  }

  /** One partition after the other, a piece at a time, until nothing is left to be indexed. */
  #index(): void {
    if (this.#indexing || this.#closed || !this.#nextToIndex()) return;
    this.#indexing = this.#indexAll().then(
      () => {
        this.#indexing = undefined;
        this.#index(); // What came between the last look and now.
      },
      (error: unknown) => {
        this.#indexing = undefined;
        if (!this.#closing.signal.aborted) this.#options.kit.log.error({ part: 'vectors', error }, 'indexing failed until the next change');
      },
    );
  }

  async #indexAll(): Promise<void> {
    for (let index = this.#nextToIndex(); index; index = this.#nextToIndex()) {
      await this.#options.kit.clock.sleep(0, this.#closing.signal);
      if (index.wantsIndexing) index.indexPiece();
    }
  }

  #nextToIndex(): PartitionIndex | undefined {
    for (const { resident } of this.#entries.values()) if (resident?.index.wantsIndexing) return resident.index;
    return undefined;
  }

  /** Puts the least recently used away until the rest fits, the most recent never. */
  #makeRoom(): void {
    if (this.#options.folder === undefined) return;
    let { bytes } = this.stats();
    const oldest = [...this.#entries.values()]
      .filter(({ resident }) => resident !== undefined)
      .sort((a, b) => (a.resident?.usedAt ?? 0) - (b.resident?.usedAt ?? 0));
    for (const entry of oldest.slice(0, -1)) {
      if (bytes <= this.#options.maxBytes) return;
      bytes -= entry.resident?.index.bytes ?? 0;
      this.#inTurn(entry, () => this.#putAway(entry)).catch(() => {}); // It stays; the fault has been logged.
    }
  }

  async #putAway(entry: Entry): Promise<void> {
    await this.#write(entry, true);
    if (!entry.resident?.unsaved) entry.resident = undefined;
  }
}

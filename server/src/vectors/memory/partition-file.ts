/**
 * A partition on disk. `NAME.vectors` holds the rows and what belongs to them; `NAME.graph` is usearch's own file, and
 * `NAME.members` says which rows of which lineage it holds and its checksum. A graph older than the vectors serves as far
 * as it goes; one that is missing or damaged is built anew. Vectors that are damaged are gone: their partition is empty,
 * and whoever owns the rows puts them in again.
 */
import { createHash } from 'node:crypto';
import { access, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { partitionKey } from '../points.ts';
import type { Partition, VectorMetadata } from '../vector-index.ts';
import {
  BLOCK_BYTES,
  type BlockReader,
  type BlockWriter,
  checksumOf,
  DamagedFile,
  readBlocks,
  readFirstBlock,
  writeBlocks,
} from './block-file.ts';
import { Graph, type MakeNativeIndex } from './graph.ts';
import type { PartitionIndex } from './partition-index.ts';

const FORMAT = 'tandem-vectors-1';
/** Raised with anything that changes what a graph is made of: one of another kind is built anew. */
const GRAPH_FORMAT = 'tandem-graph-2';
const NAMES_PER_BLOCK = 2_048;
/** Facet of a slot that is a hole. */
const HOLE = 0xff_ff_ff_ff;

const header = z.object({
  format: z.literal(FORMAT),
  partition: z.object({ businessId: z.string(), base: z.string(), embedder: z.string(), dimensions: z.number() }),
  lineage: z.string(),
  stride: z.number(),
  slots: z.number().int(),
  facets: z.number().int(),
});
const membersHeader = z.object({
  format: z.literal(GRAPH_FORMAT),
  lineage: z.string(),
  bytes: z.number(),
  crc: z.number(),
  pairs: z.number().int(),
});
const names = z.array(z.string().nullable());
const metadata = z.array(
  z.object({ documentId: z.string(), language: z.string(), tags: z.array(z.string()), audience: z.string() }).nullable(),
);

export class PartitionFile {
  readonly #path: string;

  constructor(folder: string, partition: Partition) {
    this.#path = join(folder, nameOf(partition));
  }

  /** Whether there are vectors in it; nothing is said of their state. */
  exists(): Promise<boolean> {
    return access(`${this.#path}.vectors`).then(
      () => true,
      () => false,
    );
  }

  /** What it holds no longer stands: called before the first change, so that a crash cannot bring back what was removed. */
  async invalidate(): Promise<void> {
    await rm(`${this.#path}.vectors`, { force: true });
  }

  async remove(): Promise<void> {
    for (const end of ['vectors', 'graph', 'members']) await rm(`${this.#path}.${end}`, { force: true });
  }

  /** Nothing may change `index` meanwhile; searching it is allowed. */
  async writeVectors(index: PartitionIndex, lineage: string): Promise<void> {
    const { rows, slots, partition } = index;
    await writeBlocks(`${this.#path}.vectors`, async (writer) => {
      const list = index.facets.list();
      await writer.write(json({ format: FORMAT, partition, lineage, stride: rows.stride, slots, facets: list.length }));
      await writeList(writer, list);
      await writeList(
        writer,
        Array.from({ length: slots }, (_, slot) => index.ids[slot] ?? null),
      );
      const facets = Uint32Array.from({ length: slots }, (_, slot) =>
        index.ids[slot] === undefined ? HOLE : index.facets.of.values[slot],
      );
      await writeBytes(writer, bytesOf(facets));
      await writeBytes(writer, bytesOf(index.generations.values.slice(0, slots)));
      const perBlock = rowsPerBlock(rows.stride);
      for (let from = 0; from < slots; from += perBlock) await writer.write(rows.bytesOf(from, Math.min(slots, from + perBlock)));
    });
  }

  /** Fills an empty `index` and answers its lineage. Throws `DamagedFile`, or `ENOENT` when there is none. */
  async readVectors(index: PartitionIndex): Promise<string> {
    const { rows } = index;
    return readBlocks(`${this.#path}.vectors`, async (reader) => {
      const head = parse(header, await reader.read());
      if (partitionKey(head.partition) !== partitionKey(index.partition) || head.stride !== rows.stride) {
        throw new DamagedFile('it belongs to something else');
      }
      const facets = await readList(reader, head.facets, metadata);
      const ids = await readList(reader, head.slots, names);
      const facetOf = words(await readBytes(reader, head.slots * 4));
      const generations = words(await readBytes(reader, head.slots * 4));
      rows.reserve(head.slots);
      index.generations.reserve(head.slots);
      index.generations.values.set(generations);
      const perBlock = rowsPerBlock(rows.stride);
      for (let from = 0; from < head.slots; from += perBlock) {
        const to = Math.min(head.slots, from + perBlock);
        const block = await reader.read();
        if (block.length !== (to - from) * rows.stride * 4) throw new DamagedFile('rows are missing');
        rows.restore(from, block);
        for (let slot = from; slot < to; slot++) {
          const known = facets[facetOf[slot]] as VectorMetadata | null | undefined;
          const id = ids[slot];
          if ((id === null) !== (facetOf[slot] === HOLE) || (id !== null && !known)) throw new DamagedFile('ids and metadata differ');
          if (known) index.facets.put(slot, known);
          index.restore(slot, id ?? undefined);
        }
      }
      return head.lineage;
    });
  }

  /** Blocks while usearch writes, about 1 ms per 1,000 entries. */
  async writeGraph(index: PartitionIndex, graph: Graph, lineage: string): Promise<void> {
    const members = index.members();
    const draft = `${this.#path}.graph.new`;
    graph.save(draft);
    const { bytes, crc } = await checksumOf(draft);
    await rename(draft, `${this.#path}.graph`);
    await writeBlocks(`${this.#path}.members`, async (writer) => {
      await writer.write(json({ format: GRAPH_FORMAT, lineage, bytes, crc, pairs: members.length / 2 }));
      await writeBytes(writer, bytesOf(members));
    });
  }

  /** Gives `index` the graph that belongs to it. False when there is none of this lineage. Throws `DamagedFile`. */
  async readGraph(index: PartitionIndex, make: MakeNativeIndex, lineage: string): Promise<boolean> {
    const path = `${this.#path}.graph`;
    const members = await readBlocks(`${this.#path}.members`, async (reader) => {
      const head = parse(membersHeader, await reader.read());
      const pairs = words(await readBytes(reader, head.pairs * 8));
      return { ...head, pairs };
    });
    if (members.lineage !== lineage) return false;
    const { bytes, crc } = await checksumOf(path);
    if (bytes !== members.bytes || crc !== members.crc) throw new DamagedFile('the graph is not the one that was written');
    const held = new Map<number, number>();
    for (let i = 0; i < members.pairs.length; i += 2) held.set(members.pairs[i], members.pairs[i + 1]);
    index.adopt(Graph.mapped(make, index.partition.dimensions, path), (slot, generation) => held.get(slot) === generation);
    return true;
  }
}

/** Without its end. */
const nameOf = (partition: Partition) => createHash('sha256').update(partitionKey(partition)).digest('hex').slice(0, 32);

/** Whose vectors lie in `folder` under `name`, which has no end. Throws `DamagedFile`, or what the file system throws. */
export async function readPartition(folder: string, name: string): Promise<Partition> {
  const { partition } = parse(header, await readFirstBlock(join(folder, `${name}.vectors`)));
  if (nameOf(partition) !== name) throw new DamagedFile('it belongs to something else');
  return partition;
}

const rowsPerBlock = (stride: number) => Math.max(1, Math.floor(BLOCK_BYTES / (stride * 4)));
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const bytesOf = (values: Uint32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const words = (bytes: Uint8Array<ArrayBuffer>) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);

function parse<T>(shape: z.ZodType<T>, block: Buffer): T {
  try {
    return shape.parse(JSON.parse(block.toString('utf8')));
  } catch {
    throw new DamagedFile('a block is not what it should be');
  }
}

async function writeList(writer: BlockWriter, values: readonly unknown[]): Promise<void> {
  for (let from = 0; from < values.length; from += NAMES_PER_BLOCK) await writer.write(json(values.slice(from, from + NAMES_PER_BLOCK)));
}

async function readList<T>(reader: BlockReader, length: number, shape: z.ZodType<T[]>): Promise<T[]> {
  const values: T[] = [];
  while (values.length < length) {
    const block = parse(shape, await reader.read());
    if (block.length === 0) throw new DamagedFile('a list is too short');
    values.push(...block);
  }
  if (values.length !== length) throw new DamagedFile('a list is too long');
  return values;
}

async function writeBytes(writer: BlockWriter, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) await writer.write(bytes.subarray(from, from + BLOCK_BYTES));
}

async function readBytes(reader: BlockReader, length: number): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const block = await reader.read();
    if (block.length === 0 || at + block.length > length) throw new DamagedFile('a column has another length');
    bytes.set(block, at);
    at += block.length;
  }
  return bytes;
}

/**
 * A graph of near neighbours (HNSW) over copies of the rows in 8 bits, by usearch. What it finds are candidates:
 * whoever asks scores them again, exactly. Keys are a slot and its generation, so that what was removed or replaced
 * since is known as dead without telling the graph; a graph with too many dead is built anew.
 */
import { messageOf } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';

/** The little of usearch that is used. */
interface NativeIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vector: Float32Array, limit: number, threads: number): { keys: BigUint64Array };
  size(): number;
  save(path: string): void;
  view(path: string): void;
}

export type MakeNativeIndex = (dimensions: number) => NativeIndex;

/**
 * Neighbours per node, and breadth while building. Numbers of 8 bits find the same candidates as those of 16 (measured at
 * 100,000 clustered vectors of 384: all of the nearest ten among 64), in a third of the time, and are built in half of it.
 */
const CONNECTIVITY = 16;
const BUILD_BREADTH = 96;
/** A second thread would take the core of the calls. */
const THREADS = 1;

/** Undefined where the native part is not to be had: then every search is an exact scan. */
export async function openUsearch(log: Log): Promise<MakeNativeIndex | undefined> {
  try {
    const { Index, MetricKind, ScalarKind } = await import('usearch');
    return (dimensions) =>
      new Index({
        dimensions,
        metric: MetricKind.IP,
        quantization: ScalarKind.I8,
        connectivity: CONNECTIVITY,
        expansion_add: BUILD_BREADTH,
        expansion_search: 0,
        multi: false,
      });
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'usearch cannot be loaded: large knowledge bases are searched by exact scan, more slowly');
    return undefined;
  }
}

export class Graph {
  readonly #native: NativeIndex;
  /** It lies in a file that is mapped: nothing can be added. */
  readonly fixed: boolean;
  readonly #dimensions: number;
  readonly #key = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#key.buffer);
  #size: number;

  private constructor(native: NativeIndex, dimensions: number, fixed: boolean) {
    this.#native = native;
    this.#dimensions = dimensions;
    this.fixed = fixed;
    this.#size = native.size();
  }

  static empty(make: MakeNativeIndex, dimensions: number): Graph {
    return new Graph(make(dimensions), dimensions, false);
  }

  /** Throws when usearch refuses the file. A file whose checksum was not compared first may end the process. */
  static mapped(make: MakeNativeIndex, dimensions: number, path: string): Graph {
    const native = make(dimensions);
    native.view(path);
    return new Graph(native, dimensions, true);
  }

  /** Entries, dead ones among them. */
  get size(): number {
    return this.#size;
  }

  /** Bytes, by estimate: vector in 8 bits, links of all levels, look-up. A mapped file is not counted: the system drops its pages. */
  get bytes(): number {
    return this.fixed ? 0 : this.#size * (this.#dimensions + CONNECTIVITY * 2 * 4 * 1.1 + 48);
  }

  add(slot: number, generation: number, vector: Float32Array): void {
    this.#halves[0] = slot;
    this.#halves[1] = generation;
    this.#native.add(this.#key, vector, THREADS);
    this.#size++;
  }

  /** The nearest `breadth` entries, nearly: pairs of slot and generation, one after the other. */
  candidates(vector: Float32Array, breadth: number): Uint32Array {
    const { keys } = this.#native.search(vector, Math.min(breadth, this.#size), THREADS);
    return new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2);
  }

  /** Blocks for about 1 ms per 1,000 entries. */
  save(path: string): void {
    this.#native.save(path);
  }
}

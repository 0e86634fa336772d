/**
 * Vectors as rows of one contiguous buffer, and their dot products with a query. A small buffer is an ordinary one and
 * scanned by a plain loop; a larger one is memory of a WebAssembly instance and scanned by SIMD. (Every such memory
 * reserves 8 GiB or more of address space, so that a process can have some thousands of them, not one per small tenant.)
 *
 * ```
 *   query | slots of a piece | scores of a piece | row 0 | row 1 | …
 * ```
 */
import { TandemError } from '#kit/errors.ts';
import { type Dots, dotsOver, STRIDE_FLOATS } from './dot-kernel.ts';
import { VectorCodes } from './vector-codes.ts';
import { type KernelMemory, makeMemory, MOST_BYTES, PAGE_BYTES } from './wasm-assembly.ts';

/** Rows scored by one call of the kernel. */
export const PIECE_ROWS = 1024;
/** From so many rows on SIMD: below, a plain loop takes less than 50 µs at 384 dimensions. */
const SIMD_FROM_ROWS = 256;
const FIRST_ROWS = 16;
/** From so many rows on they are coded besides, and a list of so many is narrowed by the codes before it is scored. */
export const CODED_FROM_ROWS = 2_048;

export class VectorRows {
  readonly dimensions: number;
  /** Floats from one row to the next. */
  readonly stride: number;
  readonly #rowsAt: number;
  #memory: KernelMemory | undefined;
  #buffer: ArrayBuffer;
  #floats: Float32Array;
  #words: Uint32Array;
  #dots: Dots;
  #codes: VectorCodes | undefined;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.stride = Math.ceil(dimensions / STRIDE_FLOATS) * STRIDE_FLOATS;
    this.#rowsAt = this.stride + 2 * PIECE_ROWS;
    this.#buffer = new ArrayBuffer(this.#bytesFor(0));
    this.#floats = new Float32Array(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
    this.#dots = this.#plainDots;
  }

  get bytes(): number {
    return this.#buffer.byteLength + (this.#codes?.bytes ?? 0);
  }

  get capacity(): number {
    return Math.floor((this.#floats.length - this.#rowsAt) / this.stride);
  }

  /** Makes room for so many rows. Throws `too-large` past 4 GiB. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const wanted = this.#bytesFor(Math.max(rows, FIRST_ROWS, Math.ceil(this.capacity * 1.5)));
    const bytes = wanted > MOST_BYTES ? this.#bytesFor(rows) : wanted;
    if (bytes > MOST_BYTES) throw new TandemError('too-large', 'a knowledge base holds at most 4 GiB of vectors', { rows });
    const old = this.#words;
    if (this.#memory) {
      this.#memory.grow(Math.ceil((bytes - this.#buffer.byteLength) / PAGE_BYTES));
      this.#use(this.#memory.buffer);
      this.#makeCodes();
      return;
    }
    this.#memory = rows >= SIMD_FROM_ROWS ? simdMemory(bytes) : undefined;
    this.#use(this.#memory?.buffer ?? new ArrayBuffer(bytes));
    this.#words.set(old);
    this.#dots = this.#memory ? dotsOver(this.#memory) : this.#plainDots;
    this.#makeCodes();
  }

  /** `slot` is within what was reserved. */
  write(slot: number, vector: Float32Array): void {
    this.#floats.set(vector, this.#rowsAt + slot * this.stride);
    this.#codes?.write(slot, vector);
  }

  /** Rows as `bytesOf` gave them, from row `from` on. */
  restore(from: number, bytes: Uint8Array): void {
    const to = from + bytes.length / (4 * this.stride);
    this.bytesOf(from, to).set(bytes);
    for (let slot = from; slot < to; slot++) this.#codes?.write(slot, this.row(slot));
  }

  /** Whether the row holds this very vector. */
  same(slot: number, vector: Float32Array): boolean {
    const at = this.#rowsAt + slot * this.stride;
    const floats = this.#floats;
    for (let i = 0; i < vector.length; i++) if (floats[at + i] !== vector[i]) return false;
    return true;
  }

  /** A view that is good until the next `reserve`. */
  row(slot: number): Float32Array {
    const at = this.#rowsAt + slot * this.stride;
    return this.#floats.subarray(at, at + this.dimensions);
  }

  /** The bytes of rows `from` to `to`, padding among them; good until the next `reserve`. */
  bytesOf(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#buffer, (this.#rowsAt + from * this.stride) * 4, (to - from) * this.stride * 4);
  }

  /**
   * Those of `slots` that can be among the `wanted` nearest to `query`, in the same order: all that are, few others where
   * that can be told at less cost than scoring them.
   */
  narrow(query: Float32Array, slots: Uint32Array, wanted: number): Uint32Array {
    if (!this.#codes || slots.length < CODED_FROM_ROWS || wanted > PIECE_ROWS) return slots;
    return this.#codes.narrow(query, slots, wanted, (few) => this.score(query, few, 0, few.length));
  }

  /**
   * The dot products of `query` with the rows of `slots` from `from` on, at most {@link PIECE_ROWS} of them; good until the next call.
   */
  score(query: Float32Array, slots: Uint32Array, from: number, to: number): Float32Array {
    const count = Math.min(PIECE_ROWS, to - from);
    const slotsAt = this.stride;
    const scoresAt = slotsAt + PIECE_ROWS;
    this.#floats.set(query, 0);
    this.#words.set(slots.subarray(from, from + count), slotsAt);
    if (count > 0) this.#dots(0, this.#rowsAt * 4, slotsAt * 4, count, this.stride * 4, scoresAt * 4);
    return this.#floats.subarray(scoresAt, scoresAt + count);
  }

  /** As many codes as rows, or none. */
  #makeCodes(): void {
    const rows = this.capacity;
    if (!this.#memory || rows < CODED_FROM_ROWS || this.#codes?.reserve(rows)) return;
    const fresh = this.#codes === undefined;
    this.#codes = fresh ? VectorCodes.of(this.dimensions, rows) : undefined;
    if (this.#codes) for (let slot = 0; slot < rows; slot++) this.#codes.write(slot, this.row(slot));
  }

  #bytesFor(rows: number): number {
    return (this.#rowsAt + rows * this.stride) * 4;
  }

  #use(buffer: ArrayBuffer): void {
    this.#buffer = buffer;
    this.#floats = new Float32Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  /** The kernel as a plain loop: same sums, one lane after the other. */
  readonly #plainDots: Dots = (query, rows, slots, count, stride, out) => {
    const floats = this.#floats;
    const words = this.#words;
    const [queryAt, width] = [query / 4, stride / 4];
    for (let i = 0; i < count; i++) {
      const row = rows / 4 + words[slots / 4 + i] * width;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0; k < width; k += 4) {
        a += floats[queryAt + k] * floats[row + k];
        b += floats[queryAt + k + 1] * floats[row + k + 1];
        c += floats[queryAt + k + 2] * floats[row + k + 2];
        d += floats[queryAt + k + 3] * floats[row + k + 3];
      }
      floats[out / 4 + i] = a + b + (c + d);
    }
  };
}

/** Undefined where there is no address space left for it, or no SIMD: then the plain loop serves. */
function simdMemory(bytes: number): KernelMemory | undefined {
  try {
    const memory = makeMemory(bytes);
    dotsOver(memory);
    return memory;
  } catch {
    return undefined;
  }
}

/**
 * Rows in 8 bits each number, beside the exact ones: a scan of them says which rows can be among the nearest at all, and
 * only these are compared exactly. Nothing is lost: how far a coded score can be from the exact one is known
 * (Cauchy-Schwarz: |x·y - x·c| <= |x| |y - c|). The rows with the best coded scores are compared exactly first; whose coded
 * score is farther than that below the worst of these cannot be nearer than any of them.
 *
 * ```
 *   query in 16 bits | slots of a piece | scores of a piece | row 0: codes, scale | row 1 | …
 * ```
 */
import { type CodeDots, codeDotsOver, TAIL_BYTES, WIDTH_CODES } from './code-kernel.ts';
import { type KernelMemory, makeMemory, MOST_BYTES, PAGE_BYTES } from './wasm-assembly.ts';

const PIECE_ROWS = 1024;
const MOST_CODE = 127;
const MOST_SHORT = 32_767;
/** What sums in 32 bits, here and in the exact kernel, may add to a difference. */
const ROUNDING = 1e-5;

/** Kept between the scans of one thread: slots that may still be among the nearest, and their coded scores. */
let kept = new Uint32Array(0);
let scores = new Float32Array(0);

export class VectorCodes {
  readonly #dimensions: number;
  readonly #width: number;
  readonly #stride: number;
  readonly #rowsAt: number;
  readonly #memory: KernelMemory;
  readonly #dots: CodeDots;
  #bytes!: Int8Array;
  #floats!: Float32Array;
  /** The farthest that any row was from its codes. */
  #worst = 0;

  private constructor(dimensions: number, rows: number) {
    this.#dimensions = dimensions;
    this.#width = Math.ceil(dimensions / WIDTH_CODES) * WIDTH_CODES;
    this.#stride = this.#width + TAIL_BYTES;
    this.#rowsAt = 2 * this.#width + 8 * PIECE_ROWS;
    this.#memory = makeMemory(this.#bytesFor(rows));
    this.#dots = codeDotsOver(this.#memory);
    this.#use();
  }

  /** Undefined where there is no address space left for them, or no SIMD. */
  static of(dimensions: number, rows: number): VectorCodes | undefined {
    try {
      return new VectorCodes(dimensions, rows);
    } catch {
      return undefined;
    }
  }

  get bytes(): number {
    return this.#bytes.length;
  }

  /** Makes room for so many rows; false when there is none. */
  reserve(rows: number): boolean {
    const bytes = this.#bytesFor(rows);
    if (bytes <= this.#bytes.length) return true;
    if (bytes > MOST_BYTES) return false;
    try {
      this.#memory.grow(Math.ceil((bytes - this.#bytes.length) / PAGE_BYTES));
    } catch {
      return false;
    }
    this.#use();
    return true;
  }

  /** `slot` is within what was reserved. */
  write(slot: number, vector: Float32Array): void {
    const at = this.#rowsAt + slot * this.#stride;
    const scale = Math.fround(largest(vector) / MOST_CODE);
    const perUnit = scale === 0 ? 0 : 1 / scale;
    const bytes = this.#bytes;
    let squared = 0;
    for (let i = 0; i < this.#dimensions; i++) {
      const code = Math.min(MOST_CODE, Math.max(-MOST_CODE, Math.round(vector[i] * perUnit)));
      bytes[at + i] = code;
      squared += (vector[i] - code * scale) ** 2;
    }
    this.#floats[(at + this.#width) / 4] = scale;
    this.#worst = Math.max(this.#worst, Math.sqrt(squared));
  }

  /**
   * Those of `slots` that can be among the `wanted` nearest of them, in the same order: all that are, and few others. Good
   * until the next call, of any partition. `exact` answers the exact scores of a few.
   */
  narrow(query: Float32Array, slots: Uint32Array, wanted: number, exact: (few: Uint32Array) => Float32Array): Uint32Array {
    if (wanted >= slots.length) return slots;
    const { scale, wrong } = this.#setQuery(query);
    const { count, least } = this.#above(slots, wanted, (2 * wrong) / scale);
    const surest = new Uint32Array(wanted);
    for (let i = 0, found = 0; i < count && found < wanted; i++) if (scores[i] >= least) surest[found++] = kept[i];
    let bound = Number.POSITIVE_INFINITY;
    for (const score of exact(surest)) if (score < bound) bound = score;
    const leastCoded = (bound - wrong) / scale;
    let narrowed = 0;
    for (let i = 0; i < count; i++) if (scores[i] >= leastCoded) kept[narrowed++] = kept[i];
    return kept.subarray(0, narrowed);
  }

  /**
   * Puts all whose coded score is at most `margin` below that of the last of the `wanted` best (`least`) into `kept`, with
   * their scores beside them; some that are below it may be among them.
   */
  #above(slots: Uint32Array, wanted: number, margin: number): { count: number; least: number } {
    if (kept.length < slots.length) {
      kept = new Uint32Array(Math.ceil(slots.length * 1.5));
      scores = new Float32Array(kept.length);
    }
    const best = new Float32Array(wanted).fill(Number.NEGATIVE_INFINITY);
    const scoresAt = (2 * this.#width) / 4 + PIECE_ROWS;
    const floats = this.#floats;
    let count = 0;
    let least = Number.NEGATIVE_INFINITY;
    let bound = Number.NEGATIVE_INFINITY;
    for (let from = 0; from < slots.length; from += PIECE_ROWS) {
      const rows = Math.min(PIECE_ROWS, slots.length - from);
      this.#score(slots, from, rows);
      for (let i = 0; i < rows; i++) {
        const score = floats[scoresAt + i];
        if (score < bound) continue;
        kept[count] = slots[from + i];
        scores[count++] = score;
        if (score <= least) continue;
        insert(best, score);
        least = best[wanted - 1];
        bound = least - margin;
      }
    }
    return { count, least };
  }

  /** Answers what coded scores are to be multiplied by, and the most that they are wrong then. */
  #setQuery(query: Float32Array): { scale: number; wrong: number } {
    const shorts = new Int16Array(this.#memory.buffer, 0, this.#width);
    const most = Math.min(MOST_SHORT, Math.floor((2 ** 31 - 1) / (MOST_CODE * this.#width)));
    const scale = Math.max(Number.MIN_VALUE, largest(query) / most);
    let squared = 0;
    let lost = 0;
    for (let i = 0; i < this.#dimensions; i++) {
      const short = Math.round(query[i] / scale);
      shorts[i] = short;
      squared += query[i] ** 2;
      lost += (query[i] - short * scale) ** 2;
    }
    const length = Math.sqrt(squared);
    // A coded row is at most a little longer than the row, which has length 1.
    const wrong = length * this.#worst + Math.sqrt(lost) * (1.1 + this.#worst) + ROUNDING;
    return { scale, wrong };
  }

  #score(slots: Uint32Array, from: number, count: number): void {
    const slotsAt = 2 * this.#width;
    new Uint32Array(this.#memory.buffer, slotsAt, count).set(slots.subarray(from, from + count));
    this.#dots(0, this.#rowsAt, slotsAt, count, this.#width, slotsAt + 4 * PIECE_ROWS);
  }

  #bytesFor(rows: number): number {
    return this.#rowsAt + rows * this.#stride;
  }

  #use(): void {
    this.#bytes = new Int8Array(this.#memory.buffer);
    this.#floats = new Float32Array(this.#memory.buffer);
  }
}

function largest(vector: Float32Array): number {
  let most = 0;
  for (let i = 0; i < vector.length; i++) most = Math.max(most, Math.abs(vector[i]));
  return most;
}

/** Into a list that descends; its last one falls out. */
function insert(best: Float32Array, score: number): void {
  let at = best.length - 1;
  for (; at > 0 && best[at - 1] < score; at--) best[at] = best[at - 1];
  best[at] = score;
}

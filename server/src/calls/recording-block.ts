/**
 * Sound of one call on its way to its recording: up to 700 ms, caller and assistant sample by sample, under a header that
 * says whose it is and where it belongs. Blocks of all calls follow each other in one file (`recording-spool.ts`).
 *
 * ```
 *  0  "TRB1"            8  bytes of sound (u32)             16  CRC-32 of all but itself (u32)
 *  4  bytes of head (u32)  12  place in the call's sound (u32)  20  name "businessId/callId", ASCII, padded with 0
 * ```
 * Numbers are little-endian.
 */
import { crc32 } from 'node:zlib';
import { MULAW_SILENCE } from '#audio/frame.ts';

const MAGIC = 'TRB1';
const NAME_AT = 20;
/** A folder's and a file's name, and a stroke. */
const MOST_NAME_BYTES = 2 * 255 + 1;
const MOST_HEAD_BYTES = (NAME_AT + MOST_NAME_BYTES + 3) & ~3;
/** Samples of a frame of 20 ms at 8 kHz. */
export const FRAME_SAMPLES = 160;
/** Of both parties. */
export const FRAME_BYTES = 2 * FRAME_SAMPLES;
/** 700 ms; with the time that blocks are gathered at most 800 ms are not yet with the operating system. */
export const BLOCK_FRAMES = 35;

// The left sample is the first byte of each pair.
const [LEFT_SHIFT, RIGHT_SHIFT] = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? [0, 8] : [8, 0];
const RIGHT_QUIET = MULAW_SILENCE << RIGHT_SHIFT;

/** One block's memory; goes round between calls. */
export class RecordingBlock {
  readonly #bytes = new Uint8Array(MOST_HEAD_BYTES + BLOCK_FRAMES * FRAME_BYTES);
  readonly #pairs = new Uint16Array(this.#bytes.buffer);
  readonly #view = new DataView(this.#bytes.buffer);
  #head = 0;
  #end = 0;

  /** Empties it for a call's sound from byte `place` on. Throws a RangeError for a name that no path could hold. */
  begin(name: string, place: number): void {
    if (name.length > MOST_NAME_BYTES) throw new RangeError('the name of a recording is too long');
    this.#head = (NAME_AT + name.length + 3) & ~3;
    this.#bytes.fill(0, NAME_AT, this.#head);
    for (let i = 0; i < MAGIC.length; i++) this.#bytes[i] = MAGIC.charCodeAt(i);
    for (let i = 0; i < name.length; i++) this.#bytes[NAME_AT + i] = name.charCodeAt(i);
    this.#view.setUint32(4, this.#head, true);
    this.#view.setUint32(12, place, true);
    this.#end = this.#head;
  }

  /** Bytes of sound in it. */
  get length(): number {
    return this.#end - this.#head;
  }

  get place(): number {
    return this.#view.getUint32(12, true);
  }

  /** Bytes before the sound. */
  get head(): number {
    return this.#head;
  }

  /** Adds 20 ms of µ-law of each party, 160 samples; `right` undefined is silence. There must be room. */
  add(left: Uint8Array, right: Uint8Array | undefined): void {
    const pairs = this.#pairs;
    let at = this.#end >> 1;
    if (right) for (let i = 0; i < FRAME_SAMPLES; i++) pairs[at++] = (left[i] << LEFT_SHIFT) | (right[i] << RIGHT_SHIFT);
    else for (let i = 0; i < FRAME_SAMPLES; i++) pairs[at++] = (left[i] << LEFT_SHIFT) | RIGHT_QUIET;
    this.#end += FRAME_BYTES;
  }

  /** Header and sound, to be written as they are. */
  seal(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.#end);
    this.#view.setUint32(8, this.length, true);
    this.#view.setUint32(16, sumOf(bytes), true);
    return bytes;
  }
}

/** A block as it was found in a file. */
export interface FoundBlock {
  /** `businessId/callId`. */
  name: string;
  /** Where its sound begins in the file, how long it is, and where it belongs in the call's sound. Bytes. */
  at: number;
  length: number;
  place: number;
}

/** The whole blocks in `bytes`; what is torn or damaged is passed over. Never throws. */
export function findBlocks(bytes: Buffer): FoundBlock[] {
  const found: FoundBlock[] = [];
  for (let at = bytes.indexOf(MAGIC); at >= 0; ) {
    const block = blockAt(bytes, at);
    if (block) found.push(block);
    at = bytes.indexOf(MAGIC, block ? block.at + block.length : at + 1);
  }
  return found;
}

function blockAt(bytes: Buffer, at: number): FoundBlock | undefined {
  if (at + NAME_AT > bytes.length) return undefined;
  const [head, length, place, sum] = [4, 8, 12, 16].map((field) => bytes.readUInt32LE(at + field));
  if (head < NAME_AT || head > MOST_HEAD_BYTES || length > BLOCK_FRAMES * FRAME_BYTES || at + head + length > bytes.length)
    return undefined;
  if (sumOf(bytes.subarray(at, at + head + length)) !== sum) return undefined;
  const name = bytes.toString('latin1', at + NAME_AT, at + head).replace(/\0+$/, '');
  return { name, at: at + head, length, place };
}

const sumOf = (block: Uint8Array): number => crc32(block.subarray(NAME_AT), crc32(block.subarray(0, 16)));

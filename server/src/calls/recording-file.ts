/** The file of a recording: µ-law at 8 kHz, caller left, assistant right, under a header that is made true at the end. */
import { closeSync, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { MULAW_SILENCE } from '#audio/frame.ts';
import { type WavFormat, wavHeaderLength, writeWavHeader } from '#audio/wav.ts';

const FORMAT: WavFormat = { encoding: 'mulaw', channels: 2, rate: 8000 };
export const HEADER_BYTES = wavHeaderLength(FORMAT.encoding);
/** What a header says that does not know yet, as a recorder on a pipe does: players read to the end of the file. */
const UNKNOWN_BYTES = 0xffffffff;
const QUIET = new Uint8Array(64 << 10).fill(MULAW_SILENCE);

/** The system's error code, or `unknown`. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/** Makes the file, empty, with a header that does not know its length yet. Throws what the system says; leaves no file open then. */
export function makeRecording(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w+', 0o600);
  try {
    writeWhole(file, writeWavHeader(FORMAT, UNKNOWN_BYTES), HEADER_BYTES, 0);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return file;
}

/** A header for a file of `size` bytes; half a sample frame at the end is left out. */
export const headerFor = (size: number): Uint8Array => writeWavHeader(FORMAT, Math.max(0, size - HEADER_BYTES) & ~1);

/** Makes the header say what the file holds. */
export function writeTrueHeader(file: number): void {
  writeWhole(file, headerFor(fstatSync(file).size), HEADER_BYTES, 0);
}

/**
 * Brings `length` bytes of sound to their `place` in the call's sound. What is missing before it becomes silence: a hole in
 * a file reads as 0, which in µ-law is as loud as can be.
 */
export function writeSound(file: number, bytes: Uint8Array, length: number, place: number): void {
  const position = HEADER_BYTES + place;
  for (let end = Math.max(HEADER_BYTES, fstatSync(file).size); end < position; ) {
    const missing = Math.min(QUIET.length, position - end);
    writeWhole(file, QUIET, missing, end);
    end += missing;
  }
  writeWhole(file, bytes, length, position);
}

/** A full disk takes a part of it at first. */
function writeWhole(file: number, bytes: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) done += writeSync(file, bytes, done, length - done, position + done);
}

/**
 * Puts sound that was written in common into the recordings of the calls that it belongs to. Works synchronously, in a
 * thread of its own (`recording-worker.ts`) or at start, before there are calls.
 */
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repairWavHeader, type WavFormat, wavHeaderLength, writeWavHeader } from '#audio/wav.ts';
import { findBlocks } from './recording-block.ts';

const FORMAT: WavFormat = { encoding: 'mulaw', channels: 2, rate: 8000 };
const HEADER_BYTES = wavHeaderLength(FORMAT.encoding);
/** What a header says that does not know yet, as a recorder on a pipe does: players read to the end of the file. */
const UNKNOWN_BYTES = 0xffffffff;
const SEGMENT_NAME = /^\d+\.blocks$/;
/** Ids are ours; whatever a damaged file says, nothing is written elsewhere. */
const SAFE_NAME = /^[\w-]+\/[\w-]+$/;

/** A call's sound in one segment: consecutive in the call, scattered in the file. Bytes. */
export interface ScatteredSound {
  /** File of the recording. */
  path: string;
  /** Where the first of it belongs in the call's sound. */
  place: number;
  /** Where each piece begins in the segment, and how long it is. */
  at: number[];
  lengths: number[];
}

/** What a sorter is asked for; all of it can pass between threads. */
export type SortingJobs = {
  /** Makes the file, with a header that does not know its length yet. */
  begin: { input: { path: string }; output: SortingFailure | null };
  /** Brings everything of a segment to its place and removes it. */
  sort: { input: { segment: string; sounds: ScatteredSound[] }; output: SortingFailure[] };
  /** Brings the last of a call to its place and gives the file its true header. */
  finish: { input: { path: string; segment: string | undefined; sound: ScatteredSound | undefined }; output: SortingFailure | null };
};

/** A recording that could not be written, and the system's error code. */
export interface SortingFailure {
  path: string;
  code: string;
}

export const segmentFolder = (recordings: string): string => join(recordings, '.unsorted');

export class RecordingSorter {
  /** Recordings that are being written. */
  readonly #open = new Map<string, number>();
  #scratch = new Uint8Array(0);

  begin(path: string): void {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, 'w', 0o600);
    this.#open.set(path, file);
    writeSync(file, writeWavHeader(FORMAT, UNKNOWN_BYTES));
  }

  /** One recording that fails does not keep the others. Throws when the segment cannot be read. */
  sort(segment: string, sounds: readonly ScatteredSound[]): SortingFailure[] {
    const failures: SortingFailure[] = [];
    if (sounds.length > 0) {
      const from = openSync(segment, 'r');
      try {
        for (const sound of sounds) {
          try {
            this.#place(from, sound);
          } catch (error) {
            failures.push({ path: sound.path, code: codeOf(error) });
            this.#forget(sound.path);
          }
        }
      } finally {
        closeSync(from);
      }
    }
    rmSync(segment, { force: true });
    return failures;
  }

  /** The file is closed whatever happens. */
  finish(path: string, segment: string | undefined, sound: ScatteredSound | undefined): void {
    try {
      if (segment !== undefined && sound) {
        const from = openSync(segment, 'r');
        try {
          this.#place(from, sound);
        } finally {
          closeSync(from);
        }
      }
      const file = this.#fileOf(path);
      writeSync(file, writeWavHeader(FORMAT, Math.max(0, fstatSync(file).size - HEADER_BYTES) & ~1), 0, HEADER_BYTES, 0);
    } finally {
      this.#forget(path);
    }
  }

  #place(from: number, { path, place, at, lengths }: ScatteredSound): void {
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes);
    let filled = 0;
    for (let i = 0; i < at.length; i++) filled += readSync(from, this.#scratch, filled, lengths[i], at[i]);
    writeWhole(this.#fileOf(path), this.#scratch, filled, HEADER_BYTES + place);
  }

  /** A sorter that took over from one that died has no file open yet. */
  #fileOf(path: string): number {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    const file = openSync(path, 'r+');
    this.#open.set(path, file);
    return file;
  }

  #forget(path: string): void {
    const file = this.#open.get(path);
    this.#open.delete(path);
    if (file !== undefined) closeSync(file);
  }
}

/** A full disk takes a part of it at first. */
function writeWhole(file: number, bytes: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) done += writeSync(file, bytes, done, length - done, position + done);
}

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/**
 * What a start does about a process that died: sound that was not sorted yet comes to its place, and the recordings get
 * headers that say what the files hold. `open` names the calls that were on the line (`businessId/callId`): theirs are
 * made where they are missing; others that are missing were deleted and stay so.
 */
export function repairRecordings(recordings: string, open: readonly string[]): void {
  const folder = segmentFolder(recordings);
  const touched = new Set(open);
  for (const segment of segmentsOf(folder)) {
    const bytes = readFileSync(join(folder, segment));
    for (const { name, at, length, place } of findBlocks(bytes)) {
      if (!SAFE_NAME.test(name)) continue;
      const file = openExisting(pathOf(recordings, name)) ?? (open.includes(name) ? make(pathOf(recordings, name)) : undefined);
      if (file === undefined) continue;
      touched.add(name);
      try {
        writeWhole(file, bytes.subarray(at, at + length), length, HEADER_BYTES + place);
      } finally {
        closeSync(file);
      }
    }
  }
  for (const name of touched) repairRecording(pathOf(recordings, name));
  for (const segment of segmentsOf(folder)) rmSync(join(folder, segment), { force: true });
}

const pathOf = (recordings: string, name: string): string => join(recordings, `${name}.wav`);

function segmentsOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => SEGMENT_NAME.test(name))
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  } catch {
    return [];
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r+');
  } catch {
    return undefined;
  }
}

function make(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w+', 0o600);
  writeSync(file, writeWavHeader(FORMAT, UNKNOWN_BYTES));
  return file;
}

/** Makes the header of a recording that a crash cut off say what the file holds. A call without a file is left alone. */
export function repairRecording(path: string): void {
  const file = openExisting(path);
  if (file === undefined) return;
  try {
    const { size } = fstatSync(file);
    const head = new Uint8Array(HEADER_BYTES);
    readSync(file, head, 0, head.length, 0);
    // A file cut off before its first header is as good as one with a wrong size.
    const repaired = repairWavHeader(size, head) ?? writeWavHeader(FORMAT, Math.max(0, size - head.length) & ~1);
    writeSync(file, repaired, 0, repaired.length, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

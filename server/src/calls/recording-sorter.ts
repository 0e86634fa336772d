/**
 * Puts sound that was written in common into the recordings of the calls that it belongs to. Works synchronously, in a
 * thread of its own (`recording-worker.ts`).
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, makeRecording, writeSound, writeTrueHeader } from './recording-file.ts';

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
  /** Brings everything of a segment to its place and removes it; with sound that found no place it stays for the next start. */
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
  /** Recordings that take no more until they are finished, and why: later sound would lie behind a gap. */
  readonly #failed = new Map<string, string>();
  /** Segments that hold sound of a call that has ended and found no place. */
  readonly #kept = new Set<string>();
  #scratch = new Uint8Array(0);

  begin(path: string): void {
    this.#failed.delete(path);
    try {
      this.#open.set(path, makeRecording(path));
    } catch (error) {
      this.#failed.set(path, codeOf(error));
      throw error;
    }
  }

  /** One recording that fails does not keep the others, only the segment. Throws when the segment cannot be read. */
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
    const isKept = this.#kept.delete(segment);
    if (failures.length === 0 && !isKept) rmSync(segment, { force: true });
    return failures;
  }

  /** The header is made true and the file closed, also when the last of the sound finds no place. */
  finish(path: string, segment: string | undefined, sound: ScatteredSound | undefined): void {
    try {
      if (segment !== undefined && sound) this.#placeLast(segment, sound);
    } finally {
      try {
        writeTrueHeader(this.#fileOf(path));
      } finally {
        this.#forget(path);
        this.#failed.delete(path);
      }
    }
  }

  #placeLast(segment: string, sound: ScatteredSound): void {
    try {
      const from = openSync(segment, 'r');
      try {
        this.#place(from, sound);
      } finally {
        closeSync(from);
      }
    } catch (error) {
      this.#kept.add(segment);
      throw error;
    }
  }

  #place(from: number, { path, place, at, lengths }: ScatteredSound): void {
    const failed = this.#failed.get(path);
    if (failed !== undefined) throw Object.assign(new Error('the recording takes no more'), { code: failed });
    try {
      const bytes = lengths.reduce((sum, length) => sum + length, 0);
      if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes);
      let filled = 0;
      for (let i = 0; i < at.length; i++) filled += readSync(from, this.#scratch, filled, lengths[i], at[i]);
      if (filled < bytes) throw Object.assign(new Error('the segment is cut off'), { code: 'EIO' });
      writeSound(this.#fileOf(path), this.#scratch, filled, place);
    } catch (error) {
      this.#failed.set(path, codeOf(error));
      throw error;
    }
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

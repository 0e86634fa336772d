/** What a start does about recordings that were being written when the last process died, or that its disk had no room for. */
import { closeSync, fstatSync, fsyncSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { repairWavHeader } from '#audio/wav.ts';
import { type FoundBlock, findBlocks } from './recording-block.ts';
import { codeOf, HEADER_BYTES, headerFor, makeRecording, writeSound } from './recording-file.ts';
import { type SortingFailure, segmentFolder } from './recording-sorter.ts';

const SEGMENT_NAME = /^\d+\.blocks$/;
/** Ids are ours; whatever a damaged file says, nothing is written elsewhere. */
const SAFE_NAME = /^[\w-]+\/[\w-]+$/;

/**
 * Sound that was not sorted yet comes to its place, and the recordings get headers that say what the files hold. `open`
 * names the calls that were on the line (`businessId/callId`): theirs are made where they are missing; others that are
 * missing were deleted and stay so. Never throws: what fails is told, once for each file, and does not keep the others; a
 * segment with sound that found no room stays for the next start.
 */
export function repairRecordings(recordings: string, open: readonly string[]): SortingFailure[] {
  const folder = segmentFolder(recordings);
  const made = new Set(open);
  const touched = new Set(open);
  const failures = new Map<string, SortingFailure>();
  const tried = (path: string, work: () => void): boolean => {
    // Behind sound that has no room nothing is written: the next start finds all of it in the segments.
    if (failures.has(path)) return false;
    try {
      work();
      return true;
    } catch (error) {
      failures.set(path, { path, code: codeOf(error) });
      return false;
    }
  };
  for (const segment of segmentsOf(folder)) {
    const segmentPath = join(folder, segment);
    let isDone = true;
    const isRead = tried(segmentPath, () => {
      const bytes = readFileSync(segmentPath);
      for (const block of findBlocks(bytes)) {
        if (!SAFE_NAME.test(block.name)) continue;
        const path = pathOf(recordings, block.name);
        const isPlaced = tried(path, () => {
          if (place(path, bytes, block, made.has(block.name))) touched.add(block.name);
        });
        if (!isPlaced) touched.add(block.name);
        isDone &&= isPlaced;
      }
    });
    if (isRead && isDone) tried(segmentPath, () => rmSync(segmentPath, { force: true }));
  }
  for (const name of touched) {
    const path = pathOf(recordings, name);
    try {
      repairRecording(path);
    } catch (error) {
      if (!failures.has(path)) failures.set(path, { path, code: codeOf(error) });
    }
  }
  return [...failures.values()];
}

/** False when there is no such recording any more. */
function place(path: string, bytes: Uint8Array, { at, length, place: where }: FoundBlock, mayMake: boolean): boolean {
  const file = openExisting(path) ?? (mayMake ? makeRecording(path) : undefined);
  if (file === undefined) return false;
  try {
    writeSound(file, bytes.subarray(at, at + length), length, where);
    return true;
  } finally {
    closeSync(file);
  }
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

/** Undefined when there is none; any other reason is thrown, since the sound must wait then. */
function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
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
    const repaired = repairWavHeader(size, head) ?? headerFor(size);
    writeSync(file, repaired, 0, repaired.length, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordingBlock } from './recording-block.ts';
import { HEADER_BYTES, makeRecording } from './recording-file.ts';
import { repairRecordings } from './recording-repair.ts';
import { RecordingSorter, type ScatteredSound, segmentFolder } from './recording-sorter.ts';

const FRAME = 320;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-sorter-'));
  mkdirSync(segmentFolder(folder));
  mkdirSync(join(folder, 'b'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pathOf = (call: string) => join(folder, 'b', `${call}.wav`);
const soundOf = (call: string) => new Uint8Array(readFileSync(pathOf(call))).subarray(HEADER_BYTES);
const sizeInHeader = (call: string) => readFileSync(pathOf(call)).readUInt32LE(HEADER_BYTES - 4);

/** One frame of each call at its place, filled with its value, as the spool leaves them. */
function segmentOf(number: number, pieces: readonly { call: string; place: number; value: number }[]) {
  const block = new RecordingBlock();
  const sounds: ScatteredSound[] = [];
  let bytes = Buffer.alloc(0);
  for (const { call, place, value } of pieces) {
    block.begin(`b/${call}`, place);
    block.add(new Uint8Array(160).fill(value), new Uint8Array(160).fill(value));
    sounds.push({ path: pathOf(call), place, at: [bytes.length + block.head], lengths: [block.length] });
    bytes = Buffer.concat([bytes, block.seal()]);
  }
  const segment = join(segmentFolder(folder), `${number}.blocks`);
  writeFileSync(segment, bytes);
  return { segment, sounds };
}

/** A disk without room under one recording, and room again. */
const fillDisk = (call: string) => symlinkSync('/dev/full', pathOf(call));
const makeRoom = (call: string) => {
  rmSync(pathOf(call));
  makeRecording(pathOf(call));
};

test('a segment whose sound finds no room stays, and the next start brings all of it to its place', () => {
  const sorter = new RecordingSorter();
  fillDisk('full');
  sorter.begin(pathOf('fine'));
  const first = segmentOf(1, [
    { call: 'full', place: 0, value: 1 },
    { call: 'fine', place: 0, value: 2 },
  ]);
  expect(sorter.sort(first.segment, first.sounds)).toEqual([{ path: pathOf('full'), code: 'ENOSPC' }]);
  expect(existsSync(first.segment)).toBe(true);
  // There is room again, but a gap before what would come now.
  makeRoom('full');
  const second = segmentOf(2, [{ call: 'full', place: FRAME, value: 3 }]);
  expect(sorter.sort(second.segment, second.sounds)).toEqual([{ path: pathOf('full'), code: 'ENOSPC' }]);
  expect(soundOf('full')).toHaveLength(0);
  expect(existsSync(second.segment)).toBe(true);
  sorter.finish(pathOf('full'), undefined, undefined);
  sorter.finish(pathOf('fine'), undefined, undefined);
  expect([sizeInHeader('full'), sizeInHeader('fine')]).toEqual([0, FRAME]);

  expect(repairRecordings(folder, [])).toEqual([]);
  expect([...soundOf('full')]).toEqual([...Array<number>(FRAME).fill(1), ...Array<number>(FRAME).fill(3)]);
  expect(sizeInHeader('full')).toBe(2 * FRAME);
  expect([existsSync(first.segment), existsSync(second.segment)]).toEqual([false, false]);
});

test('the last of a call that finds no place: a true header, and its segment stays', () => {
  const sorter = new RecordingSorter();
  sorter.begin(pathOf('c'));
  const { segment, sounds } = segmentOf(1, [{ call: 'c', place: 0, value: 1 }]);
  expect(sorter.sort(segment, sounds)).toEqual([]);
  const last = segmentOf(2, [{ call: 'c', place: FRAME, value: 2 }]);
  const torn = { ...last.sounds[0], lengths: [10 * FRAME] };
  expect(() => sorter.finish(pathOf('c'), last.segment, torn)).toThrow('cut off');
  expect(sizeInHeader('c')).toBe(FRAME);
  sorter.sort(last.segment, []);
  expect(existsSync(last.segment)).toBe(true);
  // A later call under way in a segment of the same name is another matter.
  sorter.sort(last.segment, []);
  expect(existsSync(last.segment)).toBe(false);
});

test('what is missing before a sound is silence', () => {
  const sorter = new RecordingSorter();
  sorter.begin(pathOf('c'));
  const { segment, sounds } = segmentOf(1, [{ call: 'c', place: 300 * FRAME, value: 5 }]);
  expect(sorter.sort(segment, sounds)).toEqual([]);
  sorter.finish(pathOf('c'), undefined, undefined);
  expect(new Set(soundOf('c').subarray(0, 300 * FRAME))).toEqual(new Set([0xff]));
  expect(soundOf('c')[300 * FRAME]).toBe(5);
  expect(sizeInHeader('c')).toBe(301 * FRAME);
});

test('a repair that finds no room for one recording repairs the others, and is done at the next start', () => {
  for (const call of ['one', 'two']) makeRecording(pathOf(call));
  fillDisk('full');
  const first = segmentOf(1, [
    { call: 'one', place: 0, value: 1 },
    { call: 'full', place: 0, value: 2 },
    { call: 'two', place: 0, value: 3 },
  ]);
  const second = segmentOf(2, [{ call: 'two', place: FRAME, value: 4 }]);
  expect(repairRecordings(folder, ['b/full', 'b/one'])).toEqual([{ path: pathOf('full'), code: 'ENOSPC' }]);
  expect([soundOf('one')[0], soundOf('two')[0], soundOf('two')[FRAME]]).toEqual([1, 3, 4]);
  expect([sizeInHeader('one'), sizeInHeader('two')]).toEqual([FRAME, 2 * FRAME]);
  expect([existsSync(first.segment), existsSync(second.segment)]).toEqual([true, false]);

  makeRoom('full');
  expect(repairRecordings(folder, [])).toEqual([]);
  expect([soundOf('full')[0], soundOf('full').length, sizeInHeader('full')]).toEqual([2, FRAME, FRAME]);
  expect(existsSync(first.segment)).toBe(false);
});

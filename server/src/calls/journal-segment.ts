/**
 * The journal on disk: segment files `00000001.jsonl`, `00000002.jsonl`, … of lines `<crc32 of the JSON, 8 hex> <JSON>`.
 * A line that is cut off or damaged fails its sum and is passed over.
 */
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { CallEvent } from '@tandem/contract';
import type { Ids } from '#kit/ids.ts';
import { isBefore, type JournalPosition } from './journal.ts';

const SUM_LENGTH = 8;
const NEWLINE = 0x0a;
const READ_BYTES = 1 << 20;
/** A line longer than this was not written by us. */
const MAX_LINE_BYTES = 16 << 20;
/** No character of JSON takes more than three bytes per unit of length. */
export const MAX_LINE_LENGTH = 5 << 20;

export const segmentPath = (folder: string, segment: number) => join(folder, `${String(segment).padStart(8, '0')}.jsonl`);

/** Numbers of the segments there are, in order. */
export async function listSegments(folder: string): Promise<number[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => /^\d{8}\.jsonl$/.test(file))
    .map((file) => Number.parseInt(file, 10))
    .sort((a, b) => a - b);
}

/**
 * The name of this journal, made when its folder is: a database that knew another journal must not take that one's
 * cursor for this one's.
 */
export async function openJournalFolder(folder: string, ids: Ids): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'name');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const name = ids.make('journal');
  await writeFile(path, `${name}\n`, { mode: 0o600, flush: true });
  await syncFolder(folder);
  return name;
}

/** Makes the names in a folder durable (fsync(2) of a file does not cover its directory entry). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function writeLine(event: CallEvent): string {
  const json = JSON.stringify(event);
  return `${crc32(json).toString(16).padStart(SUM_LENGTH, '0')} ${json}\n`;
}

/** The event of one line (without its newline); undefined when the line is not whole. Never throws. */
export function readLine(line: Uint8Array): CallEvent | undefined {
  if (line.length <= SUM_LENGTH + 1) return undefined;
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const sum = Number.parseInt(text.toString('latin1', 0, SUM_LENGTH), 16);
  const json = text.subarray(SUM_LENGTH + 1);
  if (crc32(json) !== sum) return undefined;
  try {
    return JSON.parse(json.toString('utf8')) as CallEvent;
  } catch {
    return undefined;
  }
}

export interface JournalChunk {
  events: CallEvent[];
  /** After the last whole line of this chunk: where to go on. */
  position: JournalPosition;
  /** After the last whole line whose sum was right; undefined when there was none in this chunk. */
  wholeUntil: number | undefined;
  /** Lines passed over because their sum was wrong. */
  damaged: number;
}

/**
 * Reads a segment from `offset` in chunks of about 1 MB, to the end of its last whole line (at most to `untilOffset`).
 * Rejects when the file cannot be read.
 */
export async function* readSegment(folder: string, segment: number, offset = 0, untilOffset = Infinity): AsyncGenerator<JournalChunk> {
  const handle = await open(segmentPath(folder, segment), 'r');
  try {
    let at = offset;
    let size = READ_BYTES;
    for (;;) {
      const buffer = Buffer.allocUnsafe(Math.min(size, Math.max(0, untilOffset - at)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      const bytes = buffer.subarray(0, bytesRead);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      if (end === 0) {
        if (bytesRead < size || size >= MAX_LINE_BYTES) return; // the tail is no line (yet)
        size *= 4; // one line longer than the buffer
        continue;
      }
      const { events, damaged, wholeUntil } = readLines(bytes.subarray(0, end), at);
      at += end;
      yield { events, damaged, wholeUntil, position: { segment, offset: at } };
      size = READ_BYTES;
    }
  } finally {
    await handle.close();
  }
}

function readLines(bytes: Buffer, offset: number): { events: CallEvent[]; damaged: number; wholeUntil: number | undefined } {
  const events: CallEvent[] = [];
  let damaged = 0;
  let wholeUntil: number | undefined;
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start);
    const event = readLine(bytes.subarray(start, end));
    start = end + 1;
    if (event) {
      events.push(event);
      wholeUntil = offset + start;
    } else damaged++;
  }
  return { events, damaged, wholeUntil };
}

/**
 * Reads the journal from `from` to `until` (both places between lines), while it may still be written. A segment that
 * was removed is passed over.
 */
export async function* readJournal(folder: string, from: JournalPosition, until: JournalPosition): AsyncGenerator<JournalChunk> {
  let at = from;
  for (const segment of await listSegments(folder)) {
    if (segment < at.segment) continue;
    if (segment > at.segment) at = { segment, offset: 0 };
    if (!isBefore(at, until)) return;
    const untilOffset = segment === until.segment ? until.offset : Infinity;
    for await (const chunk of readSegment(folder, segment, at.offset, untilOffset)) {
      at = chunk.position;
      yield chunk;
    }
  }
}

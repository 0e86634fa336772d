/**
 * The journal in append-only files, with group commit: everything queued is written and synced together, one sync at a
 * time, and announced afterwards. Disks that fail are tried again; calls never wait for them.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { CallEvent } from '@tandem/contract';
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { DurableListener, Journal, JournalPosition } from './journal.ts';
import { followCall, type OpenCall, repairJournal } from './journal-repair.ts';
import { listSegments, MAX_LINE_LENGTH, openJournalFolder, segmentPath, syncFolder, writeLine } from './journal-segment.ts';

export interface JournalOptions {
  /** Pause between the starts of two syncs. */
  everyMs?: number;
  /** A segment that has grown past this is followed by a new one. */
  segmentBytes?: number;
  /** How many characters of JSON may wait for the disk. */
  maxWaiting?: number;
}

/** A commit costs two wake-ups of the pool's threads, a sync and a message to the office; nobody on the call waits for it. */
const EVERY_MS = 40;
const SEGMENT_BYTES = 64 << 20;
const MAX_WAITING = 64 << 20;
/** Characters of one write: few enough to be copied without a pause after an outage. */
const BATCH_LENGTH = 1 << 20;
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;
const CLOSE_WITHIN_MS = 5_000;

interface Waiting {
  event: CallEvent;
  line: string;
}

/**
 * Opens the journal in `folder` (made when missing, locked by the caller), repairs its tail, and answers with it the
 * calls that a dead process left open. Rejects when the folder cannot be read or written.
 */
export async function openJournal(
  folder: string,
  kit: Kit,
  onDurable: DurableListener,
  options: JournalOptions = {},
): Promise<{ journal: FileJournal; openCalls: OpenCall[] }> {
  const name = await openJournalFolder(folder, kit.ids);
  const repair = await repairJournal(folder);
  if (repair.torn > 0 || repair.damaged > 0) {
    kit.log.warn({ part: 'journal', torn: repair.torn, damaged: repair.damaged }, 'journal repaired after a stop that was not orderly');
  }
  const segment = Math.max(1, repair.segment);
  const file = await open(segmentPath(folder, segment), 'a', 0o600);
  if (repair.segment === 0) await syncFolder(folder);
  const end = { segment, offset: repair.length };
  return {
    journal: new FileJournal({ folder, name, kit, onDurable, options, file, end, openCalls: repair.openCalls }),
    openCalls: repair.openCalls,
  };
}

interface Opened {
  folder: string;
  name: string;
  kit: Kit;
  onDurable: DurableListener;
  options: JournalOptions;
  file: FileHandle;
  end: JournalPosition;
  openCalls: readonly OpenCall[];
}

/**
 * ```
 *  idle ──append──▶ scheduled ──everyMs──▶ writing ──synced──▶ idle (or scheduled, when more has come)
 *                       ▲                     │ failed: a new file after a growing pause
 *                       └──────retry──────────┘                              closed: from any, by close()
 * ```
 */
export class FileJournal implements Journal {
  /** Names this journal to whoever remembers a position in it. */
  readonly name: string;
  readonly #its: Opened;
  readonly #queue = { waiting: [] as Waiting[], length: 0, lost: 0 };
  readonly #disk: { file: FileHandle | undefined; end: JournalPosition; failures: number; lastStart: number };
  readonly #open = new Map<string, OpenCall>();
  #timer: Timer | undefined;
  #writing = false;
  #flushed: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(opened: Opened) {
    this.name = opened.name;
    this.#its = opened;
    this.#disk = { file: opened.file, end: opened.end, failures: 0, lastStart: -Infinity };
    for (const call of opened.openCalls) this.#open.set(call.callId, { ...call, legs: new Map(call.legs) });
  }

  get degraded(): boolean {
    return this.#disk.failures > 0;
  }

  get lost(): number {
    return this.#queue.lost;
  }

  /** Where the durable part ends. */
  get end(): JournalPosition {
    return this.#disk.end;
  }

  append(event: CallEvent): void {
    const queue = this.#queue;
    const line = lineOf(event);
    if (this.#closed || line === undefined || queue.length >= this.#boundOf(event)) {
      if (queue.lost++ === 0) {
        this.#its.kit.log.error({ part: 'journal', type: event.type, callId: event.callId }, 'the journal cannot take it: events are lost');
      }
      return;
    }
    queue.waiting.push({ event, line });
    queue.length += line.length;
    this.#schedule();
  }

  flush(): Promise<void> {
    if (this.#queue.waiting.length === 0 && !this.#writing) return Promise.resolve();
    this.#flushed ??= Promise.withResolvers<void>();
    if (this.#timer) {
      this.#timer.cancel();
      void this.#commit();
    }
    return this.#flushed.promise;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const { clock, log } = this.#its.kit;
    const late = Promise.withResolvers<void>();
    const timer = clock.after(CLOSE_WITHIN_MS, () => late.resolve());
    await Promise.race([this.flush(), late.promise]);
    timer.cancel();
    this.#closed = true;
    this.#timer?.cancel();
    if (this.#queue.waiting.length > 0)
      log.error({ part: 'journal', lost: this.#queue.waiting.length }, 'the journal was closed with events not on disk');
    await this.#disk.file?.close().catch(() => {});
    this.#disk.file = undefined;
  }

  /** Removes segments that lie wholly before `position` and hold no call that is still open. Answers how many. */
  async removeBefore(position: JournalPosition): Promise<number> {
    let keepFrom = Math.min(position.segment, this.#disk.end.segment);
    for (const call of this.#open.values()) keepFrom = Math.min(keepFrom, call.segment);
    const old = (await listSegments(this.#its.folder)).filter((segment) => segment < keepFrom);
    for (const segment of old) await rm(segmentPath(this.#its.folder, segment), { force: true });
    return old.length;
  }

  /** The beginning and the end of a call are kept when nothing else is; partial transcripts go first. */
  #boundOf({ type }: CallEvent): number {
    const most = this.#its.options.maxWaiting ?? MAX_WAITING;
    if (type === 'transcript-partial') return most / 2;
    return type === 'call-received' || type === 'call-ended' ? most * 2 : most;
  }

  #schedule(): void {
    if (this.#timer || this.#writing || this.#closed) return;
    const { clock, random } = this.#its.kit;
    const { failures, lastStart } = this.#disk;
    const pause = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (failures - 1)) * (0.5 + random.next() / 2);
    const delay = failures > 0 ? pause : lastStart + (this.#its.options.everyMs ?? EVERY_MS) - clock.now();
    this.#timer = clock.after(Math.max(0, delay), () => {
      void this.#commit();
    });
  }

  /** Writes and syncs what waits (at most one batch), then announces it. Never rejects. */
  async #commit(): Promise<void> {
    const { clock, log } = this.#its.kit;
    this.#timer = undefined;
    this.#writing = true;
    this.#disk.lastStart = clock.now();
    const batch = this.#nextBatch();
    try {
      const file = await this.#openFile();
      const bytes = Buffer.from(batch.map((waiting) => waiting.line).join(''));
      await writeAll(file, bytes);
      await file.datasync();
      if (this.#disk.failures > 0) log.warn({ part: 'journal', failures: this.#disk.failures }, 'the journal is on disk again');
      this.#disk.failures = 0;
      this.#disk.end = { segment: this.#disk.end.segment, offset: this.#disk.end.offset + bytes.length };
      this.#announce(batch);
    } catch (thrown) {
      if (this.#disk.failures++ === 0)
        log.error({ part: 'journal', reason: messageOf(thrown) }, 'the journal cannot be written: events wait in memory');
      await this.#abandonFile();
    }
    this.#writing = false;
    if (this.#queue.waiting.length > 0 && !this.#closed) return this.#schedule();
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }

  #nextBatch(): Waiting[] {
    const { waiting } = this.#queue;
    let length = 0;
    let count = 0;
    while (count < waiting.length && (count === 0 || length < BATCH_LENGTH)) length += waiting[count++]?.line.length ?? 0;
    return count === waiting.length ? [...waiting] : waiting.slice(0, count);
  }

  #announce(batch: Waiting[]): void {
    this.#queue.waiting.splice(0, batch.length);
    const events: CallEvent[] = [];
    for (const { event, line } of batch) {
      this.#queue.length -= line.length;
      followCall(this.#open, event, this.#disk.end.segment);
      events.push(event);
    }
    try {
      this.#its.onDurable(events, this.#disk.end);
    } catch (thrown) {
      this.#its.kit.log.error({ part: 'journal', error: thrown }, 'a listener of the journal threw');
    }
  }

  /** The file to write to: the present one, or the next segment when that is full or was given up. */
  async #openFile(): Promise<FileHandle> {
    const disk = this.#disk;
    if (disk.file && disk.end.offset >= (this.#its.options.segmentBytes ?? SEGMENT_BYTES)) {
      await disk.file.close();
      disk.file = undefined;
    }
    if (disk.file) return disk.file;
    // A file that has durable lines and failed once is never written again: after a failed fsync nobody knows its pages.
    const segment = disk.end.offset === 0 ? disk.end.segment : disk.end.segment + 1;
    const file = await open(segmentPath(this.#its.folder, segment), 'w', 0o600);
    disk.file = file;
    disk.end = { segment, offset: 0 };
    await syncFolder(this.#its.folder);
    return file;
  }

  /** Cuts off what may have been half written, as far as the disk lets us, and lets the file go. */
  async #abandonFile(): Promise<void> {
    const { file, end } = this.#disk;
    this.#disk.file = undefined;
    if (!file) return;
    await file.truncate(end.offset).catch(() => {});
    await file.close().catch(() => {});
  }
}

/** Undefined for an event that is no JSON (a tool may answer anything), or too long. */
function lineOf(event: CallEvent): string | undefined {
  try {
    const line = writeLine(event);
    return line.length > MAX_LINE_LENGTH ? undefined : line;
  } catch {
    return undefined;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

/**
 * One file for the sound of all calls: what has come in is appended every 100 ms in one write, and brought to each call's
 * own recording later, elsewhere (`recording-sorter.ts`). Per call and 20 ms the append costs 0.07 µs of CPU and the sorting 0.3;
 * a write for each call, by the pool's threads, 0.6 to 0.9.
 *
 * ```
 *  calls ──blocks of 700 ms──▶ waiting ──every 100 ms──▶ segment ──5 s old, or large──▶ sorted, removed
 *                                                           └── its call has ended ──▶ that call's part of it
 * ```
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { RecordingBlock } from './recording-block.ts';
import { codeOf } from './recording-file.ts';
import { type ScatteredSound, segmentFolder } from './recording-sorter.ts';
import type { SortingDesk } from './sorting-desk.ts';

/**
 * Not while sound is being sent: each write wakes a thread, which on a busy machine takes the processor from whoever woke
 * it. What waits here is lost in a crash.
 */
const GATHER_MS = 100;
/** Recordings of live calls are so far behind at most, and a start after a crash has so much to sort. */
const SEGMENT_MS = 5_000;
const SEGMENT_BYTES = 64 << 20;
/**
 * Blocks of one call that may wait for a slow disk before its recording gives up; the call goes on. Behind a stall of our
 * own a call adds 10 s of silence at once, 15 blocks, which says nothing about the disk; 6 more are 4 s of a slow one.
 */
const MOST_WAITING = 15 + 6;
/** Emptied blocks that are kept for the next: what 500 calls fill in 200 ms. */
const MOST_SPARE = 150;
/** Names of segments that other processes left are passed over. */
const MOST_NAMES = 10_000;

/** A recording, as the spool knows it. */
export interface Recorded {
  readonly path: string;
  /** Blocks of it that wait for the disk; the spool counts. */
  waiting: number;
  /** Why no more of it can be kept: `disk-full`, `disk-slow` or `disk-failed`. */
  stop(reason: string): void;
}

interface Waiting {
  owner: Recorded;
  block: RecordingBlock;
}

interface Segment {
  path: string;
  file: FileHandle;
  openedAt: number;
  bytes: number;
  /** What of it is still to be brought to its place. */
  sounds: Map<Recorded, ScatteredSound>;
}

/** The reason in an ending's words, of a system's error code. */
export const reasonOf = (code: string): string => (code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'disk-failed');

export class RecordingSpool {
  readonly #folder: string;
  readonly #kit: Kit;
  readonly #desk: SortingDesk;
  readonly #spare: RecordingBlock[] = [];
  #waiting: Waiting[] = [];
  #segment: Segment | undefined;
  #number = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: { folder: string; kit: Kit; desk: SortingDesk }) {
    this.#folder = segmentFolder(options.folder);
    this.#kit = options.kit;
    this.#desk = options.desk;
  }

  /** An empty block. */
  take(): RecordingBlock {
    return this.#spare.pop() ?? new RecordingBlock();
  }

  /** Takes a block to the disk with the next write. Never throws, never waits. */
  add(owner: Recorded, block: RecordingBlock): void {
    if (owner.waiting >= MOST_WAITING) return owner.stop('disk-slow');
    owner.waiting++;
    this.#waiting.push({ owner, block });
    this.#timer ??= this.#kit.clock.after(GATHER_MS, () => void this.#drain());
  }

  /** Writes what waits of it, now, and takes it out of the segment. Resolves with what of its sound is not sorted yet. Never rejects. */
  async release(owner: Recorded): Promise<{ segment: string | undefined; sound: ScatteredSound | undefined }> {
    while (owner.waiting > 0) await this.#drain();
    const segment = this.#segment;
    const sound = segment?.sounds.get(owner);
    segment?.sounds.delete(owner);
    return { segment: segment?.path, sound };
  }

  /** To be called when what {@link release} told is in its place: a segment that nobody needs any more goes. */
  async released(): Promise<void> {
    const segment = this.#segment;
    if (!segment || segment.sounds.size > 0 || this.#waiting.length > 0 || this.#writing) return;
    this.#segment = undefined;
    await this.#sort(segment);
  }

  #drain(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      // More has come meanwhile, and whoever wanted it written found this write under way.
      if (this.#waiting.length > 0 && !this.#timer) void this.#drain();
    });
    return this.#writing;
  }

  /** Never rejects: whose sound could not be written is told. */
  async #write(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    try {
      const segment = (this.#segment ??= await this.#open());
      const bytes = batch.map(({ block }) => block.seal());
      const { bytesWritten } = await segment.file.writev(bytes, segment.bytes);
      if (bytesWritten < bytes.reduce((sum, { length }) => sum + length, 0))
        throw Object.assign(new Error('the disk took a part'), { code: 'ENOSPC' });
      this.#note(segment, batch);
      const isOld = this.#kit.clock.now() - segment.openedAt >= SEGMENT_MS;
      if (isOld || segment.bytes >= SEGMENT_BYTES) this.#turn();
    } catch (error) {
      this.#kit.log.error({ part: 'recording', reason: messageOf(error), calls: batch.length }, 'recordings stopped');
      const stopped = new Set(batch.map(({ owner }) => owner));
      for (const owner of stopped) owner.stop(reasonOf(codeOf(error)));
      this.#dropWaiting(stopped);
      this.#turn();
    }
    this.#done(batch);
  }

  /** What came in behind sound that could not be written would lie behind a gap. */
  #dropWaiting(stopped: ReadonlySet<Recorded>): void {
    this.#done(this.#waiting.filter(({ owner }) => stopped.has(owner)));
    this.#waiting = this.#waiting.filter(({ owner }) => !stopped.has(owner));
  }

  /** These wait no longer. */
  #done(batch: readonly Waiting[]): void {
    for (const { owner, block } of batch) {
      owner.waiting--;
      if (this.#spare.length < MOST_SPARE) this.#spare.push(block);
    }
  }

  #note(segment: Segment, batch: readonly Waiting[]): void {
    for (const { owner, block } of batch) {
      let sound = segment.sounds.get(owner);
      if (!sound) segment.sounds.set(owner, (sound = { path: owner.path, place: block.place, at: [], lengths: [] }));
      sound.at.push(segment.bytes + block.head);
      sound.lengths.push(block.length);
      segment.bytes += block.head + block.length;
    }
  }

  /** The next write opens another segment; this one is sorted. */
  #turn(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment) void this.#sort(segment);
  }

  async #sort(segment: Segment): Promise<void> {
    const owners = new Map([...segment.sounds.keys()].map((owner) => [owner.path, owner]));
    // Asked at once: the end of a call that has sound in it must come after this.
    const sorted = this.#desk.ask('sort', { segment: segment.path, sounds: [...segment.sounds.values()] });
    sorted.catch(() => {});
    await segment.file.close().catch(() => {});
    try {
      const failures = await sorted;
      for (const { path, code } of failures) owners.get(path)?.stop(reasonOf(code));
    } catch (error) {
      // The segment stays for the next start.
      this.#kit.log.error({ part: 'recording', reason: messageOf(error) }, 'recordings could not be sorted');
      for (const owner of owners.values()) owner.stop(reasonOf(codeOf(error)));
    }
  }

  async #open(): Promise<Segment> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (let tries = 0; ; tries++) {
      const path = join(this.#folder, `${String(++this.#number).padStart(8, '0')}.blocks`);
      try {
        return { path, file: await open(path, 'wx', 0o600), openedAt: this.#kit.clock.now(), bytes: 0, sounds: new Map() };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || tries >= MOST_NAMES) throw error;
      }
    }
  }
}

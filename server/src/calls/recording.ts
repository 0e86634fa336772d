/**
 * The stereo recording of a call, written as it goes: caller left, assistant right, µ-law at 8 kHz. 700 ms are
 * gathered and appended, so a crash loses less than a second. Until the call ends the header says "of unknown length", as
 * a recorder on a pipe does, and players read to the end of the file; then, or at the start after a crash, it gets the
 * true size.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FRAME_MS, MULAW_SILENCE, type Sound, type SoundFormat, samplesPerFrame } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { createResampler, type Resampler } from '#audio/resampler.ts';
import { repairWavHeader, type WavFormat, wavHeaderLength, writeWavHeader } from '#audio/wav.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';

const RATE = 8000;
const FORMAT: WavFormat = { encoding: 'mulaw', channels: 2, rate: RATE };
/** What a header says that does not know yet. */
const UNKNOWN_BYTES = 0xffffffff;
const SAMPLES = RATE / 50;
const FRAME_BYTES = SAMPLES * 2;
/** 35 frames are 700 ms; with the gathering below at most 800 ms are not yet with the operating system. */
const BLOCK_FRAMES = 35;
/**
 * Blocks of all calls are written together, and not while sound is being sent: each write wakes a thread, which on a busy
 * machine takes the processor from whoever woke it.
 */
const GATHER_MS = 100;
/** Blocks that may wait for a slow disk (4 s) before the recording gives up; the call goes on. */
const MOST_BLOCKS = 6;
/** How long the end of a call waits for the disk. */
const CLOSE_WITHIN_MS = 5_000;

export interface RecordingOptions {
  businessId: string;
  callId: string;
  format: SoundFormat;
  started: () => void;
  /** Once: `call-ended`, `disk-full`, `disk-slow` or `disk-failed`. */
  stopped: (reason: string, durationMs: number) => void;
}

/** Where a call's recording lies below the data folder; ids are ours, so the path cannot leave it. */
export function recordingPath(folder: string, businessId: string, callId: string): string {
  return join(folder, businessId, `${callId}.wav`);
}

/** Narrows one party's sound to µ-law at 8 kHz, 160 bytes a frame. */
class Lane {
  readonly bytes = new Uint8Array(SAMPLES).fill(MULAW_SILENCE);
  #format: SoundFormat;
  #resampler: Resampler | undefined;
  #narrow: Int16Array | undefined;

  constructor(format: SoundFormat) {
    this.#format = format;
    if (format === 'linear-16000') {
      this.#resampler = createResampler(16_000, RATE);
      this.#narrow = new Int16Array(SAMPLES * 2);
    }
  }

  take(sound: Sound | undefined): void {
    if (!sound || sound.length !== samplesPerFrame(this.#format)) this.bytes.fill(MULAW_SILENCE);
    else if (sound instanceof Uint8Array) this.bytes.set(sound);
    else if (this.#resampler && this.#narrow) {
      const made = this.#resampler.process(sound, this.#narrow);
      linearToMulaw(this.#narrow, this.bytes, 0, Math.min(made, SAMPLES));
    }
  }
}

/** Work put off for {@link GATHER_MS}, so that it is done together. */
class Gathering {
  readonly #kit: Kit;
  readonly #work = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  add(run: () => void): void {
    this.#work.add(run);
    this.#timer ??= this.#kit.clock.after(GATHER_MS, () => {
      this.#timer = undefined;
      for (const work of this.#work) work();
      this.#work.clear();
    });
  }

  remove(run: () => void): void {
    if (!this.#work.delete(run) || this.#work.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

export class Recording implements CallRecording {
  #options: RecordingOptions;
  #kit: Kit;
  #gathering: Gathering;
  #path: string;
  #left: Lane;
  #right: Lane;
  #block = new Uint8Array(BLOCK_FRAMES * FRAME_BYTES);
  #filled = 0;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #spare: Uint8Array<ArrayBuffer>[] = [];
  #frames = 0;
  #stoppedFor: string | undefined;
  #writing: Promise<void> | undefined;
  #file: FileHandle | undefined;
  #bytes = 0;

  constructor(path: string, options: RecordingOptions, kit: Kit, gathering: Gathering) {
    this.#path = path;
    this.#options = options;
    this.#kit = kit;
    this.#gathering = gathering;
    this.#left = new Lane(options.format);
    this.#right = new Lane(options.format);
    options.started();
    // The file is there from the first moment: a crash before the first block leaves an empty recording, not a missing one.
    this.#drain();
  }

  /** Adds one frame of both parties. Copies; never waits; after a failure does nothing. */
  write(heard: Sound, sent: Sound | undefined): void {
    if (this.#stoppedFor) return;
    this.#left.take(heard);
    this.#right.take(sent);
    const [left, right, block] = [this.#left.bytes, this.#right.bytes, this.#block];
    for (let i = 0, at = this.#filled; i < SAMPLES; i++) {
      block[at++] = left[i];
      block[at++] = right[i];
    }
    this.#filled += FRAME_BYTES;
    this.#frames++;
    if (this.#filled === this.#block.length) this.#turn();
  }

  /**
   * Writes what is left. Resolves when the file is closed, at most 5 s later: whoever waits for a disk longer would keep
   * the call. A file that is cut off so is repaired at the next start.
   */
  async close(reason: string): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#kit.clock.after(CLOSE_WITHIN_MS, () => {
      this.#stop('disk-slow');
      resolve();
    });
    await Promise.race([this.#finish(reason), late]);
    timer.cancel();
  }

  async #finish(reason: string): Promise<void> {
    this.#gathering.remove(this.#drain);
    if (!this.#stoppedFor) {
      if (this.#filled > 0) {
        this.#waiting.push(this.#block.subarray(0, this.#filled));
        this.#filled = 0;
      }
    }
    do {
      // A write that was ending as the last block came did not take it along.
      if (!this.#stoppedFor) this.#drain();
      await this.#writing;
    } while (this.#waiting.length > 0);
    this.#stop(reason);
    if (this.#file) await this.#file.write(writeWavHeader(FORMAT, this.#bytes), 0, null, 0).catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  /** The full block queues for the disk and another takes its place. */
  #turn(): void {
    if (this.#waiting.length >= MOST_BLOCKS) {
      this.#stop('disk-slow');
      return;
    }
    this.#waiting.push(this.#block);
    this.#block = this.#spare.pop() ?? new Uint8Array(BLOCK_FRAMES * FRAME_BYTES);
    this.#filled = 0;
    this.#gathering.add(this.#drain);
  }

  readonly #drain = (): void => {
    this.#writing ??= this.#writeWaiting()
      .catch((error: unknown) => {
        const full = (error as NodeJS.ErrnoException).code === 'ENOSPC' || (error as NodeJS.ErrnoException).code === 'EDQUOT';
        this.#kit.log.error({ error, callId: this.#options.callId }, 'the recording stopped');
        this.#stop(full ? 'disk-full' : 'disk-failed');
      })
      .finally(() => {
        this.#writing = undefined;
      });
  };

  async #writeWaiting(): Promise<void> {
    if (!this.#file) {
      await mkdir(dirname(this.#path), { recursive: true });
      this.#file = await open(this.#path, 'w', 0o600);
      await this.#file.write(writeWavHeader(FORMAT, UNKNOWN_BYTES));
    }
    for (let block = this.#waiting[0]; block; block = this.#waiting[0]) {
      await this.#file.write(block);
      this.#bytes += block.length;
      this.#waiting.shift();
      if (block.length === BLOCK_FRAMES * FRAME_BYTES) this.#spare.push(block);
    }
  }

  #stop(reason: string): void {
    if (this.#stoppedFor) return;
    this.#stoppedFor = reason;
    this.#waiting = [];
    this.#options.stopped(reason, this.#frames * FRAME_MS);
  }
}

/** What a call needs of its recording. */
export interface CallRecording {
  /** One frame of both parties; copies, never waits. */
  write(heard: Sound, sent: Sound | undefined): void;
  close(reason: string): Promise<void>;
}

/** Where a call gets its recording from. */
export interface Shelf {
  open(options: RecordingOptions): CallRecording;
}

/** Opens recordings below one folder. */
export class RecordingShelf implements Shelf {
  #folder: string;
  #kit: Kit;
  #gathering: Gathering;

  constructor(options: { folder: string; kit: Kit }) {
    this.#folder = options.folder;
    this.#kit = options.kit;
    this.#gathering = new Gathering(options.kit);
  }

  open(options: RecordingOptions): Recording {
    return new Recording(recordingPath(this.#folder, options.businessId, options.callId), options, this.#kit, this.#gathering);
  }
}

/** Makes the header of a recording that a crash cut off say what the file holds. A call without a file is left alone. */
export async function repairRecording(path: string): Promise<void> {
  const file = await open(path, 'r+').catch(() => undefined);
  if (!file) return;
  try {
    const { size } = await file.stat();
    const head = new Uint8Array(wavHeaderLength(FORMAT.encoding));
    await file.read(head, 0, head.length, 0);
    // A file cut off before its first header is as good as one with a wrong size.
    const repaired = repairWavHeader(size, head) ?? writeWavHeader(FORMAT, Math.max(0, size - head.length) & ~1);
    await file.write(repaired, 0, repaired.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * The stereo recording of a call, written as it goes: caller left, assistant right, µ-law at 8 kHz. Half a second is
 * gathered and appended, so a crash loses less than a second. Until the call ends the header says "of unknown length",
 * as a recorder on a pipe does, and players read to the end of the file; then, or at the start after a crash, it gets the
 * true size.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FRAME_MS, MULAW_SILENCE, type Sound, type SoundFormat, samplesPerFrame } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { createResampler, type Resampler } from '#audio/resampler.ts';
import { repairWavHeader, type WavFormat, wavHeaderLength, writeWavHeader } from '#audio/wav.ts';
import type { Kit } from '#kit/kit.ts';

const RATE = 8000;
const FORMAT: WavFormat = { encoding: 'mulaw', channels: 2, rate: RATE };
/** What a header says that does not know yet. */
const UNKNOWN_BYTES = 0xffffffff;
const SAMPLES = RATE / 50;
const FRAME_BYTES = SAMPLES * 2;
/** 25 frames are 500 ms. */
const BLOCK_FRAMES = 25;
/** Blocks that may wait for a slow disk (4 s) before the recording gives up; the call goes on. */
const MOST_BLOCKS = 8;
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

export class Recording implements CallRecording {
  #options: RecordingOptions;
  #kit: Kit;
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

  constructor(path: string, options: RecordingOptions, kit: Kit) {
    this.#path = path;
    this.#options = options;
    this.#kit = kit;
    this.#left = new Lane(options.format);
    this.#right = new Lane(options.format);
    options.started();
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

  /** Writes what is left. Resolves when the file is closed, at most 5 s later. */
  async close(reason: string): Promise<void> {
    if (!this.#stoppedFor) {
      if (this.#filled > 0) {
        this.#waiting.push(this.#block.subarray(0, this.#filled));
        this.#filled = 0;
      }
      this.#drain();
      if (!(await this.#isWritten())) {
        // Whoever waits for this disk longer would keep the call; the file is repaired at the next start.
        this.#stop('disk-slow');
        return;
      }
    }
    this.#stop(reason);
    if (this.#file && this.#bytes > 0) await this.#file.write(writeWavHeader(FORMAT, this.#bytes), 0, null, 0).catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  /** True once everything is on the disk; false when that takes too long. */
  async #isWritten(): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#kit.clock.after(CLOSE_WITHIN_MS, () => resolve(false));
    const written = await Promise.race([this.#writing?.then(() => true) ?? true, late]);
    timer.cancel();
    return written;
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
    this.#drain();
  }

  #drain(): void {
    this.#writing ??= this.#writeWaiting()
      .catch((error: unknown) => {
        const full = (error as NodeJS.ErrnoException).code === 'ENOSPC' || (error as NodeJS.ErrnoException).code === 'EDQUOT';
        this.#kit.log.error({ error, callId: this.#options.callId }, 'the recording stopped');
        this.#stop(full ? 'disk-full' : 'disk-failed');
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

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

  constructor(options: { folder: string; kit: Kit }) {
    this.#folder = options.folder;
    this.#kit = options.kit;
  }

  open(options: RecordingOptions): Recording {
    return new Recording(recordingPath(this.#folder, options.businessId, options.callId), options, this.#kit);
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

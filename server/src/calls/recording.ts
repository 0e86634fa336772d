/**
 * The stereo recording of a call, written as it goes: caller left, assistant right, µ-law at 8 kHz. A crash loses less
 * than a second. What is heard goes to the spool of all calls first and from there to the call's own file, some seconds
 * later; when the call ends the file is whole and its header true. Until then it says "of unknown length" and players
 * read to its end.
 */
import { join } from 'node:path';
import { FRAME_MS, MULAW_SILENCE, type Sound, type SoundFormat, samplesPerFrame } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { createResampler, type Resampler } from '#audio/resampler.ts';
import type { Kit } from '#kit/kit.ts';
import { BLOCK_FRAMES, FRAME_BYTES, FRAME_SAMPLES, type RecordingBlock } from './recording-block.ts';
import { type Recorded, RecordingSpool, reasonOf } from './recording-spool.ts';
import { type SortingDesk, SortingHere } from './sorting-desk.ts';

const RATE = 8000;
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
  readonly #quiet = new Uint8Array(FRAME_SAMPLES).fill(MULAW_SILENCE);
  readonly #samples: number;
  #wide: { resampler: Resampler; narrow: Int16Array; bytes: Uint8Array } | undefined;

  constructor(format: SoundFormat) {
    this.#samples = samplesPerFrame(format);
    if (format === 'linear-16000') {
      this.#wide = {
        resampler: createResampler(16_000, RATE),
        narrow: new Int16Array(FRAME_SAMPLES * 2),
        bytes: new Uint8Array(FRAME_SAMPLES).fill(MULAW_SILENCE),
      };
    }
  }

  /** Valid until the next; silence for a frame that is none. */
  narrowed(sound: Sound): Uint8Array {
    if (sound.length !== this.#samples) return this.#quiet;
    if (sound instanceof Uint8Array) return sound;
    if (!this.#wide) return this.#quiet;
    const { resampler, narrow, bytes } = this.#wide;
    linearToMulaw(narrow, bytes, 0, Math.min(resampler.process(sound, narrow), FRAME_SAMPLES));
    return bytes;
  }
}

interface Where {
  path: string;
  spool: RecordingSpool;
  desk: SortingDesk;
  kit: Kit;
  /** Frames of the first block: not all calls fill theirs at the same time. */
  firstFrames: number;
}

export class Recording implements CallRecording, Recorded {
  readonly path: string;
  waiting = 0;
  readonly #options: RecordingOptions;
  readonly #its: Where;
  readonly #name: string;
  readonly #left: Lane;
  readonly #right: Lane;
  /** Made when there is sound. */
  #block: RecordingBlock | undefined;
  /** Frames so far, and how many there are when the block is full. */
  readonly #frames = { all: 0, untilFull: 0 };
  #isClosing = false;
  #stoppedFor: string | undefined;

  constructor(options: RecordingOptions, its: Where) {
    this.path = its.path;
    this.#options = options;
    this.#its = its;
    this.#name = `${options.businessId}/${options.callId}`;
    this.#left = new Lane(options.format);
    this.#right = new Lane(options.format);
    this.#frames.untilFull = its.firstFrames;
    options.started();
    // The file is there from the first moment: a crash before the first block leaves an empty recording, not a missing one.
    void this.#ask('begin', () => its.desk.ask('begin', { path: its.path }));
  }

  /** Adds one frame of both parties. Copies; never waits; after a failure or {@link close} does nothing. */
  write(heard: Sound, sent: Sound | undefined): void {
    if (this.#isClosing || this.#stoppedFor) return;
    const frames = this.#frames;
    if (!this.#block) {
      this.#block = this.#its.spool.take();
      this.#block.begin(this.#name, frames.all * FRAME_BYTES);
    }
    this.#block.add(this.#left.narrowed(heard), sent && this.#right.narrowed(sent));
    if (++frames.all < frames.untilFull) return;
    frames.untilFull += BLOCK_FRAMES;
    this.#turn();
  }

  /**
   * Writes what is left. Resolves when the file is whole, at most 5 s later: whoever waits for a disk longer would keep
   * the call. A file that is cut off so is repaired at the next start.
   */
  async close(reason: string): Promise<void> {
    this.#isClosing = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#its.kit.clock.after(CLOSE_WITHIN_MS, () => {
      this.stop('disk-slow');
      resolve();
    });
    await Promise.race([this.#finish(reason), late]);
    timer.cancel();
  }

  /** No more is kept; what is at the disk already stays. */
  stop(reason: string): void {
    if (this.#stoppedFor) return;
    this.#stoppedFor = reason;
    this.#options.stopped(reason, this.#frames.all * FRAME_MS);
  }

  async #finish(reason: string): Promise<void> {
    const { spool, desk } = this.#its;
    if (!this.#stoppedFor) this.#turn();
    const left = await spool.release(this);
    await this.#ask('finish', () => desk.ask('finish', { path: this.path, ...left }));
    this.stop(reason);
    await spool.released();
  }

  /** The block, full or the last, goes to the disk. */
  #turn(): void {
    if (this.#block) this.#its.spool.add(this, this.#block);
    this.#block = undefined;
  }

  /** What a sorter could not do stops the recording. */
  async #ask(what: string, ask: () => Promise<{ code: string } | null>): Promise<void> {
    const failure = await ask().catch((error: unknown) => ({ code: 'unknown', error }));
    if (!failure || this.#stoppedFor) return;
    this.#its.kit.log.error({ part: 'recording', callId: this.#options.callId, what, ...failure }, 'the recording stopped');
    this.stop(reasonOf(failure.code));
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
  readonly #folder: string;
  readonly #kit: Kit;
  readonly #desk: SortingDesk;
  readonly #spool: RecordingSpool;
  #opened = 0;

  /** `desk`: who sorts; the calling thread when absent. */
  constructor({ folder, kit, desk = new SortingHere() }: { folder: string; kit: Kit; desk?: SortingDesk }) {
    this.#folder = folder;
    this.#kit = kit;
    this.#desk = desk;
    this.#spool = new RecordingSpool({ folder, kit, desk });
  }

  open(options: RecordingOptions): Recording {
    return new Recording(options, {
      path: recordingPath(this.#folder, options.businessId, options.callId),
      spool: this.#spool,
      desk: this.#desk,
      kit: this.#kit,
      firstFrames: 1 + ((this.#opened++ * 13) % BLOCK_FRAMES),
    });
  }

  /** When the last call has ended. */
  close(): Promise<void> {
    return this.#desk.close();
  }
}

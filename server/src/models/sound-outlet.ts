/**
 * A call's sound on its way to a vendor: frames become chunks of the size that the vendor wants; they wait, within a bound,
 * until the vendor takes them, and leave no faster than it allows. What was really sent is remembered, so that a time on the
 * vendor's clock (which counts the sound it got) can be put on the leg's clock.
 */
import { FRAME_MS, type Frame, samplesPerFrame, silence, type Sound, type SoundFormat } from '#audio/frame.ts';
import { powerOf, powerOfDbfs } from '#audio/level.ts';
import type { Clock, Timer } from '#kit/clock.ts';

export interface SoundOutletOptions {
  clock: Clock;
  format: SoundFormat;
  /** A multiple of 20. */
  chunkMs: number;
  /**
   * The first so many milliseconds of quiet after sound leave in small pieces: they are what an end of turn is heard by, and
   * waiting for a whole chunk would delay it. 0 when absent. See {@link SoundOutlet} for the sizes.
   */
  quickMs?: number;
  /** Chunks of this length, a multiple of 20 too, while it has long been quiet: fewer messages. `chunkMs` when absent. */
  restMs?: number;
  /** Sound of so many times real time may be sent after a burst of 1 s (a replay); no bound when absent. */
  fastest?: number;
  /** False: not now; it is offered again with the next frame. */
  send: (bytes: Uint8Array) => boolean;
}

/** The 10 s that are replayed to a stream opened in place of one that died, and the time to open it. */
const QUEUE_MS = 12_000;
const BURST_MS = 1_000;

/** Mean square of -45 dBFS: below it a frame is no voice near the telephone. */
const QUIET = powerOfDbfs(-45);
/** Nobody takes less quiet than this for the end of a turn: it waits for a chunk. */
const NO_END_MS = 100;
/** Up to here ends of turns are decided within a frame of each other, later within two. */
const CLOSE_MS = 300;
const RESTING_AFTER_MS = 1_000;

interface Chunk {
  at: number;
  ms: number;
  sound: Sound;
}

/**
 * With `quickMs`, pieces are as large as what waits for them allows:
 *
 * ```
 *  voice ───────▶ first quiet frame ──▶ quiet to 100 ms ──▶ to 300 ms ──▶ to quickMs ──▶ to 1 s ──▶ longer
 *  half chunks    at once               chunkMs             20 ms         40 ms          chunkMs    restMs
 * ```
 */
export class SoundOutlet {
  readonly #options: SoundOutletOptions;
  readonly #sent = new StreamTime();
  readonly #queue: Chunk[] = [];
  #queuedMs = 0;
  readonly #frameSamples: number;
  readonly #chunkFrames: number;
  /** The chunk being filled: frames in it, and how many there is room for. */
  readonly #filling = { chunk: undefined as Chunk | undefined, frames: 0, room: 0 };
  #quietMs = Number.POSITIVE_INFINITY;
  #pace: { creditMs: number; atMs: number; timer: Timer | undefined };
  #state: 'waiting' | 'open' | 'closed' = 'waiting';
  #dropped = 0;

  constructor(options: SoundOutletOptions) {
    this.#options = options;
    this.#frameSamples = samplesPerFrame(options.format);
    this.#chunkFrames = options.chunkMs / FRAME_MS;
    this.#pace = { creditMs: BURST_MS, atMs: options.clock.now(), timer: undefined };
  }

  /** Chunks that were lost to a full queue. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Copies the frame. A frame that does not follow the one before begins a new chunk; the old one is filled with silence. */
  push(frame: Frame): void {
    if (this.#state === 'closed' || frame.format !== this.#options.format) return;
    const filling = this.#filling;
    if (filling.chunk && frame.at !== filling.chunk.at + filling.frames * FRAME_MS) this.#finish(this.#chunkFrames);
    this.#quietMs = powerOf(frame.sound) > QUIET ? 0 : this.#quietMs + FRAME_MS;
    const chunk = (filling.chunk ??= this.#begin(frame.at));
    chunk.sound.set(frame.sound, filling.frames++ * this.#frameSamples);
    if (filling.frames >= Math.min(filling.room, this.#enough())) this.#finish(filling.frames);
  }

  /** The vendor takes sound from now on. */
  open(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'open';
    this.#drain();
  }

  /** The vendor, who refused before, may take sound again. */
  resume(): void {
    this.#drain();
  }

  /** Sends the frames that are no whole chunk yet, filled up with silence. True when everything pushed so far has left. */
  flush(): boolean {
    if (this.#filling.chunk) this.#finish(this.#chunkFrames);
    return this.#queue.length === 0;
  }

  close(): void {
    this.#state = 'closed';
    this.#pace.timer?.cancel();
    this.#queue.length = 0;
    this.#queuedMs = 0;
    this.#filling.chunk = undefined;
  }

  /** The leg's time of the vendor's time, both in ms. */
  legAt(streamMs: number): number {
    return this.#sent.legAt(streamMs);
  }

  #begin(at: number): Chunk {
    const { format, chunkMs, restMs = chunkMs } = this.#options;
    const ms = this.#quietMs > RESTING_AFTER_MS ? restMs : chunkMs;
    this.#filling.room = ms / FRAME_MS;
    return { at, ms, sound: silence(format, this.#filling.room * this.#frameSamples) };
  }

  /** How many frames are sent as soon as they are there. */
  #enough(): number {
    const { quickMs = 0 } = this.#options;
    const quietMs = this.#quietMs;
    // Nobody knows which frame of a voice is the last one, and the end is counted from its arrival.
    if (quietMs === 0 && quickMs > 0) return Math.ceil(this.#chunkFrames / 2);
    if (quietMs > quickMs) return this.#filling.room;
    if (quietMs === FRAME_MS) return 1;
    if (quietMs <= NO_END_MS) return this.#chunkFrames;
    return quietMs <= CLOSE_MS ? 1 : 2;
  }

  /** Queues `frames` of the chunk, or as many as are in it if those are more; what was not pushed is silence. */
  #finish(frames: number): void {
    const { chunk, frames: filled } = this.#filling;
    this.#filling.chunk = undefined;
    this.#filling.frames = 0;
    if (!chunk) return;
    const kept = Math.max(filled, frames);
    if (kept * FRAME_MS < chunk.ms) {
      chunk.ms = kept * FRAME_MS;
      chunk.sound = chunk.sound.subarray(0, kept * this.#frameSamples);
    }
    this.#queue.push(chunk);
    this.#queuedMs += chunk.ms;
    while (this.#queuedMs > QUEUE_MS) {
      this.#queuedMs -= this.#queue.shift()?.ms ?? 0;
      this.#dropped++;
    }
    this.#drain();
  }

  #drain(): void {
    const { send } = this.#options;
    while (this.#state === 'open' && this.#queue.length > 0 && this.#allowed(this.#queue[0].ms)) {
      const { at, ms, sound } = this.#queue[0];
      if (!send(new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength))) return;
      this.#queue.shift();
      this.#queuedMs -= ms;
      this.#pace.creditMs -= ms;
      this.#sent.note(at, ms);
    }
  }

  /** A chunk may leave now; otherwise the timer is set for when it may. */
  #allowed(chunkMs: number): boolean {
    const { clock, fastest } = this.#options;
    if (fastest === undefined) return true;
    const now = clock.now();
    const pace = this.#pace;
    pace.creditMs = Math.min(BURST_MS, pace.creditMs + (now - pace.atMs) * fastest);
    pace.atMs = now;
    if (pace.creditMs >= chunkMs) return true;
    pace.timer ??= clock.after((chunkMs - pace.creditMs) / fastest, () => {
      pace.timer = undefined;
      this.#drain();
    });
    return false;
  }
}

/** Where the sound sent so far came from: stretches without a gap. */
const MOST_STRETCHES = 64;

export class StreamTime {
  #sentMs = 0;
  /** Oldest first; each reaches to the next. */
  readonly #stretches: { fromMs: number; at: number }[] = [];

  /** `ms` of sound from `at` on the leg's clock was sent. */
  note(at: number, ms: number): void {
    const last = this.#stretches.at(-1);
    if (!last || last.at + this.#sentMs - last.fromMs !== at) {
      this.#stretches.push({ fromMs: this.#sentMs, at });
      if (this.#stretches.length > MOST_STRETCHES) this.#stretches.shift();
    }
    this.#sentMs += ms;
  }

  legAt(streamMs: number): number {
    const found = this.#stretches.findLast(({ fromMs }) => fromMs <= streamMs) ?? this.#stretches[0];
    return found ? Math.max(found.at, found.at + streamMs - found.fromMs) : Math.max(0, streamMs);
  }
}

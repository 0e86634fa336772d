/**
 * A call's sound on its way to a vendor: frames become pieces of the size that the vendor wants; they wait, within a bound,
 * until the vendor takes them, and leave no faster than it allows. What was really sent is remembered, so that a time on the
 * vendor's clock (which counts the sound it got) can be put on the leg's clock.
 */
import { FRAME_MS, type Frame, MULAW_SILENCE, samplesPerFrame, silence, type Sound, type SoundFormat } from '#audio/frame.ts';
import { powerOf, powerOfDbfs } from '#audio/level.ts';
import type { Clock, Timer } from '#kit/clock.ts';
import { framesAtOnce } from './sound-pieces.ts';

export interface SoundOutletOptions {
  clock: Clock;
  format: SoundFormat;
  /** A multiple of 20. */
  chunkMs: number;
  /**
   * The first so many milliseconds of quiet after sound leave in small pieces: they are what an end of turn is heard by, and
   * waiting for a whole chunk would delay it. 0 when absent. See {@link framesAtOnce} for the sizes.
   */
  quickMs?: number;
  /** Chunks of this length, a multiple of 20 too, while it has long been quiet: fewer messages. `chunkMs` when absent. */
  restMs?: number;
  /** Sound of so many times real time may be sent after a burst of 1 s (a replay); no bound when absent. */
  fastest?: number;
  /** Streams that live at once in this thread: where they are many, pieces are larger. One when absent. */
  streams?: () => number;
  /** `bytes` are valid during the call alone. False: not now; they are offered again with the next frame. */
  send: (bytes: Uint8Array) => boolean;
}

/** The 10 s that are replayed to a stream opened in place of one that died, and the time to open it. */
const QUEUE_MS = 12_000;
const BURST_MS = 1_000;

/** Mean square of -45 dBFS: below it a frame is no voice near the telephone. */
const QUIET = powerOfDbfs(-45);
const RESTING_AFTER_MS = 1_000;

interface Chunk {
  at: number;
  ms: number;
  bytes: Uint8Array;
}

export class SoundOutlet {
  readonly #options: SoundOutletOptions;
  readonly #sent = new StreamTime();
  readonly #queue: Chunk[] = [];
  #queuedMs = 0;
  readonly #frameSamples: number;
  readonly #chunkFrames: number;
  /** The piece being filled. Its memory is made once: what cannot leave at once is copied. */
  readonly #sound: Sound;
  readonly #filling = { at: 0, frames: 0, room: 0 };
  /** The first so many frames of it, as bytes. */
  readonly #pieces: Uint8Array[] = [];
  /** Nobody has spoken yet. A whole number stays one: counting on does not allocate. */
  #quietMs = RESTING_AFTER_MS + FRAME_MS;
  #pace: { creditMs: number; atMs: number; timer: Timer | undefined };
  #state: 'waiting' | 'open' | 'closed' = 'waiting';
  #dropped = 0;

  constructor(options: SoundOutletOptions) {
    this.#options = options;
    const { clock, format, chunkMs, restMs = chunkMs } = options;
    this.#frameSamples = samplesPerFrame(format);
    this.#chunkFrames = chunkMs / FRAME_MS;
    this.#sound = silence(format, (Math.max(chunkMs, restMs) / FRAME_MS) * this.#frameSamples);
    this.#pace = { creditMs: BURST_MS, atMs: clock.now(), timer: undefined };
  }

  /** Chunks that were lost to a full queue. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Copies the frame. A frame that does not follow the one before begins a new chunk; the old one is filled with silence. */
  push(frame: Frame): void {
    if (this.#state === 'closed' || frame.format !== this.#options.format) return;
    const filling = this.#filling;
    if (filling.frames > 0 && frame.at !== filling.at + filling.frames * FRAME_MS) this.#finish(this.#chunkFrames);
    this.#quietMs = powerOf(frame.sound) > QUIET ? 0 : this.#quietMs + FRAME_MS;
    if (filling.frames === 0) this.#begin(frame.at);
    this.#sound.set(frame.sound, filling.frames++ * this.#frameSamples);
    if (filling.frames >= this.#enough()) this.#finish(filling.frames);
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
    this.#finish(this.#chunkFrames);
    return this.#queue.length === 0;
  }

  close(): void {
    this.#state = 'closed';
    this.#pace.timer?.cancel();
    this.#queue.length = 0;
    this.#queuedMs = 0;
    this.#filling.frames = 0;
  }

  /** The leg's time of the vendor's time, both in ms. */
  legAt(streamMs: number): number {
    return this.#sent.legAt(streamMs);
  }

  #begin(at: number): void {
    const { chunkMs, restMs = chunkMs } = this.#options;
    this.#filling.at = at;
    this.#filling.room = (this.#quietMs > RESTING_AFTER_MS ? restMs : chunkMs) / FRAME_MS;
  }

  #enough(): number {
    const { quickMs = 0, streams } = this.#options;
    const { room } = this.#filling;
    // What is in no hurry goes by the chunk; a voice after a long rest need not fill what the rest had room for.
    if (this.#quietMs > quickMs) return room;
    if (quickMs === 0) return Math.min(room, this.#chunkFrames);
    return Math.min(room, framesAtOnce(this.#quietMs, this.#chunkFrames, streams?.() ?? 1));
  }

  /** Sends `frames` of the piece, or as many as are in it if those are more; what was not pushed is silence. */
  #finish(frames: number): void {
    const { at, frames: filled } = this.#filling;
    if (filled === 0) return;
    this.#filling.frames = 0;
    const kept = Math.max(filled, frames);
    if (kept > filled) {
      const rest = this.#options.format === 'mulaw-8000' ? MULAW_SILENCE : 0;
      this.#sound.fill(rest, filled * this.#frameSamples, kept * this.#frameSamples);
    }
    const ms = kept * FRAME_MS;
    const bytes = this.#piece(kept);
    if (this.#queue.length === 0 && this.#leaves(at, ms, bytes)) return;
    this.#queue.push({ at, ms, bytes: new Uint8Array(bytes) });
    this.#queuedMs += ms;
    while (this.#queuedMs > QUEUE_MS) {
      this.#queuedMs -= this.#queue.shift()?.ms ?? 0;
      this.#dropped++;
    }
    this.#drain();
  }

  /** There are few lengths: each is viewed once. A `Buffer`, because that is what sockets make of any other bytes. */
  #piece(frames: number): Uint8Array {
    const { buffer, byteLength, length } = this.#sound;
    return (this.#pieces[frames] ??= Buffer.from(buffer, 0, (byteLength / length) * frames * this.#frameSamples));
  }

  #drain(): void {
    while (this.#queue.length > 0) {
      const { at, ms, bytes } = this.#queue[0];
      if (!this.#leaves(at, ms, bytes)) return;
      this.#queue.shift();
      this.#queuedMs -= ms;
    }
  }

  /** False when it may not leave now, or is not taken. */
  #leaves(at: number, ms: number, bytes: Uint8Array): boolean {
    if (this.#state !== 'open' || !this.#allowed(ms) || !this.#options.send(bytes)) return false;
    this.#pace.creditMs -= ms;
    this.#sent.note(at, ms);
    return true;
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

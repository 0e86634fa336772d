/**
 * A call's sound on its way to a vendor: frames become chunks of the size that the vendor wants; they wait, within a bound,
 * until the vendor takes them, and leave no faster than it allows. What was really sent is remembered, so that a time on the
 * vendor's clock (which counts the sound it got) can be put on the leg's clock.
 */
import { FRAME_MS, type Frame, samplesPerFrame, silence, type Sound, type SoundFormat } from '#audio/frame.ts';
import { levelOf } from '#audio/level.ts';
import type { Clock, Timer } from '#kit/clock.ts';

export interface SoundOutletOptions {
  clock: Clock;
  format: SoundFormat;
  /** A multiple of 20. */
  chunkMs: number;
  /**
   * The first so many milliseconds of quiet after sound leave frame by frame: they are what an end of turn is heard by, and
   * waiting for a whole chunk would delay it. 0 when absent.
   */
  quickMs?: number;
  /** Sound of so many times real time may be sent after a burst of 1 s (a replay); no bound when absent. */
  fastest?: number;
  /** False: not now; it is offered again with the next frame. */
  send: (bytes: Uint8Array) => boolean;
}

/** The 10 s that are replayed to a stream opened in place of one that died, and the time to open it. */
const QUEUE_MS = 12_000;
const BURST_MS = 1_000;

/** Below this a frame is no voice near the telephone, dB relative to full scale. */
const QUIET_DB = -45;

interface Chunk {
  at: number;
  ms: number;
  sound: Sound;
}

export class SoundOutlet {
  readonly #options: SoundOutletOptions;
  readonly #sent = new StreamTime();
  readonly #queue: Chunk[] = [];
  readonly #most: number;
  /** The chunk being filled: frames in it. */
  #filling: { chunk: Chunk | undefined; frames: number } = { chunk: undefined, frames: 0 };
  #quietMs = Number.POSITIVE_INFINITY;
  #pace: { creditMs: number; atMs: number; timer: Timer | undefined };
  #state: 'waiting' | 'open' | 'closed' = 'waiting';
  #dropped = 0;

  constructor(options: SoundOutletOptions) {
    this.#options = options;
    this.#most = QUEUE_MS / options.chunkMs;
    this.#pace = { creditMs: BURST_MS, atMs: options.clock.now(), timer: undefined };
  }

  /** Chunks that were lost to a full queue. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Copies the frame. A frame that does not follow the one before begins a new chunk; the old one is filled with silence. */
  push(frame: Frame): void {
    const { format, chunkMs } = this.#options;
    if (this.#state === 'closed' || frame.format !== format) return;
    const { chunk, frames } = this.#filling;
    if (chunk && frame.at !== chunk.at + frames * FRAME_MS) this.#finish();
    this.#filling.chunk ??= { at: frame.at, ms: chunkMs, sound: silence(format, (samplesPerFrame(format) * chunkMs) / FRAME_MS) };
    this.#filling.chunk.sound.set(frame.sound, this.#filling.frames * samplesPerFrame(format));
    const quick = this.#isQuick(frame);
    if (++this.#filling.frames * FRAME_MS === chunkMs) this.#finish();
    else if (quick) this.#finish(this.#filling.frames);
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
    if (this.#filling.chunk) this.#finish();
    return this.#queue.length === 0;
  }

  close(): void {
    this.#state = 'closed';
    this.#pace.timer?.cancel();
    this.#queue.length = 0;
    this.#filling.chunk = undefined;
  }

  /** The leg's time of the vendor's time, both in ms. */
  legAt(streamMs: number): number {
    return this.#sent.legAt(streamMs);
  }

  #isQuick({ sound }: Frame): boolean {
    const { quickMs = 0 } = this.#options;
    if (quickMs === 0) return false;
    this.#quietMs = levelOf(sound) > QUIET_DB ? 0 : this.#quietMs + FRAME_MS;
    return this.#quietMs > 0 && this.#quietMs <= quickMs;
  }

  /** `frames`: only so many of a chunk that is not full. */
  #finish(frames?: number): void {
    const { chunk } = this.#filling;
    this.#filling = { chunk: undefined, frames: 0 };
    if (!chunk) return;
    if (frames !== undefined) {
      chunk.ms = frames * FRAME_MS;
      chunk.sound = chunk.sound.subarray(0, frames * samplesPerFrame(this.#options.format));
    }
    this.#queue.push(chunk);
    if (this.#queue.length > this.#most) {
      this.#queue.shift();
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

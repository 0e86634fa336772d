/**
 * The one implementation of {@link Playout}: sound on its way out of a leg, shared by all rooms.
 *
 * ```
 *            first frame pulled              source dry
 *  waiting ──────────────────────▶ playing ────────────▶ waiting
 *     │  ▲                          │   │
 *     │  └──────── resume ────────┐ │   │ everything played, stop, source failed
 *     └──── pause ────▶ paused ◀──┴─┘   ▼
 *                          └── stop ──▶ ended
 * ```
 *
 * The source is read ahead into a ring of samples, never further than `lookAheadMs`; the last `BEHIND_MS` stay in it,
 * so that `resume(fromMs)` can go back. Nothing here throws to the leg, starts a timer, or allocates per frame (the
 * ring doubles while a long reply fills it).
 */
import { type Sound, type SoundFormat, rateOf, samplesPerFrame } from '#audio/frame.ts';
import type { Clock } from '#kit/clock.ts';
import { Gain } from './gain.ts';
import type { Playout, PlayoutEnd, PlayoutState, SpeechSource } from './leg.ts';
import { SpeechReader, SpeechRing } from './speech-buffer.ts';

/** How far `resume(fromMs)` may go back. */
const BEHIND_MS = 10_000;
const LOOK_AHEAD_MS = 4_000;
const DUCK_RAMP_MS = 40;
/** Speech that starts in the middle of a wave would click: it fades in. */
const FADE_IN_MS = 2.5;
/** Ticks that a rest shorter than a frame waits for more of the source before it is played as it is. */
const PATIENCE_TICKS = 2;
/** Most frames a leg may pull before the far end has played them (120 ms). */
const MAX_LEAD_FRAMES = 6;

export interface PlayoutOptions {
  source: SpeechSource;
  format: SoundFormat;
  clock: Clock;
  /** Default 4,000 ms. */
  lookAheadMs?: number;
  /**
   * True for a leg that pulls frames before they are due (at most 6) and says with `markPlayed` when each was. Sound
   * that is cut in between counts as not played and is pulled again after `resume`.
   */
  leads?: boolean;
  /** Asked before a cut: the leg marks what has been played by now and was not told yet. */
  takeStock?: () => void;
  /** What was pulled must not be heard any further: called by pause, stop and a jump, synchronously. */
  onCut?: () => void;
}

export class LegPlayout implements Playout {
  readonly started: Promise<number | undefined>;
  readonly finished: Promise<PlayoutEnd>;
  readonly #options: PlayoutOptions;
  readonly #ring: SpeechRing;
  readonly #gain: Gain;
  readonly #reader: SpeechReader;
  readonly #lead = { sizes: new Int32Array(MAX_LEAD_FRAMES), count: 0 };
  readonly #settle: { started: (at: number | undefined) => void; finished: (end: PlayoutEnd) => void };
  #state: PlayoutState = 'waiting';
  /** Next sample to pull, first sample not yet played, and the furthest that ever was played: counted from the source's first. */
  readonly #at = { pulled: 0, played: 0, heard: 0 };
  #starved = 0;
  /** Something was pulled since the last cut. */
  #onWire = false;

  constructor(options: PlayoutOptions) {
    this.#options = options;
    const started = Promise.withResolvers<number | undefined>();
    const finished = Promise.withResolvers<PlayoutEnd>();
    this.started = started.promise;
    this.finished = finished.promise;
    this.#settle = { started: started.resolve, finished: finished.resolve };
    const rate = rateOf(options.format);
    this.#gain = new Gain(options.format);
    this.#ring = new SpeechRing(options.format, (BEHIND_MS * rate) / 1000);
    this.#reader = new SpeechReader(options.source, this.#ring, ((options.lookAheadMs ?? LOOK_AHEAD_MS) * rate) / 1000, {
      position: () => this.#at.pulled,
      ended: () => this.#finishIfPlayed(),
    });
    this.#reader.read();
  }

  get state(): PlayoutState {
    return this.#state;
  }

  /** What the caller has been sent of this source, also while a part of it is being repeated. */
  get playedMs(): number {
    return this.#ms(this.#at.heard);
  }

  get bufferedMs(): number {
    return this.#state === 'ended' ? 0 : this.#ms(this.#ring.written + this.#reader.held - this.#at.played);
  }

  /**
   * Fills `out` with the next 20 ms (a last rest is padded with silence). False when there is nothing to play now. `leavesAt`:
   * when it leaves, on the clock; now when absent or past.
   */
  pull(out: Sound, leavesAt?: number): boolean {
    if (this.#state === 'ended' || this.#state === 'paused' || this.#lead.count === MAX_LEAD_FRAMES) return false;
    const wanted = samplesPerFrame(this.#options.format);
    let size = this.#ring.written - this.#at.pulled;
    if (size < wanted && !this.#reader.done) {
      if (size === 0 || this.#starved++ < PATIENCE_TICKS) {
        this.#reader.read();
        if (size === 0) this.#state = 'waiting';
        return false;
      }
    }
    if (size === 0) return false;
    if (size > wanted) size = wanted;
    this.#starved = 0;
    this.#gain.copy(this.#ring, this.#at.pulled, size, out);
    this.#state = 'playing';
    if (this.#at.pulled === 0) this.#settle.started(Math.max(leavesAt ?? 0, this.#options.clock.now()));
    this.#at.pulled += size;
    this.#onWire = true;
    this.#ring.release(this.#at.pulled);
    if (this.#options.leads) this.#lead.sizes[this.#lead.count++] = size;
    else this.#advance(size);
    this.#reader.read();
    return true;
  }

  /** For a leg that leads: the oldest frame pulled has been played now. */
  markPlayed(): void {
    if (this.#lead.count === 0) return;
    const size = this.#lead.sizes[0];
    this.#lead.sizes.copyWithin(0, 1);
    this.#lead.count--;
    this.#advance(size);
  }

  duck(decibels: number): void {
    this.#gain.rampTo(10 ** (-Math.abs(decibels) / 20), DUCK_RAMP_MS);
  }

  pause(): void {
    this.#takeStock();
    if (this.#state === 'ended' || this.#state === 'paused') return;
    this.#state = 'paused';
    this.#jump(this.#at.played);
  }

  resume(fromMs?: number): void {
    this.#takeStock();
    if (this.#state === 'ended') return;
    const given = fromMs !== undefined && Number.isFinite(fromMs);
    if (this.#state !== 'paused' && !given) return;
    const from = given ? Math.round((fromMs * rateOf(this.#options.format)) / 1000) : this.#at.played;
    this.#state = 'waiting';
    this.#jump(Math.max(this.#ring.oldest, Math.min(from, this.#at.heard)));
    this.#finishIfPlayed();
  }

  stop(): number {
    this.#takeStock();
    if (this.#state !== 'ended') {
      this.#cut();
      this.#end({ playedMs: this.playedMs, how: 'stopped' });
    }
    return this.playedMs;
  }

  /** What is counted and where a pause goes on must not lack what left since the leg last looked. */
  #takeStock(): void {
    if (this.#state !== 'ended' && this.#lead.count > 0) this.#options.takeStock?.();
  }

  #jump(to: number): void {
    this.#cut();
    this.#at.pulled = to;
    this.#at.played = to;
    this.#gain.fadeIn(FADE_IN_MS);
  }

  #cut(): void {
    this.#lead.count = 0;
    if (!this.#onWire) return;
    this.#onWire = false;
    this.#options.onCut?.();
  }

  #advance(size: number): void {
    this.#at.played += size;
    if (this.#at.played > this.#at.heard) this.#at.heard = this.#at.played;
    this.#finishIfPlayed();
  }

  /** A source that failed is heard up to where it failed. */
  #finishIfPlayed(): void {
    if (this.#state === 'ended' || this.#state === 'paused') return;
    if (!this.#reader.done || this.#at.played < this.#ring.written) return;
    const error = this.#reader.error;
    this.#end(error === undefined ? { playedMs: this.playedMs, how: 'played' } : { playedMs: this.playedMs, how: 'failed', error });
  }

  #end(end: PlayoutEnd): void {
    this.#state = 'ended';
    this.#reader.close();
    this.#ring.free();
    this.#settle.started(undefined);
    this.#settle.finished(end);
  }

  #ms(samples: number): number {
    return (samples * 1000) / rateOf(this.#options.format);
  }
}

/**
 * What the legs of all rooms have in common: one listener, one playout at a time, frames that count by 20 ms from
 * answer, and exactly one ending after which nothing comes. A room's leg owns a Line and adds its wire.
 */
import { FRAME_MS, type Frame, type Sound, type SoundFormat, silence } from '#audio/frame.ts';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { TokenBucket } from '#kit/token-bucket.ts';
import type { LegEndCause, LegListener, SpeechSource } from './leg.ts';
import { LegPlayout } from './playout.ts';

/** A frame that leaves more than this after its deadline counts as late. */
const LATE_MS = 5;
/** Faster than anybody presses keys (telephone-event carries at most 10 a second); more is a forger filling the journal. */
const DIGITS = { perSecond: 20, burst: 40 };
/** What is typed is answered, and an answer costs money. */
const TYPED = { perSecond: 1, burst: 10 };

export interface LineOptions {
  format: SoundFormat;
  clock: Clock;
  log: Log;
  /** See `PlayoutOptions`: for a wire that is fed before the sound is due. */
  leads?: boolean;
  takeStock?: () => void;
  onCut?: () => void;
}

export class Line {
  /** The frame that `pull` fills when no other is given; overwritten every 20 ms. */
  readonly out: Sound;
  readonly #options: LineOptions;
  readonly #frame: Frame;
  readonly #counts = { framesSent: 0, framesLate: 0 };
  readonly #digits: TokenBucket;
  readonly #typed: TokenBucket;
  #listener: LegListener | undefined;
  /** When the first frame was due; NaN before. */
  #firstDue = Number.NaN;
  #playout: LegPlayout | undefined;
  #ended: LegEndCause | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.out = silence(options.format);
    this.#digits = new TokenBucket(options.clock, DIGITS);
    this.#typed = new TokenBucket(options.clock, TYPED);
    this.#frame = { at: -FRAME_MS, format: options.format, sound: this.out, concealed: true, arrivedAt: Number.NaN };
  }

  /** Why the leg ended; undefined while it lives. */
  get ended(): LegEndCause | undefined {
    return this.#ended;
  }

  get attached(): boolean {
    return this.#listener !== undefined;
  }

  get framesSent(): number {
    return this.#counts.framesSent;
  }

  get framesLate(): number {
    return this.#counts.framesLate;
  }

  /** A leg that ended before anybody listened says so at once. */
  attach(listener: LegListener): void {
    if (this.#listener) throw new Error('this leg has a listener already');
    this.#listener = listener;
    const ended = this.#ended;
    if (ended) this.#safely(() => listener.ended(ended));
  }

  play(source: SpeechSource): LegPlayout {
    this.#playout?.stop();
    const { format, clock, leads, takeStock, onCut } = this.#options;
    this.#playout = new LegPlayout({ source: this.#ended ? nothing : source, format, clock, leads, takeStock, onCut });
    if (this.#ended) this.#playout.stop();
    return this.#playout;
  }

  /**
   * The next 20 ms to send, in `out`; false when that is silence. `lateMs`: how long after its deadline. `leavesAt`: when it
   * leaves, on the clock, where that is not now.
   */
  pull(lateMs: number, out: Sound = this.out, leavesAt?: number): boolean {
    if (!this.#playout?.pull(out, leavesAt)) return false;
    this.#counts.framesSent++;
    if (lateMs > LATE_MS) this.#counts.framesLate++;
    return true;
  }

  /** For a wire that leads: the oldest frame pulled is heard in this 20 ms. */
  markPlayed(): void {
    this.#playout?.markPlayed();
  }

  /**
   * Hands one frame to the listener; time moves on by 20 ms, and over whatever a stalled loop has left out: the leg's time
   * is that of the clock, or a quiet of before a stall would look longer than it was. `arrivedAt` on the clock, NaN where
   * it is not known; `dueAt` is when the frame was due.
   */
  deliver(heard: Sound, concealed: boolean, sent: Sound | undefined, arrivedAt = Number.NaN, dueAt = Number.NaN): void {
    const frame = this.#frame;
    frame.arrivedAt = arrivedAt;
    frame.at += FRAME_MS;
    if (Number.isNaN(this.#firstDue)) this.#firstDue = dueAt - frame.at;
    const left = Math.round((dueAt - this.#firstDue - frame.at) / FRAME_MS);
    if (left > 0) frame.at += left * FRAME_MS;
    const listener = this.#listener;
    if (!listener || this.#ended) return;
    frame.sound = heard;
    frame.concealed = concealed;
    try {
      listener.frame(frame, sent);
    } catch (error) {
      this.#complain(error);
    }
  }

  digit(digit: string): void {
    if (this.#digits.take()) this.#tell((listener) => listener.digit(digit));
  }

  typed(text: string): void {
    if (this.#typed.take()) this.#tell((listener) => listener.typed(text));
  }

  recognised(text: string, final: boolean, confidence: number | undefined): void {
    this.#tell((listener) => listener.recognised(text, final, confidence));
  }

  /** False when the leg had ended before. */
  end(cause: LegEndCause): boolean {
    if (this.#ended) return false;
    this.#ended = cause;
    this.#playout?.stop();
    this.#safely(() => this.#listener?.ended(cause));
    return true;
  }

  #tell(say: (listener: LegListener) => void): void {
    const listener = this.#listener;
    if (listener && !this.#ended) this.#safely(() => say(listener));
  }

  #safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    this.#options.log.error({ error }, 'a listener of a leg threw');
  }
}

const nothing: SpeechSource = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true as const, value: undefined }) }),
};

/**
 * One answer of a speech-to-speech model on its way to the caller. Its sound comes faster than it is played and waits in a
 * bounded buffer; its words come beside it, without times, and are shared out over the sound by length.
 */
import { FRAME_MS, msOf, type Sound } from '#audio/frame.ts';
import { Channel } from '#kit/channel.ts';
import type { Leg, Playout } from '#telephony/leg.ts';
import type { ReplyKind } from './floor-terms.ts';
import type { PlayedLine } from './reply.ts';
import { heardOf, type TimedClause, wordTimesOf } from './timed-script.ts';

/** Pieces of sound that wait to be played. */
const MOST_PIECES = 8_192;
/** Sound that waits to be played: no answer on the telephone is longer. */
const MOST_AHEAD_MS = 120_000;

export interface DirectReplyOptions {
  leg: Leg;
  /** The call's clock. */
  now: () => number;
  /** The model's name of this answer. */
  item: string;
  turn: number;
  kind: ReplyKind;
  /** Ours, said while the caller waits: no part of what the model said. */
  filler?: boolean;
}

export class DirectReply {
  readonly item: string;
  readonly turn: number;
  readonly kind: ReplyKind;
  readonly filler: boolean;
  readonly #options: DirectReplyOptions;
  readonly #sound = new Channel<Sound>(MOST_PIECES, 'refuse');
  readonly #clause: { -readonly [K in keyof TimedClause]: TimedClause[K] } = { text: '', fromMs: 0, toMs: 0, complete: false, spoken: [] };
  #playout: Playout | undefined;
  #fromAt: number | undefined;

  constructor(options: DirectReplyOptions) {
    this.#options = options;
    this.item = options.item;
    this.turn = options.turn;
    this.kind = options.kind;
    this.filler = options.filler ?? false;
  }

  /** Milliseconds of sound that came. */
  get receivedMs(): number {
    return this.#clause.toMs;
  }

  /** Everything of it came. */
  get complete(): boolean {
    return this.#clause.complete;
  }

  /** It is on the leg. */
  get begun(): boolean {
    return this.#playout !== undefined;
  }

  /** All that came of it was heard, and more must come. */
  get dry(): boolean {
    return !this.complete && this.receivedMs > 0 && this.receivedMs - this.heardMs < FRAME_MS;
  }

  /** When its first sound left, on the call's clock; undefined before. */
  get audibleAt(): number | undefined {
    return this.#fromAt;
  }

  /** What left on the wire, never more than what came. */
  get heardMs(): number {
    return Math.min(this.#playout?.playedMs ?? 0, this.receivedMs);
  }

  /** The words that left on the wire; one that was cut is left out. */
  get heard(): string {
    return heardOf(this.#clause, this.heardMs);
  }

  /** All of its words so far, heard or not. */
  get text(): string {
    return this.#clause.text;
  }

  /** False when no more of it can wait. */
  push(sound: Sound): boolean {
    if (this.receivedMs - this.heardMs > MOST_AHEAD_MS || !this.#sound.push(sound)) return false;
    this.#clause.toMs += msOf(sound, this.#options.leg.format);
    return true;
  }

  say(text: string): void {
    this.#clause.text = `${this.#clause.text}${text}`.replace(/\s+/g, ' ').trimStart();
  }

  /** No more of it comes. */
  end(): void {
    this.#clause.complete = true;
    this.#clause.text = this.#clause.text.trim();
    this.#sound.close();
  }

  /** Resolves when it was heard to its end or was stopped. */
  async play(): Promise<void> {
    this.#playout = this.#options.leg.play(this.#sound);
    await this.#playout.finished;
  }

  /** Once per frame. True when its first sound has just left. */
  tick(): boolean {
    const playedMs = this.#playout?.playedMs ?? 0;
    if (this.#fromAt !== undefined || playedMs === 0) return false;
    // The newest frame counts as played when it begins to leave.
    this.#fromAt = Math.max(0, this.#options.now() + FRAME_MS - playedMs);
    return true;
  }

  duck(decibels: number): void {
    this.#playout?.duck(decibels);
  }

  /** Silence from the next frame on. */
  stop(): void {
    this.#playout?.stop();
    this.#sound.close();
  }

  /** The words that were heard, with their times; undefined when none was. */
  get line(): PlayedLine | undefined {
    const { heard, heardMs } = this;
    if (heard === '' || this.#fromAt === undefined) return undefined;
    const words = wordTimesOf(this.#clause).filter(({ toMs }) => heard === this.#clause.text || toMs <= heardMs);
    const line = { text: heard, fromAt: this.#fromAt, toAt: this.#fromAt + heardMs, words };
    return this.filler ? { ...line, filler: true } : line;
  }
}

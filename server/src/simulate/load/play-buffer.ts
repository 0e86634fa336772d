/**
 * What a carrier does with the sound that it is sent ahead: it plays it at the speed of speech, echoes a mark when all before
 * it was played, and throws away on `clear` what was not. The ear hears each 10 ms at the time it would have sounded.
 */
import { HOP, HOP_MS, mulawPower } from './onset.ts';

/** 20 s; a carrier takes far more, but nobody should be that far ahead. */
const CAPACITY = 160_000;
const BYTES_PER_MS = 8;
/** Sound that comes so soon after the last was played out belonged to it: the silence between is a gap in a word. */
const GAP_MS = 300;

interface Mark {
  name: string;
  /** Bytes that are to be played before it. */
  at: number;
}

export class PlayBuffer {
  /** Messages judged, and those that came more than `lateMs` after what was before them had been played. */
  judged = 0;
  late = 0;
  readonly #lateMs: number;
  readonly #heard: (power: number, at: number) => void;
  readonly #echo: (mark: string) => void;
  readonly #ring = new Uint8Array(CAPACITY);
  readonly #hop = new Uint8Array(HOP);
  readonly #marks: Mark[] = [];
  /** Bytes that came, and those that were played, in all; the next one to play sounds at `playAt`. */
  readonly #state = { written: 0, played: 0, playAt: Number.NEGATIVE_INFINITY };

  constructor(options: { lateMs: number; heard: (power: number, at: number) => void; echo: (mark: string) => void }) {
    this.#lateMs = options.lateMs;
    this.#heard = options.heard;
    this.#echo = options.echo;
  }

  /** `judged` only when it is known when it arrived. */
  push(bytes: Uint8Array, at: number, judged: boolean): void {
    this.play(at);
    const state = this.#state;
    const room = CAPACITY - (state.written - state.played);
    const taken = Math.min(room, bytes.length);
    if (state.written === state.played && state.playAt < at) {
      const lateMs = at - state.playAt;
      if (judged && lateMs < GAP_MS && lateMs > this.#lateMs) this.late++;
      state.playAt = at;
    }
    if (judged) this.judged++;
    for (let i = 0; i < taken; i++) this.#ring[(state.written + i) % CAPACITY] = bytes[i];
    state.written += taken;
  }

  mark(name: string): void {
    this.#marks.push({ name, at: this.#state.written });
    this.#echoPlayed();
  }

  clear(at: number): void {
    this.play(at);
    this.#state.played = this.#state.written;
    this.#state.playAt = Math.min(this.#state.playAt, at);
    this.#echoPlayed();
  }

  /** Everything that has sounded by now reaches the ear. */
  play(now: number): void {
    const state = this.#state;
    while (state.written > state.played && state.playAt + HOP_MS <= now) {
      const bytes = Math.min(HOP, state.written - state.played);
      for (let i = 0; i < bytes; i++) this.#hop[i] = this.#ring[(state.played + i) % CAPACITY];
      this.#heard(mulawPower(this.#hop, 0, bytes), state.playAt);
      state.played += bytes;
      state.playAt += bytes / BYTES_PER_MS;
    }
    this.#echoPlayed();
  }

  #echoPlayed(): void {
    while (this.#marks.length > 0 && this.#marks[0].at <= this.#state.played) this.#echo(this.#marks.shift()?.name ?? '');
  }
}

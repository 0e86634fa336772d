/**
 * One spoken stream of a synthesizer (a context, a turn): texts in, sound out in pieces, faster than real time. The first piece of a
 * text comes the drawn `first-speech` delay after the text when nothing was being made; pieces follow each other by `speech`.
 */
import { nowMs } from './event-log.ts';
import type { Outlet } from './outlet.ts';
import type { RouteContext } from './route.ts';
import { SpokenTurn, type SoundShape } from './voice.ts';

const PIECE_MS = 200;
/** Between pieces unless the scenario says otherwise: twenty times faster than real time. */
const PIECE_EVERY_MS = 10;
/** An endless stream comes at this pace: twice as fast as it plays. */
const ENDLESS_EVERY_MS = 100;

/** A piece of sound and the characters whose voice begins in it; milliseconds count from the first sound of the stream. */
export interface Piece {
  sound: Buffer;
  text: string;
  startMs: number;
  durationMs: number;
  msPerCharacter: number;
}

export interface SpokenWords {
  words: string[];
  startMs: number[];
  endMs: number[];
}

export interface SpeakerListener {
  piece(piece: Piece): void;
  /** Once for each text, after its first piece. */
  words?(words: SpokenWords): void;
  /** Everything asked for has been sent; again after each further text. */
  idle(): void;
}

interface Clause {
  text: string;
  askedMs: number;
}

export class Speaker {
  readonly mark: number;
  readonly #context: RouteContext;
  readonly #outlet: Outlet;
  readonly #listener: SpeakerListener;
  readonly #turn: SpokenTurn;
  readonly #leadingMs: number;
  readonly #queue: Clause[] = [];
  #making = false;
  #stopped = false;
  #spokenMs: number;
  #stopTimer = (): void => {};

  constructor(context: RouteContext, outlet: Outlet, shape: SoundShape, listener: SpeakerListener) {
    const { voice, leadingSilenceMs } = context.scenario;
    this.mark = context.nextMark();
    this.#context = context;
    this.#outlet = outlet;
    this.#listener = listener;
    this.#leadingMs = leadingSilenceMs;
    this.#spokenMs = leadingSilenceMs;
    const rate = outlet.suffers('wrong-rate') ? shape.rate * 2 : shape.rate;
    this.#turn = new SpokenTurn(voice, this.mark, { ...shape, rate }, leadingSilenceMs);
  }

  /** Sound is being made, or waits for its delay. */
  get isMaking(): boolean {
    return this.#making;
  }

  say(text: string): void {
    if (this.#stopped || text.trim() === '') {
      if (!this.#making) this.#listener.idle();
      return;
    }
    this.#context.log('text', { detail: text, mark: this.mark });
    this.#queue.push({ text, askedMs: nowMs() });
    if (!this.#making) this.#begin();
  }

  /** Nothing more comes out. */
  stop(): void {
    if (this.#making && this.#outlet.isOpen) this.#context.log('cancelled', { mark: this.mark });
    this.#stopped = true;
    this.#making = false;
    this.#queue.length = 0;
    this.#stopTimer();
  }

  #begin(): void {
    const clause = this.#queue.shift();
    if (!clause) return;
    this.#making = true;
    const declaredMs = this.#context.draw('first-speech');
    this.#stopTimer = this.#context.after(clause.askedMs + declaredMs - nowMs(), () => this.#speak(clause, declaredMs));
  }

  #speak(clause: Clause, declaredMs: number | undefined): void {
    if (this.#outlet.suffers('empty')) return this.#next();
    const { msPerCharacter } = this.#context.scenario;
    // Whole 20 ms, so that clauses join without a gap.
    const durationMs = Math.max(20, Math.ceil((clause.text.length * msPerCharacter) / 20) * 20);
    const perCharacter = durationMs / clause.text.length;
    const startMs = this.#spokenMs;
    let doneMs = 0;
    const piece = (): void => {
      if (!this.#outlet.isOpen) return this.stop();
      const takenMs = Math.min(PIECE_MS, durationMs - doneMs);
      const from = Math.ceil(doneMs / perCharacter - 1e-9);
      const to = Math.ceil((doneMs + takenMs) / perCharacter - 1e-9);
      const isFirst = doneMs === 0;
      const leadMs = isFirst && startMs === this.#leadingMs ? this.#leadingMs : 0;
      if (this.#outlet.suffers('silence')) this.#turn.mute();
      const sound = this.#turn.take(takenMs);
      const text = clause.text.slice(from, to);
      if (isFirst && declaredMs !== undefined) this.#context.log('first-speech', { declaredMs, mark: this.mark, detail: clause.text });
      const at = startMs + doneMs - leadMs;
      this.#listener.piece({ sound, text, startMs: at, durationMs: takenMs + leadMs, msPerCharacter: perCharacter });
      if (isFirst) this.#listener.words?.(wordTimes(clause.text, startMs, perCharacter));
      doneMs += takenMs;
      this.#spokenMs += takenMs;
      if (this.#stopped) return;
      if (doneMs < durationMs) this.#stopTimer = this.#context.after(this.#context.draw('speech', PIECE_EVERY_MS), piece);
      else this.#next();
    };
    piece();
  }

  #next(): void {
    if (this.#outlet.suffers('endless')) return this.#goOn();
    const clause = this.#queue.shift();
    if (clause) {
      this.#stopTimer = this.#context.after(this.#context.draw('speech', PIECE_EVERY_MS), () => this.#speak(clause, undefined));
      return;
    }
    this.#making = false;
    this.#context.log('last-speech', { mark: this.mark });
    this.#listener.idle();
  }

  #goOn(): void {
    if (!this.#outlet.isOpen) return this.stop();
    const startMs = this.#spokenMs;
    this.#spokenMs += PIECE_MS;
    this.#listener.piece({ sound: this.#turn.take(PIECE_MS), text: '', startMs, durationMs: PIECE_MS, msPerCharacter: 0 });
    this.#stopTimer = this.#context.after(ENDLESS_EVERY_MS, () => this.#goOn());
  }
}

function wordTimes(text: string, startMs: number, perCharacter: number): SpokenWords {
  const times: SpokenWords = { words: [], startMs: [], endMs: [] };
  for (const match of text.matchAll(/\S+/g)) {
    times.words.push(match[0]);
    times.startMs.push(startMs + match.index * perCharacter);
    times.endMs.push(startMs + (match.index + match[0].length) * perCharacter);
  }
  return times;
}

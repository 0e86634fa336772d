/**
 * A reply: an assistant's turn being said. It plays one {@link Utterance}, fills waits that grow too long, and always
 * knows which words were heard. While a clause is heard the next one is made; how far ahead is bounded by the playout's
 * look-ahead (sound) and by the clause queue (text).
 */
import type { TurnStages, WordTime } from '@tandem/contract';
import { FRAME_MS, msOf, type Sound } from '#audio/frame.ts';
import type { Leg, Playout } from '#telephony/leg.ts';
import { cannedTone } from './canned-tone.ts';
import { FillerQueue } from './filler-queue.ts';
import type { ReplyKind } from './floor-terms.ts';
import { heardOf, type TimedClause, TimedScript, wordTimesOf } from './timed-script.ts';
import type { Utterance } from './utterance.ts';
import type { Waiting } from './waiting.ts';

/** Between two clauses of one breath there is less. */
const SILENCE_MS = 300;
/** A playout can go back 10 s; stay clear of that. */
const MAX_BACK_MS = 9_500;

export interface ReplyParts {
  leg: Leg;
  /** The process's clock and the call's, milliseconds. */
  clock: { now(): number };
  now: () => number;
}

/** Words that left on the wire. `at`s are on the call's clock, word times count from `fromAt`. */
export interface PlayedLine {
  text: string;
  fromAt: number;
  toAt: number;
  words: WordTime[];
  filler?: boolean;
  /** There was silence before it: when its text was there, and its first sound. */
  waited?: { textAt: number; soundAt: number };
}

export interface ReplyListener {
  /** The first audible frame left, be it a filler's. */
  audible(): void;
  /** A clause begins to be heard; `text` is everything up to its end. */
  speaking(text: string): void;
  /** A clause was heard to its end, or as far as it was heard. */
  played(line: PlayedLine): void;
}

export interface ReplyRequest {
  epoch: number;
  turn: number;
  kind: ReplyKind;
  utterance: Utterance;
  /** Filled as the stages happen. */
  stages: TurnStages;
  /** What to say into a wait that grows long; undefined where nothing is waited for. */
  waiting: Waiting | undefined;
  listener: ReplyListener;
  /** When no voice can be made, a tone says at least that something is wrong. */
  toneInstead: boolean;
}

export interface ReplyEnd {
  /** Exactly the words that left on the wire, a cut word and fillers left out. */
  heard: string;
  interrupted: boolean;
  /** Why it could not go on; undefined when it could. */
  failed: unknown;
}

export class Reply {
  readonly epoch: number;
  readonly turn: number;
  readonly kind: ReplyKind;
  readonly #parts: ReplyParts;
  readonly #request: ReplyRequest;
  readonly #script = new TimedScript();
  #playout: Playout | undefined;
  /** The first clause that was not heard to its end. */
  readonly #head: PlayHead = { clause: 0, begun: false, fromAt: 0, repeating: false, pausedAt: undefined, heardTo: undefined };
  readonly #fillers = new FillerQueue();
  #failed: unknown;
  /** The play position from which on a clause begins or ends to be heard; 0 when the script has changed. */
  #dueMs = 0;
  /** Something was heard in the newest frame. */
  #sounding = false;
  #audible = false;
  #over = false;

  constructor(parts: ReplyParts, request: ReplyRequest) {
    this.#parts = parts;
    this.#request = request;
    this.epoch = request.epoch;
    this.turn = request.turn;
    this.kind = request.kind;
  }

  /** Resolves when the reply was heard to its end, failed or was stopped. Never rejects. */
  async run(): Promise<ReplyEnd> {
    if (this.#over) return { heard: '', interrupted: true, failed: undefined };
    const playout = this.#parts.leg.play(this.#sound());
    this.#playout = playout;
    void playout.started.then((at) => this.#started(at));
    const { how, error } = await playout.finished;
    if (how === 'failed') this.#fail(error ?? new Error('the leg could not play'));
    const interrupted = this.#over;
    if (!interrupted) {
      this.#follow(playout);
      this.#reportCut(playout);
    }
    this.#over = true;
    this.#request.utterance.stop('finished');
    return { heard: this.heard, interrupted, failed: this.#failed };
  }

  /** Once per frame: notices what has been heard, and fills a wait that has grown too long. */
  tick(): void {
    const playout = this.#playout;
    if (!playout || this.#over) return;
    const { playedMs } = playout;
    // Its first frame may have left in this very tick: whoever begins to speak now speaks over it.
    if (playedMs > 0 && !this.#audible) this.#started(this.#parts.clock.now());
    if (playedMs >= this.#dueMs) this.#follow(playout);
    const { waiting } = this.#request;
    if (!waiting) return;
    if (playout.state !== 'waiting' || playout.bufferedMs > 0) {
      this.#sounding = true;
      return;
    }
    const now = this.#parts.now();
    // Told when it is over: most frames of a reply are sound.
    if (this.#sounding) waiting.sounded(now - FRAME_MS);
    this.#sounding = false;
    const filler = waiting.at(now, this.#fillers.open);
    if (filler) this.#fillers.put(filler);
  }

  /** The words heard so far. */
  get heard(): string {
    return this.#playout ? this.#script.heardUntil(this.#playout.playedMs) : '';
  }

  /** The clause that is being heard; empty between two. */
  get clause(): string {
    return this.#head.begun ? (this.#script.clauses[this.#head.clause]?.text ?? '') : '';
  }

  duck(decibels: number): void {
    this.#playout?.duck(decibels);
  }

  pause(): void {
    if (!this.#playout || this.#over) return;
    this.#playout.pause();
    this.#follow(this.#playout);
    this.#head.pausedAt = this.#parts.now();
  }

  /** Goes on from where it stopped, or from the start of the clause that was cut, so that the caller hears it whole. */
  resume(wholeClause: boolean): void {
    const playout = this.#playout;
    if (!playout || this.#over) return;
    const head = this.#head;
    const clause = this.#script.clauses[head.clause];
    if (wholeClause && clause && head.begun) {
      this.#reportCut(playout);
      playout.resume(Math.max(clause.fromMs, playout.playedMs - MAX_BACK_MS));
      head.fromAt = this.#parts.now();
      head.repeating = true;
    } else {
      playout.resume();
      head.fromAt += head.begun && head.pausedAt !== undefined ? this.#parts.now() - head.pausedAt : 0;
    }
    head.pausedAt = undefined;
  }

  /** Silence from the next frame on; models and tools unwind behind it. Returns the words heard. */
  stop(why: string): string {
    if (!this.#over) {
      if (this.#playout) {
        this.#playout.stop();
        this.#follow(this.#playout);
        this.#reportCut(this.#playout);
      }
      this.#over = true;
      this.#fillers.close();
      this.#request.utterance.stop(why);
    }
    return this.heard;
  }

  /** Pieces to sound. Ends where they fail, so that what was made before is heard. */
  async *#sound(): AsyncGenerator<Sound, void, undefined> {
    const { format } = this.#parts.leg;
    const { now } = this.#parts;
    let text = '';
    let textAt = 0;
    let clause: TimedClause | undefined;
    try {
      for await (const piece of this.#fillers.between(this.#request.utterance.pieces())) {
        if (this.#over) return;
        this.#dueMs = 0;
        if ('line' in piece) {
          const filler = this.#script.begin(piece.text, true);
          filler.spoken.push(...piece.line.words);
          filler.toMs += msOf(piece.line.sound, format);
          filler.complete = true;
          yield piece.line.sound;
        } else if (piece.type === 'clause') {
          text = piece.text;
          textAt = now();
          clause = undefined;
        } else if (piece.type === 'clause-end') {
          if (clause) clause.complete = true;
        } else {
          if (!clause) {
            clause = this.#script.begin(text);
            clause.made = { textAt, soundAt: now() };
          }
          if (piece.type === 'cut') takeBack(clause, piece.atMs);
          if (piece.words) clause.spoken.push(...piece.words);
          if (piece.type === 'cut' || piece.sound.length === 0) continue;
          clause.toMs += msOf(piece.sound, format);
          yield piece.sound;
        }
      }
    } catch (error) {
      if (this.#over) return;
      this.#fail(error);
      if (this.#request.toneInstead) yield cannedTone(format);
    }
  }

  #fail(error: unknown): void {
    this.#failed ??= error ?? new Error('failed without saying why');
  }

  #started(clockAt: number | undefined): void {
    if (clockAt === undefined || this.#over || this.#audible) return;
    this.#audible = true;
    const { clock, now } = this.#parts;
    const { stages, listener } = this.#request;
    const at = now() - (clock.now() - clockAt);
    if (this.#script.clauses[0]?.filler) stages.fillerAt ??= at;
    else stages.firstPacketAt ??= at;
    listener.audible();
  }

  /** Reports the clauses that the play head has begun and passed. */
  #follow(playout: Playout): void {
    const head = this.#head;
    const position = playout.playedMs;
    for (;;) {
      const clause = this.#script.clauses[head.clause];
      this.#dueMs = Infinity;
      if (!clause) return;
      const empty = clause.toMs === clause.fromMs;
      if (!head.begun && !empty) {
        this.#dueMs = clause.fromMs;
        if (position <= clause.fromMs) return;
        head.begun = true;
        // The newest frame counts as played when it begins to leave.
        head.fromAt = this.#parts.now() + FRAME_MS - (position - clause.fromMs);
        if (!clause.filler) this.#request.stages.firstPacketAt ??= head.fromAt;
        this.#request.listener.speaking(textUntil(this.#script, head.clause));
      }
      this.#dueMs = clause.complete ? clause.toMs : Infinity;
      if (position < this.#dueMs) return;
      if (!empty) this.#report(clause, clause.toMs);
      head.clause++;
      head.begun = false;
      head.repeating = false;
    }
  }

  /** Reports the clause that was being heard when everything stopped. */
  #reportCut(playout: Playout): void {
    const head = this.#head;
    const clause = this.#script.clauses[head.clause];
    if (!clause || !head.begun) return;
    const since = (head.pausedAt ?? this.#parts.now()) - head.fromAt;
    const { playedMs } = playout;
    // The newest frame counts as played when it begins to leave.
    this.#report(clause, head.repeating ? Math.min(playedMs, clause.fromMs + since + FRAME_MS) : playedMs);
  }

  #report(clause: TimedClause, position: number): void {
    const text = heardOf(clause, position);
    if (text === '') return;
    const { fromAt } = this.#head;
    const lasted = Math.min(position, clause.toMs) - clause.fromMs;
    const words = wordTimesOf(clause).filter((word) => text === clause.text || word.toMs <= lasted);
    const toAt = fromAt + lasted;
    const { heardTo } = this.#head;
    const silent = clause.made && heardTo !== undefined && fromAt - heardTo > SILENCE_MS;
    if (!clause.filler) this.#head.heardTo = toAt;
    const line = { text, fromAt, toAt, words, ...(silent && { waited: clause.made }) };
    this.#request.listener.played(clause.filler ? { ...line, filler: true } : line);
  }
}

/** Where the caller's ear is in the script. */
interface PlayHead {
  clause: number;
  begun: boolean;
  /** On the call's clock. */
  fromAt: number;
  /** A part of the clause is heard for the second time. */
  repeating: boolean;
  pausedAt: number | undefined;
  /** When the newest of its clauses that is no filler was over. */
  heardTo: number | undefined;
}

function takeBack(clause: TimedClause, atMs: number): void {
  while ((clause.spoken.at(-1)?.toMs ?? 0) > atMs) clause.spoken.pop();
}

function textUntil(script: TimedScript, clause: number): string {
  return script.clauses
    .slice(0, clause + 1)
    .filter(({ filler }) => !filler)
    .map(({ text }) => text)
    .join(' ');
}

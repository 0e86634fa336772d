/**
 * A reply: an assistant's turn in the making. Words become clauses, clauses become speech, speech is played; all of it
 * hangs on one signal. While a clause is heard the next one is made; how far ahead is bounded by the playout's
 * look-ahead (sound) and by the clause queue (text). A reply always knows which words were heard.
 */
import type { TurnStages, WordTime } from '@tandem/contract';
import { FRAME_MS, msOf, type Sound } from '#audio/frame.ts';
import { childOf } from '#kit/abort.ts';
import { Channel } from '#kit/channel.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { Leg, Playout } from '#telephony/leg.ts';
import { cannedTone } from './canned-tone.ts';
import { withDeadlines } from './deadlines.ts';
import type { ReplyKind } from './floor-terms.ts';
import type { SettledPlan } from './plan.ts';
import { ClauseCutter } from './script.ts';
import { heardOf, type TimedClause, TimedScript, wordTimesOf } from './timed-script.ts';

/** Clauses written and not yet spoken. A model that writes more is not asked to go on. */
const CLAUSES_AHEAD = 64;
/** A playout can go back 10 s; stay clear of that. */
const MAX_BACK_MS = 9_500;

export interface ReplyParts {
  kit: Kit;
  leg: Leg;
  synthesizer: Synthesizer;
  plan: SettledPlan;
  /** The call's clock, milliseconds. */
  now: () => number;
}

/** Words that left on the wire. `at`s are on the call's clock, word times count from `fromAt`. */
export interface PlayedLine {
  text: string;
  fromAt: number;
  toAt: number;
  words: WordTime[];
}

export interface ReplyListener {
  /** The first audible frame left. */
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
  /** The text, streamed. Asked a second time when the first attempt failed before anything was heard. */
  words: (signal: AbortSignal) => AsyncIterable<string>;
  /** Filled as the stages happen. */
  stages: TurnStages;
  listener: ReplyListener;
  /** When no voice can be made, a tone says at least that something is wrong. */
  toneInstead: boolean;
  signal: AbortSignal;
}

export interface ReplyEnd {
  /** Exactly the words that left on the wire, a cut word left out. */
  heard: string;
  interrupted: boolean;
  /** Why it could not go on; undefined when it could. */
  failed: unknown;
}

/** One way from words to the wire; a retry is a new one. */
interface Attempt {
  script: TimedScript;
  playout: Playout;
  /** The first clause that was not heard to its end, whether it has begun to be heard, and when. */
  clause: number;
  begun: boolean;
  fromAt: number;
  /** A part of the clause is heard for the second time. */
  repeating: boolean;
  pausedAt: number | undefined;
  error: unknown;
}

export class Reply {
  readonly epoch: number;
  readonly turn: number;
  readonly kind: ReplyKind;
  readonly stages: TurnStages;
  readonly #parts: ReplyParts;
  readonly #request: ReplyRequest;
  readonly #scope: ReturnType<typeof childOf>;
  #attempt: Attempt | undefined;
  #over = false;
  #spoke = false;

  constructor(parts: ReplyParts, request: ReplyRequest) {
    this.#parts = parts;
    this.#request = request;
    this.epoch = request.epoch;
    this.turn = request.turn;
    this.kind = request.kind;
    this.stages = request.stages;
    this.#scope = childOf(request.signal);
  }

  /** Resolves when the reply was heard to its end, failed or was stopped. Never rejects. */
  async run(): Promise<ReplyEnd> {
    const first = await this.#play();
    const again = first.failed !== undefined && first.heard === '' && isRetryable(first.failed) && !this.#request.toneInstead;
    if (!again || this.#over) return this.#finish(first);
    this.#parts.kit.log.warn(
      { turn: this.turn, epoch: this.epoch, error: first.failed },
      'reply failed before it was heard: trying once more',
    );
    return this.#finish(await this.#play());
  }

  /** Once per frame: notices what has been heard. */
  tick(): void {
    if (this.#attempt && !this.#over) this.#follow(this.#attempt);
  }

  /** The words heard so far. */
  get heard(): string {
    return this.#attempt ? this.#attempt.script.heardUntil(this.#attempt.playout.playedMs) : '';
  }

  /** The clause that is being heard; empty between two. */
  get clause(): string {
    const attempt = this.#attempt;
    return attempt?.begun ? (attempt.script.clauses[attempt.clause]?.text ?? '') : '';
  }

  duck(decibels: number): void {
    this.#attempt?.playout.duck(decibels);
  }

  pause(): void {
    const attempt = this.#attempt;
    if (!attempt || this.#over) return;
    attempt.playout.pause();
    this.#follow(attempt);
    attempt.pausedAt = this.#parts.now();
  }

  /** Goes on from where it stopped, or from the start of the clause that was cut, so that the caller hears it whole. */
  resume(wholeClause: boolean): void {
    const attempt = this.#attempt;
    if (!attempt || this.#over) return;
    const clause = attempt.script.clauses[attempt.clause];
    if (wholeClause && clause && attempt.begun) {
      this.#reportCut(attempt);
      attempt.playout.resume(Math.max(clause.fromMs, attempt.playout.playedMs - MAX_BACK_MS));
      attempt.fromAt = this.#parts.now();
      attempt.repeating = true;
    } else {
      attempt.playout.resume();
      attempt.fromAt += attempt.begun && attempt.pausedAt !== undefined ? this.#parts.now() - attempt.pausedAt : 0;
    }
    attempt.pausedAt = undefined;
  }

  /** Silence from the next frame on; models and tools unwind behind it. Returns the words heard. */
  stop(why: string): string {
    if (!this.#over) {
      const attempt = this.#attempt;
      if (attempt) {
        attempt.playout.stop();
        this.#follow(attempt);
        this.#reportCut(attempt);
      }
      this.#over = true;
      this.#scope.abort(why);
    }
    return this.heard;
  }

  async #play(): Promise<ReplyEnd> {
    const clauses = new Channel<string>(CLAUSES_AHEAD, 'refuse');
    const { promise: broken, resolve: breakOff } = Promise.withResolvers<void>();
    const scope = childOf(this.#scope.signal);
    const fail = (error: unknown) => {
      if (attempt.error !== undefined || scope.signal.aborted) return;
      attempt.error = error ?? new Error('failed without saying why');
      clauses.close();
      if (!this.#request.toneInstead) breakOff();
    };
    const script = new TimedScript();
    const source = this.#speech(clauses, script, scope.signal, fail);
    const attempt: Attempt = {
      script,
      playout: this.#parts.leg.play(source),
      clause: 0,
      begun: false,
      fromAt: 0,
      repeating: false,
      pausedAt: undefined,
      error: undefined,
    };
    this.#attempt = attempt;
    scope.signal.addEventListener('abort', () => clauses.close(), { once: true });
    if (scope.signal.aborted) clauses.close();
    void attempt.playout.started.then((at) => this.#started(attempt, at));
    void this.#write(clauses, scope.signal).then(() => clauses.close(), fail);
    const end = await Promise.race([attempt.playout.finished, broken]);
    // What is heard already is heard to its end; what is not is tried again at once.
    if (!end && attempt.playout.playedMs === 0) attempt.playout.stop();
    const { how, error } = await attempt.playout.finished;
    if (how === 'failed') fail(error ?? new Error('the leg could not play'));
    if (!this.#over) this.#follow(attempt);
    scope.abort('finished');
    return { heard: this.heard, interrupted: this.#over, failed: attempt.error };
  }

  #finish(end: ReplyEnd): ReplyEnd {
    if (!this.#over && this.#attempt) this.#reportCut(this.#attempt);
    this.#over = true;
    this.#scope.abort('finished');
    return end;
  }

  /** Text to clauses. */
  async #write(clauses: Channel<string>, signal: AbortSignal): Promise<void> {
    const cutter = new ClauseCutter(this.#parts.plan.policy.maxReplyChars);
    for await (const piece of this.#request.words(signal)) {
      for (const clause of cutter.push(piece)) this.#wrote(clauses, clause);
      if (cutter.full || signal.aborted) return;
    }
    for (const clause of cutter.flush()) this.#wrote(clauses, clause);
  }

  #wrote(clauses: Channel<string>, clause: string): void {
    this.stages.firstClauseAt ??= this.#parts.now();
    clauses.push(clause);
  }

  /** Clauses to sound. Ends where it fails, so that what was made before is heard. */
  async *#speech(
    clauses: AsyncIterable<string>,
    script: TimedScript,
    signal: AbortSignal,
    fail: (error: unknown) => void,
  ): AsyncGenerator<Sound, void, undefined> {
    const { leg } = this.#parts;
    try {
      for await (const text of clauses) {
        if (signal.aborted) return;
        const clause = script.begin(text);
        for await (const part of this.#speak(text, signal)) {
          if (part.words) clause.spoken.push(...part.words);
          clause.toMs += msOf(part.sound, leg.format);
          if (part.sound.length === 0) continue;
          this.stages.firstAudioAt ??= this.#parts.now();
          yield part.sound;
        }
        clause.complete = true;
      }
    } catch (error) {
      if (!this.#request.toneInstead || signal.aborted) {
        fail(error);
        return;
      }
      yield cannedTone(leg.format);
      fail(error);
    }
  }

  #speak(text: string, signal: AbortSignal) {
    const { kit, leg, synthesizer, plan } = this.#parts;
    const parts = synthesizer.speak({ text, voice: plan.voice, language: plan.language, format: leg.format, signal });
    const { firstAudioMs: firstMs, nextAudioMs: nextMs } = plan.policy;
    return withDeadlines(parts, { clock: kit.clock, vendor: synthesizer.name, firstMs, nextMs, signal });
  }

  #started(attempt: Attempt, clockAt: number | undefined): void {
    if (clockAt === undefined || this.#over || attempt !== this.#attempt || this.#spoke) return;
    this.#spoke = true;
    const { kit, now } = this.#parts;
    this.stages.firstPacketAt ??= now() - (kit.clock.now() - clockAt);
    this.#request.listener.audible();
  }

  /** Reports the clauses that the play head has begun and passed. */
  #follow(attempt: Attempt): void {
    const { script, playout } = attempt;
    const position = playout.playedMs;
    for (;;) {
      const clause = script.clauses[attempt.clause];
      if (!clause) return;
      const empty = clause.toMs === clause.fromMs;
      if (!attempt.begun && !empty) {
        if (position <= clause.fromMs) return;
        attempt.begun = true;
        // The newest frame counts as played when it begins to leave.
        attempt.fromAt = this.#parts.now() + FRAME_MS - (position - clause.fromMs);
        this.#request.listener.speaking(textUntil(script, attempt.clause));
      }
      if (!clause.complete || position < clause.toMs) return;
      if (!empty) this.#report(attempt, clause, clause.toMs);
      attempt.clause++;
      attempt.begun = false;
      attempt.repeating = false;
    }
  }

  /** Reports the clause that was being heard when everything stopped. */
  #reportCut(attempt: Attempt): void {
    const clause = attempt.script.clauses[attempt.clause];
    if (!clause || !attempt.begun) return;
    const since = (attempt.pausedAt ?? this.#parts.now()) - attempt.fromAt;
    const { playedMs } = attempt.playout;
    this.#report(attempt, clause, attempt.repeating ? Math.min(playedMs, clause.fromMs + since) : playedMs);
  }

  #report(attempt: Attempt, clause: TimedClause, position: number): void {
    const text = heardOf(clause, position);
    if (text === '') return;
    const lasted = Math.min(position, clause.toMs) - clause.fromMs;
    const words = wordTimesOf(clause).filter((word) => text === clause.text || word.toMs <= lasted);
    this.#request.listener.played({ text, fromAt: attempt.fromAt, toAt: attempt.fromAt + lasted, words });
  }
}

function textUntil(script: TimedScript, clause: number): string {
  return script.clauses
    .slice(0, clause + 1)
    .map(({ text }) => text)
    .join(' ');
}

function isRetryable(error: unknown): boolean {
  return !(error instanceof VendorError) || error.category === 'retryable' || error.category === 'rate-limited';
}

/**
 * One caller: says what its talk has for it, each utterance when the one before was answered (or over that answer), and
 * measures what it hears. It never asks anybody else what time it is: `now` is its own place in the loop.
 *
 * ```
 *    greeting ─heard, then quiet─▶ speaking ⇄ pausing ─said─▶ listening ─quiet, or over the answer─▶ speaking … ─▶ done
 * ```
 */
import type { Random } from '#kit/random.ts';
import type { OwnTime } from './lateness.ts';
import { Ear, HOP_MS } from './onset.ts';
import { isAnswered, type Talk, type Utterance } from './talk.ts';
import type { Tally } from './tally.ts';
import { FRAME, FRAME_MS, type LoadLine } from './wire.ts';

const GREETING_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 8_000;
/** After a backchannel or a cough an assistant that fell silent has this long to go on. */
const RESUME_WITHIN_MS = 2_400;
/** Silence after which an assistant has stopped. */
const STOPPED_MS = 300;
const STOP_WITHIN_MS = 2_500;
/** Sound that ended longer ago than this was not talked over. */
const TALKING_MS = 100;

/** An interruption that has not shown its effect. */
interface Barge {
  index: number;
  /** The caller's first sample. */
  fromAt: number;
  /** Of the answer, before it. */
  heardMs: number;
  leftOut: boolean;
}

type State = 'greeting' | 'speaking' | 'pausing' | 'listening' | 'done';

export interface CallerOptions {
  call: number;
  /** Which voice it has, and which lines it says. */
  line: number;
  talk: Talk;
  random: Random;
  tally: Tally;
  own: OwnTime;
  /** Length of a whole answer to a question with something said over it, where it is known: what is missing was cut. */
  answerMs?: number;
}

export class Caller {
  readonly v2vMs: number[] = [];
  /** Answered -> first sound of the greeting. */
  greetingMs: number | undefined;
  missed = 0;
  readonly #options: CallerOptions;
  readonly #ear = new Ear();
  readonly #said: { utterance: Utterance | undefined; part: number; offset: number; cutOff: boolean; leftOut: boolean } = {
    utterance: undefined,
    part: 0,
    offset: 0,
    cutOff: false,
    leftOut: false,
  };
  /** What is waited for: the answer to the newest question; `hops` that were audible before it. */
  readonly #answer: { endAt: number; onsetAt: number | undefined; hops: number; untilMs: number; waitMs: number; counts: boolean };
  #barge: Barge | undefined;
  /** A backchannel or cough over an answer. */
  #harmless: { paused: boolean } | undefined;
  #state: State = 'greeting';
  #index = 0;
  #next: Utterance | undefined;

  constructor(options: CallerOptions, answeredAt: number) {
    this.#options = options;
    this.#answer = {
      endAt: answeredAt,
      onsetAt: undefined,
      hops: 0,
      untilMs: answeredAt + GREETING_WITHIN_MS,
      waitMs: this.#draw(500, 900),
      counts: false,
    };
    this.#next = options.talk.utterance(options.line, 0, options.random);
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Nothing is being said or waited for: a good moment to hang up. */
  get idle(): boolean {
    return this.#state === 'done' || ((this.#state === 'greeting' || this.#state === 'listening') && this.#answer.onsetAt !== undefined);
  }

  get turns(): number {
    return this.v2vMs.length + this.missed;
  }

  /** 10 ms of sound that is heard from `at` on. */
  heard(power: number, at: number): void {
    const silentMs = at - this.#ear.audibleUntil;
    const onsetAt = this.#ear.hear(power, at);
    if (this.#harmless && silentMs >= STOPPED_MS && this.#ear.audibleUntil > at) this.#harmless.paused = true;
    if (onsetAt !== undefined) this.#began(onsetAt);
  }

  /** The next 20 ms, which end now. */
  tick(now: number, line: LoadLine): void {
    if (this.#barge) this.#watchBarge(now, this.#barge);
    if (this.#state === 'pausing' && now >= this.#answer.untilMs) this.#state = 'speaking';
    else if ((this.#state === 'greeting' || this.#state === 'listening') && this.#mayBegin(now)) this.#begin(now);
    if (this.#state !== 'speaking') {
      line.send(undefined, 0);
      return;
    }
    const said = this.#said;
    const part = said.utterance?.parts[said.part];
    if (part) {
      line.send(part.sound, said.offset);
      said.offset += FRAME;
      if (said.offset < part.sound.length) return;
    } else line.send(undefined, 0);
    this.#partSaid(now, line);
  }

  #partSaid(now: number, line: LoadLine): void {
    const said = this.#said;
    const parts = said.utterance?.parts ?? [];
    const pauseMs = parts[said.part]?.pauseMs ?? 0;
    said.part++;
    said.offset = 0;
    if (said.part >= parts.length) {
      if (said.utterance?.digits !== undefined) line.press(said.utterance.digits);
      this.#listen(now);
    } else if (pauseMs > 0) {
      this.#state = 'pausing';
      this.#answer.untilMs = now + pauseMs;
      this.#ear.reset();
    }
  }

  #began(at: number): void {
    const { own, tally } = this.#options;
    const answer = this.#answer;
    if (this.#state === 'pausing' || (this.#state === 'speaking' && this.#said.part > 0)) this.#said.cutOff = true;
    if (this.#state === 'greeting') {
      if (answer.onsetAt !== undefined) return;
      answer.onsetAt = at;
      this.greetingMs = at - answer.endAt;
      tally.greeting(this.greetingMs);
    } else if (this.#state === 'listening' && answer.onsetAt === undefined) {
      answer.onsetAt = at;
      if (answer.counts) this.#answered(at, !own.steady);
    }
  }

  #answered(onsetAt: number | undefined, late: boolean): void {
    const { call, tally } = this.#options;
    const { endAt } = this.#answer;
    this.#answer.counts = false;
    const kind = this.#said.utterance?.kind ?? 'ordinary';
    if (onsetAt === undefined) this.missed++;
    else this.v2vMs.push(onsetAt - endAt);
    tally.turn({
      call,
      index: this.#index - 1,
      kind,
      endAt,
      ...(onsetAt !== undefined && { onsetAt }),
      ...((late || this.#said.leftOut) && { leftOut: true }),
    });
  }

  #mayBegin(now: number): boolean {
    const { onsetAt, untilMs, waitMs } = this.#answer;
    if (onsetAt === undefined) return now >= untilMs;
    const over = this.#next?.overAfterMs;
    // An answer that was shorter than expected cannot be talked over: what is said then is said into silence.
    if (over !== undefined && now < onsetAt + over) return false;
    return over !== undefined || now - this.#ear.audibleUntil >= waitMs;
  }

  #begin(now: number): void {
    if (this.#answer.counts) this.#answered(undefined, false);
    this.#endHarmless();
    const utterance = this.#next;
    if (!utterance) {
      this.#state = 'done';
      return;
    }
    const { talk, line, random, own } = this.#options;
    Object.assign(this.#said, { utterance, part: 0, offset: 0, cutOff: false, leftOut: false });
    this.#index++;
    this.#next = talk.utterance(line, this.#index, random);
    this.#state = 'speaking';
    // A packet leaves when its 20 ms are over.
    const fromAt = now - FRAME_MS;
    const talkedOver = now - this.#ear.audibleUntil < TALKING_MS;
    if (!talkedOver) return;
    const heardMs = (this.#ear.audibleHops - this.#answer.hops) * HOP_MS;
    if (utterance.kind === 'barge-in') this.#barge = { index: this.#index - 1, fromAt, heardMs, leftOut: !own.steady };
    else if (!isAnswered(utterance)) this.#harmless = { paused: false };
  }

  #listen(now: number): void {
    const { own, tally } = this.#options;
    const utterance = this.#said.utterance;
    const answer = this.#answer;
    this.#state = 'listening';
    if (utterance?.kind === 'pause') tally.pause(this.#said.cutOff);
    const answered = utterance !== undefined && isAnswered(utterance);
    answer.waitMs = answered ? (this.#next?.waitMs ?? this.#draw(600, 1_000)) : RESUME_WITHIN_MS;
    answer.untilMs = now + (answered ? ANSWER_WITHIN_MS : RESUME_WITHIN_MS);
    if (!answered) {
      // The answer that it lay over goes on; without one there is nothing to wait for.
      answer.onsetAt ??= now;
      return;
    }
    answer.endAt = now;
    answer.onsetAt = undefined;
    answer.hops = this.#ear.audibleHops;
    this.#said.leftOut = !own.steady;
    answer.counts = now - this.#ear.audibleUntil >= TALKING_MS;
    if (!answer.counts) tally.overlapped();
    this.#ear.reset();
  }

  #watchBarge(now: number, barge: Barge): void {
    const { call, tally } = this.#options;
    const { index, fromAt, leftOut } = barge;
    const stopAt = this.#ear.audibleUntil;
    const stopped = now - stopAt >= STOPPED_MS;
    if (!stopped && now - fromAt < STOP_WITHIN_MS) return;
    this.#barge = undefined;
    const heardMs = barge.heardMs + Math.max(0, stopAt - fromAt);
    tally.bargeIn({ call, index, fromAt, heardMs, ...(stopped && { stopAt }), ...(leftOut && { leftOut: true }) });
  }

  #endHarmless(): void {
    if (!this.#harmless) return;
    const { answerMs, tally } = this.#options;
    const heardMs = (this.#ear.audibleHops - this.#answer.hops) * HOP_MS;
    const failed = answerMs !== undefined && answerMs - heardMs >= STOPPED_MS;
    tally.harmless(this.#harmless.paused || failed, failed);
    this.#harmless = undefined;
  }

  #draw(from: number, to: number): number {
    return from + (to - from) * this.#options.random.next();
  }
}

/** What the callers measured, by the definitions of the measures page: in total, and call by call. */
import { Histogram, type Percentiles } from './histogram.ts';
import type { UtteranceKind } from './talk.ts';
import type { LineCounts } from './wire.ts';

/** Kept for reports and for joining with a provider's log; an hour of 500 calls has 300,000. */
const MOST_SAMPLES = 400_000;
const DEAD_AIR_MS = 2_000;

/** One utterance that was to be answered. Times of the generator's clock. */
export interface TurnSample {
  call: number;
  /** Of the utterance in its call. */
  index: number;
  kind: UtteranceKind;
  /** The caller's last sample. */
  endAt: number;
  /** First audible sound of the answer; absent: none came in time. */
  onsetAt?: number;
  /** Our own loop was late then: in no percentile. */
  leftOut?: true;
}

export interface BargeInSample {
  call: number;
  index: number;
  /** The caller's first sample, and the end of the last audible one of the assistant; absent: it never stopped. */
  fromAt: number;
  stopAt?: number;
  /** Audible sound of the answer until then. */
  heardMs: number;
  leftOut?: true;
}

/** One call as it went. */
export interface CallSummary {
  call: number;
  setupMs: number;
  greetingMs?: number;
  talkedMs: number;
  turns: number;
  v2vMs?: { mean: number; max: number };
  missed: number;
  frames: LineCounts;
  /** Why it ended before the caller wanted to. */
  failed?: string;
}

export interface Totals {
  offered: number;
  answered: number;
  live: number;
  /** Calls by the server's word for no, and by what went wrong. */
  refused: Record<string, number>;
  failed: Record<string, number>;
  turns: number;
  missed: number;
  deadAir: number;
  overlapped: number;
  leftOut: number;
  pauses: number;
  cutOffs: number;
  harmless: number;
  /** Of those: it fell silent for 300 ms; and some of the answer was missing afterwards. */
  harmlessPaused: number;
  harmlessFailed: number;
  bargeIns: number;
  bargeInsNever: number;
}

export interface Distributions {
  setupMs: Percentiles;
  refusedAfterMs: Percentiles;
  greetingMs: Percentiles;
  v2vMs: Percentiles;
  bstMs: Percentiles;
}

export class Tally {
  /** While it is false nothing of a conversation counts: the callers are still dialling. */
  measuring = false;
  readonly totals: Totals = {
    offered: 0,
    answered: 0,
    live: 0,
    refused: {},
    failed: {},
    turns: 0,
    missed: 0,
    deadAir: 0,
    overlapped: 0,
    leftOut: 0,
    pauses: 0,
    cutOffs: 0,
    harmless: 0,
    harmlessPaused: 0,
    harmlessFailed: 0,
    bargeIns: 0,
    bargeInsNever: 0,
  };
  readonly frames: LineCounts = { frames: 0, lost: 0, judged: 0, late: 0 };
  readonly turns: TurnSample[] = [];
  readonly bargeIns: BargeInSample[] = [];
  readonly calls: CallSummary[] = [];
  readonly #setup = new Histogram();
  readonly #refusedAfter = new Histogram();
  readonly #greeting = new Histogram();
  readonly #v2v = new Histogram();
  readonly #bst = new Histogram();

  answered(setupMs: number): void {
    this.totals.answered++;
    this.totals.live++;
    this.#setup.add(setupMs);
  }

  refused(status: string, afterMs: number): void {
    count(this.totals.refused, status);
    this.#refusedAfter.add(afterMs);
  }

  failed(why: string): void {
    count(this.totals.failed, why);
  }

  ended(summary: CallSummary): void {
    this.totals.live--;
    if (summary.failed !== undefined) count(this.totals.failed, summary.failed);
    if (this.calls.length < MOST_SAMPLES) this.calls.push(summary);
  }

  greeting(ms: number): void {
    this.#greeting.add(ms);
  }

  turn(sample: TurnSample): void {
    if (!this.measuring) return;
    if (this.turns.length < MOST_SAMPLES) this.turns.push(sample);
    this.totals.turns++;
    const ms = sample.onsetAt === undefined ? Number.POSITIVE_INFINITY : sample.onsetAt - sample.endAt;
    if (ms > DEAD_AIR_MS) this.totals.deadAir++;
    if (sample.leftOut) this.totals.leftOut++;
    else if (sample.onsetAt === undefined) this.totals.missed++;
    else this.#v2v.add(ms);
  }

  /** The assistant spoke already when the caller's last sample was said: there was no wait to measure. */
  overlapped(): void {
    if (this.measuring) this.totals.overlapped++;
  }

  pause(cutOff: boolean): void {
    if (!this.measuring) return;
    this.totals.pauses++;
    if (cutOff) this.totals.cutOffs++;
  }

  harmless(paused: boolean, failed: boolean): void {
    if (!this.measuring) return;
    this.totals.harmless++;
    if (paused) this.totals.harmlessPaused++;
    if (failed) this.totals.harmlessFailed++;
  }

  bargeIn(sample: BargeInSample): void {
    if (!this.measuring) return;
    if (this.bargeIns.length < MOST_SAMPLES) this.bargeIns.push(sample);
    this.totals.bargeIns++;
    if (sample.leftOut) this.totals.leftOut++;
    else if (sample.stopAt === undefined) this.totals.bargeInsNever++;
    else this.#bst.add(sample.stopAt - sample.fromAt);
  }

  /** What a line counted since the measuring began. */
  line(counts: LineCounts, before: LineCounts): void {
    this.frames.frames += counts.frames - before.frames;
    this.frames.lost += counts.lost - before.lost;
    this.frames.judged += counts.judged - before.judged;
    this.frames.late += counts.late - before.late;
  }

  distributions(): Distributions {
    return {
      setupMs: this.#setup.summary(),
      refusedAfterMs: this.#refusedAfter.summary(),
      greetingMs: this.#greeting.summary(),
      v2vMs: this.#v2v.summary(),
      bstMs: this.#bst.summary(),
    };
  }
}

function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

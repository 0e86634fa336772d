/**
 * How long a direct conversation waits: for the model, which must be alive (a guard), and for the caller, who may have left
 * (a rest). At most one timer of each runs.
 */
import type { Clock, Timer } from '#kit/clock.ts';

/** A voice as long as this, be it in pieces, is noticed by a model that lives, so long after its end at the latest. */
const NOTICEABLE_MS = 400;
const NOTICED_WITHIN_MS = 2_500;

export interface PatienceOptions {
  clock: Pick<Clock, 'after'>;
  now: () => number;
  /** The model owes something and has not given it. */
  late: (what: string, waitedMs: number) => void;
}

export class Patience {
  readonly #options: PatienceOptions;
  #guard: { timer: Timer; waitMs: number } | undefined;
  #rest: Timer | undefined;
  #deaf: Timer | undefined;
  #signAt = 0;
  /** The caller's voice since the model's newest sign. */
  #unnoticedMs = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** The model has told something: whatever it still owes has its time again. */
  sign(): void {
    this.#signAt = this.#options.now();
    this.#unnoticedMs = 0;
    this.#deaf?.cancel();
    this.owes(undefined);
  }

  /** When the model last told anything, on the call's clock. */
  get signAt(): number {
    return this.#signAt;
  }

  /** The caller has said enough to be noticed, and was not. */
  get unnoticed(): boolean {
    return this.#unnoticedMs >= NOTICEABLE_MS;
  }

  /** `waitMs`: how long what the model owes may take; undefined when it owes nothing. Waiting goes on while the same is told again. */
  owes(waitMs: number | undefined): void {
    if (this.#guard && this.#guard.waitMs === waitMs) return;
    this.#guard?.timer.cancel();
    this.#guard = undefined;
    if (waitMs === undefined) return;
    this.#guard = { waitMs, timer: this.#options.clock.after(waitMs, () => this.#options.late('nothing came', waitMs)) };
  }

  /** The caller speaks: only when they have finished can anybody be late. */
  speaks(): void {
    this.#deaf?.cancel();
  }

  /** The caller spoke: a model that lives has noticed, or does soon. */
  spoke(fromAt: number, toAt: number): void {
    this.#deaf?.cancel();
    if (this.#signAt >= fromAt) return;
    this.#unnoticedMs += toAt - fromAt;
    if (!this.unnoticed) return;
    const late = () => this.#options.late("the caller's voice was not noticed", NOTICED_WITHIN_MS);
    this.#deaf = this.#options.clock.after(NOTICED_WITHIN_MS, late);
  }

  /** Nobody says anything: `run` after `waitMs`, unless something stirs. */
  rests(waitMs: number, run: () => void): void {
    this.#rest ??= this.#options.clock.after(waitMs, () => {
      this.#rest = undefined;
      run();
    });
  }

  stirs(): void {
    this.#rest?.cancel();
    this.#rest = undefined;
  }

  /** No timer is left. */
  stop(): void {
    this.owes(undefined);
    this.stirs();
    this.#deaf?.cancel();
  }
}

/**
 * How long a direct conversation waits: for the model, which must be alive (a guard), and for the caller, who may have left
 * (a rest). At most one timer of each runs.
 */
import type { Clock, Timer } from '#kit/clock.ts';

/** A voice as long as this is noticed by a model that lives, so long after its end at the latest. */
const NOTICEABLE_MS = 1_000;
const NOTICED_WITHIN_MS = 4_000;

export interface PatienceOptions {
  clock: Pick<Clock, 'after'>;
  now: () => number;
  /** The model owes something and has not given it. */
  late: (what: string, waitedMs: number) => void;
}

export class Patience {
  readonly #options: PatienceOptions;
  #guard: Timer | undefined;
  #rest: Timer | undefined;
  #deaf: Timer | undefined;
  #signAt = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** The model has told something: whatever it still owes has its time again. */
  sign(): void {
    this.#signAt = this.#options.now();
    this.#deaf?.cancel();
    this.owes(undefined);
  }

  /** `waitMs`: how long what the model owes may take; undefined when it owes nothing. Waiting goes on while it is told again. */
  owes(waitMs: number | undefined): void {
    if (waitMs !== undefined) {
      this.#guard ??= this.#options.clock.after(waitMs, () => this.#options.late('nothing came', waitMs));
      return;
    }
    this.#guard?.cancel();
    this.#guard = undefined;
  }

  /** The caller spoke: a model that lives has noticed, or does soon. */
  spoke(fromAt: number, toAt: number): void {
    this.#deaf?.cancel();
    if (this.#signAt >= fromAt || toAt - fromAt < NOTICEABLE_MS) return;
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

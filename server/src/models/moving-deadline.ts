/** A deadline that is moved with every piece of a stream: its timer is set anew only when it goes off, or must go off sooner. */
import type { Clock, Timer } from '#kit/clock.ts';

export class MovingDeadline {
  readonly #clock: Clock;
  readonly #missed: (ms: number, what: string) => void;
  /** Milliseconds it was set to, and when they are over; undefined while there is none. */
  #due: { ms: number; atMs: number; what: string } | undefined;
  #timer: Timer | undefined;
  #firesAtMs = 0;

  constructor(clock: Clock, missed: (ms: number, what: string) => void) {
    this.#clock = clock;
    this.#missed = missed;
  }

  get running(): boolean {
    return this.#due !== undefined;
  }

  /** `what` has not come is what is said of it. */
  set(ms: number, what: string): void {
    const atMs = this.#clock.now() + ms;
    this.#due = { ms, atMs, what };
    if (this.#timer && this.#firesAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#start(ms, atMs);
  }

  /** There is none for now; its timer stays for the next. */
  suspend(): void {
    this.#due = undefined;
  }

  /** For good. */
  clear(): void {
    this.#due = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #start(ms: number, atMs: number): void {
    this.#firesAtMs = atMs;
    this.#timer = this.#clock.after(ms, this.#look);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const due = this.#due;
    if (!due) return;
    const leftMs = due.atMs - this.#clock.now();
    if (leftMs > 0) return this.#start(leftMs, due.atMs);
    this.#due = undefined;
    this.#missed(due.ms, due.what);
  };
}

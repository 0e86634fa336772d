/**
 * A circuit breaker: whoever fails again and again is left alone for a while, so that nobody waits for it.
 *
 * ```
 *   closed ──FAILURES within WINDOW_MS, or a lasting failure──▶ open ──back-off over──▶ half-open ──probe succeeded──▶ closed
 *                                                               ▲                          │
 *                                                               └──── probe failed: twice the back-off
 * ```
 *
 * No timer inside: the clock is asked when somebody asks. One breaker serves all calls of the process.
 */
import type { Clock } from './clock.ts';

/** So many failures… */
const FAILURES = 5;
/** …within this time open it. */
const WINDOW_MS = 10_000;
const FIRST_BACK_OFF_MS = 5_000;
const LONGEST_BACK_OFF_MS = 60_000;
/** A probe that reports nothing (its call ended) is given up after this long. */
const PROBE_MS = 15_000;

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #clock: Pick<Clock, 'now'>;
  #failures: number[] = [];
  /** Open until then; undefined when closed. */
  #until: number | undefined;
  #backOffMs = FIRST_BACK_OFF_MS;
  #probeAt: number | undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get state(): BreakerState {
    if (this.#until === undefined) return 'closed';
    return this.#clock.now() < this.#until ? 'open' : 'half-open';
  }

  /** Whether a request would be let through now; changes nothing. */
  get ready(): boolean {
    const { state } = this;
    return state === 'closed' || (state === 'half-open' && !this.#probing());
  }

  /** Asks to send a request. In `half-open` only one gets through; its outcome decides. */
  admit(): boolean {
    if (!this.ready) return false;
    if (this.state === 'half-open') this.#probeAt = this.#clock.now();
    return true;
  }

  succeeded(): void {
    // What was asked before it opened proves nothing about now.
    if (this.state === 'open') return;
    this.#failures = [];
    this.#until = undefined;
    this.#probeAt = undefined;
    this.#backOffMs = FIRST_BACK_OFF_MS;
  }

  /** `lastingMs`: this failure will not go away sooner (a wrong key, a rate limit): open at once for so long. */
  failed(lastingMs?: number): void {
    const now = this.#clock.now();
    const { state } = this;
    if (lastingMs !== undefined) return this.#open(now + lastingMs);
    if (state === 'open') return;
    if (state === 'half-open') {
      this.#backOffMs = Math.min(LONGEST_BACK_OFF_MS, this.#backOffMs * 2);
      return this.#open(now + this.#backOffMs);
    }
    this.#failures = [...this.#failures.filter((at) => at > now - WINDOW_MS), now];
    if (this.#failures.length >= FAILURES) this.#open(now + this.#backOffMs);
  }

  /** The request was called off before it could tell anything. */
  dropped(): void {
    this.#probeAt = undefined;
  }

  #open(until: number): void {
    this.#until = Math.max(until, this.#until ?? 0);
    this.#probeAt = undefined;
    this.#failures = [];
  }

  #probing(): boolean {
    return this.#probeAt !== undefined && this.#clock.now() < this.#probeAt + PROBE_MS;
  }
}

/** The breakers of a process, by name. */
export class Breakers {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #breakers = new Map<string, Breaker>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  of(name: string): Breaker {
    const found = this.#breakers.get(name);
    if (found) return found;
    const made = new Breaker(this.#clock);
    this.#breakers.set(name, made);
    return made;
  }

  /** For metrics. */
  states(): Record<string, BreakerState> {
    return Object.fromEntries([...this.#breakers].map(([name, breaker]) => [name, breaker.state]));
  }
}

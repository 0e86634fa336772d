/**
 * Time is an argument. Nothing outside `kit/` reads a clock or starts a timer of its own, so that a whole call can
 * run on a {@link VirtualClock}.
 */

/** A pending callback. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with a fraction. Only differences mean anything. */
  now(): number;
  /** Wall-clock milliseconds since the Unix epoch (for rows and file names, never for durations). */
  wall(): number;
  /** Runs `run` once, `delayMs` from now. A negative delay counts as 0. */
  after(delayMs: number, run: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** RFC 3339 UTC text of a wall-clock instant, as the API writes times. */
export function rfc3339(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function sleepOn(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason as Error);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => {
    timer.cancel();
    reject(signal?.reason as Error);
  };
  const timer = clock.after(delayMs, () => {
    signal?.removeEventListener('abort', onAbort);
    resolve();
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise;
}

/** A class, because a call has some ten of them a second: a closure and its context would be three objects instead of one. */
class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(timeout: NodeJS.Timeout) {
    this.#timeout = timeout;
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

/** The machine's clock. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }

  after(delayMs: number, run: () => void): Timer {
    return new SystemTimer(setTimeout(run, Math.max(0, delayMs)));
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}

interface VirtualTimer {
  due: number;
  order: number;
  run: () => void;
}

/**
 * A clock that stands still until a test moves it. `advance` runs every due timer in order of (due, creation), and
 * lets all promise work of one timer settle before the next one runs.
 */
export class VirtualClock implements Clock {
  #now: number;
  #wallAtZero: number;
  #order = 0;
  #timers: VirtualTimer[] = [];
  readonly #holds = new Set<Promise<void>>();

  constructor(options: { startMs?: number; wallMs?: number } = {}) {
    this.#now = options.startMs ?? 0;
    this.#wallAtZero = (options.wallMs ?? Date.UTC(2026, 0, 5, 9, 0, 0)) - this.#now;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wallAtZero + this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer: VirtualTimer = { due: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    // Insertion keeps (due, order) sorted; timers are mostly appended near the end, so search from there.
    let index = this.#timers.length;
    while (index > 0 && this.#timers[index - 1].due > timer.due) index--;
    this.#timers.splice(index, 0, timer);
    return {
      cancel: () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Timers still waiting: a test asserts 0 after a whole call. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time forward by `ms`, running everything that falls due on the way. */
  async advance(ms: number): Promise<void> {
    await this.advanceUntil(() => false, ms);
  }

  /**
   * Moves time forward until `done`, which is asked between timers, and by `withinMs` at most. Answers whether it came; time
   * then stands where it did.
   */
  async advanceUntil(done: () => boolean, withinMs: number): Promise<boolean> {
    const target = this.#now + withinMs;
    await this.settle();
    for (;;) {
      if (done()) return true;
      const next = this.#timers[0];
      if (!next || next.due > target) break;
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.due);
      next.run();
      await this.settle();
    }
    this.#now = target;
    return false;
  }

  /** Time stands still until the function answered is called: somebody waits for something real (a provider, a program). */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#holds.add(promise);
    return () => {
      this.#holds.delete(promise);
      resolve();
    };
  }

  /** Time passes and nothing runs, as where a thread is blocked; what fell due meanwhile runs late, with the next `advance`. */
  stall(ms: number): void {
    this.#now += ms;
  }

  /** Lets promise chains that are already runnable finish, without moving time. */
  async settle(): Promise<void> {
    await macrotask();
    while (this.#holds.size > 0) {
      await Promise.all(this.#holds);
      await macrotask();
    }
  }
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

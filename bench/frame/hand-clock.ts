/** A clock that the benchmark turns, with timers that cost the same however many there are: one bucket per millisecond. */
import type { Clock, Timer } from '../../server/src/kit/clock.ts';

const WALL_AT_ZERO = Date.UTC(2026, 0, 5, 9);

export class HandClock implements Clock {
  #now = 0;
  readonly #buckets = new Map<number, Set<() => void>>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return WALL_AT_ZERO + this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const due = Math.ceil(this.#now + Math.max(0, delayMs));
    const bucket = this.#buckets.get(due) ?? new Set();
    this.#buckets.set(due, bucket);
    const once = () => run();
    bucket.add(once);
    return { cancel: () => bucket.delete(once) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = this.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    return promise;
  }

  /** Moves on by whole milliseconds and runs what falls due. */
  turn(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const bucket = this.#buckets.get(this.#now);
      if (bucket) {
        // A set that grows while it is walked is walked to its new end.
        for (const run of bucket) {
          bucket.delete(run);
          run();
        }
        this.#buckets.delete(this.#now);
      }
      if (this.#now >= target) return;
      this.#now++;
    }
  }
}

/** Streams whose next value must come in time. */
import type { Clock, Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';

export interface StreamDeadlines {
  clock: Clock;
  /** Who is waited for; named in the error. */
  vendor: string;
  firstMs: number;
  nextMs: number;
  signal: AbortSignal;
}

/**
 * Passes values on. Throws a retryable `VendorError` when one is late, the signal's reason when aborted; in both cases
 * the stream is told to stop and is not waited for.
 */
export async function* withDeadlines<T>(stream: AsyncIterable<T>, deadlines: StreamDeadlines): AsyncGenerator<T, void, undefined> {
  const iterator = stream[Symbol.asyncIterator]();
  const wait = new StreamWait<T>(deadlines);
  let ended = false;
  try {
    for (let waitMs = deadlines.firstMs; ; waitMs = deadlines.nextMs) {
      const result = await wait.next(iterator, waitMs);
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } finally {
    wait.over();
    // A generator that is busy answers `return` only after its current step: do not wait for it.
    if (!ended) iterator.return?.().then(undefined, () => {});
  }
}

/** The waits of one stream, one after the other, with one timer and one listener for all of them. */
class StreamWait<T> {
  readonly #deadlines: StreamDeadlines;
  #settle: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined;
  #waitMs = 0;
  #dueMs = 0;
  #timer: Timer | undefined;
  readonly #resolved = (result: IteratorResult<T>): void => this.#take()?.resolve(result);
  readonly #rejected = (error: unknown): void => this.#take()?.reject(error);
  readonly #aborted = (): void => this.#rejected(this.#deadlines.signal.reason);

  constructor(deadlines: StreamDeadlines) {
    this.#deadlines = deadlines;
    deadlines.signal.addEventListener('abort', this.#aborted, { once: true });
  }

  next(iterator: AsyncIterator<T>, waitMs: number): Promise<IteratorResult<T>> {
    const { clock, signal } = this.#deadlines;
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T>>();
    this.#settle = { resolve, reject };
    const sooner = waitMs < this.#waitMs;
    this.#waitMs = waitMs;
    this.#dueMs = clock.now() + waitMs;
    if (sooner) this.#timer?.cancel();
    if (sooner || !this.#timer) this.#timer = clock.after(waitMs, this.#look);
    iterator.next().then(this.#resolved, this.#rejected);
    if (signal.aborted) this.#aborted();
    return promise;
  }

  over(): void {
    this.#settle = undefined;
    this.#timer?.cancel();
    this.#deadlines.signal.removeEventListener('abort', this.#aborted);
  }

  /** Goes off when the wait it was set for would be over; by now it may be another one. */
  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#settle) return;
    const { clock, vendor } = this.#deadlines;
    const leftMs = this.#dueMs - clock.now();
    if (leftMs > 0) this.#timer = clock.after(leftMs, this.#look);
    else this.#rejected(new VendorError(vendor, 'retryable', `no answer within ${this.#waitMs} ms`));
  };

  #take() {
    const settle = this.#settle;
    this.#settle = undefined;
    return settle;
  }
}

/** Settles as `work` does; rejects when it takes longer than `waitMs` or the signal aborts. */
export function inTime<T>(work: Promise<T>, waitMs: number, deadlines: Pick<StreamDeadlines, 'clock' | 'vendor' | 'signal'>): Promise<T> {
  const { clock, vendor, signal } = deadlines;
  return new Promise<T>((resolve, reject) => {
    const settle = (run: () => void) => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      run();
    };
    const onAbort = () => settle(() => reject(signal.reason as Error));
    const timer = clock.after(waitMs, () => settle(() => reject(new VendorError(vendor, 'retryable', `no answer within ${waitMs} ms`))));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
    if (signal.aborted) onAbort();
  });
}

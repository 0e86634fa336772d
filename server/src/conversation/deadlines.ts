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
 * Passes values on. Rejects with a retryable `VendorError` when one is late, with the signal's reason when aborted; in both
 * cases the stream is told to stop and is not waited for.
 */
export function withDeadlines<T>(stream: AsyncIterable<T>, deadlines: StreamDeadlines): AsyncIterableIterator<T, void, undefined> {
  return new StreamInTime(stream[Symbol.asyncIterator](), deadlines);
}

/** The waits of one stream, one after the other, with one timer and one listener for all of them. */
class StreamInTime<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #iterator: AsyncIterator<T, void>;
  readonly #deadlines: StreamDeadlines;
  #state: 'new' | 'open' | 'over' = 'new';
  #settle: PromiseWithResolvers<IteratorResult<T, void>> | undefined;
  #waitMs = 0;
  #dueMs = 0;
  #timer: Timer | undefined;
  /** An abort that came between two waits: the next one is told. */
  #untold: { error: unknown } | undefined;

  constructor(iterator: AsyncIterator<T, void>, deadlines: StreamDeadlines) {
    this.#iterator = iterator;
    this.#deadlines = deadlines;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One wait at a time. */
  next(): Promise<IteratorResult<T, void>> {
    if (this.#state === 'over') return this.#ended();
    const { signal, firstMs, nextMs } = this.#deadlines;
    const waiting = Promise.withResolvers<IteratorResult<T, void>>();
    this.#settle = waiting;
    if (this.#state === 'new') {
      this.#state = 'open';
      signal.addEventListener('abort', this.#aborted, { once: true });
      this.#wait(firstMs);
    } else this.#wait(nextMs);
    try {
      this.#iterator.next().then(this.#came, this.#failed);
    } catch (thrown) {
      this.#failed(thrown);
    }
    if (signal.aborted) this.#aborted();
    return waiting.promise;
  }

  return(): Promise<IteratorResult<T, void>> {
    const waiting = this.#settle;
    this.#untold = undefined;
    this.#giveUp();
    waiting?.resolve({ value: undefined, done: true });
    return Promise.resolve({ value: undefined, done: true });
  }

  readonly #came = (result: IteratorResult<T, void>): void => {
    const waiting = this.#settle;
    this.#settle = undefined;
    if (result.done) this.#over();
    waiting?.resolve(result);
  };

  readonly #failed = (error: unknown): void => {
    const waiting = this.#settle;
    if (!waiting && this.#state === 'open') this.#untold = { error };
    this.#giveUp();
    waiting?.reject(error);
  };

  readonly #aborted = (): void => this.#failed(this.#deadlines.signal.reason);

  #wait(waitMs: number): void {
    const { clock } = this.#deadlines;
    const sooner = waitMs < this.#waitMs;
    this.#waitMs = waitMs;
    this.#dueMs = clock.now() + waitMs;
    if (sooner) this.#timer?.cancel();
    if (sooner || !this.#timer) this.#timer = clock.after(waitMs, this.#look);
  }

  /** Goes off when the wait it was set for would be over; by now it may be another one. */
  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#settle) return;
    const { clock, vendor } = this.#deadlines;
    const leftMs = this.#dueMs - clock.now();
    if (leftMs > 0) this.#timer = clock.after(leftMs, this.#look);
    else this.#failed(new VendorError(vendor, 'retryable', `no answer within ${this.#waitMs} ms`));
  };

  #giveUp(): void {
    if (this.#state === 'over') return;
    this.#over();
    // A generator that is busy answers `return` only after its current step: do not wait for it.
    this.#iterator.return?.().then(undefined, () => {});
  }

  /** Once with what was not told yet. */
  #ended(): Promise<IteratorResult<T, void>> {
    const untold = this.#untold;
    this.#untold = undefined;
    return untold ? Promise.reject(untold.error) : Promise.resolve({ value: undefined, done: true });
  }

  #over(): void {
    this.#state = 'over';
    this.#settle = undefined;
    this.#timer?.cancel();
    this.#deadlines.signal.removeEventListener('abort', this.#aborted);
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

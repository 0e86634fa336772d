/** Streams whose next value must come in time. */
import type { Clock } from '#kit/clock.ts';
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
  let ended = false;
  let waitMs = deadlines.firstMs;
  try {
    for (;;) {
      const result = await inTime(iterator.next(), waitMs, deadlines);
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
      waitMs = deadlines.nextMs;
    }
  } finally {
    // A generator that is busy answers `return` only after its current step: do not wait for it.
    if (!ended) iterator.return?.().then(undefined, () => {});
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

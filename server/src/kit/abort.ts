/**
 * Cancellation is a tree of signals (process > call > reply); every abort carries a cause, so that whoever unwinds
 * knows why.
 */

/** Why something was cancelled. `cause` is a stable word (`barge-in`, `call-ended`, `superseded`, `shutdown`, `deadline`). */
export class Cancelled extends Error {
  readonly why: string;

  constructor(why: string) {
    super(`cancelled: ${why}`);
    this.name = 'Cancelled';
    this.why = why;
  }
}

export function isCancelled(thrown: unknown): thrown is Cancelled {
  return thrown instanceof Cancelled || (thrown instanceof Error && thrown.name === 'AbortError');
}

/** A controller whose signal also aborts with its parent (and with the parent's reason). */
export function childOf(parent: AbortSignal | undefined): { signal: AbortSignal; abort(why: string): void } {
  const own = new AbortController();
  const signal = parent ? AbortSignal.any([parent, own.signal]) : own.signal;
  return { signal, abort: (why) => own.abort(new Cancelled(why)) };
}

/** Settles as `work` does, or rejects with the signal's reason if that comes first. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {});
    return Promise.reject(signal.reason as Error);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error as Error);
      },
    );
  });
}

/** How a thread says that it is open: `{type: 'ready', …}`, or `{type: 'failed', code, message}` with the reason. */
import type { Worker } from 'node:worker_threads';
import type { ErrorCode } from '@tandem/contract';
import type { Clock } from './clock.ts';
import { TandemError } from './errors.ts';

/** The little of a worker that is used. */
export type Thread = Pick<Worker, 'on' | 'once' | 'off' | 'terminate'>;

export interface Opening {
  clock: Clock;
  /** In errors: "The … thread". */
  name: string;
  withinMs: number;
}

type Word = { type: 'ready' } | { type: 'failed'; code: ErrorCode; message: string } | { type: string };

/**
 * Resolves when the thread says that it is open. Rejects with its own error, `unavailable` when it says nothing in time, and
 * `internal-error` when it ends before; the thread is gone then.
 */
export async function threadOpened(thread: Thread, { clock, name, withinMs }: Opening): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = clock.after(withinMs, () => reject(new TandemError('unavailable', `The ${name} thread did not open in time`)));
  const onMessage = (word: Word) => {
    if (word.type === 'ready') resolve();
    else if (word.type === 'failed' && 'code' in word) reject(new TandemError(word.code, word.message));
  };
  const onExit = () => reject(new TandemError('internal-error', `The ${name} thread ended while opening`));
  thread.on('message', onMessage);
  thread.once('error', reject);
  thread.once('exit', onExit);
  try {
    await promise;
  } catch (error) {
    await thread.terminate();
    throw error;
  } finally {
    timer.cancel();
    thread.off('message', onMessage);
    thread.off('error', reject);
    thread.off('exit', onExit);
  }
}

/** Who sorts recordings: the thread that asks, or one of its own. */
import { Worker } from 'node:worker_threads';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { Remote } from '#kit/remote.ts';
import { codeOf } from './recording-file.ts';
import { RecordingSorter, type SortingFailure, type SortingJobs } from './recording-sorter.ts';

/** A disk that is slow for so long is not waited for. */
const WITHIN_MS = 60_000;

export interface SortingDesk {
  /** One job after the other. Rejects when nobody answers, or a segment cannot be read. */
  ask<N extends keyof SortingJobs>(name: N, input: SortingJobs[N]['input']): Promise<SortingJobs[N]['output']>;
  close(): Promise<void>;
}

/** What a sorter answers to each job, wherever it runs: a failure of the disk is an answer, so that its code crosses threads. */
export function answersOf(sorter: RecordingSorter): {
  [N in keyof SortingJobs]: (input: SortingJobs[N]['input']) => SortingJobs[N]['output'];
} {
  const tried = (path: string, work: () => void): SortingFailure | null => {
    try {
      work();
      return null;
    } catch (error) {
      return { path, code: codeOf(error) };
    }
  };
  return {
    begin: ({ path }) => tried(path, () => sorter.begin(path)),
    sort: ({ segment, sounds }) => sorter.sort(segment, sounds),
    finish: ({ path, segment, sound }) => tried(path, () => sorter.finish(path, segment, sound)),
  };
}

/** Sorts where it is asked: for tests, simulations and a few calls. */
export class SortingHere implements SortingDesk {
  readonly #answers = answersOf(new RecordingSorter());

  ask<N extends keyof SortingJobs>(name: N, input: SortingJobs[N]['input']): Promise<SortingJobs[N]['output']> {
    return Promise.try(this.#answers[name], input);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const startWorker = (): Worker => new Worker(new URL('./recording-worker.ts', import.meta.url), { name: 'recordings' });

/** Sorts in a thread of its own, which is opened anew when it dies, until it is closed. */
export class SortingThread implements SortingDesk {
  readonly #kit: Kit;
  readonly #start: () => Worker;
  #isClosed = false;
  #worker: Worker | undefined;
  #remote: Remote<SortingJobs> | undefined;

  /** Never throws: a thread that cannot be started now is tried again with the next job. */
  constructor(kit: Kit, start = startWorker) {
    this.#kit = kit;
    this.#start = start;
    this.#open();
  }

  ask<N extends keyof SortingJobs>(name: N, input: SortingJobs[N]['input']): Promise<SortingJobs[N]['output']> {
    if (!this.#worker && !this.#isClosed) this.#open();
    if (!this.#remote) return Promise.reject(new TandemError('unavailable', 'Nobody sorts recordings'));
    return this.#remote.ask(name, input, { deadlineMs: WITHIN_MS });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#forget(worker);
    await worker?.terminate();
  }

  #open(): void {
    let worker: Worker;
    try {
      worker = this.#start();
    } catch (error) {
      this.#kit.log.error({ part: 'recording', reason: messageOf(error) }, 'the thread that sorts recordings could not be started');
      return;
    }
    this.#worker = worker;
    this.#remote = new Remote<SortingJobs>(worker, this.#kit.clock, {});
    worker.on('error', (error) =>
      this.#kit.log.error({ part: 'recording', reason: messageOf(error) }, 'the thread that sorts recordings died'),
    );
    worker.on('exit', () => this.#forget(worker));
  }

  #forget(worker: Worker | undefined): void {
    if (worker !== this.#worker) return;
    this.#remote?.close();
    this.#remote = undefined;
    this.#worker = undefined;
  }
}

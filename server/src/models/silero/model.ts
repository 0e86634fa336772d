/** The model behind its worker thread, as the batcher sees it. */
import { Worker } from 'node:worker_threads';
import type { Clock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import { createExchange, type SileroModel } from './shape.ts';
import type { SileroAnswer, SileroWorkerData } from './worker.ts';

/** Runtime and model are read from disk: 0.2 s on an idle machine. */
const LOAD_DEADLINE_MS = 20_000;

export interface SileroModelOptions {
  clock: Clock;
  /** Path of the ONNX file. */
  model: string;
  /** The package onnxruntime-node, or the path of its folder. */
  runtime: string;
}

/**
 * Resolves when the model has run once. Rejects with a permanent VendorError when runtime or file are missing or do not
 * fit. The thread never keeps the process alive, and once it is gone every run rejects.
 */
export async function loadModel({ clock, model, runtime }: SileroModelOptions): Promise<SileroModel & { close(): Promise<void> }> {
  const exchange = createExchange();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'silero',
    env: {},
    workerData: { model, runtime, exchange } satisfies SileroWorkerData,
  });
  let gone: VendorError | undefined;
  let waiting: PromiseWithResolvers<void> | undefined;
  const settle = (error: VendorError | undefined) => {
    const settled = waiting;
    waiting = undefined;
    if (error) settled?.reject(error);
    else settled?.resolve();
  };
  const end = (why: string) => {
    gone ??= new VendorError('silero', 'permanent', why);
    settle(gone);
  };
  worker.on('message', (answer: SileroAnswer) => settle(answer.done ? undefined : new VendorError('silero', 'permanent', answer.error)));
  worker.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
  worker.on('exit', () => end('the thread of the model has ended'));

  const next = (): Promise<void> => {
    waiting = Promise.withResolvers<void>();
    return waiting.promise;
  };
  const deadline = clock.after(LOAD_DEADLINE_MS, () => end(`the model was not loaded within ${LOAD_DEADLINE_MS} ms`));
  try {
    await next();
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    deadline.cancel();
  }
  worker.unref();
  return {
    exchange,
    run(rows) {
      if (gone) return Promise.reject(gone);
      const answered = next();
      worker.postMessage(rows);
      return answered;
    },
    async close() {
      await worker.terminate();
    },
  };
}

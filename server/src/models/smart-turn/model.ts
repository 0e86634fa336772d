/** The model behind its worker thread, as the panel sees it. */
import { Worker } from 'node:worker_threads';
import type { Sound } from '#audio/frame.ts';
import type { Clock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { SmartTurnAnswer, SmartTurnWorkerData } from './worker.ts';

const LOAD_DEADLINE_MS = 20_000;

/** A loaded model. At most one run at a time. */
export interface SmartTurnModel {
  /** Takes the windows (their memory is gone from here). One probability each. Rejects when the model failed. */
  run(windows: Sound[]): Promise<number[]>;
}

export interface SmartTurnModelOptions {
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
export async function loadModel({ clock, model, runtime }: SmartTurnModelOptions): Promise<SmartTurnModel & { close(): Promise<void> }> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'smart-turn',
    env: {},
    workerData: { model, runtime } satisfies SmartTurnWorkerData,
  });
  let gone: VendorError | undefined;
  let waiting: PromiseWithResolvers<number[]> | undefined;
  const failed = (error: VendorError) => {
    waiting?.reject(error);
    waiting = undefined;
  };
  const end = (why: string) => {
    gone ??= new VendorError('smart-turn', 'permanent', why);
    failed(gone);
  };
  worker.on('message', (answer: SmartTurnAnswer) => {
    if ('error' in answer) return failed(new VendorError('smart-turn', 'permanent', answer.error));
    waiting?.resolve(answer.probabilities);
    waiting = undefined;
  });
  worker.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
  worker.on('exit', () => end('the thread of the model has ended'));

  const next = (): Promise<number[]> => {
    waiting = Promise.withResolvers<number[]>();
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
    run(windows) {
      if (gone) return Promise.reject(gone);
      const answered = next();
      worker.postMessage(
        windows,
        windows.map(({ buffer }) => buffer as ArrayBuffer),
      );
      return answered;
    },
    async close() {
      await worker.terminate();
    },
  };
}

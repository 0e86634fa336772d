/**
 * Thread that holds the model. `run` of onnxruntime-node promises but computes on the thread that asked (microsoft/
 * onnxruntime issue 19611), and the thread of the calls must not wait for it: so it is asked here.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#kit/errors.ts';
import { openSession } from './session.ts';
import { createExchange, type SharedExchange } from './shape.ts';

export interface SileroWorkerData {
  model: string;
  /** The package onnxruntime-node, or the path of its folder. */
  runtime: string;
  exchange: SharedExchange;
}

/** Number of rows to run; answered by a {@link SileroAnswer}. */
export type SileroRequest = number;
/** First `ready` or what is missing, then one answer for each request. */
export type SileroAnswer = { done: true } | { done: false; error: string };

const port = parentPort;
if (port) {
  const { model, runtime, exchange } = workerData as SileroWorkerData;
  const answer = (message: SileroAnswer) => port.postMessage(message);
  try {
    const session = await openSession(model, runtime);
    // Proves that file and runtime go together, and pays for the first run's allocations before the first call.
    await session.run(2, createExchange());
    port.on('message', (rows: SileroRequest) => {
      session.run(rows, exchange).then(
        () => answer({ done: true }),
        (error: unknown) => answer({ done: false, error: messageOf(error) }),
      );
    });
    answer({ done: true });
  } catch (error) {
    answer({ done: false, error: messageOf(error) });
    port.close();
  }
}

/** Thread that holds the model: features and model take tens of milliseconds, and the thread of the calls must not wait. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Sound } from '#audio/frame.ts';
import { messageOf } from '#kit/errors.ts';
import { openSession } from './session.ts';

export interface SmartTurnWorkerData {
  model: string;
  /** The package onnxruntime-node, or the path of its folder. */
  runtime: string;
}

/** Windows to judge; answered by a {@link SmartTurnAnswer}. */
export type SmartTurnRequest = Sound[];
/** First an empty list or what is missing, then one answer for each request. */
export type SmartTurnAnswer = { probabilities: number[] } | { error: string };

const port = parentPort;
if (port) {
  const { model, runtime } = workerData as SmartTurnWorkerData;
  const answer = (message: SmartTurnAnswer) => port.postMessage(message);
  try {
    const session = await openSession(model, runtime);
    port.on('message', (windows: SmartTurnRequest) => {
      session.run(windows).then(
        (probabilities) => answer({ probabilities }),
        (error: unknown) => answer({ error: messageOf(error) }),
      );
    });
    answer({ probabilities: [] });
  } catch (error) {
    answer({ error: messageOf(error) });
    port.close();
  }
}

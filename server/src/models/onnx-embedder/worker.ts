/** Thread that holds the model: a run computes on the thread that asks, for as long as a second. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#kit/errors.ts';
import type { EmbedUse } from '../embedder.ts';
import type { Pooling } from './model-folder.ts';
import { openSession } from './session.ts';

export interface OnnxEmbedderWorkerData {
  folder: string;
  /** The package onnxruntime-node, or the path of its folder. */
  runtime: string;
  pooling: Pooling | undefined;
}

export interface OnnxEmbedderRequest {
  id: number;
  texts: readonly string[];
  use: EmbedUse;
}

/** First `{ id: 0 }` with the dimensions or with what is missing, then one answer for each request, in order. */
export type OnnxEmbedderAnswer =
  | { id: number; dimensions: number }
  | { id: number; vectors: Float32Array<ArrayBuffer>; tokens: number }
  | { id: number; error: string };

const port = parentPort;
if (port) {
  const { folder, runtime, pooling } = workerData as OnnxEmbedderWorkerData;
  const answer = (message: OnnxEmbedderAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  try {
    const session = await openSession(folder, runtime, pooling);
    let last: Promise<void> = Promise.resolve();
    port.on('message', ({ id, texts, use }: OnnxEmbedderRequest) => {
      last = last.then(async () => {
        try {
          const { vectors, tokens } = await session.run(texts, use);
          const own = vectors as Float32Array<ArrayBuffer>;
          answer({ id, vectors: own, tokens }, [own.buffer]);
        } catch (error) {
          answer({ id, error: messageOf(error) });
        }
      });
    });
    answer({ id: 0, dimensions: session.dimensions });
  } catch (error) {
    answer({ id: 0, error: messageOf(error) });
    port.close();
  }
}

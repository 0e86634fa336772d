/** The model behind its worker thread. Texts go a few at a time, so that an abort and a more urgent request come between. */
import { basename, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { untilAborted } from '#kit/abort.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Embedder, EmbedOptions, EmbedUse } from '../embedder.ts';
import type { Pooling } from './model-folder.ts';
import type { OnnxEmbedderAnswer, OnnxEmbedderRequest, OnnxEmbedderWorkerData } from './worker.ts';

const VENDOR = 'onnx-embedder';
/** A model of 100 MB from a cold disk. */
const LOAD_DEADLINE_MS = 60_000;
/** Of a few texts, behind those of others. */
const ANSWER_DEADLINE_MS = 30_000;
const TEXTS_AT_ONCE = 16;

export interface OnnxEmbedderOptions {
  folder: string;
  /** The package onnxruntime-node, or the path of its folder. */
  runtime: string;
  pooling?: Pooling | undefined;
}

type Answered = Exclude<OnnxEmbedderAnswer, { error: string }>;

export class OnnxEmbedder implements Embedder {
  readonly name: string;
  readonly dimensions: number;
  readonly limits = { texts: 2 * TEXTS_AT_ONCE, characters: 64_000 };
  readonly #thread: Thread;

  private constructor(name: string, dimensions: number, thread: Thread) {
    this.name = name;
    this.dimensions = dimensions;
    this.#thread = thread;
  }

  /** Resolves when the model has run once. Rejects with a permanent VendorError when runtime or files are missing or do not fit. */
  static async load(kit: Kit, { folder, runtime, pooling }: OnnxEmbedderOptions): Promise<OnnxEmbedder> {
    const thread = new Thread(kit, { folder, runtime, pooling });
    try {
      const loaded = await thread.answer(0, LOAD_DEADLINE_MS);
      if (!('dimensions' in loaded)) throw new VendorError(VENDOR, 'permanent', 'the thread of the model is another');
      thread.unref();
      return new OnnxEmbedder(
        `${VENDOR}/${basename(resolve(folder))}${pooling === undefined ? '' : `-${pooling}`}`,
        loaded.dimensions,
        thread,
      );
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  async embed(texts: readonly string[], signal: AbortSignal, { use = 'passage', onTokens }: EmbedOptions = {}): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const vectors: Float32Array[] = [];
    for (let from = 0; from < texts.length; from += TEXTS_AT_ONCE) {
      const part = texts.slice(from, from + TEXTS_AT_ONCE);
      const answer = await untilAborted(this.#thread.ask(part, use), signal);
      for (let i = 0; i < part.length; i++) vectors.push(answer.vectors.slice(i * this.dimensions, (i + 1) * this.dimensions));
      onTokens?.(answer.tokens);
    }
    return vectors;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** Requests to the worker and their answers, by number. The thread never keeps the process alive; once gone, all reject. */
class Thread {
  readonly #kit: Kit;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answered>>();
  #asked = 0;
  #gone: VendorError | undefined;

  constructor(kit: Kit, workerData: OnnxEmbedderWorkerData) {
    this.#kit = kit;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { name: VENDOR, env: {}, workerData });
    this.#worker.on('message', (answer: OnnxEmbedderAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      if ('error' in answer) waiting?.reject(new VendorError(VENDOR, 'permanent', answer.error));
      else waiting?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#end(messageOf(error)));
    this.#worker.on('exit', () => this.#end('the thread of the model has ended'));
  }

  async ask(texts: readonly string[], use: EmbedUse): Promise<{ vectors: Float32Array; tokens: number }> {
    const id = ++this.#asked;
    const answered = this.answer(id, ANSWER_DEADLINE_MS);
    this.#worker.postMessage({ id, texts, use } satisfies OnnxEmbedderRequest);
    const answer = await answered;
    if (!('vectors' in answer)) throw new VendorError(VENDOR, 'permanent', 'an answer without vectors');
    return answer;
  }

  /** The answer with this number, within so long. */
  async answer(id: number, withinMs: number): Promise<Answered> {
    if (this.#gone) throw this.#gone;
    const waiting = Promise.withResolvers<Answered>();
    this.#waiting.set(id, waiting);
    const timer = this.#kit.clock.after(withinMs, () =>
      waiting.reject(new VendorError(VENDOR, id === 0 ? 'permanent' : 'retryable', `no answer of the model within ${withinMs} ms`)),
    );
    try {
      return await waiting.promise;
    } finally {
      timer.cancel();
      this.#waiting.delete(id);
    }
  }

  unref(): void {
    this.#worker.unref();
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(why: string): void {
    this.#gone ??= new VendorError(VENDOR, 'permanent', why);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone);
  }
}

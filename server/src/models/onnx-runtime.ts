/**
 * onnxruntime for the rooms that run a model of the user's. The package is the user's to install (it is large): it is
 * imported by a name held in a variable, and the little of its API that is used is described here.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface OnnxTensor {
  readonly data: Float32Array | BigInt64Array;
  readonly dims?: readonly number[];
}

export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Promises, but computes on the thread that asks (microsoft/onnxruntime issue 19611): ask in a worker. */
  run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
}

export interface OnnxRuntime {
  Tensor: new (type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dims: readonly number[]) => OnnxTensor;
  InferenceSession: { create(path: string, options: Record<string, unknown>): Promise<OnnxSession> };
}

/** One thread: a second would take the core of the calls, and what is asked is too small to share out. */
export const SESSION_OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' };

/** `name`: a package, or the path of its folder. Throws a sentence for the log when it cannot be loaded. */
export async function importOnnxRuntime(name: string): Promise<OnnxRuntime> {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const module = (await import(pathToFileURL(entry).href)) as OnnxRuntime & { default?: OnnxRuntime };
    return module.default ?? module;
  } catch (error) {
    throw new Error(`${name} cannot be loaded; it is installed with: npm install --no-save --ignore-scripts onnxruntime-node`, {
      cause: error,
    });
  }
}

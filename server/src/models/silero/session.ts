/**
 * The model in onnxruntime. The package is the user's to install (it is large): it is imported by a name held in a
 * variable, and the little of its API that is used is described here.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Exchange, MOST_ROWS, ROW, STATE } from './shape.ts';

interface OrtTensor {
  readonly data: Float32Array | BigInt64Array;
}

interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
}

interface Ort {
  Tensor: new (type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dims: readonly number[]) => OrtTensor;
  InferenceSession: { create(path: string, options: Record<string, unknown>): Promise<OrtSession> };
}

/** One thread: a second would take the core of the calls, and windows are too small to share out. */
const SESSION_OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' };
const INPUTS = ['input', 'state', 'sr'];
const OUTPUTS = ['output', 'stateN'];

export interface Session {
  /** Runs the first `rows` (1…MOST_ROWS) rows of `exchange`, and writes states and probabilities back into it. */
  run(rows: number, exchange: Exchange): Promise<void>;
}

/** Throws, with a sentence for the log, when the package or the file is missing or the file is another model. */
export async function openSession(model: string, runtime: string): Promise<Session> {
  const ort = await importRuntime(runtime);
  const session = await ort.InferenceSession.create(model, SESSION_OPTIONS);
  const missing = [
    ...INPUTS.filter((name) => !session.inputNames.includes(name)),
    ...OUTPUTS.filter((name) => !session.outputNames.includes(name)),
  ];
  if (missing.length > 0) throw new Error(`the file is no Silero model of version 5 or 6: it has no ${missing.join(', ')}`);

  const input = new Float32Array(MOST_ROWS * ROW);
  const state = new Float32Array(2 * MOST_ROWS * STATE);
  const sr = new ort.Tensor('int64', BigInt64Array.of(8000n), []);
  /** Tensors over the two buffers above, by number of rows. */
  const feeds = Array.from({ length: MOST_ROWS + 1 }, (_, rows) => ({
    input: new ort.Tensor('float32', input.subarray(0, rows * ROW), [rows, ROW]),
    state: new ort.Tensor('float32', state.subarray(0, 2 * rows * STATE), [2, rows, STATE]),
    sr,
  }));
  return {
    async run(rows, exchange) {
      input.set(exchange.input.subarray(0, rows * ROW));
      state.set(exchange.state.subarray(0, 2 * rows * STATE));
      const { output, stateN } = await session.run(feeds[rows]);
      if (output.data.length !== rows || stateN.data.length !== 2 * rows * STATE) throw new Error('the model answered in another shape');
      exchange.probability.set(output.data as Float32Array);
      exchange.state.set(stateN.data as Float32Array);
    },
  };
}

/** `name`: a package, or the path of its folder. */
async function importRuntime(name: string): Promise<Ort> {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const module = (await import(pathToFileURL(entry).href)) as Ort & { default?: Ort };
    return module.default ?? module;
  } catch (error) {
    throw new Error(`${name} cannot be loaded; it is installed with: npm install --no-save --ignore-scripts onnxruntime-node`, {
      cause: error,
    });
  }
}

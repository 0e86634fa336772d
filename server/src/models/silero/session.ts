/** The model in onnxruntime. */
import { importOnnxRuntime, SESSION_OPTIONS } from '../onnx-runtime.ts';
import { type Exchange, MOST_ROWS, ROW, STATE } from './shape.ts';

const INPUTS = ['input', 'state', 'sr'];
const OUTPUTS = ['output', 'stateN'];

export interface Session {
  /** Runs the first `rows` (1…MOST_ROWS) rows of `exchange`, and writes states and probabilities back into it. */
  run(rows: number, exchange: Exchange): Promise<void>;
}

/** Throws, with a sentence for the log, when the package or the file is missing or the file is another model. */
export async function openSession(model: string, runtime: string): Promise<Session> {
  const ort = await importOnnxRuntime(runtime);
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

/** The smart-turn model (version 3) in onnxruntime. */
import type { Sound } from '#audio/frame.ts';
import { importOnnxRuntime, SESSION_OPTIONS } from '../onnx-runtime.ts';
import { Features } from './features.ts';
import { BANDS } from './log-mel.ts';

const INPUT = 'input_features';
/** Windows run together. More would not be answered in time on one core. */
export const MOST_ROWS = 4;

export interface Session {
  /** One probability (0…1, the turn is over) for each of 1…MOST_ROWS windows of 8 s. */
  run(windows: readonly Sound[]): Promise<number[]>;
}

/** Throws, with a sentence for the log, when the package or the file is missing or the file is another model. */
export async function openSession(model: string, runtime: string): Promise<Session> {
  const onnx = await importOnnxRuntime(runtime);
  const session = await onnx.InferenceSession.create(model, SESSION_OPTIONS);
  if (!session.inputNames.includes(INPUT) || session.outputNames.length === 0) {
    throw new Error(`the file is no smart-turn model of version 3: it has no ${INPUT}`);
  }
  const [output] = session.outputNames;
  const features = new Features();
  const { size } = features;
  const input = new Float32Array(MOST_ROWS * size);

  const ask = async (from: number, rows: number): Promise<number[]> => {
    const values = input.subarray(from * size, (from + rows) * size);
    const answer = await session.run({ [INPUT]: new onnx.Tensor('float32', values, [rows, BANDS, size / BANDS]) });
    const { data } = answer[output];
    if (data.length !== rows) throw new Error('the model answered in another shape');
    return Array.from(data as Float32Array, (probability) => Math.min(1, Math.max(0, probability)));
  };
  /** Some exports of the model take one row at a time only. */
  const together = await ask(0, 2).then(
    () => true,
    () => false,
  );
  if (!together) await ask(0, 1);
  return {
    async run(windows) {
      const rows = Math.min(MOST_ROWS, windows.length);
      for (let row = 0; row < rows; row++) features.write(windows[row], input, row * size);
      if (together) return ask(0, rows);
      const answers: number[] = [];
      for (let row = 0; row < rows; row++) answers.push(...(await ask(row, 1)));
      return answers;
    },
  };
}

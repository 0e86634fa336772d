import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { loadModel } from './model.ts';
import { ROW, STATE } from './shape.ts';

/** Speaks onnxruntime's API: the file name says which model it plays, 3 rows end the thread, 4 make a run fail. */
const RUNTIME = `
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const InferenceSession = { async create(path) {
  if (!path.includes('silero')) throw new Error('no such file: ' + path);
  const old = path.includes('v4');
  return {
    inputNames: old ? ['input', 'h', 'c', 'sr'] : ['input', 'state', 'sr'],
    outputNames: old ? ['output', 'hn', 'cn'] : ['output', 'stateN'],
    async run({ input, state, sr }) {
      const [rows, row] = input.dims;
      if (rows === 3) process.exit(0);
      if (rows === 4) throw new Error('not four');
      if (sr.data[0] !== 8000n || state.data.length !== 2 * rows * 128) throw new Error('wrong inputs');
      return {
        output: new Tensor('float32', Float32Array.from({ length: rows }, (_, i) => input.data[i * row + row - 1]), [rows, 1]),
        stateN: new Tensor('float32', state.data.map((value) => value + 1), state.dims),
      };
    },
  };
} };
module.exports = { Tensor, InferenceSession };
`;

let runtime: string;
beforeAll(async () => {
  runtime = await mkdtemp(join(tmpdir(), 'tandem-runtime-'));
  await writeFile(join(runtime, 'index.js'), RUNTIME);
});
afterAll(() => rm(runtime, { recursive: true }));

const load = (model: string) => loadModel({ clock: new SystemClock(), model, runtime });

test('rows go to the thread and come back: probabilities and states', async () => {
  const model = await load('silero_v5.onnx');
  const { input, state, probability } = model.exchange;
  input.fill(0.25, 0, ROW);
  input.fill(0.75, ROW, 2 * ROW);
  state.fill(3);
  await model.run(2);
  expect([...probability.subarray(0, 2)]).toEqual([0.25, 0.75]);
  expect(new Set(state.subarray(0, 4 * STATE))).toEqual(new Set([4]));
  expect(state[4 * STATE]).toBe(3);
  await model.close();
});

test('a run that fails rejects, and the next one runs', async () => {
  const model = await load('silero_v5.onnx');
  await expect(model.run(4)).rejects.toThrow('silero: not four');
  await model.run(1);
  await model.close();
});

test('when the thread is gone, the run in flight and every later one reject', async () => {
  const model = await load('silero_v5.onnx');
  await expect(model.run(3)).rejects.toThrow('the thread of the model has ended');
  await expect(model.run(1)).rejects.toThrow('the thread of the model has ended');
});

test.each([
  ['silero_v4.onnx', 'no Silero model of version 5 or 6: it has no state, stateN'],
  ['missing.onnx', 'no such file: missing.onnx'],
])('%s: %s', async (file, message) => {
  await expect(load(file)).rejects.toThrow(message);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { loadModel } from './model.ts';
import { smartTurn } from './vendor.ts';

/**
 * Speaks onnxruntime's API: the file name says which model it plays. The probability is the mean of the row's last
 * frame, so that a test sees whose features came in which row. "single" takes one row only.
 */
const RUNTIME = `
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const InferenceSession = { async create(path) {
  if (!path.includes('smart-turn')) throw new Error('no such file: ' + path);
  return {
    inputNames: [path.includes('v2') ? 'input_values' : 'input_features'],
    outputNames: ['logits'],
    async run({ input_features: { data, dims } }) {
      const [rows, bands, frames] = dims;
      if (bands !== 80 || frames !== 800 || data.length !== rows * bands * frames) throw new Error('wrong shape');
      if (path.includes('single') && rows > 1) throw new Error('one row only');
      if (path.includes('ending') && rows === 1) process.exit(0);
      const mean = (row) => {
        let sum = 0;
        for (let band = 0; band < bands; band++) sum += data[(row * bands + band) * frames + frames - 1];
        return sum / bands;
      };
      return { logits: new Tensor('float32', Float32Array.from({ length: rows }, (_, row) => (mean(row) > 0 ? 0.9 : 0.1)), [rows, 1]) };
    },
  };
} };
module.exports = { Tensor, InferenceSession };
`;

let runtime: string;
beforeAll(async () => {
  runtime = await mkdtemp(join(tmpdir(), 'tandem-smart-turn-'));
  await writeFile(join(runtime, 'index.js'), RUNTIME);
});
afterAll(() => rm(runtime, { recursive: true }));

const load = (model: string) => loadModel({ clock: new SystemClock(), model, runtime });
const quiet = () => new Uint8Array(64_000).fill(0xff);
/** Noise to the last sample. */
const noisy = () => Uint8Array.from({ length: 64_000 }, (_, i) => (i * 7_919 + ((i * i) >> 3)) & 0xff);

describe('the model in its thread', () => {
  test.each(['smart-turn-v3.2.onnx', 'smart-turn-v3.2-single.onnx'])('%s: each window has its own answer', async (file) => {
    const model = await load(file);
    const answers = await model.run([quiet(), noisy(), quiet()]);
    expect(answers.map((answer) => Math.round(answer * 10) / 10)).toEqual([0.1, 0.9, 0.1]);
    await model.close();
  });

  test('when the thread is gone, the run in flight and every later one reject', async () => {
    const model = await load('smart-turn-v3.2-ending.onnx');
    await expect(model.run([quiet()])).rejects.toThrow('the thread of the model has ended');
    await expect(model.run([quiet()])).rejects.toThrow('the thread of the model has ended');
  });

  test.each([
    ['smart-turn-v2.onnx', 'no smart-turn model of version 3: it has no input_features'],
    ['missing.onnx', 'no such file: missing.onnx'],
  ])('%s: %s', async (file, message) => {
    await expect(load(file)).rejects.toThrow(message);
  });
});

describe('the vendor', () => {
  const settings = (values: Record<string, unknown>) => smartTurn.settings.parse(values);

  test('is not there without a model, nor when the model or the runtime cannot be used; that is said', async () => {
    const kit = testKit();
    const warnings: unknown[] = [];
    kit.log = { ...kit.log, warn: (fields, message) => warnings.push([fields, message]) };
    expect(await smartTurn.endOfTurn(settings({}), kit)).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(await smartTurn.endOfTurn(settings({ model: 'smart-turn.onnx', runtime: join(runtime, 'none') }), kit)).toBeUndefined();
    expect(await smartTurn.endOfTurn(settings({ model: 'none.onnx', runtime }), kit)).toBeUndefined();
    expect(JSON.stringify(warnings[0])).toContain('npm install');
    expect(warnings).toHaveLength(2);
  });

  test('judges a call', async () => {
    const kit = testKit();
    const factory = await smartTurn.endOfTurn(settings({ model: 'smart-turn-v3.2.onnx', runtime }), kit);
    const detector = factory?.('mulaw-8000');
    for (let at = 0; at < 1_000; at += 20) {
      detector?.push({ at, format: 'mulaw-8000', sound: noisy().subarray(at * 8, at * 8 + 160), concealed: false });
    }
    expect(await detector?.ask()).toBeCloseTo(0.9, 5);
    detector?.close();
  });
});

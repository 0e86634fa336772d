import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeEmbedder } from '../embedder.contract.ts';
import { liveKit } from '../testing.ts';
import { OnnxEmbedder } from './embedder.ts';
import { TINY_DIMENSIONS, TINY_VOCABULARY, tinyTable, writeTinyModel } from './tiny-model.testing.ts';
import { onnxEmbedder } from './vendor.ts';

/**
 * Speaks onnxruntime's API and looks tokens up in the tiny model's table. The folder's name says which model it plays: "pooled"
 * answers one vector a text, "pixels" wants another input, "ending" ends its thread on the second run.
 */
const RUNTIME = `
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const table = Float32Array.from(TABLE);
const size = ${TINY_DIMENSIONS};
const InferenceSession = { async create(path) {
  let runs = 0;
  const pooled = path.includes('pooled');
  return {
    inputNames: path.includes('pixels') ? ['pixel_values'] : ['input_ids', 'attention_mask', 'token_type_ids'],
    outputNames: pooled ? ['token_embeddings', 'sentence_embedding'] : ['last_hidden_state'],
    async run({ input_ids: { data, dims }, attention_mask, token_type_ids }) {
      runs++;
      if (path.includes('ending') && runs > 1) process.exit(0);
      if (path.includes('broken') && runs > 1) throw new Error('out of order');
      const [rows, length] = dims;
      for (const tensor of [attention_mask, token_type_ids]) if (tensor.data.length !== rows * length) throw new Error('wrong shape');
      const row = (token) => table.subarray(token * size, (token + 1) * size);
      if (pooled) {
        const out = new Float32Array(rows * size);
        for (let r = 0; r < rows; r++) out.set(row(Number(data[r * length + 1])), r * size);
        return { sentence_embedding: new Tensor('float32', out, [rows, size]) };
      }
      const out = new Float32Array(rows * length * size);
      for (let at = 0; at < rows * length; at++) out.set(row(Number(data[at])), at * size);
      return { last_hidden_state: new Tensor('float32', out, [rows, length, size]) };
    },
  };
} };
module.exports = { Tensor, InferenceSession };
`;

let folder: string;
let runtime: string;
const open: OnnxEmbedder[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-embedder-'));
  runtime = folder;
  await writeFile(join(folder, 'index.js'), RUNTIME.replace('TABLE', JSON.stringify([...tinyTable()])));
});
afterAll(async () => {
  for (const embedder of open) await embedder.close();
  await rm(folder, { recursive: true });
});

const signal = new AbortController().signal;
/** A model folder of this name, loaded. */
async function load(name: string, more: Record<string, unknown> = {}, pooling?: 'mean' | 'cls' | 'last'): Promise<OnnxEmbedder> {
  writeTinyModel(join(folder, name), more);
  const embedder = await OnnxEmbedder.load(liveKit(), { folder: join(folder, name), runtime, pooling });
  open.push(embedder);
  return embedder;
}

/** What the table says of these tokens: their mean, unit length. */
function expected(...tokens: string[]): number[] {
  const table = tinyTable();
  const sum = Array.from({ length: TINY_DIMENSIONS }, (_, i) =>
    tokens.reduce((all, token) => all + table[TINY_VOCABULARY.indexOf(token) * TINY_DIMENSIONS + i], 0),
  );
  const length = Math.hypot(...sum);
  return sum.map((value) => expect.closeTo(value / length, 4) as number);
}

describeEmbedder('onnx-embedder with a runtime that is played', () => load('tiny'));

describe('vectors', () => {
  test('are the mean of the tokens, marks counted and padding not, whatever goes in the same run', async () => {
    const embedder = await load('mean');
    const [short, long] = await embedder.embed(['open', 'When do you open on Saturday'], signal);
    expect([...short]).toEqual(expected('[CLS]', 'open', '[SEP]'));
    expect([...long]).toEqual(expected('[CLS]', 'when', 'do', 'you', 'open', 'on', 'saturday', '[SEP]'));
    expect(embedder).toMatchObject({ name: 'onnx-embedder/mean', dimensions: TINY_DIMENSIONS });
  });

  test('or of the first token or the last, as the folder or the setting says', async () => {
    const cls = await load('folder-says-cls', { '1_Pooling/config.json': { pooling_mode_cls_token: true } });
    const last = await load('setting-says-last', {}, 'last');
    const texts = ['open', 'open on saturday'];
    for (const vector of await cls.embed(texts, signal)) expect([...vector]).toEqual(expected('[CLS]'));
    for (const vector of await last.embed(texts, signal)) expect([...vector]).toEqual(expected('[SEP]'));
    expect(last.name).toBe('onnx-embedder/setting-says-last-last');
  });

  test('a model that pools by itself is believed', async () => {
    const [vector] = await (await load('pooled')).embed(['nine'], signal);
    expect([...vector]).toEqual(expected('nine'));
  });

  test('the prompts of the model stand before questions and passages', async () => {
    const embedder = await load('prompts', {
      'config_sentence_transformers.json': { prompts: { query: 'query: ', document: 'passage: ' } },
    });
    const [asked] = await embedder.embed(['open'], signal, { use: 'query' });
    const [passage] = await embedder.embed(['open'], signal);
    expect([...asked]).toEqual(expected('[CLS]', 'query', ':', 'open', '[SEP]'));
    expect([...passage]).toEqual(expected('[CLS]', 'passage', ':', 'open', '[SEP]'));
  });

  test('of a text that is too long the beginning counts, and the mark behind it; tokens are told', async () => {
    const embedder = await load('long');
    let tokens = 0;
    const [vector] = await embedder.embed(['open '.repeat(500)], signal, { onTokens: (more) => (tokens += more) });
    expect([...vector]).toEqual(expected('[CLS]', ...Array<string>(62).fill('open'), '[SEP]'));
    expect(tokens).toBe(64);
  });
});

describe('failures', () => {
  test('a run that fails is an error, an abort comes at once', async () => {
    const embedder = await load('broken');
    await expect(embedder.embed(['open'], signal)).rejects.toMatchObject({
      vendor: 'onnx-embedder',
      message: expect.stringContaining('out of order'),
    });
    const fine = await load('aborted');
    const controller = new AbortController();
    const reason = new Error('call ended');
    const asked = fine.embed(Array<string>(400).fill('open on saturday'), controller.signal);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(await fine.embed(['open'], signal)).toHaveLength(1);
  });

  test('when the thread is gone every request rejects', async () => {
    const embedder = await load('ending');
    for (let i = 0; i < 2; i++) await expect(embedder.embed(['open'], signal)).rejects.toThrow('the thread of the model has ended');
  });

  test.each([
    ['pixels', {}, /no model for sentences: it wants pixel_values/],
    ['broken-tokenizer', { 'tokenizer.json': 7 }, /tokenizer\.json cannot be read/],
  ])('%s', async (name, more, message) => {
    await expect(load(name, more)).rejects.toThrow(message);
  });

  test('without a folder it is not there and says nothing; with one that cannot be used it warns', async () => {
    const warnings: Record<string, unknown>[] = [];
    const kit = { ...testKit(), clock: new SystemClock() };
    kit.log = { ...kit.log, warn: (fields) => warnings.push(fields) };
    const make = (values: Record<string, unknown>) => onnxEmbedder.embedder(onnxEmbedder.settings.parse(values), kit);
    expect(await make({})).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(await make({ folder: join(folder, 'nowhere'), runtime })).toBeUndefined();
    writeTinyModel(join(folder, 'no-runtime'));
    expect(await make({ folder: join(folder, 'no-runtime'), runtime: 'no-such-onnxruntime' })).toBeUndefined();
    expect(warnings[0].error).toContain('has no model.onnx');
    expect(warnings[1].error).toContain('npm install --no-save --ignore-scripts onnxruntime-node');
  });
});

const { TANDEM_EMBEDDER_PATH: real, TANDEM_ONNXRUNTIME: installed = 'onnxruntime-node' } = process.env;

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(installed);
    return true;
  } catch {
    return false;
  }
}

// Not part of Tandem: the runtime is the user's, so this is skipped where it is not.
describe.skipIf(!isInstalled())('with onnxruntime-node', () => {
  if (!isInstalled()) {
    test.skip('the tiny model, and that of TANDEM_EMBEDDER_PATH');
    return;
  }
  describeEmbedder('the tiny model', async () => {
    writeTinyModel(join(folder, 'really'));
    return OnnxEmbedder.load(liveKit(), { folder: join(folder, 'really'), runtime: installed });
  });

  test('the tiny model answers what its table says', async () => {
    writeTinyModel(join(folder, 'really'));
    const embedder = await OnnxEmbedder.load(liveKit(), { folder: join(folder, 'really'), runtime: installed });
    open.push(embedder);
    const [short, long] = await embedder.embed(['open', 'open on saturday'], signal);
    expect([...short]).toEqual(expected('[CLS]', 'open', '[SEP]'));
    expect([...long]).toEqual(expected('[CLS]', 'open', 'on', 'saturday', '[SEP]'));
  });

  if (real !== undefined && existsSync(real)) {
    describeEmbedder('the model of TANDEM_EMBEDDER_PATH', () => OnnxEmbedder.load(liveKit(), { folder: real, runtime: installed }));
  }
});

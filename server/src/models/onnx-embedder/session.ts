/** A sentence model in onnxruntime: tokens in, one vector of unit length per text out. */
import { Tokenizer } from '@huggingface/tokenizers';
import type { EmbedUse } from '../embedder.ts';
import { importOnnxRuntime, type OnnxTensor, SESSION_OPTIONS } from '../onnx-runtime.ts';
import { type Pooling, readModelFolder } from './model-folder.ts';

/** Rows of one run: a question of a call waits for no more than this. */
const MOST_ROWS = 16;
/** Rows times their length: the attention of a run needs memory by it. */
const MOST_CELLS = 4_096;
/** Characters of a token are never more on average in a text that is one; what is behind is not even tokenised. */
const CHARACTERS_PER_TOKEN = 16;
const KNOWN_INPUTS = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'position_ids']);
/** Vectors of whole texts, then of their tokens; the first that the model has. */
const OUTPUTS = ['sentence_embedding', 'last_hidden_state', 'token_embeddings'];

export interface Session {
  dimensions: number;
  /** One vector after the other; `tokens` counts what the model read. */
  run(texts: readonly string[], use: EmbedUse): Promise<{ vectors: Float32Array; tokens: number }>;
}

interface Row {
  place: number;
  ids: readonly number[];
}

/** Throws, with a sentence for the log, when the runtime or a file is missing or the file is another model. */
export async function openSession(folder: string, runtime: string, pooling: Pooling | undefined): Promise<Session> {
  const files = readModelFolder(folder, pooling);
  const tokenizer = new Tokenizer(files.tokenizer, files.tokenizerConfig);
  const onnx = await importOnnxRuntime(runtime);
  const session = await onnx.InferenceSession.create(files.model, SESSION_OPTIONS);
  const strange = session.inputNames.filter((name) => !KNOWN_INPUTS.has(name));
  if (strange.length > 0 || !session.inputNames.includes('input_ids')) {
    throw new Error(`${files.model} is no model for sentences: it wants ${session.inputNames.join(', ')}`);
  }
  const output = OUTPUTS.find((name) => session.outputNames.includes(name)) ?? session.outputNames[0];

  /** Whether a mark stands behind every text. */
  const behind = tokenizer.encode('').ids.length > 1 ? 1 : 0;
  /** Tokens with the model's marks. A text that is too long loses its end, not the mark behind it. */
  const idsOf = (text: string): readonly number[] => {
    const { ids } = tokenizer.encode(text.slice(0, files.maxTokens * CHARACTERS_PER_TOKEN));
    if (ids.length === 0) return [files.padId];
    return ids.length <= files.maxTokens ? ids : [...ids.slice(0, files.maxTokens - behind), ...ids.slice(ids.length - behind)];
  };

  const feedsOf = (rows: readonly Row[], length: number): Record<string, OnnxTensor> => {
    const column = (value: (ids: readonly number[], at: number) => number) => {
      const data = new BigInt64Array(rows.length * length);
      for (const [row, { ids }] of rows.entries()) for (let at = 0; at < length; at++) data[row * length + at] = BigInt(value(ids, at));
      return new onnx.Tensor('int64', data, [rows.length, length]);
    };
    const all: Record<string, () => OnnxTensor> = {
      input_ids: () => column((ids, at) => ids[at] ?? files.padId),
      attention_mask: () => column((ids, at) => (at < ids.length ? 1 : 0)),
      token_type_ids: () => column(() => 0),
      position_ids: () => column((_ids, at) => at),
    };
    return Object.fromEntries(session.inputNames.map((name) => [name, all[name]()]));
  };

  /** The vectors of rows of about one length, written to their places. */
  const runRows = async (rows: readonly Row[], write: (place: number, vector: Float32Array) => void): Promise<void> => {
    const length = Math.max(...rows.map(({ ids }) => ids.length));
    const { [output]: answer } = await session.run(feedsOf(rows, length));
    const { data, dims = [] } = answer;
    const dimensions = dims.at(-1) ?? 0;
    const perToken = dims.length === 3;
    if (!(data instanceof Float32Array) || dims[0] !== rows.length || data.length !== rows.length * dimensions * (perToken ? length : 1)) {
      throw new Error(`the model answered in another shape: ${dims.join(' x ')}`);
    }
    for (const [row, { ids, place }] of rows.entries()) {
      const from = row * dimensions * (perToken ? length : 1);
      const vector = perToken
        ? pooled(data.subarray(from, from + length * dimensions), ids.length, dimensions, files.pooling)
        : data.slice(from, from + dimensions);
      write(place, unitLength(vector));
    }
  };

  let dimensions = 0;
  await runRows([{ place: 0, ids: idsOf('size') }], (_place, { length }) => {
    dimensions = length;
  });
  return {
    dimensions,
    async run(texts, use) {
      const rows = texts.map((text, place) => ({ place, ids: idsOf(files.prompts[use] + text) }));
      const vectors = new Float32Array(texts.length * dimensions);
      for (const together of grouped(rows)) await runRows(together, (place, vector) => vectors.set(vector, place * dimensions));
      return { vectors, tokens: rows.reduce((sum, { ids }) => sum + ids.length, 0) };
    },
  };
}

/** Rows of like length together, so that little is padded. */
function grouped(rows: readonly Row[]): Row[][] {
  const groups: Row[][] = [];
  for (const row of rows.toSorted((a, b) => a.ids.length - b.ids.length)) {
    const last = groups.at(-1);
    // The newest row is the longest.
    if (last && last.length < MOST_ROWS && (last.length + 1) * row.ids.length <= MOST_CELLS) last.push(row);
    else groups.push([row]);
  }
  return groups;
}

/** One vector of `count` tokens' vectors; what pads them does not count. */
function pooled(tokens: Float32Array, count: number, dimensions: number, pooling: Pooling): Float32Array {
  if (pooling === 'cls') return tokens.slice(0, dimensions);
  if (pooling === 'last') return tokens.slice((count - 1) * dimensions, count * dimensions);
  const sum = new Float32Array(dimensions);
  for (let token = 0; token < count; token++) for (let i = 0; i < dimensions; i++) sum[i] += tokens[token * dimensions + i];
  return sum;
}

/** A vector of nothing gets the first axis. */
function unitLength(vector: Float32Array): Float32Array {
  let square = 0;
  for (const value of vector) square += value * value;
  if (!Number.isFinite(square)) throw new Error('the model answered with something that is no number');
  if (square === 0) vector[0] = 1;
  const scale = square === 0 ? 1 : 1 / Math.sqrt(square);
  for (let i = 0; i < vector.length; i++) vector[i] *= scale;
  return vector;
}

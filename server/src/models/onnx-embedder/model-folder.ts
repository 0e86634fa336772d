/** A folder with a model for sentences, as Hugging Face's `sentence-transformers` and `optimum` lay it out. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EmbedUse } from '../embedder.ts';

/** `mean` of the words' vectors, the one of the first place (`cls`), or of the `last`. */
export type Pooling = 'mean' | 'cls' | 'last';

export interface ModelFolder {
  /** Path of the ONNX file. */
  model: string;
  tokenizer: object;
  tokenizerConfig: object;
  pooling: Pooling;
  /** Tokens that the model reads of a text. */
  maxTokens: number;
  padId: number;
  /** Written before a text by its use: many models want `query: ` before a question. */
  prompts: Record<EmbedUse, string>;
}

const MODELS = ['model.onnx', 'onnx/model.onnx', 'model_quantized.onnx', 'onnx/model_quantized.onnx'];
/** A passage of 120 words is some 160 tokens; the cost of a text grows with its length. */
const MOST_TOKENS = 512;

const config = z.looseObject({ max_position_embeddings: z.number().int().positive().optional(), pad_token_id: z.number().int().nullish() });
const tokenizerConfig = z.looseObject({ model_max_length: z.number().positive().optional() });
const sentences = z.looseObject({ max_seq_length: z.number().int().positive().nullish() });
const poolings = z.looseObject({ pooling_mode_cls_token: z.boolean().default(false), pooling_mode_lasttoken: z.boolean().default(false) });
const transformers = z.looseObject({ prompts: z.record(z.string(), z.string()).default({}) });

/** Throws a sentence for the log when something is missing or broken. */
export function readModelFolder(folder: string, pooling: Pooling | undefined): ModelFolder {
  const found = MODELS.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${folder} has no model.onnx`);
  const read = <T>(name: string, shape: z.ZodType<T>, missing: T | undefined): T => {
    const path = join(folder, name);
    if (!existsSync(path) && missing !== undefined) return missing;
    try {
      return shape.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch (cause) {
      throw new Error(`${path} cannot be read`, { cause });
    }
  };
  const tokenizer = read('tokenizer.json', z.looseObject({}), undefined);
  const words = read('tokenizer_config.json', tokenizerConfig, {});
  const { max_position_embeddings: positions, pad_token_id: padId } = read('config.json', config, {});
  const { max_seq_length: longest } = read('sentence_bert_config.json', sentences, {});
  const { prompts } = read('config_sentence_transformers.json', transformers, { prompts: {} });
  const modes = read('1_Pooling/config.json', poolings, { pooling_mode_cls_token: false, pooling_mode_lasttoken: false });
  return {
    model: found,
    tokenizer,
    tokenizerConfig: words,
    pooling: pooling ?? (modes.pooling_mode_cls_token ? 'cls' : modes.pooling_mode_lasttoken ? 'last' : 'mean'),
    maxTokens: Math.min(MOST_TOKENS, longest ?? positions ?? MOST_TOKENS, words.model_max_length ?? MOST_TOKENS),
    padId: padId ?? 0,
    prompts: { query: prompts.query ?? '', passage: prompts.passage ?? prompts.document ?? '' },
  };
}

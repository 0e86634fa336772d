/**
 * Vectors of OpenAI, and of whoever speaks the same protocol (Ollama, vLLM, llama.cpp, text-embeddings-inference): one POST
 * for many texts.
 */
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Embedder, EmbedOptions } from '../embedder.ts';
import { type HttpDeadlines, ProviderHttp } from '../provider-http.ts';
import { readEmbeddings } from './embeddings-answer.ts';
import { judgeRefusal } from './refusals.ts';

const VENDOR = 'openai';
/** 128 vectors of 3,072 numbers as text are 5 MB; servers without base64 send such. */
const MOST_BYTES = 64 << 20;
/** 8,191 tokens of English are some 32,000 characters; what is longer is cut by the vendor's own refusal. */
const LONGEST_TEXT = 24_000;
const SHORTEST_CUT = 400;

/** An answer has one piece or few: the long wait is for the first. */
export const embedderDeadlines: HttpDeadlines = { connectMs: 3_000, firstMs: 20_000, betweenMs: 5_000 };

/** What OpenAI's own models make, and may make shorter. */
const NATIVE_SIZES: Readonly<Record<string, number>> = {
  'text-embedding-3-small': 1_536,
  'text-embedding-3-large': 3_072,
  'text-embedding-ada-002': 1_536,
};

export interface OpenAiEmbedderOptions {
  apiKey?: string | undefined;
  /** With its version. */
  baseUrl: string;
  model: string;
  /** Numbers of a vector. Asked for only of models that can choose (`text-embedding-3…`); of others it must be what they have. */
  dimensions: number;
  deadlines?: HttpDeadlines;
}

/** Numbers of the model's vectors; undefined for a model that is none of OpenAI's. */
export const nativeSize = (model: string): number | undefined => NATIVE_SIZES[model];

export class OpenAiEmbedder implements Embedder {
  readonly name: string;
  readonly dimensions: number;
  /** Below those of the API (2,048 texts, 300,000 tokens), so that a request takes no more than a second or two. */
  readonly limits = { texts: 128, characters: 200_000 };
  readonly #options: OpenAiEmbedderOptions;
  readonly #http: ProviderHttp;

  constructor(kit: Kit, options: OpenAiEmbedderOptions) {
    const { apiKey, model, dimensions } = options;
    this.#options = options;
    this.dimensions = dimensions;
    this.name = `${VENDOR}/${model}${dimensions === (nativeSize(model) ?? dimensions) ? '' : `-${dimensions}`}`;
    this.#http = httpOf(kit, options, apiKey);
  }

  async embed(texts: readonly string[], signal: AbortSignal, { onTokens }: EmbedOptions = {}): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const vectors: Float32Array[] = Array.from({ length: texts.length });
    // The API refuses an empty text; the first axis stands for nothing said.
    for (const [index, text] of texts.entries()) if (text.trim() === '') vectors[index] = firstAxis(this.dimensions);
    for (const part of this.#parts(texts)) {
      const asked = part.map((index) => cut(texts[index].toWellFormed(), LONGEST_TEXT));
      const answered = await this.#ask(asked, signal, onTokens);
      for (const [at, index] of part.entries()) vectors[index] = answered[at];
    }
    return vectors;
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  /** Indices of the texts that have words, in requests within the limits. */
  #parts(texts: readonly string[]): number[][] {
    const parts: number[][] = [];
    let characters = Number.POSITIVE_INFINITY;
    for (const [index, text] of texts.entries()) {
      if (text.trim() === '') continue;
      const length = Math.min(text.length, LONGEST_TEXT);
      const last = parts.at(-1);
      if (last && last.length < this.limits.texts && characters + length <= this.limits.characters) {
        last.push(index);
        characters += length;
      } else {
        parts.push([index]);
        characters = length;
      }
    }
    return parts;
  }

  /** A text that is refused alone may only be too long for the model: its beginning is asked for, half as long each time. */
  async #ask(texts: string[], signal: AbortSignal, onTokens: EmbedOptions['onTokens']): Promise<Float32Array[]> {
    for (;;) {
      try {
        return await this.#post(texts, signal, onTokens);
      } catch (thrown) {
        const [only] = texts;
        const refused = thrown instanceof VendorError && thrown.category === 'bad-input';
        if (!refused || texts.length > 1 || only.length < 2 * SHORTEST_CUT) throw thrown;
        texts = [cut(only, only.length >> 1)];
      }
    }
  }

  async #post(input: string[], signal: AbortSignal, onTokens: EmbedOptions['onTokens']): Promise<Float32Array[]> {
    const { model } = this.#options;
    const native = nativeSize(model);
    const dimensions = native !== undefined && native !== this.dimensions ? { dimensions: this.dimensions } : {};
    const body = { model, input, encoding_format: 'base64', ...dimensions };
    const { vectors, tokens } = readEmbeddings(VENDOR, await postForJson(this.#http, body, signal), input.length);
    if (vectors.some(({ length }) => length !== this.dimensions)) {
      const message = `${model} makes vectors of ${vectors[0].length} numbers, not of ${this.dimensions}: TANDEM_OPENAI_EMBEDDING_DIMENSIONS`;
      throw new VendorError(VENDOR, 'permanent', message);
    }
    onTokens?.(tokens);
    return vectors;
  }
}

/** How many numbers the model's vectors have, by asking for one. Throws `VendorError`. */
export async function askSize(kit: Kit, options: Omit<OpenAiEmbedderOptions, 'dimensions'>, signal: AbortSignal): Promise<number> {
  const http = httpOf(kit, options, options.apiKey);
  try {
    const answer = await postForJson(http, { model: options.model, input: ['size'], encoding_format: 'base64' }, signal);
    return readEmbeddings(VENDOR, answer, 1).vectors[0].length;
  } finally {
    http.close();
  }
}

function httpOf(kit: Kit, { baseUrl, deadlines = embedderDeadlines }: Omit<OpenAiEmbedderOptions, 'dimensions'>, key: string | undefined) {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return new ProviderHttp(kit, { vendor: VENDOR, baseUrl, headers, key, deadlines, judge: judgeRefusal, maxSockets: 16 });
}

async function postForJson(http: ProviderHttp, body: object, signal: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  const answer = { accept: /^application\/(?:[\w.+-]+\+)?json/i, maxBytes: MOST_BYTES };
  for await (const piece of http.postForBytes({ path: '/embeddings', body, signal }, answer)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Not within a surrogate pair: half of one is no text. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const code = text.charCodeAt(length - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? length - 1 : length);
}

function firstAxis(dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = 1;
  return vector;
}

/**
 * OpenAI embeddings: `POST /v1/embeddings`. A vector is the sum of a random direction for each word, so texts that share words are
 * near each other; the same text has the same vector in every run.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { seededNumbers, seedOf } from './delay.ts';
import { objectOf, textOf, typeName, type Json } from './json.ts';
import {
  badType,
  badValue,
  belowMinimum,
  emptyList,
  missing,
  notJson,
  openaiAdmits,
  openaiError,
  openaiId,
  refuseOpenai,
  refuseWrong,
  unknownParameter,
  type Wrong,
} from './openai.ts';
import { httpOutlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';
import { sendRefusal, sendWhole } from './sse.ts';
import { countTokens } from './tokens.ts';

const INPUT_LIMIT = 2_048;
const TOKEN_LIMIT = 8_192; // of one input
const REQUEST_TOKEN_LIMIT = 300_000;
const DIRECTIONS_KEPT = 20_000;
const known: ReadonlySet<string> = new Set(['input', 'model', 'dimensions', 'encoding_format', 'user']);
/** Numbers of a vector by the beginning of the model's name. */
const sizes: readonly [model: string, size: number][] = [
  ['text-embedding-3-small', 1_536],
  ['text-embedding-3-large', 3_072],
  ['text-embedding-ada-002', 1_536],
];
const DEFAULT_SIZE = 768; // of a model that OpenAI does not have

type Input = string | number[];

function failure(): Failure {
  return {
    message: JSON.stringify(openaiError(500, { message: 'The server had an error while processing your request. Sorry about that!' })),
  };
}

const isTokens = (input: unknown): input is number[] =>
  Array.isArray(input) && input.length > 0 && input.every((one) => Number.isInteger(one));
const isInput = (input: unknown): input is Input => isTokens(input) || typeof input === 'string';
/** Undefined when it is none of the four forms: a text, tokens, or a list of either. */
function inputsOf(input: unknown): Input[] | undefined {
  if (isInput(input)) return [input];
  return Array.isArray(input) && input.every(isInput) ? input : undefined;
}
const tokensOf = (input: Input): number => (typeof input === 'string' ? countTokens(input) : input.length);
const sizeOf = (model: string): number => sizes.find(([name]) => model.startsWith(name))?.[1] ?? DEFAULT_SIZE;

function wrongEmbeddings(body: Json): Wrong | undefined {
  const model = textOf(body.model);
  if (model === '') return { message: 'you must provide a model parameter' };
  const stranger = unknownParameter(body, known);
  if (stranger) return stranger;
  if (body.input === undefined) return missing('input');
  if (Array.isArray(body.input) && body.input.length === 0) return emptyList('input');
  const inputs = inputsOf(body.input);
  if (!inputs) return badType('input', 'a string, an array of strings, or an array of tokens', typeName(body.input));
  if (inputs.includes('')) return { message: "Invalid 'input': input cannot be an empty string.", param: 'input' };
  return wrongFormat(body, model) ?? wrongAmount(inputs);
}

function wrongFormat(body: Json, model: string): Wrong | undefined {
  const { encoding_format: format, dimensions } = body;
  if (format !== undefined && format !== 'float' && format !== 'base64') return badValue('encoding_format', format, ['float', 'base64']);
  if (dimensions === undefined) return undefined;
  if (!model.startsWith('text-embedding-3')) return { message: 'This model does not support specifying dimensions.', param: 'dimensions' };
  if (!Number.isInteger(dimensions)) return badType('dimensions', 'an integer', typeName(dimensions));
  if (Number(dimensions) < 1) return belowMinimum('dimensions', 1, dimensions);
  const most = sizeOf(model);
  return Number(dimensions) > most
    ? { message: `Invalid value for 'dimensions' = ${Number(dimensions)}. Must be less than or equal to ${most}.`, param: 'dimensions' }
    : undefined;
}

function wrongAmount(inputs: readonly Input[]): Wrong | undefined {
  if (inputs.length > INPUT_LIMIT) {
    const message = `Invalid 'input': array too long. Expected an array with maximum length ${INPUT_LIMIT}, but got an array with length ${inputs.length} instead.`;
    return { message, param: 'input', code: 'array_above_max_length' };
  }
  const counts = inputs.map(tokensOf);
  const long = counts.find((count) => count > TOKEN_LIMIT);
  if (long !== undefined) {
    return {
      message: `This model's maximum context length is ${TOKEN_LIMIT} tokens, however you requested ${long} tokens (${long} in your prompt; 0 for the completion). Please reduce your prompt.`,
    };
  }
  const all = counts.reduce((sum, count) => sum + count, 0);
  return all > REQUEST_TOKEN_LIMIT
    ? { message: `Requested ${all} tokens, max ${REQUEST_TOKEN_LIMIT} tokens per request`, code: 'max_tokens_per_request' }
    : undefined;
}

/** Directions of words that were met, by size; forgotten all at once when they are too many. */
const directions = new Map<string, Float32Array>();

function directionOf(word: string, size: number): Float32Array {
  const key = `${size} ${word}`;
  const found = directions.get(key);
  if (found) return found;
  if (directions.size >= DIRECTIONS_KEPT) directions.clear();
  const random = seededNumbers(seedOf(size, word));
  const made = Float32Array.from({ length: size }, () => random() - 0.5);
  directions.set(key, made);
  return made;
}

function vectorOf(input: Input, size: number): Float32Array {
  const words = typeof input === 'string' ? (input.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [input]) : input.map(String);
  const sum = new Float32Array(size);
  for (const word of words) {
    const direction = directionOf(word, size);
    for (let i = 0; i < size; i++) sum[i] = (sum[i] ?? 0) + (direction[i] ?? 0);
  }
  const length = Math.hypot(...sum) || 1;
  return sum.map((value) => value / length);
}

async function embeddings(request: IncomingMessage, response: ServerResponse, context: RouteContext): Promise<void> {
  if (request.method !== 'POST') return sendRefusal(response, refuseOpenai(405, `Not allowed to ${request.method} on /v1/embeddings.`));
  if (context.body === undefined) return sendRefusal(response, refuseWrong(notJson));
  const body = objectOf(context.body);
  const wrong = wrongEmbeddings(body);
  if (wrong) return sendRefusal(response, refuseWrong(wrong));
  const declaredMs = context.draw('embedding');
  if (!(await context.pause(declaredMs))) return;
  const model = textOf(body.model);
  const inputs = inputsOf(body.input) ?? [];
  const size = typeof body.dimensions === 'number' ? body.dimensions : sizeOf(model);
  const data = inputs.map((input, index) => {
    const vector = vectorOf(input, size);
    const embedding = body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const tokens = inputs.reduce((sum, input) => sum + tokensOf(input), 0);
  context.log('text', { detail: `${inputs.length} vectors`, declaredMs });
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  sendWhole(response, httpOutlet(response, context), { object: 'list', data, model, usage }, { 'x-request-id': openaiId('req') });
}

export const openaiEmbeddingsRoutes: readonly Route[] = [
  { path: /^\/v1\/embeddings$/, stage: 'embedder', admits: openaiAdmits, refuse: refuseOpenai, failure, http: embeddings },
];

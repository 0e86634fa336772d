/** The local provider's embeddings, as any client sees them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Providers } from './providers.ts';
import { startProviders } from './server.ts';

let providers: Providers;
beforeAll(async () => {
  providers = await startProviders();
});
afterAll(() => providers.close());

interface Answer {
  object: string;
  data: { index: number; embedding: number[] | string }[];
  usage: { prompt_tokens: number; total_tokens: number };
  error: { message: string };
}
async function post(body: unknown): Promise<[status: number, answer: Answer]> {
  const headers = { authorization: `Bearer ${providers.key}`, 'content-type': 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${providers.urls.openai}/v1/embeddings`, { method: 'POST', headers, body: text });
  return [response.status, (await response.json()) as Answer];
}
const small = { model: 'text-embedding-3-small' };
const dot = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

describe('vectors', () => {
  test('one for each input, by its index, of unit length; shared words make them near', async () => {
    const [status, { object, data, usage }] = await post({ ...small, input: ['open on saturday', 'open on sunday', 'tyre pressure'] });
    const [a, b, c] = data.map(({ embedding }) => embedding as number[]) as [number[], number[], number[]];
    expect([status, object, data.map(({ index }) => index)]).toEqual([200, 'list', [0, 1, 2]]);
    expect(a).toHaveLength(1_536);
    expect(dot(a, a)).toBeCloseTo(1, 4);
    expect(dot(a, b)).toBeGreaterThan(0.5);
    expect(Math.abs(dot(a, c))).toBeLessThan(0.2);
    expect(usage).toEqual({ prompt_tokens: 12, total_tokens: 12 });
  });

  test('base64 holds the same numbers, little-endian; fewer dimensions where asked', async () => {
    const ask = { model: 'text-embedding-3-large', input: 'open', dimensions: 8 };
    const [, { data: numbers }] = await post(ask);
    const [, { data: text }] = await post({ ...ask, encoding_format: 'base64' });
    const bytes = Buffer.from(text[0]?.embedding as string, 'base64');
    const read = Array.from({ length: 8 }, (_, i) => bytes.readFloatLE(4 * i));
    expect(bytes).toHaveLength(32);
    expect(read).toEqual(numbers[0]?.embedding);
  });

  test('tokens are taken as well as texts', async () => {
    const [status, { data }] = await post({ ...small, input: [[1, 2, 3], [4]] });
    expect([status, data.length]).toEqual([200, 2]);
  });

  test('takes its time, and says how much', async () => {
    providers.tell({ delays: { embedding: 60 } });
    const from = performance.now();
    await post({ ...small, input: 'open' });
    expect(performance.now() - from).toBeGreaterThan(55);
    expect(providers.log.at(-1)).toMatchObject({ stage: 'embedder', declaredMs: 60 });
    providers.tell({ delays: {} });
  });
});

test.each([
  ['no JSON', '{', /could not parse the JSON/],
  ['no model', { input: 'x' }, /must provide a model/],
  ['no input', small, /Missing required parameter: 'input'/],
  ['no texts', { ...small, input: [] }, /empty array/],
  ['an empty text', { ...small, input: ['x', ''] }, /empty string/],
  ['numbers among texts', { ...small, input: ['x', 1] }, /Invalid type for 'input'/],
  ['another format', { ...small, input: 'x', encoding_format: 'int8' }, /Supported values/],
  ['an unknown parameter', { ...small, input: 'x', pooling: 'cls' }, /Unknown parameter: 'pooling'/],
  ['more dimensions than there are', { ...small, input: 'x', dimensions: 2_000 }, /less than or equal to 1536/],
  [
    'dimensions of a model that cannot choose',
    { model: 'text-embedding-ada-002', input: 'x', dimensions: 256 },
    /does not support specifying/,
  ],
  ['too many texts', { ...small, input: Array<string>(2_049).fill('x') }, /maximum length 2048/],
  ['a text too long', { ...small, input: 'x'.repeat(40_000) }, /maximum context length is 8192 tokens/],
  ['too much in all', { ...small, input: Array<string>(60).fill('x'.repeat(30_000)) }, /max 300000 tokens per request/],
])('refused: %s', async (_what, body, message) => {
  const [status, { error }] = await post(body);
  expect(status).toBe(400);
  expect(error.message).toMatch(message);
});

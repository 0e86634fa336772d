/** The room against bytes that a test gives it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { LoopbackServer, refusing, until, type LoopbackAnswer } from '../http-vendor.contract.ts';
import { liveKit } from '../testing.ts';
import { OpenAiEmbedder } from './embedder.ts';
import { openai } from './vendor.ts';

let server: LoopbackServer;
const open: OpenAiEmbedder[] = [];
beforeEach(async () => {
  server = await new LoopbackServer().start();
});
afterEach(async () => {
  for (const embedder of open.splice(0)) await embedder.close();
  await server.stop();
});

const signal = new AbortController().signal;
function make(over: Partial<ConstructorParameters<typeof OpenAiEmbedder>[1]> = {}, kit = liveKit()): OpenAiEmbedder {
  const embedder = new OpenAiEmbedder(kit, {
    apiKey: 'sk-test-0123456789',
    baseUrl: `${server.url}/v1`,
    model: 'small',
    dimensions: 2,
    ...over,
  });
  open.push(embedder);
  return embedder;
}
const json =
  (body: unknown): LoopbackAnswer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
/** The vector of each text is [its length, 1], last first, so that only the index tells which is whose. */
const answering: LoopbackAnswer = (response, { body }) => {
  const data = (body.input as string[]).map((text, index) => ({ index, embedding: [text.length, 1] })).toReversed();
  json({ data, usage: { prompt_tokens: 7 } })(response, { body } as never);
};
const lengthIn = ([x, y]: Float32Array): number => Math.round(x / y);

describe('requests', () => {
  test('ask in one, by model and base64; vectors go by their index and have unit length; tokens are told', async () => {
    server.answer = answering;
    const tokens: number[] = [];
    const vectors = await make().embed(['aaa', 'b', ''], signal, { onTokens: (more) => tokens.push(more) });
    expect(vectors.slice(0, 2).map(lengthIn)).toEqual([3, 1]);
    expect(vectors[2]).toEqual(Float32Array.of(1, 0));
    expect(server.requests[0].body).toEqual({ model: 'small', input: ['aaa', 'b'], encoding_format: 'base64' });
    expect(server.requests[0].headers.authorization).toBe('Bearer sk-test-0123456789');
    expect(tokens).toEqual([7]);
  });

  test('base64 is little-endian 32-bit numbers', async () => {
    server.answer = json({ data: [{ index: 0, embedding: Buffer.from(Float32Array.of(3, 4).buffer).toString('base64') }] });
    expect((await make().embed(['x'], signal))[0]).toEqual(Float32Array.of(0.6, 0.8));
  });

  test('no more than 128 texts or 200,000 characters in one; the order stays', async () => {
    server.answer = answering;
    const texts = Array.from({ length: 300 }, (_, i) => 'x'.repeat(i + 1));
    expect((await make().embed(texts, signal)).map(lengthIn)).toEqual(texts.map(({ length }) => length));
    const long = Array.from({ length: 12 }, () => 'y'.repeat(20_000));
    await make().embed(long, signal);
    expect(server.requests.map(({ body }) => (body.input as string[]).length)).toEqual([128, 128, 44, 10, 2]);
  });

  test('a size of its own is asked for of models that can choose, and stands in the name', async () => {
    server.answer = answering;
    await make({ model: 'text-embedding-3-large', dimensions: 2 }).embed(['x'], signal);
    expect(server.requests[0].body.dimensions).toBe(2);
    expect(make({ model: 'text-embedding-3-large', dimensions: 256 }).name).toBe('openai/text-embedding-3-large-256');
    expect(make({ model: 'text-embedding-3-small', dimensions: 1_536 }).name).toBe('openai/text-embedding-3-small');
  });

  test('a text that is refused alone is asked for by its beginning, half as long each time', async () => {
    server.answer = (response, request) =>
      (request.body.input as string[])[0].length > 3_000
        ? refusing(400, '{"error":{"message":"too long"}}')(response, request)
        : answering(response, request);
    const [vector] = await make().embed(['z'.repeat(20_000)], signal);
    expect(lengthIn(vector)).toBe(2_500);
    await expect(make().embed(['z'.repeat(20_000), 'a'], signal)).rejects.toMatchObject({ category: 'bad-input' });
    server.answer = refusing(400, '{"error":{"message":"no"}}');
    await expect(make().embed(['z'.repeat(20_000)], signal)).rejects.toMatchObject({ category: 'bad-input' });
  });
});

describe('answers that are none', () => {
  test.each([
    ['a page', '<html>', /no embeddings/],
    ['cut JSON', '{"data":[{"index":0,"embed', /no embeddings/],
    ['another shape', { data: [{ vector: [1] }] }, /another shape/],
    ['too few', { data: [] }, /0 vectors for 1 texts/],
    [
      'two of one index',
      {
        data: [
          { index: 0, embedding: [1, 0] },
          { index: 0, embedding: [1, 0] },
        ],
      },
      /1 vectors for 1 texts/,
    ],
    ['no direction', { data: [{ index: 0, embedding: [0, 0] }] }, /without a direction/],
    ['a number too large', '{"data":[{"index":0,"embedding":[0,1e999]}]}', /shape|direction/],
  ])('%s', async (_what, body, message) => {
    server.answer = json(body);
    await expect(make().embed(['x'], signal)).rejects.toMatchObject({
      vendor: 'openai',
      category: 'retryable',
      message: expect.stringMatching(message),
    });
  });

  test('vectors of another size name the setting', async () => {
    server.answer = json({ data: [{ index: 0, embedding: [1, 2, 3] }] });
    await expect(make().embed(['x'], signal)).rejects.toMatchObject({
      category: 'permanent',
      message: expect.stringContaining('_DIMENSIONS'),
    });
  });

  test.each([
    [401, 'auth'],
    [429, 'rate-limited'],
    [404, 'permanent'],
    [503, 'retryable'],
  ])('HTTP %i is %s', async (status, category) => {
    server.answer = refusing(status, '{"error":{"message":"key sk-test-0123456789"}}', { 'retry-after': '7' });
    const thrown = await make()
      .embed(['x'], signal)
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({ category });
    if (status === 429) expect(thrown).toMatchObject({ retryAfterMs: 7_000 });
    expect(String(thrown)).not.toContain('sk-test');
  });

  test('a silent server is given up at the deadline, on the clock; an abort closes the request', async () => {
    server.answer = () => {};
    const kit = testKit();
    const asked = make({}, kit).embed(['x'], signal);
    asked.catch(() => {});
    await until(() => server.requests.length === 1);
    await kit.clock.advance(20_000);
    await expect(asked).rejects.toMatchObject({ category: 'retryable' });
    const controller = new AbortController();
    const reason = new Error('document deleted');
    const gone = make({}, kit).embed(['x'], controller.signal);
    gone.catch(() => {});
    await until(() => server.requests.length === 2);
    controller.abort(reason);
    await expect(gone).rejects.toBe(reason);
    await until(() => server.aborted === 2);
    expect(kit.clock.pending).toBe(0);
  });
});

describe('as configured', () => {
  const make_ = async (values: Record<string, unknown>) => {
    const embedder = await openai.embedder(openai.settings.parse(values), liveKit());
    if (embedder) open.push(embedder);
    return embedder;
  };

  test('nothing without a key; small at its own address; elsewhere only the model that is named', async () => {
    expect(await make_({})).toBeUndefined();
    expect(await make_({ apiKey: 'k' })).toMatchObject({ name: 'openai/text-embedding-3-small', dimensions: 1_536 });
    expect(await make_({ apiKey: 'k', embeddingDimensions: '256' })).toMatchObject({ dimensions: 256 });
    expect(await make_({ baseUrl: server.url })).toBeUndefined();
    expect(server.requests).toEqual([]);
  });

  test('the size of an unknown model is asked; who does not answer is not there', async () => {
    server.answer = json({ data: [{ index: 0, embedding: [1, 2, 3, 4] }] });
    expect(await make_({ baseUrl: server.url, embeddingModel: 'nomic' })).toMatchObject({ name: 'openai/nomic', dimensions: 4 });
    server.answer = refusing(404, '{}');
    expect(await make_({ baseUrl: server.url, embeddingModel: 'nomic' })).toBeUndefined();
    expect(await make_({ baseUrl: server.url, embeddingModel: 'nomic', embeddingDimensions: 768 })).toMatchObject({ dimensions: 768 });
  });
});

import { describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { modelRequest, partsOf } from '../language-model.contract.ts';
import type { ModelMessage, ModelRequest } from '../language-model.ts';
import { describeRemoteLanguageModel } from '../remote-language-model.contract.ts';
import { LoopbackServer, refusing, streaming } from '../http-vendor.contract.ts';
import { contentRequest } from './content-request.ts';
import { GeminiLanguageModel } from './language-model.ts';
import { gemini } from './vendor.ts';

const event = (fields: object) => `data: ${JSON.stringify({ modelVersion: 'gemini-2.5-flash', ...fields })}\r\n\r\n`;
const chunk = (parts: object[], finishReason?: string) =>
  event({ candidates: [{ index: 0, content: { role: 'model', parts }, ...(finishReason ? { finishReason } : {}) }] });
const ended = (parts: object[], finishReason = 'STOP') =>
  event({
    candidates: [{ index: 0, content: { role: 'model', parts }, finishReason }],
    usageMetadata: {
      promptTokenCount: 12,
      candidatesTokenCount: 2,
      thoughtsTokenCount: 1,
      cachedContentTokenCount: 4,
      totalTokenCount: 15,
    },
  });
const called = (fields: object = {}) => ended([{ functionCall: { name: 'lookup', args: { id: '42' } }, ...fields }]);
const status = (code: number, word: string, message: string, details: object[] = []) =>
  JSON.stringify({ error: { code, message, status: word, details } });

describeRemoteLanguageModel('gemini', {
  make: (kit, { url, key }) => new GeminiLanguageModel(kit, { apiKey: key, baseUrl: url, model: 'gemini-2.5-flash' }),
  opening: chunk([{ text: 'They ask about the hours.', thought: true }]),
  text: (text) => chunk([{ text }]),
  closing: ended([]),
  ping: ': ping\r\n\r\n',
  call: called(),
  refusal: (code, message) => status(code, 'SOME_STATUS', message),
  overloaded: `data: ${status(503, 'UNAVAILABLE', 'The model is overloaded.')}\r\n\r\n`,
  blocked: chunk([], 'SAFETY'),
});

const wire = (over: Partial<ModelRequest> = {}, model = 'gemini-2.5-flash') => contentRequest(modelRequest(over), model);

describe('generateContent', () => {
  const messages: ModelMessage[] = [
    { role: 'assistant', text: 'Good morning.' },
    { role: 'user', text: 'where is my order' },
    { role: 'assistant', text: 'One moment.', toolCalls: [{ id: 't1', name: 'lookup', arguments: { id: '42' } }] },
    { role: 'tool', toolCallId: 't1', name: 'lookup', result: '"sent"' },
  ];

  test('the caller begins, results are objects behind their calls, facts with the last words', () => {
    const { contents, system_instruction: system } = wire({ messages });
    expect(system.parts[0].text).toContain('bicycle shop');
    expect(contents.map(({ role }) => role)).toEqual(['user', 'model', 'user', 'model', 'user']);
    expect(contents[2].parts).toEqual([{ text: expect.stringContaining('<facts>') as string }, { text: 'where is my order' }]);
    expect(contents[3].parts[1]).toEqual({ functionCall: { name: 'lookup', args: { id: '42' } } });
    expect(contents[4].parts).toEqual([{ functionResponse: { name: 'lookup', response: { result: 'sent' } } }]);
  });

  test('results of several calls are one content of results only', () => {
    const two = [
      { id: 'a', name: 'f', arguments: {} },
      { id: 'b', name: 'g', arguments: {} },
    ];
    const { contents } = wire({
      messages: [...messages.slice(0, 2), { role: 'assistant', text: '', toolCalls: two }, { role: 'user', text: 'hello?' }],
    });
    const results = contents.filter(({ parts }) => parts.some((part) => 'functionResponse' in part));
    expect(results).toHaveLength(1);
    expect(results[0].parts).toHaveLength(2);
    expect(results[0].parts.every((part) => 'functionResponse' in part)).toBe(true);
  });

  test('an answer to go on with, and the least thinking each family allows', () => {
    const { contents } = wire({ continueFrom: 'We are open' });
    expect(contents.at(-2)).toEqual({ role: 'model', parts: [{ text: 'We are open' }] });
    expect(contents.at(-1)).toMatchObject({ role: 'user', parts: [{ text: expect.stringContaining('Go on exactly') as string }] });
    expect(wire().generationConfig).toEqual({ maxOutputTokens: 200, thinkingConfig: { thinkingBudget: 0 } });
    expect(wire({}, 'gemini-3-flash').generationConfig.thinkingConfig).toEqual({ thinkingLevel: 'low' });
    expect(wire({}, 'gemini-2.0-flash').generationConfig.thinkingConfig).toBeUndefined();
  });

  test('a function without arguments has no parameters', () => {
    const tools = [{ name: 'end_call', description: 'ends', parameters: { type: 'object', properties: {}, additionalProperties: false } }];
    expect(wire({ tools }).tools).toEqual([{ functionDeclarations: [{ name: 'end_call', description: 'ends' }] }]);
  });

  async function speaking(bytes: string) {
    const server = await new LoopbackServer().start();
    const model = new GeminiLanguageModel(testKit(), {
      apiKey: 'AIzaSy1234567890',
      baseUrl: `${server.url}/v1beta`,
      model: 'models/gemini-3-pro',
    });
    server.answer = (response) => streaming(response).end(bytes);
    return { server, model, close: () => (model.close(), server.stop()) };
  }

  test('the key is a header and never in the URL; a signature comes back with its call', async () => {
    const { server, model, close } = await speaking(called({ thoughtSignature: 'c2ln' }));
    const [part] = await partsOf(model, modelRequest());
    expect(server.requests[0].path).toBe('/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse');
    expect(server.requests[0].headers['x-goog-api-key']).toBe('AIzaSy1234567890');
    if (part.type !== 'tool-call') throw new Error('no call');
    const history: ModelMessage[] = [
      { role: 'user', text: 'where is my order' },
      { role: 'assistant', text: '', toolCalls: [part.call] },
      { role: 'tool', toolCallId: part.call.id, name: 'lookup', result: '{}' },
    ];
    await partsOf(model, modelRequest({ messages: history }));
    expect(JSON.stringify(server.requests[1].body.contents)).toContain('"thoughtSignature":"c2ln"');
    await close();
  });

  test.each<[string, string, object]>([
    ['blocked words', event({ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }), { category: 'bad-input' }],
    ['a malformed call', chunk([], 'MALFORMED_FUNCTION_CALL'), { category: 'retryable' }],
    ['a quota in the stream', `data: ${status(429, 'RESOURCE_EXHAUSTED', 'quota')}\r\n\r\n`, { category: 'rate-limited' }],
  ])('%s', async (_what, bytes, expected) => {
    const { model, close } = await speaking(bytes);
    await expect(partsOf(model, modelRequest())).rejects.toMatchObject(expected);
    await close();
  });

  test('a wrong key is a 400 with its reason; a wait stands in the details', async () => {
    const { server, model, close } = await speaking('');
    const reason = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' };
    server.answer = refusing(400, status(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [reason]));
    await expect(partsOf(model, modelRequest())).rejects.toMatchObject({ category: 'auth' });
    const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7.5s' };
    server.answer = refusing(429, status(429, 'RESOURCE_EXHAUSTED', 'quota', [retry]));
    await expect(partsOf(model, modelRequest())).rejects.toMatchObject({ category: 'rate-limited', retryAfterMs: 7_500 });
    await close();
  });
});

test('usable with a key only', async () => {
  const kit = testKit();
  expect(await gemini.languageModel(gemini.settings.parse({}), kit)).toBeUndefined();
  const model = await gemini.languageModel(gemini.settings.parse({ apiKey: 'k' }), kit);
  expect(model).toMatchObject({ name: 'gemini', model: 'gemini-2.5-flash' });
  model?.close();
});

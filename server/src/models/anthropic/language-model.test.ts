import { describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { modelRequest } from '../language-model.contract.ts';
import type { ModelMessage, ModelRequest } from '../language-model.ts';
import { describeRemoteLanguageModel } from '../remote-language-model.contract.ts';
import { LoopbackServer, refusing, streaming } from '../http-vendor.contract.ts';
import { partsOf } from '../language-model.contract.ts';
import { AnthropicLanguageModel } from './language-model.ts';
import { messagesRequest } from './messages-request.ts';
import { anthropic } from './vendor.ts';

const event = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const start = event('message_start', {
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [],
    usage: { input_tokens: 6, cache_read_input_tokens: 4, cache_creation_input_tokens: 2, output_tokens: 1 },
  },
});
const block = (index: number, fields: object) => event('content_block_start', { index, content_block: fields });
const delta = (index: number, fields: object) => event('content_block_delta', { index, delta: fields });
const stop = (reason: string) =>
  event('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 3 } }) + event('message_stop');
const tool = (...pieces: string[]) =>
  start +
  block(0, { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: {} }) +
  pieces.map((piece) => delta(0, { type: 'input_json_delta', partial_json: piece })).join('') +
  event('content_block_stop', { index: 0 });

describeRemoteLanguageModel('anthropic', {
  make: (kit, { url, key }) => new AnthropicLanguageModel(kit, { apiKey: key, baseUrl: url, model: 'claude-haiku-4-5' }),
  opening: start + block(0, { type: 'text', text: '' }),
  text: (text) => delta(0, { type: 'text_delta', text }),
  closing: event('content_block_stop', { index: 0 }) + stop('end_turn'),
  ping: event('ping'),
  call: tool('', '{"id":', '"42"}') + stop('tool_use'),
  badCall: tool('{"id":') + stop('tool_use'),
  cutCall: tool('{"id":') + stop('max_tokens'),
  refusal: (status, message) => {
    const types: Record<number, string> = {
      400: 'invalid_request_error',
      401: 'authentication_error',
      403: 'permission_error',
      404: 'not_found_error',
      429: 'rate_limit_error',
    };
    return JSON.stringify({ type: 'error', error: { type: types[status] ?? 'api_error', message }, request_id: 'req_1' });
  },
  overloaded: event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
  blocked: stop('refusal'),
});

const wire = (over: Partial<ModelRequest> = {}) => messagesRequest(modelRequest(over), 'claude-haiku-4-5');

describe('the Messages protocol', () => {
  const messages: ModelMessage[] = [
    { role: 'assistant', text: 'Good morning.' },
    { role: 'user', text: 'hello' },
    { role: 'user', text: 'where is my order' },
    { role: 'assistant', text: 'One moment.', toolCalls: [{ id: 't1', name: 'lookup', arguments: { id: '42' } }] },
    { role: 'tool', toolCallId: 't1', name: 'lookup', result: '{"state":"sent"}' },
    { role: 'user', text: 'and when does it come' },
  ];

  test('roles alternate, the caller begins, results stand behind their calls, facts with the last words', () => {
    const { messages: turns } = wire({ messages });
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    expect(turns[2].content).toEqual([
      { type: 'text', text: 'hello' },
      { type: 'text', text: 'where is my order' },
    ]);
    expect(turns[3].content[1]).toEqual({ type: 'tool_use', id: 't1', name: 'lookup', input: { id: '42' } });
    expect(turns[4].content).toEqual([
      { type: 'tool_result', tool_use_id: 't1', content: '{"state":"sent"}', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: expect.stringContaining('<facts>') as string },
      { type: 'text', text: 'and when does it come' },
    ]);
  });

  test('system and tools are marked for the cache; thinking is off; at most four marks', () => {
    const tools = ['a', 'b'].map((name) => ({ name, description: name, parameters: { type: 'object' } }));
    const body = wire({ messages, tools });
    expect(body.thinking).toEqual({ type: 'disabled' });
    expect(body.system).toEqual([
      { type: 'text', text: expect.stringContaining('bicycle shop') as string, cache_control: { type: 'ephemeral' } },
    ]);
    expect(body.tools?.map(({ cache_control: mark }) => mark)).toEqual([undefined, { type: 'ephemeral' }]);
    expect(JSON.stringify(body).match(/cache_control/g)?.length).toBeLessThanOrEqual(4);
  });

  test('an answer to go on with is the assistant’s, and the note is the last turn: nothing is prefilled', () => {
    const { messages: turns } = wire({ continueFrom: 'We are open ' });
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(turns[1].content).toEqual([{ type: 'text', text: 'We are open' }]);
    expect(turns[2].content[0]).toMatchObject({ text: expect.stringContaining('Go on exactly behind') as string });
  });

  test('empty texts, which are refused, are left out; arguments that were no object are one', () => {
    const { messages: turns } = wire({
      messages: [
        { role: 'user', text: ' ' },
        { role: 'assistant', text: '', toolCalls: [{ id: 't1', name: 'f', arguments: undefined, badArguments: '{"' }] },
      ],
    });
    const blocks = turns.flatMap(({ content }) => content);
    for (const one of blocks) if (one.type === 'text') expect(one.text.trim()).not.toBe('');
    expect(blocks.find(({ type }) => type === 'tool_use')).toMatchObject({ input: {} });
    expect(blocks.at(-1)).toMatchObject({ type: 'tool_result', tool_use_id: 't1' });
  });

  test('key and version of the protocol go out as headers; 529 is overload', async () => {
    const server = await new LoopbackServer().start();
    const model = new AnthropicLanguageModel(testKit(), { apiKey: 'sk-ant-1234567', baseUrl: `${server.url}/v1/`, model: 'm' });
    server.answer = (response) => streaming(response).end(start + stop('end_turn'));
    await partsOf(model, modelRequest());
    expect(server.requests[0]).toMatchObject({
      path: '/v1/messages',
      headers: { 'x-api-key': 'sk-ant-1234567', 'anthropic-version': '2023-06-01' },
    });
    const body = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    server.answer = refusing(529, body, { 'retry-after': '2' });
    await expect(partsOf(model, modelRequest())).rejects.toMatchObject({ category: 'retryable', retryAfterMs: 2_000 });
    model.close();
    await server.stop();
  });
});

test('usable with a key only', async () => {
  const kit = testKit();
  expect(await anthropic.languageModel(anthropic.settings.parse({ baseUrl: 'http://127.0.0.1:1' }), kit)).toBeUndefined();
  const model = await anthropic.languageModel(anthropic.settings.parse({ apiKey: 'k' }), kit);
  expect(model).toMatchObject({ name: 'anthropic', model: 'claude-haiku-4-5' });
  model?.close();
});

/* oxlint-disable unicorn/no-thenable -- `then` is a field of the scenario */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Providers } from './providers.ts';
import { defaultScenario, type Fault } from './scenario.ts';
import { startProviders } from './server.ts';

let providers: Providers;
beforeAll(async () => {
  providers = await startProviders();
});
beforeEach(() =>
  providers.tell({
    ...defaultScenario,
    answers: [
      { when: 'order', call: [{ name: 'lookup', arguments: { id: 'A-42' } }], then: 'It is {{result}}.' },
      { say: 'Sure, at nine.' },
    ],
  }),
);
afterAll(() => providers.close());

type Body = Record<string, unknown>;
type Event = { name?: string; data: string; json: Body };

const paths = {
  chat: () => ({ url: `${providers.urls.openai}/v1/chat/completions`, headers: { authorization: `Bearer ${providers.key}` } }),
  responses: () => ({ url: `${providers.urls.openai}/v1/responses`, headers: { authorization: `Bearer ${providers.key}` } }),
  anthropic: () => ({
    url: `${providers.urls.anthropic}/v1/messages`,
    headers: { 'x-api-key': providers.key, 'anthropic-version': '2023-06-01' },
  }),
  gemini: () => ({
    url: `${providers.urls.gemini}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse`,
    headers: { 'x-goog-api-key': providers.key },
  }),
};
type Protocol = keyof typeof paths;

function post(protocol: Protocol, body: unknown, signal?: AbortSignal): Promise<Response> {
  const { url, headers } = paths[protocol]();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: text, signal });
}

function eventsOf(text: string): Event[] {
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const lines = block.split(/\r?\n/);
    const data = lines.find((line) => line.startsWith('data: '))?.slice(6);
    if (data === undefined) return [];
    const json = data.startsWith('{') ? (JSON.parse(data) as Body) : {};
    return [{ name: lines.find((line) => line.startsWith('event: '))?.slice(7), data, json }];
  });
}

async function streamed(protocol: Protocol, body: unknown): Promise<Event[]> {
  const response = await post(protocol, body);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return eventsOf(await response.text());
}

const user = (content: string): Body => ({ role: 'user', content });
const parameters = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };
const hello: Record<Protocol, Body> = {
  chat: { model: 'gpt-4.1-mini', messages: [user('Hello')], stream: true, stream_options: { include_usage: true } },
  responses: { model: 'gpt-5.4', input: 'Hello', stream: true },
  anthropic: { model: 'claude-haiku-4-5', max_tokens: 100, messages: [user('Hello')], stream: true },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] },
};
const order: Record<Protocol, Body> = {
  chat: {
    ...hello.chat,
    messages: [user('Where is my order?')],
    tools: [{ type: 'function', function: { name: 'lookup', parameters } }],
  },
  responses: { ...hello.responses, input: 'Where is my order?', tools: [{ type: 'function', name: 'lookup', parameters }] },
  anthropic: { ...hello.anthropic, messages: [user('Where is my order?')], tools: [{ name: 'lookup', input_schema: parameters }] },
  gemini: {
    contents: [{ role: 'user', parts: [{ text: 'Where is my order?' }] }],
    tools: [{ functionDeclarations: [{ name: 'lookup', parameters }] }],
  },
};

describe('the documented stream', () => {
  type Chunk = { choices: { delta: Body; finish_reason: string | null }[]; usage?: Body | null };

  test('chat completions: role, words, finish reason, usage, [DONE]', async () => {
    const events = await streamed('chat', hello.chat);
    expect(events.at(-1)?.data).toBe('[DONE]');
    const chunks = events.slice(0, -1).map(({ json }) => json as unknown as Chunk);
    expect(chunks[0].choices[0].delta).toEqual({ role: 'assistant', content: '', refusal: null });
    expect(chunks.map(({ choices }) => (choices[0]?.delta.content as string | undefined) ?? '').join('')).toBe('Sure, at nine.');
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4, prompt_tokens_details: { cached_tokens: 0 } } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  });

  test('chat completions: a call comes in fragments, id and name only in the first', async () => {
    const chunks = (await streamed('chat', order.chat)).map(({ json }) => json as unknown as Chunk);
    const calls = chunks.flatMap(({ choices }) => (choices?.[0]?.delta.tool_calls as Body[] | undefined) ?? []);
    expect(calls[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'lookup', arguments: '' } });
    expect(calls.slice(1).every((call) => !('id' in call) && !('name' in (call.function as Body)))).toBe(true);
    expect(calls.map((call) => (call.function as Body).arguments as string).join('')).toBe('{"id":"A-42"}');
    expect(chunks.flatMap(({ choices }) => choices?.[0]?.finish_reason ?? [])).toEqual(['tool_calls']);
  });

  test.each([
    ['ollama/llama', [{ index: 0, function: { name: 'lookup', arguments: '{"id":"A-42"}' } }]],
    ['sglang/gemma', [{ index: 7 }, { index: 7 }, { index: 7 }]],
  ])('chat completions: the manners of %s', async (model, expected) => {
    const chunks = (await streamed('chat', { ...order.chat, model })).map(({ json }) => json as unknown as Chunk);
    expect(chunks.flatMap(({ choices }) => (choices?.[0]?.delta.tool_calls as Body[] | undefined) ?? [])).toMatchObject(expected);
  });

  test('responses: items and parts are opened and closed around the words', async () => {
    const events = await streamed('responses', hello.responses);
    const words = events.filter(({ name }) => name === 'response.output_text.delta');
    expect([...new Set(events.map(({ name }) => name))]).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(words.map(({ json }) => json.delta as string).join('')).toBe('Sure, at nine.');
    expect(events.map(({ json }) => json.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.at(-1)?.json.response).toMatchObject({ status: 'completed', usage: { output_tokens: 4 } });
  });

  test('responses: a call as an item', async () => {
    const events = await streamed('responses', order.responses);
    const done = events.find(({ name }) => name === 'response.output_item.done');
    expect(done?.json.item).toMatchObject({ type: 'function_call', name: 'lookup', arguments: '{"id":"A-42"}', status: 'completed' });
  });

  test('anthropic: message, block, deltas, stop reason', async () => {
    const events = await streamed('anthropic', hello.anthropic);
    const names = events.map(({ name }) => name).filter((name) => name !== 'ping');
    expect(names).toEqual([
      'message_start',
      'content_block_start',
      ...Array<string>(names.length - 5).fill('content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events.every(({ name, json }) => name === json.type)).toBe(true);
    expect(events.at(-2)?.json).toMatchObject({ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } });
  });

  test('anthropic: a call as a block whose input grows', async () => {
    const events = await streamed('anthropic', order.anthropic);
    expect(events.find(({ name }) => name === 'content_block_start')?.json).toMatchObject({
      index: 0,
      content_block: { type: 'tool_use', name: 'lookup', input: {} },
    });
    const grown = events.flatMap(({ json }) => ((json.delta as Body | undefined)?.partial_json as string | undefined) ?? []);
    expect(grown.join('')).toBe('{"id":"A-42"}');
    expect(events.at(-2)?.json).toMatchObject({ delta: { stop_reason: 'tool_use' } });
  });

  test('gemini: chunks of parts, CRLF, the finish reason in the last', async () => {
    const text = await (await post('gemini', hello.gemini)).text();
    expect(text).toMatch(/\r\n\r\n$/);
    type Answer = { candidates: { content: { parts: Body[] }; finishReason?: string }[]; usageMetadata: Body };
    const chunks = eventsOf(text).map(({ json }) => json as unknown as Answer);
    expect(chunks.map(({ candidates }) => candidates[0].content.parts[0].text as string).join('')).toBe('Sure, at nine.');
    expect(chunks.flatMap(({ candidates }) => candidates[0].finishReason ?? [])).toEqual(['STOP']);
    expect(chunks.at(-1)?.usageMetadata).toMatchObject({ candidatesTokenCount: 4 });
    const called = eventsOf(await (await post('gemini', order.gemini)).text()).map(({ json }) => json as unknown as Answer);
    expect(called[0].candidates[0].content.parts).toEqual([{ functionCall: { name: 'lookup', args: { id: 'A-42' } } }]);
  });

  test('whole answers where no stream was asked for', async () => {
    const whole = async (protocol: Protocol, body: Body): Promise<Body> => (await (await post(protocol, body)).json()) as Body;
    expect(await whole('chat', { model: 'm', messages: [user('Hello')] })).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Sure, at nine.' }, finish_reason: 'stop' }],
    });
    expect(await whole('responses', { model: 'm', input: 'Hello' })).toMatchObject({
      output: [{ content: [{ type: 'output_text', text: 'Sure, at nine.' }] }],
    });
    expect(await whole('anthropic', { ...order.anthropic, stream: false })).toMatchObject({
      content: [{ type: 'tool_use', name: 'lookup', input: { id: 'A-42' } }],
      stop_reason: 'tool_use',
    });
  });
});

describe('bad requests are refused', () => {
  const calls = [{ id: 'c1', type: 'function', function: { name: 'lookup', arguments: '{}' } }];
  const use = { type: 'tool_use', id: 't1', name: 'lookup', input: {} };
  const result = { type: 'tool_result', tool_use_id: 't1', content: '42' };
  const called = { role: 'model', parts: [{ functionCall: { name: 'lookup', args: {} } }] };
  const answered = { role: 'user', parts: [{ functionResponse: { name: 'lookup', response: {} } }] };
  const words = { role: 'user', parts: [{ text: 'Hello' }] };
  const gemini = (more: Body, name = 'lookup'): Body => ({
    ...hello.gemini,
    tools: [{ functionDeclarations: [{ name, parameters: { type: 'object', properties: { id: { type: 'string' } }, ...more } }] }],
  });

  test.each<[Protocol, string, unknown, RegExp]>([
    ['chat', 'no JSON', '{', /could not parse the JSON/],
    ['chat', 'no model', { messages: [user('Hello')] }, /must provide a model/],
    ['chat', 'no messages', { model: 'm', messages: [] }, /empty array/],
    ['chat', 'an unknown role', { model: 'm', messages: [{ role: 'agent', content: 'x' }] }, /Supported values/],
    ['chat', 'an unknown parameter', { ...hello.chat, thinking: {} }, /Unknown parameter: 'thinking'/],
    [
      'chat',
      'a result without its call',
      { model: 'm', messages: [user('x'), { role: 'tool', tool_call_id: 'c1', content: '1' }] },
      /preceeding message/,
    ],
    [
      'chat',
      'a call without its result',
      { model: 'm', messages: [{ role: 'assistant', tool_calls: calls }, user('x')] },
      /did not have response messages: c1/,
    ],
    ['chat', 'max_tokens for a thinking model', { ...hello.chat, model: 'gpt-5.1', max_tokens: 5 }, /max_completion_tokens/],
    [
      'chat',
      'a schema that is no object',
      { ...hello.chat, tools: [{ type: 'function', function: { name: 'x', parameters: { type: 'string' } } }] },
      /Invalid schema/,
    ],
    ['responses', 'fewer than 16 tokens', { ...hello.responses, max_output_tokens: 5 }, />= 16/],
    [
      'responses',
      'an output without its call',
      { ...hello.responses, input: [{ type: 'function_call_output', call_id: 'c', output: '' }] },
      /No tool call found/,
    ],
    [
      'responses',
      'a call without its output',
      { ...hello.responses, input: [{ type: 'function_call', call_id: 'c', name: 'x', arguments: '' }] },
      /No tool output found/,
    ],
    ['anthropic', 'no max_tokens', { model: 'm', messages: [user('x')] }, /max_tokens: Field required/],
    ['anthropic', 'roles that do not alternate', { ...hello.anthropic, messages: [user('x'), user('y')] }, /alternate/],
    ['anthropic', 'an assistant who begins', { ...hello.anthropic, messages: [{ role: 'assistant', content: 'x' }] }, /first message/],
    ['anthropic', 'a system role', { ...hello.anthropic, messages: [{ role: 'system', content: 'x' }] }, /top-level `system`/],
    ['anthropic', 'empty text', { ...hello.anthropic, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, /non-empty/],
    [
      'anthropic',
      'a call without its result',
      { ...hello.anthropic, messages: [user('x'), { role: 'assistant', content: [use] }, user('y')] },
      /without `tool_result`/,
    ],
    [
      'anthropic',
      'a result behind other content',
      {
        ...hello.anthropic,
        messages: [user('x'), { role: 'assistant', content: [use] }, { role: 'user', content: [{ type: 'text', text: 'y' }, result] }],
      },
      /without `tool_result`/,
    ],
    [
      'anthropic',
      'a result without its call',
      { ...hello.anthropic, messages: [{ role: 'user', content: [result] }] },
      /unexpected `tool_use_id`/,
    ],
    [
      'anthropic',
      'five cache marks',
      { ...hello.anthropic, system: Array.from({ length: 5 }, () => ({ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } })) },
      /maximum of 4/,
    ],
    ['gemini', 'no contents', {}, /contents is not specified/],
    ['gemini', 'additionalProperties', gemini({ additionalProperties: false }), /Unknown name "additionalProperties"/],
    ['gemini', 'an object without properties', gemini({ properties: {} }), /should be non-empty/],
    ['gemini', 'an enumeration of numbers', gemini({ properties: { n: { type: 'integer', enum: ['1'] } } }), /only allowed for STRING/],
    ['gemini', 'a role of another kind', { contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, /valid role/],
    ['gemini', 'a response without its call', { contents: [words, answered] }, /immediately after a function call turn/],
    ['gemini', 'a call without its response', { contents: [words, called, words] }, /number of function response parts/],
    [
      'gemini',
      'a call of the model behind its own words',
      { contents: [words, { role: 'model', parts: [{ text: 'x' }] }, called, answered] },
      /after a user turn/,
    ],
  ])('%s: %s', async (protocol, _what, body, expected) => {
    const response = await post(protocol, body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(expected);
  });

  test('a wrong key, in the words of each', async () => {
    const refusal = async (protocol: Protocol) => {
      const response = await fetch(paths[protocol]().url, { method: 'POST', body: '{}', headers: { 'x-api-key': 'no' } });
      return [response.status, JSON.stringify(await response.json())] as const;
    };
    expect(await refusal('chat')).toEqual([401, expect.stringContaining('invalid_api_key')]);
    expect(await refusal('anthropic')).toEqual([401, expect.stringContaining('authentication_error')]);
    expect(await refusal('gemini')).toEqual([400, expect.stringContaining('API_KEY_INVALID')]);
  });
});

describe('what a language model does', () => {
  test('goes on from the result of a tool', async () => {
    const messages = [
      user('Where is my order?'),
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'lookup', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'in Leeds' },
    ];
    const text = JSON.stringify(await streamed('chat', { ...order.chat, messages }));
    expect(text).toContain('in');
    const whole = (await (await post('chat', { model: 'm', messages })).json()) as { choices: { message: Body }[] };
    expect(whole.choices[0].message.content).toBe('It is in Leeds.');
  });

  test('reads marked prefixes from the cache, writes them the first time', async () => {
    const system = [{ type: 'text', text: 'Be kind. '.repeat(600), cache_control: { type: 'ephemeral' } }];
    const usage = async (): Promise<Body> =>
      ((await (await post('anthropic', { ...hello.anthropic, system, stream: false })).json()) as { usage: Body }).usage;
    const first = await usage();
    const second = await usage();
    expect(first).toMatchObject({ cache_read_input_tokens: 0 });
    expect(first.cache_creation_input_tokens).toBeGreaterThan(1024);
    expect(second).toMatchObject({ cache_read_input_tokens: first.cache_creation_input_tokens, cache_creation_input_tokens: 0 });
    expect(second.input_tokens).toBe(first.input_tokens);
  });

  test('takes its time, says how much, and logs the request', async () => {
    providers.tell({ delays: { 'first-token': 120, token: 20 } });
    const from = performance.now();
    await streamed('chat', hello.chat);
    // Four tokens: three pauses between them.
    expect(performance.now() - from).toBeGreaterThan(150);
    const log = providers.log.filter(({ stage }) => stage === 'language-model').slice(-3);
    expect(log.map(({ event }) => event)).toEqual(['request', 'first-token', 'last-token']);
    expect(log[0].body).toEqual(hello.chat);
    expect(log[1].declaredMs).toBe(120);
    expect(log[1].atMs - log[0].atMs).toBeGreaterThanOrEqual(119);
  });

  test('notices a client that has gone', async () => {
    providers.tell({ delays: { token: 50 } });
    const controller = new AbortController();
    const response = await post('anthropic', hello.anthropic, controller.signal);
    await response.body?.getReader().read();
    const count = providers.log.length;
    controller.abort();
    const until = performance.now() + 2_000;
    while (!providers.log.slice(count).some(({ event }) => event === 'cancelled') && performance.now() < until) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(providers.log.slice(count).map(({ event }) => event)).toContain('cancelled');
  });
});

describe('faults, seen by a plain client', () => {
  const names = { chat: 'openai', responses: 'openai', anthropic: 'anthropic', gemini: 'gemini' } as const;
  const meet = (protocol: Protocol, fault: Omit<Fault, 'stage'>) =>
    providers.tell({ faults: { [names[protocol]]: [{ ...fault, stage: 'language-model' }] } });
  const all = Object.keys(paths) as Protocol[];

  test.each(all)('%s: its own error in the stream, which then ends', async (protocol) => {
    meet(protocol, { kind: 'error-message', at: 'middle' });
    const events = await streamed(protocol, hello[protocol]);
    expect(events.at(-1)?.data).toContain('error');
    expect(JSON.stringify(events)).toContain('Sure');
  });

  test.each(all)('%s: 429 with Retry-After', async (protocol) => {
    meet(protocol, { kind: 'status', at: 'connect', status: 429, retryAfterS: 7 });
    const response = await post(protocol, hello[protocol]);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await response.text()).toMatch(/rate_limit|RESOURCE_EXHAUSTED/);
  });

  test.each(all)('%s: JSON cut in its middle', async (protocol) => {
    meet(protocol, { kind: 'truncated-json', at: 'middle', times: 1 });
    const text = await (await post(protocol, hello[protocol])).text();
    expect(() => eventsOf(text)).toThrow();
  });

  test.each(all)('%s: a reset in the middle', async (protocol) => {
    meet(protocol, { kind: 'reset', at: 'middle' });
    await expect(post(protocol, hello[protocol]).then((response) => response.text())).rejects.toThrow();
  });

  test.each(all)('%s: an endless answer until the client goes', async (protocol) => {
    meet(protocol, { kind: 'endless', at: 'middle' });
    const controller = new AbortController();
    const body = protocol === 'anthropic' ? { ...hello.anthropic, max_tokens: 100_000 } : hello[protocol];
    const reader = (await post(protocol, body, controller.signal)).body?.getReader();
    let text = '';
    while (!text.includes('so on,')) text += Buffer.from((await reader!.read()).value ?? []).toString();
    controller.abort();
    expect(text).toContain('so on,');
  });

  test('529 in the words of Anthropic', async () => {
    meet('anthropic', { kind: 'status', at: 'connect', status: 529 });
    const response = await post('anthropic', hello.anthropic);
    expect(response.status).toBe(529);
    expect(await response.json()).toMatchObject({ error: { type: 'overloaded_error' } });
  });

  test('arguments of another schema', async () => {
    meet('chat', { kind: 'invalid-arguments', at: 'middle' });
    const text = (await streamed('chat', order.chat)).map(({ data }) => data).join('');
    expect(text).toContain('unexpected');
  });
});

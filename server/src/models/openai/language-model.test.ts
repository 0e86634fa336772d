import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { modelRequest, partsOf, textOf } from '../language-model.contract.ts';
import type { ModelPart } from '../language-model.ts';
import { describeRemoteLanguageModel } from '../remote-language-model.contract.ts';
import { type LoopbackAnswer, LoopbackServer, refusing, streaming } from '../http-vendor.contract.ts';
import { OpenAiLanguageModel, type OpenAiOptions } from './language-model.ts';
import { openai } from './vendor.ts';

const event = (fields: object) => `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', ...fields })}\n\n`;
const chunk = (delta: object, finish: string | null = null) => event({ choices: [{ index: 0, delta, finish_reason: finish }] });
const usage = { prompt_tokens: 12, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } };
const USAGE = event({ choices: [], usage });
const DONE = 'data: [DONE]\n\n';
const call = (index: number, fields: object) => chunk({ tool_calls: [{ index, ...fields }] });
const realKit = () => ({ ...testKit(), clock: new SystemClock() });

describeRemoteLanguageModel('openai', {
  make: (kit, { url, key }) => new OpenAiLanguageModel(kit, { apiKey: key, baseUrl: `${url}/v1`, model: 'm' }),
  opening: chunk({ role: 'assistant', content: '' }),
  text: (content) => chunk({ content }),
  closing: chunk({}, 'stop') + USAGE + DONE,
  ping: ': ping\n\n',
  call:
    call(0, { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '' } }) +
    call(0, { function: { arguments: '{"id":' } }) +
    call(0, { function: { arguments: '"42"}' } }) +
    chunk({}, 'tool_calls') +
    USAGE +
    DONE,
  badCall: call(0, { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '{"id":' } }) + chunk({}, 'tool_calls') + DONE,
  cutCall: call(0, { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '{"id":' } }) + chunk({}, 'length') + DONE,
  refusal: (_status, message) => JSON.stringify({ error: { message, type: 'some_error', code: null } }),
  overloaded: `data: ${JSON.stringify({ error: { message: 'overloaded', code: 'server_error' } })}\n\n`,
  blocked: chunk({}, 'content_filter') + DONE,
});

describe('chat completions', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function started(answer: LoopbackAnswer, over: Partial<OpenAiOptions> = {}) {
    const server = await new LoopbackServer().start();
    server.answer = answer;
    const model = new OpenAiLanguageModel(realKit(), { apiKey: 'sk-test-1234567890', baseUrl: `${server.url}/v1/`, model: 'm', ...over });
    closing.push(async () => {
      model.close();
      await server.stop();
    });
    return { server, model };
  }
  const saying =
    (...bytes: string[]): LoopbackAnswer =>
    (response) =>
      streaming(response).end(bytes.join(''));
  const yes = saying(chunk({ content: 'Yes.' }), chunk({}, 'stop'), USAGE, DONE);
  const failure = (model: OpenAiLanguageModel) => partsOf(model, modelRequest()).catch((thrown: unknown) => thrown);

  test('key, model, stream and passages go out to the path of the protocol', async () => {
    const { server, model } = await started(yes);
    await partsOf(model, modelRequest());
    const [{ path, headers, body }] = server.requests;
    expect(path).toBe('/v1/chat/completions');
    expect(headers.authorization).toBe('Bearer sk-test-1234567890');
    expect(body).toMatchObject({ model: 'm', stream: true, max_tokens: 200, stream_options: { include_usage: true } });
    expect(body.reasoning_effort).toBeUndefined();
    expect(JSON.stringify(body)).toContain('open Monday to Friday');
  });

  test('a server without a key is sent none; how much to think only when it is set', async () => {
    const { server, model } = await started(yes, { apiKey: undefined, reasoningEffort: 'minimal' });
    await partsOf(model, modelRequest());
    expect(server.requests[0].headers.authorization).toBeUndefined();
    expect(server.requests[0].body.reasoning_effort).toBe('minimal');
  });

  const callsOf = async (...bytes: string[]) => {
    const { model } = await started(saying(...bytes));
    return (await partsOf(model, modelRequest())).flatMap((part) => (part.type === 'tool-call' ? [part.call] : []));
  };

  test('several calls at once grow by their index, behind the words', async () => {
    const { model } = await started(
      saying(
        chunk({ content: 'One moment.' }),
        call(0, { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '' } }),
        call(0, { function: { arguments: '{"id":' } }),
        call(1, { function: { name: 'end_call', arguments: '{}' } }),
        call(0, { function: { arguments: '"42"}' } }),
        chunk({}, 'tool_calls') + DONE,
      ),
    );
    const parts = await partsOf(model, modelRequest());
    expect(parts[0]).toEqual({ type: 'text', text: 'One moment.' });
    expect(parts[1]).toEqual({ type: 'tool-call', call: { id: 'call_1', name: 'lookup', arguments: { id: '42' } } });
    expect(parts[2]).toMatchObject({ type: 'tool-call', call: { name: 'end_call', arguments: {} } });
    expect((parts[2] as Extract<ModelPart, { type: 'tool-call' }>).call.id).not.toBe('');
  });

  test('a whole call in one chunk, without an index and without an id (Ollama, llama.cpp)', async () => {
    const whole = chunk({ content: '', tool_calls: [{ function: { name: 'lookup', arguments: '{"id":"42"}' } }] }, 'tool_calls');
    expect(await callsOf(whole, DONE)).toMatchObject([{ name: 'lookup', arguments: { id: '42' } }]);
  });

  test('positions counted through the whole conversation (SGLang)', async () => {
    const first = call(7, { id: 'a', function: { name: 'one', arguments: '{"n":1' } }) + call(7, { function: { arguments: '1}' } });
    const second = call(8, { id: 'b', function: { name: 'two', arguments: '{}' } });
    expect(await callsOf(first, second, chunk({}, 'tool_calls'), DONE)).toMatchObject([
      { id: 'a', name: 'one', arguments: { n: 11 } },
      { id: 'b', name: 'two' },
    ]);
  });

  test('whole calls that all have the same index are told apart by their ids', async () => {
    const one = call(0, { id: 'a', function: { name: 'one', arguments: '{}' } });
    const two = call(0, { id: 'b', function: { name: 'two', arguments: '{}' } });
    expect((await callsOf(one, two, chunk({}, 'tool_calls'), DONE)).map(({ id, name }) => `${id} ${name}`)).toEqual(['a one', 'b two']);
  });

  test('arguments as an object, encoded twice, or none at all', async () => {
    const given = (value: unknown) => call(0, { id: 'a', function: { name: 'f', arguments: value } }) + chunk({}, 'tool_calls') + DONE;
    expect(await callsOf(given({ id: 1 }))).toMatchObject([{ arguments: { id: 1 } }]);
    expect(await callsOf(given('"{\\"id\\":1}"'))).toMatchObject([{ arguments: { id: 1 } }]);
    expect(await callsOf(given(null))).toMatchObject([{ arguments: {} }]);
  });

  test('a call without a name, too many calls and endless arguments are no answer', async () => {
    const nameless = saying(call(0, { id: 'a', function: { arguments: '{}' } }), chunk({}, 'tool_calls'), DONE);
    expect(await failure((await started(nameless)).model)).toMatchObject({ category: 'retryable' });
    const many = saying(...Array.from({ length: 17 }, (_, index) => call(index, { id: `c${index}`, function: { name: 'f' } })));
    expect(await failure((await started(many)).model)).toMatchObject({ category: 'retryable' });
    const long = saying(...Array.from({ length: 9 }, () => call(0, { id: 'a', function: { name: 'f', arguments: 'x'.repeat(8_000) } })));
    expect(await failure((await started(long)).model)).toMatchObject({ category: 'retryable' });
  });

  test('reasoning is not said; usage in x_groq counts; a stream may end without [DONE]', async () => {
    const { model } = await started(
      saying(
        chunk({ reasoning_content: 'hmm', reasoning: 'hmm' }),
        chunk({ content: 'Yes.' }),
        event({ choices: [{ delta: {}, finish_reason: 'stop' }], x_groq: { usage: { prompt_tokens: 5, completion_tokens: 1 } } }),
      ),
    );
    expect(await partsOf(model, modelRequest())).toEqual([
      { type: 'text', text: 'Yes.' },
      { type: 'usage', inputTokens: 5, outputTokens: 1 },
    ]);
  });

  test('text that the limit of tokens cut is an answer', async () => {
    const { model } = await started(saying(chunk({ content: 'Yes, and' }), chunk({}, 'length'), DONE));
    expect(textOf(await partsOf(model, modelRequest()))).toBe('Yes, and');
  });

  test('no money left is no rate to wait for, and a quoted key is not shown', async () => {
    const quota = JSON.stringify({ error: { message: 'quota of sk-abcdef1234567', code: 'insufficient_quota' } });
    const error = await failure((await started(refusing(429, quota))).model);
    expect(error).toMatchObject({ category: 'auth' });
    expect((error as VendorError).message).not.toContain('sk-');
  });

  test('a rate that is exceeded in the stream is one', async () => {
    const limited = `data: ${JSON.stringify({ error: { message: 'slow down', type: 'rate_limit_error' } })}\n\n`;
    expect(await failure((await started(saying(limited))).model)).toMatchObject({ category: 'rate-limited' });
  });
});

test('usable with a key or a base URL, not without either; wrong settings are refused', async () => {
  const kit = testKit();
  const make = (settings: object) => openai.languageModel(openai.settings.parse(settings), kit);
  expect(await make({})).toBeUndefined();
  for (const settings of [{ apiKey: 'k' }, { baseUrl: 'http://127.0.0.1:11434/v1' }, { apiKey: 'k', api: 'responses', maxSockets: '5' }]) {
    const model = await make(settings);
    expect(model).toMatchObject({ name: 'openai', model: 'gpt-4.1-mini' });
    model?.close();
  }
  for (const wrong of [{ baseUrl: 'ftp://x' }, { api: 'assistants' }, { maxSockets: '0' }]) {
    expect(openai.settings.safeParse(wrong).success).toBe(false);
  }
});

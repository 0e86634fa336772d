import { describe, expect, test } from 'vitest';
import { modelRequest } from '../language-model.contract.ts';
import type { ModelMessage } from '../language-model.ts';
import { describeRemoteLanguageModel } from '../remote-language-model.contract.ts';
import { OpenAiLanguageModel } from './language-model.ts';
import { ResponsesReader } from './responses-reader.ts';
import { responsesRequest } from './responses-request.ts';

const event = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const usage = { input_tokens: 12, input_tokens_details: { cached_tokens: 4 }, output_tokens: 3 };
const item = (fields: object) => ({ type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'lookup', ...fields });
const begun = event('response.output_item.added', { output_index: 0, item: item({ arguments: '' }) });
const grown = (delta: string) => event('response.function_call_arguments.delta', { output_index: 0, item_id: 'fc_1', delta });
const settled = (text: string) =>
  event('response.function_call_arguments.done', { output_index: 0, item_id: 'fc_1', arguments: text }) +
  event('response.output_item.done', { output_index: 0, item: item({ arguments: text }) });
const completed = event('response.completed', { response: { status: 'completed', usage } });
const incomplete = (reason: string) => event('response.incomplete', { response: { status: 'incomplete', incomplete_details: { reason } } });

describeRemoteLanguageModel('openai responses', {
  make: (kit, { url, key }) => new OpenAiLanguageModel(kit, { apiKey: key, baseUrl: `${url}/v1`, model: 'm', api: 'responses' }),
  opening:
    event('response.created', { response: { status: 'in_progress' } }) +
    event('response.output_item.added', { output_index: 0, item: { type: 'message', role: 'assistant', content: [] } }),
  text: (delta) => event('response.output_text.delta', { output_index: 0, content_index: 0, delta }),
  closing: completed,
  ping: ': keep-alive\n\n',
  call: begun + grown('{"id":') + grown('"42"}') + settled('{"id":"42"}') + completed,
  badCall: begun + grown('{"id":') + settled('{"id":') + completed,
  cutCall: begun + grown('{"id":') + incomplete('max_output_tokens'),
  refusal: (_status, message) => JSON.stringify({ error: { message, type: 'some_error', code: null } }),
  overloaded: event('response.failed', { response: { status: 'failed', error: { code: 'server_error', message: 'overloaded' } } }),
  blocked: incomplete('content_filter'),
});

describe('the Responses protocol', () => {
  const messages: ModelMessage[] = [
    { role: 'user', text: 'where is my order' },
    { role: 'assistant', text: 'One moment.', toolCalls: [{ id: 't1', name: 'lookup', arguments: { id: '42' } }] },
    { role: 'tool', toolCallId: 't1', name: 'lookup', result: '{"state":"sent"}' },
  ];

  test('instructions, facts before the last words, calls and their results; nothing stored', () => {
    const wire = responsesRequest(modelRequest({ messages, maxTokens: 3 }), { model: 'm', reasoningEffort: 'none' });
    expect(wire).toMatchObject({ model: 'm', store: false, stream: true, max_output_tokens: 16, reasoning: { effort: 'none' } });
    expect(wire.instructions).toContain('bicycle shop');
    expect(wire.input).toEqual([
      { role: 'developer', content: expect.stringContaining('<facts>') as string },
      { role: 'user', content: 'where is my order' },
      { role: 'assistant', content: 'One moment.' },
      { type: 'function_call', call_id: 't1', name: 'lookup', arguments: '{"id":"42"}' },
      { type: 'function_call_output', call_id: 't1', output: '{"state":"sent"}' },
    ]);
  });

  test('an answer to go on with stands last, with the note', () => {
    const { input } = responsesRequest(modelRequest({ continueFrom: ' We are open ' }), { model: 'm' });
    expect(input.at(-2)).toEqual({ role: 'assistant', content: 'We are open' });
    expect(input.at(-1)).toMatchObject({ role: 'developer', content: expect.stringContaining('Do not repeat') as string });
  });

  test('a tool is not strict, and always an object', () => {
    const tools = [{ name: 'lookup', description: 'finds', parameters: { $schema: 'x', type: 'object', required: [] } }];
    expect(responsesRequest(modelRequest({ tools }), { model: 'm' }).tools).toEqual([
      {
        type: 'function',
        name: 'lookup',
        description: 'finds',
        parameters: { type: 'object', required: [], properties: {} },
        strict: false,
      },
    ]);
  });

  test('errors by their code', () => {
    const categoryOf = (code: string) => {
      const reader = new ResponsesReader('openai', () => 'id');
      try {
        reader.read(JSON.stringify({ type: 'error', code, message: 'no' }));
      } catch (thrown) {
        return (thrown as { category: string }).category;
      }
      return undefined;
    };
    expect(categoryOf('rate_limit_exceeded')).toBe('rate-limited');
    expect(categoryOf('invalid_prompt')).toBe('bad-input');
    expect(categoryOf('server_error')).toBe('retryable');
  });

  test('text that the limit of tokens cut is an answer', () => {
    const reader = new ResponsesReader('openai', () => 'id');
    reader.read(JSON.stringify({ type: 'response.output_text.delta', delta: 'Yes, and' }));
    reader.read(JSON.stringify({ type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' } } }));
    reader.end();
    expect(reader.parts).toEqual([{ type: 'text', text: 'Yes, and' }]);
  });
});

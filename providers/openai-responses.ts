/** OpenAI Responses: `POST /v1/responses`, streamed and whole. Nothing is stored: `previous_response_id` is never found. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { produceAnswer, type AnswerWriter, type Produced } from './answer-stream.ts';
import { answerTo, askedOf } from './answers.ts';
import { objectOf, textOf, type Json } from './json.ts';
import { openaiAdmits, openaiId, refuseOpenai, refuseWrong } from './openai.ts';
import { responsesConversation, wrongResponses } from './openai-responses-request.ts';
import { httpOutlet, type Outlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';
import { endStream, openStream, sendRefusal, sendWhole, sseEvent } from './sse.ts';
import { countTokens, promptCacheOf } from './tokens.ts';

const overload = { code: 'server_error', message: 'The server had an error while processing your request. Sorry about that!', param: null };

function failure(): Failure {
  return { message: sseEvent({ type: 'error', ...overload, sequence_number: 0 }, 'error'), code: 1000 };
}

/** One response in the making: its items, and the events that tell of them. */
class ResponseWriter implements AnswerWriter {
  /** Undefined: nothing is streamed. */
  readonly #outlet: Outlet | undefined;
  readonly #response: Json;
  readonly #items: Json[] = [];
  #message: { item: Json; index: number; text: string } | undefined;
  #call: { item: Json; index: number } | undefined;
  #sequence = 0;

  constructor(outlet: Outlet | undefined, body: Json) {
    this.#outlet = outlet;
    this.#response = {
      id: openaiId('resp'),
      object: 'response',
      created_at: Math.floor(Date.now() / 1000),
      status: 'in_progress',
      error: null,
      incomplete_details: null,
      instructions: body.instructions ?? null,
      max_output_tokens: body.max_output_tokens ?? null,
      model: body.model,
      output: [],
      parallel_tool_calls: body.parallel_tool_calls ?? true,
      previous_response_id: null,
      reasoning: { effort: objectOf(body.reasoning).effort ?? null, summary: null },
      store: body.store ?? true,
      temperature: 1,
      text: { format: { type: 'text' } },
      tool_choice: body.tool_choice ?? 'auto',
      tools: body.tools ?? [],
      top_p: 1,
      truncation: 'disabled',
      usage: null,
      user: null,
      metadata: {},
    };
  }

  begin(): void {
    this.#note('response.created', { response: this.#response });
    this.#note('response.in_progress', { response: this.#response });
  }

  text(token: string): void {
    if (!this.#message) {
      const index = this.#items.length;
      const item = { id: openaiId('msg'), type: 'message', status: 'in_progress', content: [], role: 'assistant' };
      this.#items.push(item);
      this.#message = { item, index, text: '' };
      this.#note('response.output_item.added', { output_index: index, item });
      this.#note('response.content_part.added', {
        ...this.#part(),
        part: { type: 'output_text', annotations: [], logprobs: [], text: '' },
      });
    }
    this.#message.text += token;
    this.#result('response.output_text.delta', { ...this.#part(), delta: token, logprobs: [] });
  }

  callStarted(name: string): void {
    this.#endMessage();
    const index = this.#items.length;
    const item = { id: openaiId('fc'), type: 'function_call', status: 'in_progress', arguments: '', call_id: openaiId('call'), name };
    this.#items.push(item);
    this.#call = { item, index };
    this.#result('response.output_item.added', { output_index: index, item });
  }

  callGrew(fragment: string): void {
    if (!this.#call) return;
    this.#result('response.function_call_arguments.delta', {
      item_id: this.#call.item.id,
      output_index: this.#call.index,
      delta: fragment,
    });
  }

  callEnded(_name: string, text: string): void {
    if (!this.#call) return;
    const { item, index } = this.#call;
    const done = { ...item, status: 'completed', arguments: text };
    this.#items[index] = done;
    this.#note('response.function_call_arguments.done', { item_id: item.id, output_index: index, arguments: text });
    this.#note('response.output_item.done', { output_index: index, item: done });
    this.#call = undefined;
  }

  /** The whole response. */
  finish({ finish, tokens }: Produced, prompt: number, cached: number): Json {
    const cut = finish === 'length';
    this.#endMessage(cut ? 'incomplete' : 'completed');
    const usage = {
      input_tokens: prompt,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: prompt + tokens,
    };
    const response = {
      ...this.#response,
      status: cut ? 'incomplete' : 'completed',
      incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
      output: this.#items,
      usage,
    };
    this.#note(cut ? 'response.incomplete' : 'response.completed', { response });
    return response;
  }

  #part(): Json {
    return { item_id: this.#message?.item.id, output_index: this.#message?.index, content_index: 0 };
  }

  #endMessage(status = 'completed'): void {
    if (!this.#message) return;
    const { item, index, text } = this.#message;
    const part = { type: 'output_text', annotations: [], logprobs: [], text };
    this.#note('response.output_text.done', { ...this.#part(), text, logprobs: [] });
    this.#note('response.content_part.done', { ...this.#part(), part });
    this.#items[index] = { ...item, status, content: [part] };
    this.#note('response.output_item.done', { output_index: index, item: this.#items[index] });
    this.#message = undefined;
  }

  #event(type: string, more: Json): string {
    return sseEvent({ type, sequence_number: this.#sequence++, ...more }, type);
  }

  #note(type: string, more: Json): void {
    this.#outlet?.note(this.#event(type, more));
  }

  #result(type: string, more: Json): void {
    this.#outlet?.result(this.#event(type, more));
  }
}

async function respond(request: IncomingMessage, response: ServerResponse, context: RouteContext): Promise<void> {
  if (request.method !== 'POST') return sendRefusal(response, refuseOpenai(405, `Not allowed to ${request.method} on /v1/responses.`));
  const wrong = wrongResponses(context.body);
  if (wrong) return sendRefusal(response, refuseWrong(wrong));
  const body = objectOf(context.body);
  const prompt = JSON.stringify([body.tools ?? [], body.instructions ?? '', body.input]);
  const cached = promptCacheOf(request, `responses/${textOf(body.model)}`).read(prompt);
  const answer = answerTo(context.scenario, askedOf(responsesConversation(body), body.tool_choice !== 'none'));
  const most = Number(body.max_output_tokens ?? Infinity);
  const isStream = body.stream === true;
  const outlet = isStream
    ? openStream(response, context, { 'x-request-id': openaiId('req') })
    : httpOutlet(response, context, () => ({ message: JSON.stringify(refuseOpenai(500, overload.message).body), code: 1000 }));
  const writer = new ResponseWriter(isStream ? outlet : undefined, body);
  writer.begin();
  const produced = await produceAnswer(context, outlet, answer, writer, most);
  if (!produced) return;
  const finished = writer.finish(produced, countTokens(prompt), cached);
  if (isStream) endStream(response, outlet);
  else sendWhole(response, outlet, finished, { 'x-request-id': openaiId('req') });
}

export const openaiResponsesRoutes: readonly Route[] = [
  { path: /^\/v1\/responses$/, stage: 'language-model', admits: openaiAdmits, refuse: refuseOpenai, failure, http: respond },
];

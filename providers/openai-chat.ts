/**
 * OpenAI chat completions: `POST /v1/chat/completions`, streamed and whole. Models whose names begin so have the manners of servers
 * that speak the same protocol: `ollama/` gives each call in one chunk, `groq/` its usage in `x_groq`, `sglang/` calls with positions
 * of their own, `reasoning/` thoughts before the answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { produceAnswer, type AnswerWriter, type Produced } from './answer-stream.ts';
import { answerTo, askedOf, type Answer } from './answers.ts';
import { objectOf, textOf, type Json } from './json.ts';
import { openaiAdmits, openaiError, openaiId, refuseOpenai, refuseWrong } from './openai.ts';
import { chatConversation, wrongChat } from './openai-chat-request.ts';
import { httpOutlet, type Outlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';
import { endStream, keepAlive, openStream, sendRefusal, sendWhole, sseEvent } from './sse.ts';
import { countTokens, promptCacheOf } from './tokens.ts';

const failed = openaiError(500, { message: 'The server had an error while processing your request. Sorry about that!' });

function failure(): Failure {
  return { message: sseEvent(failed), code: 1000 };
}

const finishes = { stop: 'stop', calls: 'tool_calls', length: 'length' } as const;

interface Usage {
  prompt: number;
  cached: number;
}

function usageOf({ prompt, cached }: Usage, output: number): Json {
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}

/** The chunks of one streamed answer. */
class ChunkWriter implements AnswerWriter {
  readonly #outlet: Outlet;
  readonly #model: string;
  readonly #withUsage: boolean;
  readonly #head: Json;
  /** A chunk of text before and behind its words: almost every chunk is one. */
  readonly #around: readonly string[];
  #begun = false;

  constructor(outlet: Outlet, model: string, withUsage: boolean) {
    this.#outlet = outlet;
    this.#model = model;
    this.#withUsage = withUsage;
    const created = Math.floor(Date.now() / 1000);
    this.#head = { id: openaiId('chatcmpl').replace('_', '-'), object: 'chat.completion.chunk', created, model, service_tier: 'default' };
    this.#around = this.#chunk({ content: '' }).split('"content":""', 2);
  }

  text(token: string): void {
    this.#begin('');
    const [before, behind] = this.#around;
    this.#outlet.result(`${before}"content":${JSON.stringify(token)}${behind}`);
  }

  callStarted(name: string, index: number): void {
    this.#begin(null);
    if (this.#model.startsWith('ollama/')) return;
    const call = { index: this.#position(index), id: openaiId('call'), type: 'function', function: { name, arguments: '' } };
    this.#outlet.result(this.#chunk({ tool_calls: [call] }));
  }

  callGrew(fragment: string, index: number): void {
    if (this.#model.startsWith('ollama/')) return;
    this.#outlet.result(this.#chunk({ tool_calls: [{ index: this.#position(index), function: { arguments: fragment } }] }));
  }

  callEnded(name: string, text: string, index: number): void {
    if (!this.#model.startsWith('ollama/')) return;
    const call = { index, id: openaiId('call'), type: 'function', function: { name, arguments: text } };
    this.#outlet.result(this.#chunk({ tool_calls: [call] }));
  }

  finish(produced: Produced, used: Usage): void {
    this.#begin('');
    const usage = usageOf(used, produced.tokens);
    const groq = this.#model.startsWith('groq/') ? { x_groq: { id: openaiId('req'), usage } } : {};
    this.#outlet.note(this.#chunk({}, finishes[produced.finish], groq));
    if (this.#withUsage) this.#outlet.note(sseEvent({ ...this.#head, choices: [], usage }));
    this.#outlet.note(sseEvent('[DONE]'));
  }

  #begin(content: string | null): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#outlet.note(this.#chunk({ role: 'assistant', content, refusal: null }));
    if (!this.#model.startsWith('reasoning/')) return;
    this.#outlet.note(this.#chunk({ reasoning_content: 'The caller wants an answer.' }));
    this.#outlet.note(this.#chunk({ reasoning: ' It is short.' }));
  }

  #position(index: number): number {
    return this.#model.startsWith('sglang/') ? 7 + 3 * index : index;
  }

  #chunk(delta: Json, finish: string | null = null, more: Json = {}): string {
    const usage = this.#withUsage ? { usage: null } : {};
    return sseEvent({ ...this.#head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...usage, ...more });
  }
}

async function whole(response: ServerResponse, context: RouteContext, answer: Answer, used: Usage, most: number): Promise<void> {
  const outlet = httpOutlet(response, context, () => ({ message: JSON.stringify(failed), code: 1000 }));
  const calls: Json[] = [];
  const writer: AnswerWriter = {
    text: () => {},
    callEnded: (name, text) => void calls.push({ id: openaiId('call'), type: 'function', function: { name, arguments: text } }),
  };
  const produced = await produceAnswer(context, outlet, answer, writer, most);
  if (!produced) return;
  const message = { role: 'assistant', content: produced.text === '' && calls.length > 0 ? null : produced.text, refusal: null };
  const choice = {
    index: 0,
    message: { ...message, ...(calls.length > 0 ? { tool_calls: calls } : {}), annotations: [] },
    logprobs: null,
    finish_reason: finishes[produced.finish],
  };
  const created = Math.floor(Date.now() / 1000);
  const head = {
    id: openaiId('chatcmpl').replace('_', '-'),
    object: 'chat.completion',
    created,
    model: textOf(objectOf(context.body).model),
  };
  sendWhole(response, outlet, { ...head, choices: [choice], usage: usageOf(used, produced.tokens), service_tier: 'default' }, {});
}

async function chat(request: IncomingMessage, response: ServerResponse, context: RouteContext): Promise<void> {
  if (request.method !== 'POST')
    return sendRefusal(response, refuseOpenai(405, `Not allowed to ${request.method} on /v1/chat/completions.`));
  const wrong = wrongChat(context.body);
  if (wrong) return sendRefusal(response, refuseWrong(wrong));
  const body = objectOf(context.body);
  const model = textOf(body.model);
  const prompt = JSON.stringify([body.tools ?? [], body.messages]);
  const used = { prompt: countTokens(prompt), cached: promptCacheOf(request, `chat/${model}`).read(prompt) };
  const answer = answerTo(context.scenario, askedOf(chatConversation(body), body.tool_choice !== 'none'));
  const most = Number(body.max_completion_tokens ?? body.max_tokens ?? Infinity);
  if (body.stream !== true) return await whole(response, context, answer, used, most);
  const outlet = openStream(response, context, { 'x-request-id': openaiId('req') });
  const writer = new ChunkWriter(outlet, model, objectOf(body.stream_options).include_usage === true);
  const stopBeating = keepAlive(context, outlet);
  const produced = await produceAnswer(context, outlet, answer, writer, most);
  stopBeating();
  if (!produced) return;
  writer.finish(produced, used);
  endStream(response, outlet);
}

export const openaiChatRoutes: readonly Route[] = [
  { path: /^\/v1\/chat\/completions$/, stage: 'language-model', admits: openaiAdmits, refuse: refuseOpenai, failure, http: chat },
];

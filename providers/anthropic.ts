/** Anthropic Messages: `POST /v1/messages`, streamed and whole, with prompt caching by `cache_control`. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { produceAnswer, type AnswerWriter, type Produced } from './answer-stream.ts';
import { answerTo, askedOf } from './answers.ts';
import { messagesConversation, promptOf, wrongMessagesRequest } from './anthropic-request.ts';
import { parseJson } from './connection.ts';
import { sameKey } from './deepgram.ts';
import { objectOf, type Json } from './json.ts';
import { httpOutlet, type Outlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { endStream, openStream, sendRefusal, sendWhole, sseEvent } from './sse.ts';
import { countTokens, promptCacheOf } from './tokens.ts';

function idOf(prefix: string): string {
  return `${prefix}_01${randomBytes(16).toString('base64url').replace(/[-_]/g, 'x')}`;
}

function admits(request: IncomingMessage, _url: URL, key: string): boolean {
  const given = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^bearer\s+/i, '');
  return sameKey(typeof given === 'string' ? given : undefined, key);
}

const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorOf(status: number, message: string): Json {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type, message: status === 529 ? 'Overloaded' : message }, request_id: idOf('req') };
}

function refuse(status: number, why: string): Refusal {
  return { status, body: errorOf(status, status === 401 ? 'invalid x-api-key' : why), headers: { 'request-id': idOf('req') } };
}

function failure(): Failure {
  return { message: sseEvent(errorOf(529, ''), 'error'), code: 1000 };
}

const stops = { stop: 'end_turn', calls: 'tool_use', length: 'max_tokens' } as const;

/** The events of one streamed message. */
class MessageWriter implements AnswerWriter {
  readonly #outlet: Outlet;
  #index = -1;
  #open = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  begin(message: Json): void {
    this.#note({ type: 'message_start', message });
    this.ping();
  }

  ping(): void {
    this.#note({ type: 'ping' });
  }

  text(token: string): void {
    if (!this.#open) this.#start({ type: 'text', text: '' });
    this.#result({ type: 'content_block_delta', index: this.#index, delta: { type: 'text_delta', text: token } });
  }

  callStarted(name: string): void {
    this.#stop();
    this.#index++;
    this.#open = true;
    this.#result({
      type: 'content_block_start',
      index: this.#index,
      content_block: { type: 'tool_use', id: idOf('toolu'), name, input: {} },
    });
    this.#note({ type: 'content_block_delta', index: this.#index, delta: { type: 'input_json_delta', partial_json: '' } });
  }

  callGrew(fragment: string): void {
    this.#result({ type: 'content_block_delta', index: this.#index, delta: { type: 'input_json_delta', partial_json: fragment } });
  }

  callEnded(): void {
    this.#stop();
  }

  finish({ finish, tokens }: Produced): void {
    this.#stop();
    const delta = { stop_reason: stops[finish], stop_sequence: null };
    this.#note({ type: 'message_delta', delta, usage: { output_tokens: tokens } });
    this.#note({ type: 'message_stop' });
  }

  #start(block: Json): void {
    this.#index++;
    this.#open = true;
    this.#note({ type: 'content_block_start', index: this.#index, content_block: block });
  }

  #stop(): void {
    if (this.#open) this.#note({ type: 'content_block_stop', index: this.#index });
    this.#open = false;
  }

  #note(event: Json & { type: string }): void {
    this.#outlet.note(sseEvent(event, event.type));
  }

  #result(event: Json & { type: string }): void {
    this.#outlet.result(sseEvent(event, event.type));
  }
}

const PING_EVERY_MS = 1000;

async function stream(response: ServerResponse, context: RouteContext, message: Json, make: Make): Promise<void> {
  const outlet = openStream(response, context, { 'request-id': idOf('req') });
  const writer = new MessageWriter(outlet);
  writer.begin(message);
  let cancel = (): void => {};
  const beat = (): void => {
    writer.ping();
    cancel = context.after(PING_EVERY_MS, beat);
  };
  cancel = context.after(PING_EVERY_MS, beat);
  const produced = await make(outlet, writer);
  cancel();
  if (!produced) return;
  writer.finish(produced);
  endStream(response, outlet);
}

type Make = (outlet: Outlet, writer: AnswerWriter) => Promise<Produced | undefined>;

async function whole(response: ServerResponse, context: RouteContext, message: Json, make: Make): Promise<void> {
  const outlet = httpOutlet(response, context, () => ({ message: JSON.stringify(errorOf(529, '')), code: 1000 }));
  const calls: Json[] = [];
  const produced = await make(outlet, {
    text: () => {},
    callEnded: (name, text) => void calls.push({ type: 'tool_use', id: idOf('toolu'), name, input: objectOf(parseJson(text)) }),
  });
  if (!produced) return;
  const content = [...(produced.text === '' ? [] : [{ type: 'text', text: produced.text }]), ...calls];
  const usage = { ...objectOf(message.usage), output_tokens: produced.tokens };
  sendWhole(response, outlet, { ...message, content, stop_reason: stops[produced.finish], usage }, { 'request-id': idOf('req') });
}

async function messages(request: IncomingMessage, response: ServerResponse, context: RouteContext): Promise<void> {
  if (request.method !== 'POST') return sendRefusal(response, refuse(405, 'Method Not Allowed'));
  const version = request.headers['anthropic-version'];
  if (version === undefined) return sendRefusal(response, refuse(400, 'anthropic-version: header is required'));
  if (version !== '2023-06-01' && version !== '2023-01-01') {
    return sendRefusal(response, refuse(400, `anthropic-version: "${String(version)}" is not a valid version`));
  }
  const wrong = wrongMessagesRequest(context.body);
  if (wrong !== undefined) return sendRefusal(response, refuse(400, wrong));
  const body = objectOf(context.body);
  const { prompt, prefixes } = promptOf(body);
  const { read, written } = promptCacheOf(request, `messages/${String(body.model)}`).readMarked(prefixes);
  const usage = {
    input_tokens: countTokens(prompt) - read - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: 1,
    service_tier: 'standard',
  };
  const head = {
    id: idOf('msg'),
    type: 'message',
    role: 'assistant',
    model: body.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
  const answer = answerTo(context.scenario, askedOf(messagesConversation(body), objectOf(body.tool_choice).type !== 'none'));
  const make: Make = (outlet, writer) => produceAnswer(context, outlet, answer, writer, Number(body.max_tokens));
  await (body.stream === true ? stream : whole)(response, context, { ...head, usage }, make);
}

export const anthropicRoutes: readonly Route[] = [
  { path: /^\/v1\/messages$/, stage: 'language-model', admits, refuse, failure, http: messages },
];

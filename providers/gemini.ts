/** Gemini: `POST /v1beta/models/MODEL:streamGenerateContent` (`alt=sse`, or a list of chunks) and `:generateContent`. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { produceAnswer, type AnswerWriter, type Produced } from './answer-stream.ts';
import { answerTo, askedOf } from './answers.ts';
import { parseJson } from './connection.ts';
import { sameKey } from './deepgram.ts';
import { contentConversation, field, wrongContentRequest } from './gemini-request.ts';
import { isObject, objectOf, type Json } from './json.ts';
import { httpOutlet, type Outlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { endStream, openStream, sendRefusal, sendWhole, sseEvent } from './sse.ts';
import { countTokens, promptCacheOf } from './tokens.ts';

export function geminiAdmits(request: IncomingMessage, url: URL, key: string): boolean {
  const given = request.headers['x-goog-api-key'] ?? url.searchParams.get('key') ?? undefined;
  return sameKey(typeof given === 'string' ? given : undefined, key);
}

/** Names of google.rpc.Code. */
const statuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** A wrong key is a 400 with a reason among its details. */
export function refuseGemini(status: number, why: string): Refusal {
  if (status !== 401) return { status, body: { error: { code: status, message: why, status: statuses[status] ?? 'UNKNOWN' } } };
  const reason = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'API_KEY_INVALID',
    domain: 'googleapis.com',
    metadata: { service: 'generativelanguage.googleapis.com' },
  };
  const message = 'API key not valid. Please pass a valid API key.';
  return { status: 400, body: { error: { code: 400, message, status: 'INVALID_ARGUMENT', details: [reason] } } };
}

const overload = refuseGemini(503, 'The model is overloaded. Please try again later.').body;

function failure(): Failure {
  return { message: sseEvent(overload, undefined, '\r\n'), code: 1000 };
}

type Part = { text: string } | { functionCall: Json; thoughtSignature?: string };

const finishes = { stop: 'STOP', calls: 'STOP', length: 'MAX_TOKENS' } as const;

/** Makes chunks; the words of the last one come with its finish reason. */
class ContentWriter implements AnswerWriter {
  readonly #send: (chunk: Json, isResult: boolean) => void;
  readonly #model: string;
  readonly #usage: { prompt: number; cached: number };
  readonly #responseId = randomBytes(12).toString('base64url');
  readonly parts: Part[] = [];
  #signed = false;
  #malformed = false;

  constructor(model: string, usage: { prompt: number; cached: number }, send: (chunk: Json, isResult: boolean) => void) {
    this.#model = model;
    this.#usage = usage;
    this.#send = send;
  }

  text(token: string): void {
    const last = this.parts.at(-1);
    if (last && 'text' in last) last.text += token;
    else this.parts.push({ text: token });
    this.#send(this.#chunk([{ text: token }]), true);
  }

  /** Arguments are an object here: what is no JSON is a malformed call. */
  callEnded(name: string, text: string): void {
    const args = parseJson(text);
    if (!isObject(args)) {
      this.#malformed = true;
      return;
    }
    const part: Part = { functionCall: { name, args } };
    if (/^gemini-[3-9]/.test(this.#model)) {
      part.functionCall.id = randomBytes(6).toString('base64url');
      if (!this.#signed) part.thoughtSignature = randomBytes(48).toString('base64');
      this.#signed = true;
    }
    this.parts.push(part);
    this.#send(this.#chunk([part]), true);
  }

  finish(produced: Produced): Json {
    const reason = this.#malformed ? 'MALFORMED_FUNCTION_CALL' : finishes[produced.finish];
    const chunk = this.#chunk([{ text: '' }], reason, produced.tokens);
    this.#send(chunk, false);
    return this.#chunk(this.parts, reason, produced.tokens);
  }

  #chunk(parts: readonly Part[], finishReason?: string, tokens?: number): Json {
    const { prompt, cached } = this.#usage;
    return {
      candidates: [{ content: { parts, role: 'model' }, ...(finishReason === undefined ? {} : { finishReason }), index: 0 }],
      usageMetadata: {
        promptTokenCount: prompt,
        ...(tokens === undefined ? {} : { candidatesTokenCount: tokens }),
        totalTokenCount: prompt + (tokens ?? 0),
        ...(cached > 0 ? { cachedContentTokenCount: cached } : {}),
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
      },
      modelVersion: this.#model,
      responseId: this.#responseId,
    };
  }
}

async function generate(request: IncomingMessage, response: ServerResponse, context: RouteContext): Promise<void> {
  const { model, method } = context.params;
  if (request.method !== 'POST') return sendRefusal(response, refuseGemini(404, `Method not found: ${request.method}`));
  const wrong = wrongContentRequest(context.body, model);
  if (wrong !== undefined) return sendRefusal(response, refuseGemini(400, wrong));
  const body = objectOf(context.body);
  const prompt = JSON.stringify([field(body, 'systemInstruction') ?? {}, body.tools ?? [], body.contents]);
  const usage = { prompt: countTokens(prompt), cached: promptCacheOf(request, `content/${model}`).read(prompt) };
  const mode = objectOf(field(objectOf(field(body, 'toolConfig')), 'functionCallingConfig')).mode;
  const answer = answerTo(context.scenario, askedOf(contentConversation(body.contents), mode !== 'NONE'));
  const most = Number(field(objectOf(field(body, 'generationConfig')), 'maxOutputTokens') ?? Infinity);
  if (method === 'streamGenerateContent' && context.url.searchParams.get('alt') === 'sse') {
    const outlet = openStream(response, context, {});
    const send = (chunk: Json, isResult: boolean): void => outlet[isResult ? 'result' : 'note'](sseEvent(chunk, undefined, '\r\n'));
    const writer = new ContentWriter(model, usage, send);
    const produced = await produceAnswer(context, outlet, answer, writer, most);
    if (!produced) return;
    writer.finish(produced);
    return endStream(response, outlet);
  }
  const outlet: Outlet = httpOutlet(response, context, () => ({ message: JSON.stringify(overload), code: 1000 }));
  const chunks: Json[] = [];
  const writer = new ContentWriter(model, usage, (chunk) => void chunks.push(chunk));
  const produced = await produceAnswer(context, outlet, answer, writer, most);
  if (!produced) return;
  const whole = writer.finish(produced);
  sendWhole(response, outlet, method === 'streamGenerateContent' ? chunks : whole, {});
}

export const geminiRoutes: readonly Route[] = [
  {
    path: /^\/v1beta\/models\/(?<model>[^/:]+):(?<method>streamGenerateContent|generateContent)$/,
    stage: 'language-model',
    admits: geminiAdmits,
    refuse: refuseGemini,
    failure,
    http: generate,
  },
];

/**
 * Streaming chat completions: OpenAI, and whoever speaks the same protocol (Ollama, vLLM, llama.cpp, Groq). Sockets are
 * kept alive between requests; every wait has a deadline on the injected clock; an abort closes the request at once.
 */
import http from 'node:http';
import https from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import type { Timer } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '../language-model.ts';
import { responseError } from './failures.ts';
import { wireRequest } from './prompt.ts';
import { AnswerReader } from './stream.ts';

const VENDOR = 'openai';
const ERROR_BODY = 4_096; // bytes of a refusal that are read
const DRAIN_MS = 100; // from [DONE] to the end of the body

export interface OpenAiOptions {
  apiKey: string | undefined;
  /** With its version, without a slash at the end: `https://api.openai.com/v1`. */
  baseUrl: string;
  model: string;
  /** Deadlines: to a connected socket, to the first part of the answer, between two pieces of it. */
  connectMs: number;
  firstTokenMs: number;
  chunkMs: number;
}

export const openAiDeadlines = { connectMs: 3_000, firstTokenMs: 8_000, chunkMs: 5_000 };

export class OpenAiLanguageModel implements LanguageModel {
  readonly name = VENDOR;
  #kit: Kit;
  #options: OpenAiOptions;
  #agent: http.Agent;
  #url: URL;

  constructor(kit: Kit, options: OpenAiOptions) {
    this.#kit = kit;
    this.#options = options;
    this.#url = new URL(`${options.baseUrl.replace(/\/+$/, '')}/chat/completions`);
    const settings = { keepAlive: true, maxFreeSockets: 64, keepAliveMsecs: 15_000 };
    this.#agent = this.#url.protocol === 'https:' ? new https.Agent(settings) : new http.Agent(settings);
  }

  async *generate(request: ModelRequest): AsyncIterable<ModelPart> {
    request.signal.throwIfAborted();
    const exchange = new Exchange(this.#kit, request.signal, this.#options);
    try {
      const response = await exchange.post(this.#url, this.#agent, this.#body(request), this.#options.apiKey);
      yield* exchange.read(response);
    } finally {
      exchange.close();
    }
  }

  /** Ends the sockets that are kept. */
  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }

  #body(request: ModelRequest): string {
    const field = this.#url.hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens';
    return JSON.stringify(wireRequest(request, this.#options.model, field));
  }
}

/** One request and its answer; whatever ends it first (deadline, abort, fault) is what its waits throw. */
class Exchange {
  #kit: Kit;
  #signal: AbortSignal;
  #options: OpenAiOptions;
  #request: http.ClientRequest | undefined;
  #timer: Timer | undefined;
  #ended: Error | undefined;
  /** The whole body was read: the socket is the agent's again. */
  #read = false;
  #onAbort = () => this.#stop(this.#signal.reason as Error);

  constructor(kit: Kit, signal: AbortSignal, options: OpenAiOptions) {
    this.#kit = kit;
    this.#signal = signal;
    this.#options = options;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  post(url: URL, agent: http.Agent, body: string, apiKey: string | undefined): Promise<http.IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const send = url.protocol === 'https:' ? https.request : http.request;
    const request = send(url, {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        accept: 'text/event-stream',
        ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
      },
    });
    this.#request = request;
    this.#within(this.#options.connectMs, 'no connection');
    const sent = () => this.#within(this.#options.firstTokenMs, 'no answer');
    request.once('socket', (socket) => {
      socket.setNoDelay(true);
      if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', sent);
      else sent();
    });
    request.once('response', (response) => {
      // Destroyed while nobody reads it any more, a response still says so.
      response.on('error', () => {});
      resolve(response);
    });
    request.on('error', (cause) => reject(this.#ended ?? this.#fault(cause)));
    request.end(body);
    return promise;
  }

  async *read(response: http.IncomingMessage): AsyncGenerator<ModelPart, void, undefined> {
    const status = response.statusCode ?? 0;
    if (status !== 200 || !/text\/event-stream/i.test(response.headers['content-type'] ?? '')) throw await this.#refusal(response, status);
    const reader = new AnswerReader(VENDOR, () => this.#kit.ids.make('toolcall'));
    const decoder = new StringDecoder('utf8');
    let spoke = false;
    let complete = false;
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) {
        if (complete) continue;
        reader.feed(decoder.write(bytes));
        // Comment lines and role-only chunks keep a connection alive but are no answer: the first deadline stays.
        if (spoke || reader.parts.length > 0) this.#within(this.#options.chunkMs, 'the answer stalled');
        spoke ||= reader.parts.length > 0;
        if (reader.done) {
          reader.end();
          complete = true;
          // Read to the end of the body, so that the socket can be used again; not for longer than this.
          this.#within(DRAIN_MS, 'no end of the body');
        }
        for (const part of reader.parts.splice(0)) {
          yield part;
          // The reader of the stream may abort between two parts of one packet.
          if (this.#signal.aborted) throw this.#signal.reason;
        }
      }
      this.#read = true;
    } catch (thrown) {
      if (this.#signal.aborted) throw this.#signal.reason;
      if (complete) return;
      throw this.#ended ?? (thrown instanceof VendorError ? thrown : this.#fault(thrown));
    }
    if (this.#signal.aborted) throw this.#signal.reason;
    if (complete) return;
    if (this.#ended) throw this.#ended;
    reader.end();
    yield* reader.parts.splice(0);
  }

  /** Releases socket, timer and listener. After a complete answer the socket goes back to the agent. */
  close(): void {
    this.#timer?.cancel();
    this.#signal.removeEventListener('abort', this.#onAbort);
    const request = this.#request;
    if (!this.#read) request?.destroy();
  }

  async #refusal(response: http.IncomingMessage, status: number): Promise<Error> {
    let body = '';
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) {
        body += bytes.toString('utf8');
        if (body.length >= ERROR_BODY) break;
      }
    } catch (thrown) {
      if (this.#ended) return this.#ended;
      body ||= messageOf(thrown);
    }
    return responseError(VENDOR, status, response.headers, body.slice(0, ERROR_BODY), this.#kit.clock.wall());
  }

  #within(ms: number, what: string): void {
    this.#timer?.cancel();
    if (this.#ended) return;
    this.#timer = this.#kit.clock.after(ms, () => this.#stop(new VendorError(VENDOR, 'retryable', `${what} within ${ms} ms`)));
  }

  #stop(reason: Error): void {
    this.#ended ??= reason;
    this.#timer?.cancel();
    if (!this.#read) this.#request?.destroy();
  }

  #fault(cause: unknown): VendorError {
    return new VendorError(VENDOR, 'retryable', `connection failed: ${messageOf(cause)}`, { cause });
  }
}

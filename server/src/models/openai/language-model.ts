/**
 * Streaming answers of OpenAI, and of whoever speaks the same protocol (Ollama, vLLM, llama.cpp, Groq): chat completions,
 * which all of them have, or Responses, which the newest models want.
 */
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '../language-model.ts';
import { type HttpDeadlines, httpDeadlines, ProviderHttp } from '../provider-http.ts';
import { ChatReader } from './chat-reader.ts';
import { chatRequest } from './chat-request.ts';
import { judgeRefusal } from './refusals.ts';
import { ResponsesReader } from './responses-reader.ts';
import { responsesRequest } from './responses-request.ts';

const VENDOR = 'openai';

export interface OpenAiOptions {
  apiKey?: string | undefined;
  /** With its version: `https://api.openai.com/v1`. */
  baseUrl: string;
  model: string;
  api?: 'chat' | 'responses';
  /** For models that think: how much; sent only when given, as not every model takes it. */
  reasoningEffort?: string | undefined;
  deadlines?: HttpDeadlines;
  maxSockets?: number;
}

export class OpenAiLanguageModel implements LanguageModel {
  readonly name = VENDOR;
  readonly model: string;
  #kit: Kit;
  #options: OpenAiOptions;
  #http: ProviderHttp;

  constructor(kit: Kit, options: OpenAiOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
    this.#http = new ProviderHttp(kit, {
      vendor: VENDOR,
      baseUrl: options.baseUrl,
      headers: options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {},
      key: options.apiKey,
      deadlines: options.deadlines ?? httpDeadlines,
      maxSockets: options.maxSockets,
      judge: judgeRefusal,
    });
  }

  generate(request: ModelRequest): AsyncIterable<ModelPart> {
    const { model, reasoningEffort, api } = this.#options;
    const makeId = () => this.#kit.ids.make('toolcall');
    const { signal } = request;
    if (api === 'responses') {
      const body = responsesRequest(request, { model, reasoningEffort });
      return this.#http.postForEvents({ path: '/responses', body, signal }, new ResponsesReader(VENDOR, makeId));
    }
    const maxTokensField = new URL(this.#options.baseUrl).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens';
    const body = chatRequest(request, { model, maxTokensField, reasoningEffort });
    return this.#http.postForEvents({ path: '/chat/completions', body, signal }, new ChatReader(VENDOR, makeId));
  }

  warm(): Promise<void> {
    return this.#http.warm();
  }

  close(): void {
    this.#http.close();
  }
}

/** Streaming answers of Anthropic's Messages protocol. */
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '../language-model.ts';
import { type HttpDeadlines, httpDeadlines, ProviderHttp } from '../provider-http.ts';
import { categoryOfError, MessagesReader } from './messages-reader.ts';
import { messagesRequest } from './messages-request.ts';

const VENDOR = 'anthropic';
const PROTOCOL_VERSION = '2023-06-01';

export interface AnthropicOptions {
  apiKey: string;
  /** Without the version, which is part of every path: `https://api.anthropic.com`. */
  baseUrl: string;
  model: string;
  deadlines?: HttpDeadlines;
  maxSockets?: number;
}

export class AnthropicLanguageModel implements LanguageModel {
  readonly name = VENDOR;
  readonly model: string;
  #kit: Kit;
  #http: ProviderHttp;

  constructor(kit: Kit, options: AnthropicOptions) {
    this.#kit = kit;
    this.model = options.model;
    this.#http = new ProviderHttp(kit, {
      vendor: VENDOR,
      baseUrl: options.baseUrl.replace(/\/(?:v1\/?)?$/, ''),
      headers: { 'x-api-key': options.apiKey, 'anthropic-version': PROTOCOL_VERSION },
      key: options.apiKey,
      deadlines: options.deadlines ?? httpDeadlines,
      maxSockets: options.maxSockets,
      judge: ({ words }) => {
        const category = categoryOfError(words);
        return category === undefined ? undefined : { category };
      },
    });
  }

  generate(request: ModelRequest): AsyncIterable<ModelPart> {
    const reader = new MessagesReader(VENDOR, () => this.#kit.ids.make('toolcall'));
    return this.#http.postForEvents({ path: '/v1/messages', body: messagesRequest(request, this.model), signal: request.signal }, reader);
  }

  warm(): Promise<void> {
    return this.#http.warm();
  }

  close(): void {
    this.#http.close();
  }
}

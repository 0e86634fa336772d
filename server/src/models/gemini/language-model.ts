/** Streaming answers of Gemini's `streamGenerateContent`. */
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '../language-model.ts';
import { type HttpDeadlines, httpDeadlines, ProviderHttp } from '../provider-http.ts';
import { ContentReader } from './content-reader.ts';
import { contentRequest } from './content-request.ts';
import { judgeRefusal } from './refusals.ts';

const VENDOR = 'gemini';
const MOST_SIGNATURES = 1_000;

export interface GeminiOptions {
  apiKey: string;
  /** Without the version, which is part of every path: `https://generativelanguage.googleapis.com`. */
  baseUrl: string;
  model: string;
  deadlines?: HttpDeadlines;
  maxSockets?: number;
}

export class GeminiLanguageModel implements LanguageModel {
  readonly name = VENDOR;
  readonly model: string;
  #kit: Kit;
  #http: ProviderHttp;
  #path: string;
  /** Newer models refuse a call of theirs that comes back without its signature; the oldest is forgotten first. */
  #signatures = new Map<string, string>();

  constructor(kit: Kit, options: GeminiOptions) {
    this.#kit = kit;
    this.model = options.model.replace(/^models\//, '');
    this.#path = `/v1beta/models/${encodeURIComponent(this.model)}:streamGenerateContent?alt=sse`;
    this.#http = new ProviderHttp(kit, {
      vendor: VENDOR,
      baseUrl: options.baseUrl.replace(/\/(?:v1beta\/?)?$/, ''),
      // In a header, never in the URL, where it would stand in logs.
      headers: { 'x-goog-api-key': options.apiKey },
      key: options.apiKey,
      deadlines: options.deadlines ?? httpDeadlines,
      maxSockets: options.maxSockets,
      judge: judgeRefusal,
    });
  }

  generate(request: ModelRequest): AsyncIterable<ModelPart> {
    const body = contentRequest(request, this.model, (id) => this.#signatures.get(id));
    const reader = new ContentReader(
      VENDOR,
      () => this.#kit.ids.make('toolcall'),
      (id, signature) => this.#remember(id, signature),
    );
    return this.#http.postForEvents({ path: this.#path, body, signal: request.signal }, reader);
  }

  warm(): Promise<void> {
    return this.#http.warm();
  }

  close(): void {
    this.#http.close();
  }

  #remember(id: string, signature: string): void {
    this.#signatures.set(id, signature);
    const oldest = this.#signatures.keys().next();
    if (this.#signatures.size > MOST_SIGNATURES && !oldest.done) this.#signatures.delete(oldest.value);
  }
}

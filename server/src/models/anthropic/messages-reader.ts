/** The streamed answer of Anthropic's Messages protocol: text as it comes, tool calls when the answer is whole, usage last. */
import { z } from 'zod';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { type EventReader, parseJson } from '../event-stream.ts';
import type { ModelPart } from '../language-model.ts';
import { safeMessage } from '../provider-failures.ts';
import { GrowingToolCalls } from '../tool-calls.ts';

const wireUsage = z.object({
  input_tokens: z.number().nullish(),
  output_tokens: z.number().nullish(),
  cache_read_input_tokens: z.number().nullish(),
  cache_creation_input_tokens: z.number().nullish(),
});

const wireEvent = z.object({
  type: z.string(),
  index: z.number().int().nonnegative().nullish(),
  message: z.object({ usage: wireUsage.nullish() }).nullish(),
  content_block: z.object({ type: z.string(), text: z.string().nullish(), id: z.string().nullish(), name: z.string().nullish() }).nullish(),
  delta: z
    .object({
      type: z.string().nullish(),
      text: z.string().nullish(),
      partial_json: z.string().nullish(),
      stop_reason: z.string().nullish(),
    })
    .nullish(),
  usage: wireUsage.nullish(),
  error: z.object({ type: z.string().nullish(), message: z.string().nullish() }).nullish(),
});

type WireEvent = z.infer<typeof wireEvent>;

/** What the `type` of an error means, in a refusal as in the stream. */
export function categoryOfError(type: string): FailureCategory | undefined {
  if (/overloaded_error|api_error|timeout_error/.test(type)) return 'retryable';
  if (type.includes('rate_limit_error')) return 'rate-limited';
  if (/authentication_error|permission_error|billing_error/.test(type)) return 'auth';
  if (type.includes('not_found_error')) return 'permanent';
  return /invalid_request_error|request_too_large/.test(type) ? 'bad-input' : undefined;
}

export class MessagesReader implements EventReader<ModelPart> {
  readonly parts: ModelPart[] = [];
  complete = false;
  pieces = 0;
  #vendor: string;
  #calls: GrowingToolCalls;
  #tokens = { input: 0, cached: 0, output: 0 };
  #stopped: string | undefined;

  constructor(vendor: string, makeId: () => string) {
    this.#vendor = vendor;
    this.#calls = new GrowingToolCalls(vendor, makeId);
  }

  read(data: string): void {
    const parsed = wireEvent.safeParse(parseJson(data));
    if (!parsed.success) throw this.#fault('an event that is not of the Messages protocol');
    const event = parsed.data;
    switch (event.type) {
      case 'message_start':
        this.#count(event.message?.usage);
        return;
      case 'content_block_start':
        this.#begin(event);
        return;
      case 'content_block_delta':
        this.#grow(event);
        return;
      case 'message_delta':
        this.#stopped = event.delta?.stop_reason ?? this.#stopped;
        this.#count(event.usage);
        return;
      case 'message_stop':
        this.complete = true;
        return;
      case 'error': {
        const { type, message } = event.error ?? {};
        const category = categoryOfError(type ?? '') ?? 'retryable';
        throw new VendorError(this.#vendor, category, `error in the stream: ${safeMessage(message ?? type ?? '')}`);
      }
      default: // ping, content_block_stop, and events that are yet to be invented
    }
  }

  end(): void {
    if (!this.complete) throw this.#fault('the answer was cut off');
    if (this.#stopped === 'refusal') throw new VendorError(this.#vendor, 'bad-input', 'the model refused to answer');
    if ((this.#stopped === 'max_tokens' || this.#stopped === 'model_context_window_exceeded') && this.#calls.size > 0) {
      throw this.#fault('a tool call was cut off by the token limit');
    }
    for (const call of this.#calls.complete()) this.parts.push({ type: 'tool-call', call });
    const { input, cached, output } = this.#tokens;
    if (input + output > 0) this.parts.push({ type: 'usage', inputTokens: input, outputTokens: output, cachedTokens: cached });
  }

  #begin({ index, content_block: block }: WireEvent): void {
    if (block?.type === 'text' && block.text) this.#say(block.text);
    if (block?.type !== 'tool_use') return;
    this.pieces++;
    this.#calls.grow(index ?? 0, { id: block.id ?? '', name: block.name ?? '' });
  }

  #grow({ index, delta }: WireEvent): void {
    if (delta?.type === 'text_delta' && delta.text) this.#say(delta.text);
    if (delta?.type !== 'input_json_delta') return;
    this.pieces++;
    this.#calls.grow(index ?? 0, { arguments: delta.partial_json ?? '' });
  }

  #say(text: string): void {
    this.pieces++;
    this.parts.push({ type: 'text', text });
  }

  /** `input_tokens` leaves out what was read from or written to the cache; later counts replace earlier ones. */
  #count(usage: z.infer<typeof wireUsage> | null | undefined): void {
    if (!usage) return;
    if (typeof usage.input_tokens === 'number') {
      const cached = usage.cache_read_input_tokens ?? 0;
      this.#tokens.input = usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0);
      this.#tokens.cached = cached;
    }
    this.#tokens.output = usage.output_tokens ?? this.#tokens.output;
  }

  #fault(what: string): VendorError {
    return new VendorError(this.#vendor, 'retryable', what);
  }
}

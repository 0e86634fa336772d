/** The streamed answer of the Responses protocol: text as it comes, tool calls when the answer is whole, usage last. */
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import { type EventReader, parseJson } from '../event-stream.ts';
import type { ModelPart } from '../language-model.ts';
import { safeMessage } from '../provider-failures.ts';
import { GrowingToolCalls } from '../tool-calls.ts';

const wireError = z.object({ code: z.string().nullish(), type: z.string().nullish(), message: z.string().nullish() });

const wireEvent = z.object({
  type: z.string(),
  output_index: z.number().int().nonnegative().nullish(),
  delta: z.unknown().optional(),
  arguments: z.string().nullish(),
  item: z
    .object({ type: z.string(), call_id: z.string().nullish(), name: z.string().nullish(), arguments: z.string().nullish() })
    .nullish(),
  response: z
    .object({
      error: wireError.nullish(),
      incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
      usage: z
        .object({
          input_tokens: z.number().nullish(),
          output_tokens: z.number().nullish(),
          input_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
        })
        .nullish(),
    })
    .nullish(),
  error: wireError.nullish(),
  code: z.string().nullish(),
  message: z.string().nullish(),
});

type WireEvent = z.infer<typeof wireEvent>;

export class ResponsesReader implements EventReader<ModelPart> {
  readonly parts: ModelPart[] = [];
  complete = false;
  pieces = 0;
  #vendor: string;
  #calls: GrowingToolCalls;
  #usage: ModelPart | undefined;

  constructor(vendor: string, makeId: () => string) {
    this.#vendor = vendor;
    this.#calls = new GrowingToolCalls(vendor, makeId);
  }

  read(data: string): void {
    if (data.trim() === '[DONE]') return;
    const parsed = wireEvent.safeParse(parseJson(data));
    if (!parsed.success) throw new VendorError(this.#vendor, 'retryable', 'an event that is not of the Responses protocol');
    const event = parsed.data;
    switch (event.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        if (typeof event.delta === 'string' && event.delta !== '') {
          this.pieces++;
          this.parts.push({ type: 'text', text: event.delta });
        }
        return;
      case 'response.output_item.added':
      case 'response.function_call_arguments.delta':
      case 'response.function_call_arguments.done':
      case 'response.output_item.done':
        this.#readCall(event);
        return;
      case 'response.completed':
        this.#finish(event);
        return;
      case 'response.incomplete':
        this.#finish(event);
        this.#incomplete(event.response?.incomplete_details?.reason ?? '');
        return;
      case 'response.failed':
      case 'error':
        throw this.#failure(event);
      default: // created, in_progress, content parts, reasoning: nothing to say
    }
  }

  end(): void {
    if (!this.complete) throw new VendorError(this.#vendor, 'retryable', 'the answer was cut off');
    for (const call of this.#calls.complete()) this.parts.push({ type: 'tool-call', call });
    if (this.#usage) this.parts.push(this.#usage);
    this.#usage = undefined;
  }

  /** A call begins with its item, grows, and is given whole twice: in `arguments.done` and in its finished item. */
  #readCall({ type, output_index, item, delta, arguments: whole }: WireEvent): void {
    if (item && item.type !== 'function_call') return;
    this.pieces++;
    const index = output_index ?? 0;
    if (item) this.#calls.grow(index, { id: item.call_id ?? '', name: item.name ?? '' });
    if (type === 'response.function_call_arguments.delta' && typeof delta === 'string') this.#calls.grow(index, { arguments: delta });
    const settled = type.endsWith('.done') ? (item?.arguments ?? whole) : undefined;
    if (typeof settled === 'string') this.#calls.settle(index, settled);
  }

  #finish({ response }: WireEvent): void {
    this.complete = true;
    const used = response?.usage;
    if (!used) return;
    const cached = used.input_tokens_details?.cached_tokens;
    this.#usage = {
      type: 'usage',
      inputTokens: used.input_tokens ?? 0,
      outputTokens: used.output_tokens ?? 0,
      ...(typeof cached === 'number' ? { cachedTokens: cached } : {}),
    };
  }

  /** Text that the token limit cut is an answer still; a call is not, nor what a filter stopped. */
  #incomplete(reason: string): void {
    if (reason === 'content_filter') {
      throw new VendorError(this.#vendor, 'bad-input', 'the content filter of the provider stopped the answer');
    }
    if (this.#calls.size > 0) throw new VendorError(this.#vendor, 'retryable', 'a tool call was cut off by the token limit');
  }

  #failure({ response, error, code, message }: WireEvent): VendorError {
    const word = response?.error?.code ?? error?.code ?? error?.type ?? code ?? '';
    const said = response?.error?.message ?? error?.message ?? message ?? word;
    const category = word.includes('rate_limit') ? 'rate-limited' : /invalid|not_found|too_large/.test(word) ? 'bad-input' : 'retryable';
    return new VendorError(this.#vendor, category, `error in the stream: ${safeMessage(said)}`);
  }
}

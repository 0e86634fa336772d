/** The streamed answer of chat completions: text as it comes, tool calls when the answer is whole, usage last. */
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import { type EventReader, parseJson } from '../event-stream.ts';
import type { ModelPart } from '../language-model.ts';
import { safeMessage } from '../provider-failures.ts';
import { GrowingToolCalls } from '../tool-calls.ts';

const wireUsage = z.object({
  prompt_tokens: z.number().nullish(),
  completion_tokens: z.number().nullish(),
  prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
});

const wireChunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.number().int().nonnegative().nullish(),
                  id: z.string().nullish(),
                  function: z
                    .object({
                      name: z.string().nullish(),
                      // Some servers give the arguments as they are, not as text.
                      arguments: z
                        .union([z.string(), z.record(z.string(), z.unknown()).transform((value) => JSON.stringify(value))])
                        .nullish(),
                    })
                    .nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: wireUsage.nullish(),
  x_groq: z.object({ usage: wireUsage.nullish() }).nullish(),
  error: z
    .union([
      z.string(),
      z.object({ message: z.string().nullish(), code: z.union([z.string(), z.number()]).nullish(), type: z.string().nullish() }),
    ])
    .nullish(),
});

export class ChatReader implements EventReader<ModelPart> {
  readonly parts: ModelPart[] = [];
  complete = false;
  pieces = 0;
  #vendor: string;
  #calls: GrowingToolCalls;
  #usage: ModelPart | undefined;
  #finished: string | undefined;

  constructor(vendor: string, makeId: () => string) {
    this.#vendor = vendor;
    this.#calls = new GrowingToolCalls(vendor, makeId);
  }

  read(data: string): void {
    if (data.trim() === '[DONE]') {
      this.complete = true;
      return;
    }
    const parsed = wireChunk.safeParse(parseJson(data));
    if (!parsed.success) throw new VendorError(this.#vendor, 'retryable', 'an event that is not a chat-completions chunk');
    const { choices, usage, x_groq: groq, error } = parsed.data;
    if (error) throw streamError(this.#vendor, error);
    const used = usage ?? groq?.usage;
    if (used) this.#usage = usagePart(used);
    const choice = choices?.[0];
    if (!choice) return;
    const text = choice.delta?.content || choice.delta?.refusal;
    if (text) {
      this.pieces++;
      this.parts.push({ type: 'text', text });
    }
    for (const [position, { index, id, function: named }] of (choice.delta?.tool_calls ?? []).entries()) {
      this.pieces++;
      this.#calls.grow(index ?? position, { id: id ?? '', name: named?.name ?? '', arguments: named?.arguments ?? '' });
    }
    if (choice.finish_reason) this.#finished = choice.finish_reason;
  }

  end(): void {
    if (!this.complete && this.#finished === undefined) throw new VendorError(this.#vendor, 'retryable', 'the answer was cut off');
    if (this.#finished === 'content_filter') {
      throw new VendorError(this.#vendor, 'bad-input', 'the content filter of the provider stopped the answer');
    }
    if (this.#finished === 'length' && this.#calls.size > 0) {
      throw new VendorError(this.#vendor, 'retryable', 'a tool call was cut off by the token limit');
    }
    for (const call of this.#calls.complete()) this.parts.push({ type: 'tool-call', call });
    if (this.#usage) this.parts.push(this.#usage);
    this.#usage = undefined;
  }
}

function usagePart(used: z.infer<typeof wireUsage>): ModelPart {
  const cached = used.prompt_tokens_details?.cached_tokens;
  return {
    type: 'usage',
    inputTokens: used.prompt_tokens ?? 0,
    outputTokens: used.completion_tokens ?? 0,
    ...(typeof cached === 'number' ? { cachedTokens: cached } : {}),
  };
}

type WireError = NonNullable<z.infer<typeof wireChunk>['error']>;

function streamError(vendor: string, error: WireError): VendorError {
  const { message, code, type } = typeof error === 'string' ? { message: error, code: undefined, type: undefined } : error;
  const word = `${code ?? ''} ${type ?? ''}`;
  const category = /429|rate_limit/.test(word) ? 'rate-limited' : /invalid_request|40[04]/.test(word) ? 'bad-input' : 'retryable';
  return new VendorError(vendor, category, `error in the stream: ${safeMessage((message ?? word).trim())}`);
}

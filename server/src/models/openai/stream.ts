/**
 * The streamed answer of chat completions, read from server-sent events: text as it comes, a tool call when its
 * arguments are complete, usage last.
 */
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { ModelPart } from '../language-model.ts';

const wireUsage = z.object({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() });

const wireChunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.number().int().nonnegative().optional(),
                  id: z.string().nullish(),
                  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
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

const MOST_TOOL_CALLS = 16;
const LONGEST_ARGUMENTS = 64 * 1024;

interface GrowingCall {
  id: string;
  name: string;
  arguments: string;
}

/** Feed it text, take `parts`; after the last byte call `end`. Both throw `VendorError`. */
export class AnswerReader {
  /** What has come and was not taken yet, in order. */
  readonly parts: ModelPart[] = [];
  #vendor: string;
  #makeId: () => string;
  #calls = new Map<number, GrowingCall>();
  #usage: ModelPart | undefined;
  #finished: string | undefined;
  #error: VendorError | undefined;
  #parser = createParser({
    maxBufferSize: 1 << 20,
    onEvent: (event) => this.#read(event.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded')
        this.#error ??= new VendorError(this.#vendor, 'retryable', 'an event longer than 1 MB');
    },
  });

  constructor(vendor: string, makeId: () => string) {
    this.#vendor = vendor;
    this.#makeId = makeId;
  }

  /** True after `[DONE]`: nothing more will come, even if the connection stays open. */
  done = false;

  feed(text: string): void {
    if (!this.done) this.#parser.feed(text);
    if (this.#error) throw this.#error;
  }

  /** The connection has ended: tool calls and usage that are still held become parts; a cut-off answer is an error. */
  end(): void {
    this.#parser.reset({ consume: true });
    if (this.#error) throw this.#error;
    if (!this.done && this.#finished === undefined) throw new VendorError(this.#vendor, 'retryable', 'the answer was cut off');
    if (this.#finished === 'length' && this.#calls.size > 0) {
      throw new VendorError(this.#vendor, 'retryable', 'a tool call was cut off by the token limit');
    }
    for (const call of this.#calls.values()) this.parts.push({ type: 'tool-call', call: this.#complete(call) });
    this.#calls.clear();
    if (this.#usage) this.parts.push(this.#usage);
    this.#usage = undefined;
  }

  #complete(call: GrowingCall) {
    if (call.name === '') throw new VendorError(this.#vendor, 'retryable', 'a tool call without a name');
    try {
      return {
        id: call.id || this.#makeId(),
        name: call.name,
        arguments: call.arguments.trim() === '' ? {} : (JSON.parse(call.arguments) as unknown),
      };
    } catch (cause) {
      throw new VendorError(this.#vendor, 'retryable', `arguments of ${call.name} are not JSON`, { cause });
    }
  }

  #read(data: string): void {
    if (this.done || this.#error) return;
    if (data.trim() === '[DONE]') {
      this.done = true;
      return;
    }
    const parsed = wireChunk.safeParse(parseJson(data));
    if (!parsed.success) {
      this.#error = new VendorError(this.#vendor, 'retryable', 'an event that is not a chat-completions chunk');
      return;
    }
    const { choices, usage, x_groq: groq, error } = parsed.data;
    if (error) {
      this.#error = midStreamError(this.#vendor, error);
      return;
    }
    const used = usage ?? groq?.usage;
    if (used) this.#usage = { type: 'usage', inputTokens: used.prompt_tokens ?? 0, outputTokens: used.completion_tokens ?? 0 };
    const choice = choices?.[0];
    if (!choice) return;
    if (choice.delta?.content) this.parts.push({ type: 'text', text: choice.delta.content });
    for (const [position, fragment] of (choice.delta?.tool_calls ?? []).entries()) this.#grow(fragment.index ?? position, fragment);
    if (choice.finish_reason) this.#finished = choice.finish_reason;
  }

  /** Id and name come in the first fragment only; arguments grow per `index`. */
  #grow(index: number, fragment: { id?: string | null; function?: { name?: string | null; arguments?: string | null } | null }): void {
    let call = this.#calls.get(index);
    if (!call) {
      if (this.#calls.size >= MOST_TOOL_CALLS) {
        this.#error = new VendorError(this.#vendor, 'retryable', `more than ${MOST_TOOL_CALLS} tool calls in one answer`);
        return;
      }
      call = { id: '', name: '', arguments: '' };
      this.#calls.set(index, call);
    }
    call.id ||= fragment.id ?? '';
    call.name ||= fragment.function?.name ?? '';
    call.arguments += fragment.function?.arguments ?? '';
    if (call.arguments.length > LONGEST_ARGUMENTS)
      this.#error = new VendorError(this.#vendor, 'retryable', 'tool arguments longer than 64 kB');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type WireError = NonNullable<z.infer<typeof wireChunk>['error']>;

function midStreamError(vendor: string, error: WireError): VendorError {
  const { message, code, type } = typeof error === 'string' ? { message: error, code: undefined, type: undefined } : error;
  const word = `${code ?? ''} ${type ?? ''}`;
  const category = /429|rate_limit/.test(word) ? 'rate-limited' : /invalid_request|40[04]/.test(word) ? 'bad-input' : 'retryable';
  return new VendorError(vendor, category, `error in the stream: ${(message ?? word).trim().slice(0, 300)}`);
}

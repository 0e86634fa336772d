/** The streamed answer of Gemini's `streamGenerateContent?alt=sse`: text as it comes, tool calls and usage at its end. */
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import { type EventReader, parseJson } from '../event-stream.ts';
import type { ModelPart, ModelToolCall } from '../language-model.ts';
import { refusalOf } from './refusals.ts';

const MOST_CALLS = 16;

const wireChunk = z.object({
  candidates: z
    .array(
      z.object({
        content: z
          .object({
            parts: z
              .array(
                z.object({
                  text: z.string().nullish(),
                  thought: z.boolean().nullish(),
                  thoughtSignature: z.string().nullish(),
                  functionCall: z.object({ id: z.string().nullish(), name: z.string(), args: z.unknown().optional() }).nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finishReason: z.string().nullish(),
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: z.number().nullish(),
      candidatesTokenCount: z.number().nullish(),
      thoughtsTokenCount: z.number().nullish(),
      cachedContentTokenCount: z.number().nullish(),
    })
    .nullish(),
  error: z.object({ code: z.number().nullish(), status: z.string().nullish(), message: z.string().nullish() }).nullish(),
});

/** Endings at which the whole answer was said, or as much as its tokens allow. */
const WHOLE = new Set(['STOP', 'MAX_TOKENS', 'FINISH_REASON_UNSPECIFIED']);
/** Endings that the same words bring about again. */
const BLOCKED = /^(?:SAFETY|RECITATION|LANGUAGE|BLOCKLIST|PROHIBITED_CONTENT|SPII|IMAGE_.*)$/;

export class ContentReader implements EventReader<ModelPart> {
  readonly parts: ModelPart[] = [];
  complete = false;
  pieces = 0;
  #vendor: string;
  #makeId: () => string;
  #onSignature: (toolCallId: string, signature: string) => void;
  #calls: ModelToolCall[] = [];
  #usage: ModelPart | undefined;

  constructor(vendor: string, makeId: () => string, onSignature: (toolCallId: string, signature: string) => void = () => {}) {
    this.#vendor = vendor;
    this.#makeId = makeId;
    this.#onSignature = onSignature;
  }

  read(data: string): void {
    const parsed = wireChunk.safeParse(parseJson(data));
    if (!parsed.success) throw new VendorError(this.#vendor, 'retryable', 'an event that is no answer of generateContent');
    const { candidates, promptFeedback, usageMetadata: used, error } = parsed.data;
    if (error) throw refusalOf(this.#vendor, parsed.data);
    if (promptFeedback?.blockReason) {
      throw new VendorError(this.#vendor, 'bad-input', `the words were blocked: ${promptFeedback.blockReason}`);
    }
    if (used) {
      this.#usage = {
        type: 'usage',
        inputTokens: used.promptTokenCount ?? 0,
        outputTokens: (used.candidatesTokenCount ?? 0) + (used.thoughtsTokenCount ?? 0),
        cachedTokens: used.cachedContentTokenCount ?? 0,
      };
    }
    const candidate = candidates?.[0];
    for (const part of candidate?.content?.parts ?? []) {
      if (part.functionCall) this.#call(part.functionCall, part.thoughtSignature);
      else if (part.text && !part.thought) {
        this.pieces++;
        this.parts.push({ type: 'text', text: part.text });
      }
    }
    if (candidate?.finishReason) this.#finish(candidate.finishReason);
  }

  end(): void {
    if (!this.complete) throw new VendorError(this.#vendor, 'retryable', 'the answer was cut off');
    for (const call of this.#calls.splice(0)) this.parts.push({ type: 'tool-call', call });
    if (this.#usage) this.parts.push(this.#usage);
    this.#usage = undefined;
  }

  /** A call comes whole; it has an id only from newer models. */
  #call({ id, name, args }: { id?: string | null | undefined; name: string; args?: unknown }, signature?: string | null): void {
    if (this.#calls.length >= MOST_CALLS) {
      throw new VendorError(this.#vendor, 'retryable', `more than ${MOST_CALLS} tool calls in one answer`);
    }
    this.pieces++;
    const call = { id: id || this.#makeId(), name, arguments: args ?? {} };
    this.#calls.push(call);
    if (signature) this.#onSignature(call.id, signature);
  }

  #finish(reason: string): void {
    if (BLOCKED.test(reason)) throw new VendorError(this.#vendor, 'bad-input', `the answer was blocked: ${reason}`);
    // MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, OTHER: the next attempt may be a sound one.
    if (!WHOLE.has(reason)) throw new VendorError(this.#vendor, 'retryable', `the answer ended with ${reason}`);
    this.complete = true;
  }
}

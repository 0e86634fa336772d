/**
 * The tool calls of one answer. Nothing in here throws: what goes wrong is a result that the model is told. An effect
 * outside is journalled before it leaves, never repeated blindly, and asked about when nobody knows whether it happened.
 */
import { createHash } from 'node:crypto';
import type { CallFact } from '@tandem/contract';
import { childOf } from '#kit/abort.ts';
import { messageOf, TandemError, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { ModelMessage, ModelToolCall } from '#models/language-model.ts';
import type { Tool, ToolContext } from '#models/tool.ts';
import { inTime } from './deadlines.ts';

/** A longer result is cut: a model reads no more of it with profit. */
const MAX_RESULT_CHARS = 8_000;
const DURABLE_WITHIN_MS = 2_000;
const RECONCILE_TIMES = 2;
const RECONCILE_WITHIN_MS = 2_000;
const RECONCILE_AFTER_MS = 500;

export interface ToolStepsParts {
  kit: Kit;
  tools: readonly Tool[];
  callId: string;
  businessId: string;
  turn: number;
  now: () => number;
  record: (fact: CallFact) => void;
  /** Resolves when what was recorded is on disk. */
  durable: () => Promise<void>;
  /** Ends with the conversation: a tool with side effects outlives the reply that called it, not the call. */
  signal: AbortSignal;
  /** The messages of a round, once its results are there. */
  done: (messages: readonly ModelMessage[]) => void;
}

type Outcome = 'ok' | 'failed' | 'unknown';
type Finish = (outcome: Outcome, result: unknown) => ModelMessage;

export class ToolSteps {
  readonly #parts: ToolStepsParts;
  readonly #asked = new Set<string>();
  #running = 0;
  #refused = 0;
  #repeated = false;

  constructor(parts: ToolStepsParts) {
    this.#parts = parts;
  }

  get running(): boolean {
    return this.#running > 0;
  }

  /** The model was told that it asked for what does not exist or wrongly, and did so again. */
  get hopeless(): boolean {
    return this.#refused >= 2;
  }

  /** The model asked for the very same again: it must come to words. */
  get runaway(): boolean {
    return this.#repeated;
  }

  /** What is to be said while these run. */
  lineOf(calls: readonly ModelToolCall[]): string | undefined {
    return calls.map(({ name }) => this.#tool(name)?.say).find((say) => say !== undefined && say !== '');
  }

  /** Runs the calls of one round side by side. */
  async run(calls: readonly ModelToolCall[], replySignal: AbortSignal): Promise<ModelMessage[]> {
    const refusedBefore = this.#refused;
    this.#running++;
    try {
      const messages = await Promise.all(calls.map((call) => this.#run(call, replySignal)));
      this.#refused = Math.min(this.#refused, refusedBefore + 1);
      this.#parts.done([{ role: 'assistant', text: '', toolCalls: [...calls] }, ...messages]);
      return messages;
    } finally {
      this.#running--;
    }
  }

  async #run(call: ModelToolCall, replySignal: AbortSignal): Promise<ModelMessage> {
    const { callId, turn, now, record } = this.#parts;
    const tool = this.#tool(call.name);
    const digest = digestOf(call.arguments ?? call.badArguments);
    const idempotencyKey = `${callId}:${turn}:${call.name}:${digest}`;
    const head = { turn, toolCallId: call.id, name: call.name };
    const from = now();
    const finish: Finish = (outcome, result) => {
      const { text, kept } = bounded(result);
      record({ type: 'tool-returned', ...head, outcome, tookMs: now() - from, result: kept });
      return { role: 'tool', toolCallId: call.id, name: call.name, result: text };
    };
    if (this.#asked.has(idempotencyKey)) {
      this.#repeated = true;
      const error = 'You have called this with the same arguments already. Do not call it again; answer the caller.';
      return { role: 'tool', toolCallId: call.id, name: call.name, result: JSON.stringify({ error }) };
    }
    this.#asked.add(idempotencyKey);
    const effect = tool?.sideEffect ?? false;
    record({ type: 'tool-called', ...head, arguments: call.arguments, ...(effect ? { idempotencyKey, sideEffect: true } : {}) });
    const wrong = this.#wrong(call, tool);
    if (wrong !== undefined || !tool) {
      this.#refused++;
      return finish('failed', { error: wrong });
    }
    const input = tool.schema.parse(call.arguments);
    return effect ? this.#effect(tool, input, idempotencyKey, finish) : this.#lookUp(tool, input, idempotencyKey, finish, replySignal);
  }

  #wrong(call: ModelToolCall, tool: Tool | undefined): string | undefined {
    if (!tool) return `there is no tool ${call.name}`;
    if (call.badArguments !== undefined) return 'the arguments were not valid JSON';
    const input = tool.schema.safeParse(call.arguments);
    if (input.success) return undefined;
    return `wrong arguments: ${input.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`;
  }

  async #lookUp(tool: Tool, input: unknown, key: string, finish: Finish, replySignal: AbortSignal): Promise<ModelMessage> {
    try {
      const result = await this.#within(tool.timeoutMs, tool.interruptible ? replySignal : this.#parts.signal, tool.name, (signal) =>
        tool.run(input, this.#context(key, signal)),
      );
      return finish('ok', result);
    } catch (error) {
      return finish('failed', { error: messageOf(error) });
    }
  }

  /** What changes something outside is finished even when the caller interrupts. */
  async #effect(tool: Tool, input: unknown, key: string, finish: Finish): Promise<ModelMessage> {
    const { signal, durable } = this.#parts;
    try {
      await this.#within(DURABLE_WITHIN_MS, signal, 'journal', () => durable());
    } catch {
      return finish('failed', { error: 'it was not done: it could not be recorded first' });
    }
    try {
      const result = await this.#within(tool.timeoutMs, signal, tool.name, (scope) => tool.run(input, this.#context(key, scope)));
      return finish('ok', result);
    } catch (error) {
      if (isRefusal(error) || signal.aborted) return finish(isRefusal(error) ? 'failed' : 'unknown', { error: messageOf(error) });
      return this.#reconcile(tool, input, key, finish, error);
    }
  }

  /** Sent and not answered: nobody knows whether it happened, so ask. */
  async #reconcile(tool: Tool, input: unknown, key: string, finish: Finish, error: unknown): Promise<ModelMessage> {
    const { kit, signal } = this.#parts;
    for (let i = 0; tool.reconcile && i < RECONCILE_TIMES; i++) {
      try {
        if (i > 0) await kit.clock.sleep(RECONCILE_AFTER_MS, signal);
        const state = await this.#within(RECONCILE_WITHIN_MS, signal, tool.name, (scope) =>
          // oxlint-disable-next-line typescript/no-non-null-assertion -- asked in the loop's head
          tool.reconcile!(input, this.#context(key, scope)),
        );
        if (state.state === 'done') return finish('ok', state.result);
        if (state.state === 'not-done') {
          this.#asked.delete(key);
          return finish('failed', { error: 'it was not done; it may be tried once more' });
        }
      } catch (failure) {
        if (signal.aborted) break;
        kit.log.warn({ tool: tool.name, error: failure }, 'could not find out whether a tool has acted');
      }
    }
    return finish('unknown', {
      error: messageOf(error),
      note: 'Nobody knows whether it was done. Do not repeat it; tell the caller that it will be checked.',
    });
  }

  async #within<T>(waitMs: number, parent: AbortSignal, vendor: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const scope = childOf(parent);
    try {
      return await inTime(Promise.try(work, scope.signal), waitMs, { clock: this.#parts.kit.clock, vendor, signal: scope.signal });
    } finally {
      scope.abort('deadline');
    }
  }

  #context(idempotencyKey: string, signal: AbortSignal): ToolContext {
    const { callId, businessId, turn } = this.#parts;
    return { callId, businessId, turn, idempotencyKey, signal };
  }

  #tool(wanted: string): Tool | undefined {
    return this.#parts.tools.find(({ name }) => name === wanted);
  }
}

/** It came back with a clear no: nothing has happened. A lost answer is no such thing. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TandemError) return true;
  return error instanceof VendorError && error.category !== 'retryable';
}

/** The same arguments in any order have the same digest. */
function digestOf(value: unknown): string {
  const canonical = JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  return createHash('sha256')
    .update(canonical ?? '')
    .digest('hex')
    .slice(0, 16);
}

/** As the model is told, and as it is recorded. */
function bounded(result: unknown): { text: string; kept: unknown } {
  const json = JSON.stringify(result) ?? 'null';
  if (json.length <= MAX_RESULT_CHARS) return { text: json, kept: result };
  const text = `${json.slice(0, MAX_RESULT_CHARS)}… [cut here: the result has ${json.length} characters]`;
  return { text, kept: text };
}

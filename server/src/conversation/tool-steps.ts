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
import { Effects, type Outcome } from './effects.ts';

/** A longer result is cut: a model reads no more of it with profit. */
const MAX_RESULT_CHARS = 8_000;
const DURABLE_WITHIN_MS = 2_000;
const RECONCILE_TIMES = 2;
const RECONCILE_WITHIN_MS = 2_000;
const RECONCILE_AFTER_MS = 500;
/** Behind the result of a call that was made before. */
const ONCE = '(This is the call made before: it was made once, not twice.)';

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
  /** Ends look-ups with the conversation; what changes something outside ends with `effects`. */
  signal: AbortSignal;
  /** Of the call; of these steps alone when absent. */
  effects?: Effects;
  /**
   * The messages of a round that changes something outside, while nobody knows how it ends. Returns who is told the
   * results in their place; `done` is not.
   */
  begun?: (messages: readonly ModelMessage[]) => (messages: readonly ModelMessage[]) => void;
  /** The messages of a round, once its results are there; without those of look-ups that were called off. */
  done: (messages: readonly ModelMessage[]) => void;
}

interface Finished {
  outcome: Outcome;
  message: ToolMessage;
}
type ToolMessage = Extract<ModelMessage, { role: 'tool' }>;
type Finish = (outcome: Outcome, result: unknown) => Finished;

export class ToolSteps {
  readonly #parts: ToolStepsParts;
  readonly #effects: Effects;
  readonly #asked = new Set<string>();
  #running = 0;
  #refused = 0;
  #repeated = false;

  constructor(parts: ToolStepsParts) {
    this.#parts = parts;
    this.#effects = parts.effects ?? new Effects();
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
    const { begun, done } = this.#parts;
    const refusedBefore = this.#refused;
    const acting = calls.filter(({ name }) => this.#tool(name)?.sideEffect);
    const settled = acting.length > 0 && begun ? begun(exchange(acting, acting.map(stillRunning))) : done;
    this.#running++;
    try {
      const messages = await Promise.all(calls.map((call) => this.#run(call, replySignal)));
      this.#refused = Math.min(this.#refused, refusedBefore + 1);
      // What was called off says nothing: whoever is asked next looks it up again.
      const kept = calls.flatMap((call, i) => (replySignal.aborted && this.#tool(call.name)?.interruptible ? [] : [i]));
      const told = kept.map((i) => calls[i]);
      settled(
        exchange(
          told,
          kept.map((i) => messages[i]),
        ),
      );
      return messages;
    } finally {
      this.#running--;
    }
  }

  async #run(call: ModelToolCall, replySignal: AbortSignal): Promise<ToolMessage> {
    const { callId, turn, now, record } = this.#parts;
    const tool = this.#tool(call.name);
    const digest = digestOf(call.arguments ?? call.badArguments);
    const idempotencyKey = `${callId}:${turn}:${call.name}:${digest}`;
    const head = { turn, toolCallId: call.id, name: call.name };
    const from = now();
    const finish: Finish = (outcome, result) => {
      const { text, kept } = bounded(result);
      record({ type: 'tool-returned', ...head, outcome, tookMs: now() - from, result: kept });
      return { outcome, message: { role: 'tool', toolCallId: call.id, name: call.name, result: text } };
    };
    if (this.#asked.has(idempotencyKey)) {
      this.#repeated = true;
      const error = 'You have called this with the same arguments already. Do not call it again; answer the caller.';
      return { role: 'tool', toolCallId: call.id, name: call.name, result: JSON.stringify({ error }) };
    }
    this.#asked.add(idempotencyKey);
    const effect = tool?.sideEffect ?? false;
    const before = effect ? this.#effects.before(`${call.name}:${digest}`, turn) : undefined;
    if (before) return { role: 'tool', toolCallId: call.id, name: call.name, result: `${await before} ${ONCE}` };
    record({ type: 'tool-called', ...head, arguments: call.arguments, ...(effect ? { idempotencyKey, sideEffect: true } : {}) });
    const wrong = this.#wrong(call, tool);
    if (wrong !== undefined || !tool) {
      this.#refused++;
      return finish('failed', { error: wrong }).message;
    }
    const input = tool.schema.parse(call.arguments);
    if (!effect) return (await this.#lookUp(tool, input, idempotencyKey, finish, replySignal)).message;
    const made = this.#effect(tool, input, idempotencyKey, finish);
    this.#effects.begin(
      `${call.name}:${digest}`,
      turn,
      made.then(({ outcome, message }) => ({ outcome, result: message.result })),
    );
    return (await made).message;
  }

  #wrong(call: ModelToolCall, tool: Tool | undefined): string | undefined {
    if (!tool) return `there is no tool ${call.name}`;
    if (call.badArguments !== undefined) return 'the arguments were not valid JSON';
    const input = tool.schema.safeParse(call.arguments);
    if (input.success) return undefined;
    return `wrong arguments: ${input.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`;
  }

  async #lookUp(tool: Tool, input: unknown, key: string, finish: Finish, replySignal: AbortSignal): Promise<Finished> {
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
  async #effect(tool: Tool, input: unknown, key: string, finish: Finish): Promise<Finished> {
    const { durable } = this.#parts;
    const { signal } = this.#effects;
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
  async #reconcile(tool: Tool, input: unknown, key: string, finish: Finish, error: unknown): Promise<Finished> {
    const { kit } = this.#parts;
    const { signal } = this.#effects;
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

function exchange(calls: readonly ModelToolCall[], results: readonly ModelMessage[]): ModelMessage[] {
  return calls.length === 0 ? [] : [{ role: 'assistant', text: '', toolCalls: [...calls] }, ...results];
}

function stillRunning({ id, name }: ModelToolCall): ToolMessage {
  const note = 'It is still being done. Do not call it again; say that it is on its way.';
  return { role: 'tool', toolCallId: id, name, result: JSON.stringify({ note }) };
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

/** What cannot be written down (a circle) is no reason to doubt that it was done. */
function jsonOf(result: unknown): string {
  try {
    return JSON.stringify(result) ?? 'null';
  } catch {
    return '"(a result that cannot be shown)"';
  }
}

/** As the model is told, and as it is recorded. */
function bounded(result: unknown): { text: string; kept: unknown } {
  const json = jsonOf(result);
  if (json.length <= MAX_RESULT_CHARS) return { text: json, kept: JSON.parse(json) as unknown };
  const text = `${json.slice(0, MAX_RESULT_CHARS)}… [cut here: the result has ${json.length} characters]`;
  return { text, kept: text };
}

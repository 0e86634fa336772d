/**
 * What a speech-to-speech model can do: look up what the business knows, end the call, and the assistant's own tools. A call
 * runs like one of a language model ({@link ToolSteps}); its result goes back to the session.
 */
import { z } from 'zod';
import type { ModelTool, ModelToolCall } from '#models/language-model.ts';
import type { Tool } from '#models/tool.ts';
import { describe, endCallTool, factOf } from './answer.ts';
import type { SettledOptions } from './conversation-options.ts';
import type { History } from './history.ts';
import { approvedAnswer, queryOf, RetrievalCache, verdictOf } from './retrieval.ts';
import { ToolSteps } from './tool-steps.ts';

/** Needs the caller's turns before the model hears them: this model hears them first. */
const NEEDS_TURNS = 'collect';
const LOOK_UP = 'look_up';
/** Calls that run at once when the model asks for more: the rest is refused. */
const TOO_MANY = JSON.stringify({ error: 'Too many calls in this turn. Do not call anything more; answer the caller.' });

const NOTES = {
  clarify: 'These only come near it. Do not answer from them: ask one short question that shows what the caller means, once.',
  unknown: 'Nothing here answers it. Say that you do not know, and offer what you can do instead: a message, or a person.',
} as const;

const question = z.object({ question: z.string().trim().min(1).max(500).describe("the caller's question, in their words") });

/** Follows the assistant's instructions, which were written for a model that is handed the passages. */
export const DIRECT_NOTE = `You hear the caller and speak yourself. You are handed no passages: before you answer a question about the business, call
look_up with the caller's question and answer only from what it gives; an answer marked "approved" is said as it stands. There is no tool
collect: ask for numbers, dates and names yourself, read them back and wait for a clear yes.`;

export interface DirectToolsParts {
  options: SettledOptions;
  history: History;
  /** Ends with the call: an effect outlives the session that asked for it. */
  signal: AbortSignal;
}

export class DirectTools {
  readonly offered: readonly ModelTool[];
  readonly #parts: DirectToolsParts;
  readonly #tools: readonly Tool[];
  readonly #retrieval: RetrievalCache;
  #steps: { turn: number; of: ToolSteps; rounds: number } | undefined;
  #running = 0;
  #acting = 0;

  constructor(parts: DirectToolsParts) {
    this.#parts = parts;
    const { kit, retrieve, plan, tools } = parts.options;
    this.#retrieval = new RetrievalCache(kit, retrieve, plan.policy.retrievalMs);
    this.#tools = [this.#lookUp(), ...tools.filter(({ name }) => name !== NEEDS_TURNS && name !== LOOK_UP)];
    this.offered = [endCallTool, ...this.#tools.map(describe)];
  }

  /** Calls whose result is not there yet. */
  get running(): boolean {
    return this.#running > 0;
  }

  /** Something changes outside, and nobody knows yet how that ends. */
  get acting(): boolean {
    return this.#acting > 0;
  }

  /** The result, as the model is told it. Never rejects; `replySignal` calls off what may be dropped. */
  async run(turn: number, call: ModelToolCall, replySignal: AbortSignal): Promise<string> {
    const steps = this.#stepsOf(turn);
    if (this.#running === 0) steps.rounds++;
    if (steps.rounds > this.#parts.options.plan.policy.toolSteps || steps.of.runaway || steps.of.hopeless) return TOO_MANY;
    const acts = this.#tools.some(({ name, sideEffect }) => name === call.name && sideEffect) ? 1 : 0;
    this.#running++;
    this.#acting += acts;
    try {
      const [message] = await steps.of.run([call], replySignal);
      return message?.role === 'tool' ? message.result : TOO_MANY;
    } finally {
      this.#running--;
      this.#acting -= acts;
    }
  }

  #stepsOf(turn: number): { of: ToolSteps; rounds: number } {
    if (this.#steps?.turn === turn) return this.#steps;
    const { options, history, signal } = this.#parts;
    const { kit, callId, businessId, at: now, record, durable } = options;
    const of = new ToolSteps({
      kit,
      tools: this.#tools,
      callId,
      businessId,
      turn,
      now,
      record,
      durable,
      signal,
      // A conversation that takes over has the same history.
      effects: history.effects,
      // What was looked up is looked up again by whoever is asked next.
      done: (messages) => {
        if (messages.some((message) => message.role === 'tool' && message.name !== LOOK_UP)) history.toolsUsed(turn, messages);
      },
    });
    this.#steps = { turn, of, rounds: 0 };
    return this.#steps;
  }

  #lookUp(): Tool {
    const { plan, record, at: now } = this.#parts.options;
    return {
      name: LOOK_UP,
      description: 'Looks up what the business has written down about a question. Use it before you answer anything about the business.',
      schema: question,
      sideEffect: false,
      interruptible: true,
      timeoutMs: plan.policy.retrievalMs + 1_000,
      run: async (input, { turn, signal }) => {
        const query = question.parse(input).question;
        const from = now();
        const { retrieval: found, cached } = await this.#retrieval.of(queryOf(query, this.#parts.history.messages()), signal);
        record({ type: 'retrieval-done', turn, query, ...factOf(found), cached, tookMs: now() - from });
        const { passages, unanswered } = found;
        const approved = approvedAnswer(found);
        if (approved !== undefined) return { verdict: 'answer', id: found.approved?.id, approved };
        const verdict = verdictOf(found);
        const facts = passages.map(({ id, title, text }) => ({ id, title, text }));
        return verdict === 'answer'
          ? { verdict, passages: facts, ...(unanswered ? { unanswered } : {}) }
          : { verdict, passages: facts, note: NOTES[verdict] };
      },
    };
  }
}

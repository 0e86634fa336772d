/**
 * The words of an answer: retrieval, then the language model, then the tools it calls, as often as the policy allows.
 * Text of callers, passages and tool results is data for the model; nothing of it becomes an instruction here.
 */
import type { CallFact, TurnStages } from '@tandem/contract';
import { childOf } from '#kit/abort.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelMessage, ModelPassage, ModelTool, ModelToolCall } from '#models/language-model.ts';
import type { Tool } from '#models/tool.ts';
import { inTime, withDeadlines } from './deadlines.ts';
import type { SettledPlan } from './plan.ts';

export interface Retrieval {
  passages: ModelPassage[];
  answerable: boolean;
}

/** Must not touch a database on the sound path. What it throws counts as "nothing found". */
export type Retrieve = (query: string) => Retrieval | Promise<Retrieval>;

export interface AnswerParts {
  kit: Kit;
  plan: SettledPlan;
  languageModel: LanguageModel;
  retrieve: Retrieve;
  tools: readonly Tool[];
  callId: string;
  businessId: string;
  /** The call's clock. */
  now: () => number;
  record: (fact: CallFact) => void;
  /** Ends with the conversation: a tool with side effects outlives the reply that called it, not the call. */
  signal: AbortSignal;
}

export interface AnswerRequest {
  turn: number;
  /** The caller's words. */
  text: string;
  messages: readonly ModelMessage[];
  stages: TurnStages;
  /** Tool calls and results, for the history. */
  onTools: (steps: readonly ModelMessage[]) => void;
}

export const END_CALL = 'end_call';

const endCallTool: ModelTool = {
  name: END_CALL,
  description: 'Ends the phone call politely. Use it when the caller says goodbye or needs nothing more; say goodbye in the same answer.',
  parameters: { type: 'object', properties: {}, additionalProperties: false },
};

export class Answer {
  readonly #parts: AnswerParts;
  readonly #request: AnswerRequest;
  readonly #steps: ModelMessage[] = [];
  #retrieval: Retrieval | undefined;
  #goodbye = false;

  constructor(parts: AnswerParts, request: AnswerRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  /** The model asked to end the call after this answer. */
  get goodbye(): boolean {
    return this.#goodbye;
  }

  /**
   * Streams the text. Throws `VendorError`, or the signal's reason. Called again after a failure it goes on behind the
   * tools that have already run.
   */
  async *words(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    this.#retrieval ??= await this.#retrieve(signal);
    const { policy, goodbye } = this.#parts.plan;
    let said = '';
    for (let round = this.#steps.filter(({ role }) => role === 'assistant').length; round <= policy.toolSteps; round++) {
      const calls: ModelToolCall[] = [];
      let text = '';
      // In the last round there are no tools left to call, so that words must come.
      for await (const part of this.#generate(signal, round < policy.toolSteps)) {
        if (part.type === 'tool-call') calls.push(part.call);
        if (part.type !== 'text' || part.text === '') continue;
        text += part.text;
        yield part.text;
      }
      said += text;
      const others = calls.filter(({ name }) => name !== END_CALL);
      if (others.length < calls.length) this.#goodbye = true;
      if (others.length === 0 || round === policy.toolSteps) break;
      yield* this.#runTools(others, text, signal);
    }
    if (said.trim() !== '') return;
    if (!this.#goodbye) throw new VendorError(this.#parts.languageModel.name, 'retryable', 'answered without a word');
    yield goodbye;
  }

  #generate(signal: AbortSignal, withTools: boolean) {
    const { plan, languageModel, kit, tools, now } = this.#parts;
    const { messages, stages } = this.#request;
    stages.requestAt ??= now();
    const parts = languageModel.generate({
      instructions: plan.instructions,
      messages: [...messages, ...this.#steps],
      passages: this.#retrieval?.passages ?? [],
      answerable: this.#retrieval?.answerable ?? false,
      tools: withTools ? [endCallTool, ...tools.map(describe)] : [endCallTool],
      language: plan.language,
      maxTokens: plan.policy.maxTokens,
      signal,
    });
    const deadlines = {
      clock: kit.clock,
      vendor: languageModel.name,
      firstMs: plan.policy.firstTokenMs,
      nextMs: plan.policy.nextTokenMs,
      signal,
    };
    return marked(withDeadlines(parts, deadlines), () => {
      stages.firstTokenAt ??= now();
    });
  }

  async #retrieve(signal: AbortSignal): Promise<Retrieval> {
    const { kit, plan, retrieve, now, record } = this.#parts;
    const { turn, text, stages } = this.#request;
    const from = now();
    let found: Retrieval = { passages: [], answerable: false };
    try {
      const asked = retrieve(text);
      found =
        asked instanceof Promise ? await inTime(asked, plan.policy.retrievalMs, { clock: kit.clock, vendor: 'knowledge', signal }) : asked;
    } catch (error) {
      if (signal.aborted) throw error;
      kit.log.warn({ turn, error }, 'retrieval failed: answering without passages');
    }
    stages.retrievalAt = now();
    record({
      type: 'retrieval-done',
      turn,
      query: text,
      passages: found.passages.map(({ id, documentId, title, score }) => ({ id, documentId, title, score })),
      answerable: found.answerable,
      tookMs: stages.retrievalAt - from,
    });
    return found;
  }

  /** Runs the calls of one round side by side; yields what is to be said meanwhile. */
  async *#runTools(calls: readonly ModelToolCall[], text: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const { tools } = this.#parts;
    const known = calls.map((call) => ({ call, tool: tools.find(({ name }) => name === call.name) }));
    const line = known.find(({ tool }) => tool?.say !== undefined)?.tool?.say;
    if (line !== undefined && text === '') yield `${line}\n`;
    const results = Promise.all(known.map(({ call, tool }) => this.#runTool(call, tool, signal)));
    const recorded = results.then((messages) => {
      const steps: ModelMessage[] = [{ role: 'assistant', text: '', toolCalls: [...calls] }, ...messages];
      this.#steps.push({ role: 'assistant', text, toolCalls: [...calls] }, ...messages);
      this.#request.onTools(steps);
    });
    await recorded;
  }

  /** Never throws: a failure is a result that the model is told. */
  async #runTool(call: ModelToolCall, tool: Tool | undefined, replySignal: AbortSignal): Promise<ModelMessage> {
    const { kit, callId, businessId, now, record, signal } = this.#parts;
    const { turn } = this.#request;
    const head = { turn, toolCallId: call.id, name: call.name };
    const from = now();
    record({ type: 'tool-called', ...head, arguments: call.arguments });
    const finish = (outcome: 'ok' | 'failed' | 'unknown', result: unknown): ModelMessage => {
      record({ type: 'tool-returned', ...head, outcome, tookMs: now() - from, result });
      return { role: 'tool', toolCallId: call.id, name: call.name, result: JSON.stringify(result) ?? 'null' };
    };
    const input = tool?.schema.safeParse(call.arguments);
    if (!tool || !input) return finish('failed', { error: `there is no tool ${call.name}` });
    if (!input.success)
      return finish('failed', {
        error: `wrong arguments: ${input.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
      });
    // What changes something outside is finished even when the caller interrupts.
    const scope = childOf(tool.sideEffect || !tool.interruptible ? signal : replySignal);
    try {
      const work = tool.run(input.data, { callId, businessId, idempotencyKey: `${callId}:${turn}:${call.id}`, signal: scope.signal });
      return finish('ok', await inTime(work, tool.timeoutMs, { clock: kit.clock, vendor: tool.name, signal: scope.signal }));
    } catch (error) {
      scope.abort('deadline');
      // Sent and not answered: nobody knows whether it happened.
      return finish(tool.sideEffect ? 'unknown' : 'failed', { error: messageOf(error) });
    }
  }
}

function describe(tool: Tool): ModelTool {
  return { name: tool.name, description: tool.description, parameters: tool.schema.toJSONSchema() };
}

async function* marked<T>(stream: AsyncIterable<T>, first: () => void): AsyncGenerator<T, void, undefined> {
  for await (const value of stream) {
    first();
    yield value;
  }
}

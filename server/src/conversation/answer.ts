/**
 * The words of an answer: retrieval, then the language models, then the tools they call, as often as the policy allows.
 * Text of callers, passages and tool results is data for the model; nothing of it becomes an instruction here.
 */
import type { CallFact, TurnStages, Verdict } from '@tandem/contract';
import { untilAborted } from '#kit/abort.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { ModelMessage, ModelRequest, ModelTool, ModelToolCall, Shortfall } from '#models/language-model.ts';
import { citedIn } from '#models/prompt.ts';
import type { Tool } from '#models/tool.ts';
import type { CallWords } from './grounding/call-words.ts';
import { Grounds } from './grounding/grounds.ts';
import type { OwnWords } from './grounding/own-words.ts';
import type { LanguageModels, ModelWalk } from './language-models.ts';
import { type Misses, missStep, type MissStep, type TurnOutcome, type WayOut } from './misses.ts';
import { plainText } from './plain-text.ts';
import type { SettledPlan } from './plan.ts';
import { categoryOf } from './provider-health.ts';
import { approvedAnswer, queryOf, type Retrieval, type RetrievalCache, verdictOf } from './retrieval.ts';
import { ClauseCutter, sentencesOf } from './script.ts';
import type { SupportedSentence } from './support.ts';
import type { ToolSteps } from './tool-steps.ts';
import type { Clause } from './voice.ts';

export interface AnswerParts {
  plan: SettledPlan;
  models: LanguageModels;
  retrieval: RetrievalCache;
  tools: readonly Tool[];
  steps: ToolSteps;
  own: OwnWords;
  said: CallWords;
  /** The call's clock. */
  now: () => number;
  record: (fact: CallFact) => void;
}

export interface AnswerRequest {
  turn: number;
  /** The caller's words. */
  text: string;
  messages: readonly ModelMessage[];
  /** Before this turn. */
  misses: Misses;
  stages: TurnStages;
  /** Resolves when the turn is committed: no tool runs before. Undefined: it is. */
  gate: Promise<void> | undefined;
  /** What can be said when no model is left. */
  lastResort: () => string | undefined;
}

/** Calls of one round: who asks for more at once is not read to the end. */
const MAX_CALLS = 8;

export const END_CALL = 'end_call';

/** A model whose words come, but no clause of them in this time, is as good as silent. */
const CLAUSE_WITHIN_MS = 8_000;

export const endCallTool: ModelTool = {
  name: END_CALL,
  description: 'Ends the phone call politely. Use it when the caller says goodbye or needs nothing more; say goodbye in the same answer.',
  parameters: { type: 'object', properties: {}, additionalProperties: false },
};

export class Answer {
  readonly #parts: AnswerParts;
  readonly #request: AnswerRequest;
  readonly #steps: ModelMessage[] = [];
  readonly #cutter: ClauseCutter;
  readonly #walk: ModelWalk;
  readonly #grounds: Grounds;
  readonly #outcome: { verdict: Verdict; acted: boolean; step: MissStep | undefined; offered: WayOut | undefined };
  /** Sentences with the passages that the model itself has named for them. */
  readonly #cited = new Map<string, string[]>();
  #clauses = 0;
  #goodbye = false;
  #withheld = false;

  constructor(parts: AnswerParts, request: AnswerRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#cutter = new ClauseCutter(parts.plan.policy.maxReplyChars);
    this.#walk = parts.models.walk();
    this.#grounds = new Grounds(parts.own, parts.said, request.messages);
    this.#outcome = { verdict: 'unknown', acted: false, step: undefined, offered: undefined };
  }

  /** The model asked to end the call after this answer. */
  get goodbye(): boolean {
    return this.#goodbye;
  }

  get toolRunning(): boolean {
    return this.#parts.steps.running;
  }

  /** What has come of the turn so far. */
  get outcome(): TurnOutcome {
    return { text: this.#request.text, ...this.#outcome };
  }

  /** What was heard of it, sentence by sentence, with the passages and tool calls that it rests on. */
  support(heard: string): SupportedSentence[] {
    return this.#grounds.support(heard).map(({ text, passages }) => {
      const cited = this.#cited.get(text) ?? [];
      return { text, passages: [...cited, ...passages.filter((id) => !cited.includes(id))] };
    });
  }

  /** Streams the clauses, once. Throws `VendorError` when no model is left, or the signal's reason. */
  async *clauses(signal: AbortSignal): AsyncGenerator<Clause, void, undefined> {
    const found = await this.#retrieve(signal);
    const approved = approvedAnswer(found);
    if (approved !== undefined) {
      yield* this.#line(approved);
      if (this.#clauses > 0) return;
    }
    try {
      yield* this.#converse(found, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const line = this.#request.lastResort();
      if (line === undefined) throw error;
      yield* this.#line(line);
    }
  }

  async *#converse(found: Retrieval, signal: AbortSignal): AsyncGenerator<Clause, void, undefined> {
    const { plan, steps } = this.#parts;
    const { toolSteps } = plan.policy;
    for (let round = 0; ; round++) {
      // In the last round there are no tools left to call, so that words must come.
      const last = round >= toolSteps || steps.runaway || steps.hopeless;
      const { calls, text } = yield* this.#round(found, !last, signal);
      this.#cite(text, found);
      const others = calls.filter(({ name }) => name !== END_CALL);
      if (others.length < calls.length) this.#goodbye = true;
      if (!this.#withheld) yield* this.#grounded(this.#cutter.flush());
      if (this.#withheld) {
        yield* this.#line(this.#wayOut.line);
        return;
      }
      if (others.length === 0 || last || this.#cutter.full) break;
      const line = steps.lineOf(others);
      if (line !== undefined && text.trim() === '') yield* this.#line(line);
      if (this.#request.gate) await untilAborted(this.#request.gate, signal);
      const messages = await steps.run(others, signal);
      this.#outcome.acted = true;
      this.#grounds.returned(messages);
      this.#steps.push({ role: 'assistant', text, toolCalls: others }, ...messages);
      if (signal.aborted) throw signal.reason;
      // Told once; asked for what does not exist a second time, the assistant says so itself.
      if (steps.hopeless) {
        yield* this.#line(this.#unable);
        return;
      }
      this.#clauses = 0;
    }
    if (this.#clauses > 0) return;
    yield* this.#line(this.#goodbye ? plan.goodbye : this.#unable);
  }

  /** An apology, with the way out that the assistant has: a person, or a message. */
  get #unable(): string {
    const { unable, unablePerson, unableMessage } = this.#parts.plan.lines;
    const { by } = this.#wayOut;
    return by === 'person' ? unablePerson : by === 'message' ? unableMessage : unable;
  }

  /** How it says that it does not know, and what it offers instead. */
  get #wayOut(): { by: WayOut | undefined; line: string } {
    const { plan, tools } = this.#parts;
    const { unknown, unknownPerson, unknownMessage } = plan.lines;
    if (tools.some(({ name }) => name === 'transfer_call')) return { by: 'person', line: unknownPerson };
    if (tools.some(({ name }) => name === 'take_message')) return { by: 'message', line: unknownMessage };
    return { by: undefined, line: unknown };
  }

  /** One answer of a model, finished by the next one from the last clause on where it fails. */
  async *#round(found: Retrieval, withTools: boolean, signal: AbortSignal) {
    const { now, plan } = this.#parts;
    const { stages } = this.#request;
    const said: string[] = [];
    // Blank lines and marks without end are no clause: the cutter is never full of them.
    const longest = 4 * plan.policy.maxReplyChars;
    for (;;) {
      const calls: ModelToolCall[] = [];
      let text = said.join(' ');
      try {
        stages.requestAt ??= now();
        let clauseAt: number | undefined;
        for await (const part of this.#walk.ask(this.#modelRequest(found, withTools, said, signal))) {
          stages.firstTokenAt ??= now();
          if (part.type === 'tool-call' && calls.push(part.call) >= MAX_CALLS) break;
          if (part.type !== 'text' || part.text === '') continue;
          clauseAt ??= now();
          if (now() - clauseAt > CLAUSE_WITHIN_MS) throw tooSlow(this.#walk.current);
          text += text === '' ? part.text.trimStart() : part.text;
          for (const clause of this.#cutter.push(part.text)) {
            clauseAt = undefined;
            yield* this.#grounded([clause]);
            if (this.#withheld) return { calls: [], text };
            said.push(clause);
          }
          if (this.#cutter.full || text.length > longest) break;
        }
        // Without a word or a call it has failed as much as with an error.
        if (/[\p{L}\p{N}]/u.test(text) || calls.length > 0) return { calls, text };
        throw new VendorError(this.#walk.current?.name ?? 'model', 'retryable', 'answered without a word');
      } catch (error) {
        if (signal.aborted) throw error;
        this.#failed(error);
        // What was begun and is not a clause is said by the next one.
        this.#cutter.drop();
      }
    }
  }

  /** The clauses up to the first that claims what nobody has told the assistant: nothing of that one is heard. */
  *#grounded(clauses: readonly string[]): Generator<Clause, void, undefined> {
    const { plan, record } = this.#parts;
    for (const clause of clauses) {
      const claims = plan.grounding === 'strict' ? this.#grounds.unknown(clause) : [];
      if (claims.length > 0) {
        this.#withheld = true;
        this.#outcome.offered = this.#wayOut.by;
        record({ type: 'claim-withheld', turn: this.#request.turn, text: clause, claims });
        return;
      }
      yield* this.#cut([clause], false);
    }
  }

  #cite(text: string, { passages }: Retrieval): void {
    for (const sentence of sentencesOf(text)) {
      const ids = citedIn(sentence, passages);
      if (ids.length > 0) this.#cited.set(plainText(sentence), ids);
    }
  }

  #failed(error: unknown): void {
    const { record } = this.#parts;
    const { failed, next } = this.#walk.failed(error);
    record({
      type: 'provider-failed',
      turn: this.#request.turn,
      stage: 'language-model',
      provider: failed.name,
      category: categoryOf(error),
      message: messageOf(error),
      ...(next ? { next: next.name } : {}),
    });
    if (!next) throw error;
  }

  #modelRequest(found: Retrieval, withTools: boolean, said: readonly string[], signal: AbortSignal): ModelRequest {
    const { plan, tools } = this.#parts;
    return {
      instructions: plan.instructions,
      messages: [...this.#request.messages, ...this.#steps],
      passages: found.passages,
      answerable: found.answerable,
      ...(found.unanswered ? { unanswered: found.unanswered } : {}),
      ...this.#shortfall(),
      tools: withTools ? [endCallTool, ...tools.map(describe)] : [endCallTool],
      language: plan.language,
      maxTokens: plan.policy.maxTokens,
      signal,
      ...(said.length > 0 ? { continueFrom: said.join(' ') } : {}),
    };
  }

  /** A line that somebody has written: its speech is kept. */
  *#line(text: string): Generator<Clause, void, undefined> {
    const cutter = new ClauseCutter(this.#parts.plan.policy.maxReplyChars);
    yield* this.#cut([...cutter.push(text), ...cutter.flush()], true);
  }

  *#cut(texts: readonly string[], keep: boolean): Generator<Clause, void, undefined> {
    for (const text of texts) {
      this.#clauses++;
      yield { text, keep };
    }
  }

  /** What the model is told about a question that the passages do not answer, and about what was offered before. */
  #shortfall(): Pick<ModelRequest, 'shortfall' | 'offered'> {
    const { misses } = this.#request;
    const { step } = this.#outcome;
    const offered = misses.offered ? { offered: misses.offered } : {};
    if (step === undefined) return offered;
    const { clarify } = this.#parts.plan.lines;
    const { by, line } = this.#wayOut;
    const shortfall: Shortfall =
      step === 'clarify'
        ? { kind: 'clarify', line: clarify[Math.min(misses.questions, clarify.length - 1)] ?? line }
        : { kind: by === undefined ? 'admit' : `offer-${by}`, line };
    return { ...offered, shortfall };
  }

  async #retrieve(signal: AbortSignal): Promise<Retrieval> {
    const { retrieval, plan, now, record } = this.#parts;
    const { turn, text, messages, stages, misses } = this.#request;
    const from = now();
    const { retrieval: found, cached } = await retrieval.of(queryOf(text, messages), signal);
    stages.retrievalAt = now();
    const verdict = verdictOf(found);
    const step = missStep(misses, verdict, text, plan.language);
    Object.assign(this.#outcome, { verdict, step, offered: step === 'offer' ? this.#wayOut.by : undefined });
    this.#grounds.found(found.passages);
    record({ type: 'retrieval-done', turn, query: text, ...factOf(found), cached, tookMs: stages.retrievalAt - from });
    return found;
  }
}

/** What is recorded of a look-up. */
export function factOf(found: Retrieval) {
  const { passages, answerable, confidence } = found;
  return {
    passages: passages.map(({ id, documentId, title, score }) => ({ id, documentId, title, score })),
    answerable,
    verdict: verdictOf(found),
    ...(confidence ? { confidence } : {}),
  };
}

const tooSlow = (model: { name: string } | undefined) =>
  new VendorError(model?.name ?? 'model', 'retryable', `no clause within ${CLAUSE_WITHIN_MS} ms`);

/** Made once for each tool: every request tells all of them. */
const described = new WeakMap<Tool, ModelTool>();

export function describe(tool: Tool): ModelTool {
  let made = described.get(tool);
  if (!made) {
    made = { name: tool.name, description: tool.description, parameters: tool.parameters ?? tool.schema.toJSONSchema() };
    described.set(tool, made);
  }
  return made;
}

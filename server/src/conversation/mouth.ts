/** The mouth of a conversation: begins its utterances, be they answers of the language models or lines that stand. */
import type { CallFact, TurnStages } from '@tandem/contract';
import { messageOf } from '#kit/errors.ts';
import type { ModelMessage } from '#models/language-model.ts';
import { Answer, describe } from './answer.ts';
import { waitingTone } from './canned-tone.ts';
import type { SettledOptions } from './conversation-options.ts';
import type { Effects } from './effects.ts';
import { CallWords } from './grounding/call-words.ts';
import { type OwnWords, ownWordsOf, toolText } from './grounding/own-words.ts';
import { LanguageModels } from './language-models.ts';
import type { Misses } from './misses.ts';
import { categoryOf } from './provider-health.ts';
import { RetrievalCache } from './retrieval.ts';
import { ClauseCutter } from './script.ts';
import { ToolSteps } from './tool-steps.ts';
import type { UsageMeter } from './usage.ts';
import { Utterance, type UtteranceOptions } from './utterance.ts';
import { type Clause, Voice } from './voice.ts';
import { type FillerMemory, Waiting, waitingLines } from './waiting.ts';

/** Something that is being said, or about to be. */
export interface Answering {
  /** Undefined for a line that stands. */
  answer: Answer | undefined;
  utterance: Utterance;
  /** The call ends when it was heard. */
  readonly goodbye: boolean;
}

export interface AnswerOrder {
  turn: number;
  text: string;
  messages: readonly ModelMessage[];
  misses: Misses;
  stages: TurnStages;
  /** No tool acts before it resolves. */
  gate: Promise<void> | undefined;
  record: (fact: CallFact) => void;
  /** Tool steps, with and without their results: see `ToolStepsParts`. */
  toolsBegun: (steps: readonly ModelMessage[]) => (settled: readonly ModelMessage[]) => void;
}

export class Mouth {
  readonly retrieval: RetrievalCache;
  readonly #options: SettledOptions;
  readonly #signal: AbortSignal;
  readonly #voice: Voice;
  readonly #models: LanguageModels;
  readonly #effects: Effects;
  readonly #own: OwnWords;
  readonly #said: CallWords;
  readonly #fillers: FillerMemory = { last: undefined };
  #utterances = 0;

  /** `signal` ends with the conversation. */
  constructor(options: SettledOptions, usage: UsageMeter, effects: Effects, signal: AbortSignal) {
    const { kit, businessId, leg, plan, synthesizers, languageModels, health, kept, retrieve } = options;
    this.#options = options;
    this.#signal = signal;
    this.#effects = effects;
    this.#voice = new Voice({ kit, businessId, format: leg.format, plan, synthesizers, health, kept, usage });
    this.#models = new LanguageModels({ kit, models: languageModels, health, policy: plan.policy, usage });
    const { greeting, goodbye, instructions, lines } = plan;
    const tools = options.tools.map((tool) => toolText(describe(tool)));
    this.#said = new CallWords(plan.language);
    this.#own = ownWordsOf(plan.language, [greeting, goodbye, instructions, ...Object.values(lines).flat(), ...tools]);
    this.retrieval = new RetrievalCache(kit, retrieve, plan.policy.retrievalMs);
  }

  /** Makes ready what must be said at once when it is needed: one line after the other, so that nothing waits for them. */
  async warm(): Promise<void> {
    const { kit, plan, tools } = this.#options;
    if (plan.grounding === 'strict') await this.#own.prepare(() => kit.clock.sleep(0, this.#signal)).catch(() => {});
    const said = tools.flatMap(({ say }) => (say ? cut(say, plan.policy.maxReplyChars) : []));
    for (const line of new Set([...waitingLines(plan), ...said])) {
      if (this.#signal.aborted) return;
      await this.#voice.prepare(line, this.#signal);
    }
  }

  answer(order: AnswerOrder): Answering {
    const { kit, plan, tools, callId, businessId, at: now, durable, taker } = this.#options;
    const { turn, text, record } = order;
    const steps = new ToolSteps({
      kit,
      tools,
      callId,
      businessId,
      turn,
      now,
      record,
      durable,
      signal: this.#signal,
      effects: this.#effects,
      begun: order.toolsBegun,
      done: (messages) => void order.toolsBegun(messages),
    });
    const answer = new Answer(
      { plan, models: this.#models, retrieval: this.retrieval, tools, steps, own: this.#own, said: this.#said, now, record },
      { ...order, lastResort: () => taker?.lastResort?.({ turn, text, source: 'speech' }) },
    );
    return {
      answer,
      utterance: this.#utter(turn, order.stages, record, (signal) => answer.clauses(signal)),
      get goodbye() {
        return answer.goodbye;
      },
    };
  }

  /** A line that stands: the greeting, a reprompt, an apology. */
  line(turn: number, text: string, stages: TurnStages, how: { keep: boolean; goodbye?: boolean }): Answering {
    const { plan, record } = this.#options;
    const utterance = this.#utter(turn, stages, record, () => clausesOf(text, plan.policy.maxReplyChars, how.keep));
    return { answer: undefined, utterance, goodbye: how.goodbye ?? false };
  }

  /** What is said until `answering` has something to say. */
  waiting(turn: number, asked: string | undefined, from: number, { answer }: Answering): Waiting {
    const [model, voice] = [this.#models.expectedMs, this.#voice.expectedMs];
    return new Waiting({
      plan: this.#options.plan,
      voice: this.#voice,
      memory: this.#fillers,
      turn,
      asked,
      from,
      expectedMs: model === undefined || voice === undefined ? undefined : model + voice,
      toolRunning: () => answer?.toolRunning ?? false,
      tone: () => waitingTone(this.#options.leg.format),
    });
  }

  #utter(turn: number, stages: TurnStages, record: (fact: CallFact) => void, clauses: UtteranceOptions['clauses']): Utterance {
    const { callId, leg, at: now } = this.#options;
    return new Utterance({
      name: `${callId}.${++this.#utterances}`,
      clauses,
      voice: this.#voice,
      format: leg.format,
      stages,
      now,
      signal: this.#signal,
      voiceFailed: ({ name: provider }, error, next) =>
        record({
          type: 'provider-failed',
          turn,
          stage: 'synthesizer',
          provider,
          category: categoryOf(error),
          message: messageOf(error),
          ...(next ? { next: next.name } : {}),
        }),
    });
  }
}

async function* clausesOf(text: string, maxChars: number, keep: boolean): AsyncGenerator<Clause, void, undefined> {
  for (const clause of cut(text, maxChars)) yield { text: clause, keep };
}

function cut(text: string, maxChars: number): string[] {
  const cutter = new ClauseCutter(maxChars);
  return [...cutter.push(text), ...cutter.flush()];
}

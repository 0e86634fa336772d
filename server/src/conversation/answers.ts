/**
 * Who answers a committed turn: a line that stands, somebody who takes turns before the model does, the answer that was
 * begun in secret to these very words, or a new one.
 */
import type { TurnStages } from '@tandem/contract';
import type { SettledOptions } from './conversation-options.ts';
import type { Expectation, FloorAction } from './floor-terms.ts';
import type { History } from './history.ts';
import { afterTurn, type Misses, NO_MISSES } from './misses.ts';
import { type Answering, Mouth } from './mouth.ts';
import { queryOf } from './retrieval.ts';
import { Speculation } from './speculation.ts';
import { stockLine } from './stock-line.ts';
import type { SupportedSentence } from './support.ts';
import type { TakenTurn } from './turn-taker.ts';
import type { UsageMeter } from './usage.ts';
import type { Waiting } from './waiting.ts';

type ActionOf<T extends FloorAction['type']> = Extract<FloorAction, { type: T }>;

/** Of a silence, by the time that somebody apologises. */
const LEFT_MS = 2_000;

export class Answers {
  readonly #options: SettledOptions;
  readonly #history: History;
  readonly #usage: UsageMeter;
  readonly #mouth: Mouth;
  #committed: { turn: number; text: string; taken: TakenTurn | undefined } = { turn: 0, text: '', taken: undefined };
  #speculation: Speculation | undefined;
  /** Before the newest answer, which is to be counted with the next turn. */
  #misses: Misses = NO_MISSES;
  #newest: { turn: number; answering: Answering } | undefined;

  /** `signal` ends with the conversation. */
  constructor(options: SettledOptions, history: History, usage: UsageMeter, signal: AbortSignal) {
    this.#options = options;
    this.#history = history;
    this.#usage = usage;
    this.#mouth = new Mouth(options, usage, history.effects, signal);
  }

  /** Makes ready what must be said at once when it is needed. Never rejects. */
  warm(): Promise<void> {
    return this.#mouth.warm();
  }

  /** The caller may be about to ask this. */
  expectQuestion(turn: number, text: string): void {
    if (!this.#taken(turn)) this.#mouth.retrieval.begin(queryOf(text, this.#history.messagesIf(turn, text)));
  }

  /** Whoever takes this turn, or has taken it and takes it again when its words go on: they may be a secret. */
  #taken(turn: number): boolean {
    const { turn: newest, taken } = this.#committed;
    return this.#options.taker?.active === true || (turn === newest && taken !== undefined);
  }

  /** What the newest answer asks for, where whoever gave it says so. */
  get expects(): Expectation | undefined {
    const { taken } = this.#committed;
    return taken && 'say' in taken ? taken.expects : undefined;
  }

  speculate({ id, turn, text }: ActionOf<'speculate'>): void {
    const { at, plan, record } = this.#options;
    this.forget('superseded');
    if (this.#taken(turn) || this.#usage.spent) return;
    const messages = this.#history.messagesIf(turn, text);
    this.#speculation = new Speculation({
      id,
      turn,
      text,
      at: at(),
      record,
      revision: this.#history.revision,
      withSpeech: plan.policy.speculation === 'speech',
      begin: (hidden) =>
        this.#mouth.answer({
          ...hidden,
          turn,
          text,
          messages,
          misses: this.#missesAt(turn),
          toolsBegun: (steps) => this.#history.toolsBegun(turn, steps),
        }),
    });
  }

  /** Without an `id`: whatever there is. */
  forget(cause: string, id = this.#speculation?.id): void {
    if (!this.#speculation || this.#speculation.id !== id) return;
    this.#speculation.drop(cause);
    this.#speculation = undefined;
  }

  /**
   * Puts the turn into the history. `stages` begin with those of the answer that was begun in secret, if that is the one;
   * `shown` are the words that may be shown and recorded.
   */
  commit({ turn, text, source, speculation }: ActionOf<'commit'>) {
    const taken = this.#options.taker?.take({ turn, text, source });
    const shown = taken?.shown ?? text;
    this.#history.callerSaid(turn, taken && 'forModel' in taken ? taken.forModel : shown);
    this.#committed = { turn, text: shown, taken };
    const wanted = speculation === 'adopted';
    const secret = this.#speculation;
    // What has joined the history meanwhile (a tool's late result) would make it an answer to an old question.
    const fits = secret?.failed === false && secret.revision === this.#history.revision;
    const adopted = wanted && !taken && fits && !this.#usage.spent;
    if (!adopted) this.forget(wanted ? 'failed' : 'missed');
    const stages: TurnStages = adopted && secret ? secret.stages : {};
    return { stages, shown, speculation: wanted && !adopted ? ('missed' as const) : speculation };
  }

  /** A late final corrects what the caller said; what somebody has taken is settled. */
  amend({ turn, text }: ActionOf<'amend'>): void {
    if (!this.#committed.taken) this.#history.callerSaid(turn, text);
  }

  /** What was heard of the newest answer, with what it rests on; undefined where `turn` was answered with a line that stands. */
  supportOf(turn: number, heard: string): SupportedSentence[] | undefined {
    const newest = this.#newest;
    return heard !== '' && newest?.turn === turn ? newest.answering.answer?.support(heard) : undefined;
  }

  /** When `turn` is answered; a turn that is answered again counts once. */
  #missesAt(turn: number): Misses {
    const answer = this.#newest?.turn === turn ? undefined : this.#newest?.answering.answer;
    return answer ? afterTurn(this.#misses, answer.outcome, this.#options.plan.language) : this.#misses;
  }

  /** Begins what the floor asks for, and what is heard while the caller waits for it. */
  begin(action: ActionOf<'reply'>, stages: TurnStages): { answering: Answering; waiting: Waiting } {
    const misses = this.#missesAt(action.turn);
    const answering = this.#begin(action, stages, misses);
    if (answering.answer) {
      this.#misses = misses;
      this.#newest = { turn: action.turn, answering };
    }
    const { text } = this.#committed;
    const now = this.#options.at();
    // An apology ends a silence that another reply has left.
    const from = answering.answer ? (stages.committedAt ?? now) : action.kind === 'apology' ? now - LEFT_MS : now;
    return { answering, waiting: this.#mouth.waiting(action.turn, answering.answer && text, from, answering) };
  }

  #begin(action: ActionOf<'reply'>, stages: TurnStages, misses: Misses): Answering {
    const { plan, record } = this.#options;
    const { turn, kind, adopt } = action;
    if (kind !== 'answer') return this.#mouth.line(turn, stockLine(action, plan), stages, { keep: true });
    const { text, taken } = this.#committed;
    if (this.#usage.spent) return this.#mouth.line(turn, plan.lines.spent, stages, { keep: true, goodbye: true });
    if (taken && 'say' in taken) return this.#mouth.line(turn, taken.say, stages, { keep: false });
    const secret = this.#speculation;
    this.#speculation = undefined;
    if (secret && secret.id === adopt) return secret.adopt();
    secret?.drop('missed');
    return this.#mouth.answer({
      turn,
      text: taken?.forModel ?? text,
      messages: this.#history.messages(),
      misses,
      stages,
      gate: undefined,
      record,
      toolsBegun: (steps) => this.#history.toolsBegun(turn, steps),
    });
  }
}

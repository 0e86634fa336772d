/**
 * The tool `collect`: the model starts it and says the question; from then on the caller's turns go to the collection
 * instead of the model, until there is a confirmed value (for a secret: a reference to it), which the model is told in
 * place of the caller's last words.
 */
import type { CallFact } from '@tandem/contract';
import { z } from 'zod';
import type { Tool } from '#models/tool.ts';
import type { CommittedTurn, TakenTurn, TurnTaker } from '../turn-taker.ts';
import { beginCollection, type Collection, type CollectionRequest, takeEntry } from './collection.ts';

/** What stands for a secret in history, journal and transcript. */
const HIDDEN = '***';

export interface CollectingParts {
  language: string;
  /** `YYYY-MM-DD` where the business is, now. */
  today: () => string;
  record: (fact: CallFact) => void;
  /** Keeps a secret value and answers its reference. */
  keep: (value: string) => string;
}

const input = z.object({
  what: z.enum(['digits', 'phone-number', 'date', 'email', 'name', 'yes-no']),
  label: z.string().trim().min(1).max(120).describe('what it is, as it follows "your": "order number". For yes-no: the whole question'),
  minLength: z.number().int().min(1).max(32).optional().describe('of digits'),
  maxLength: z.number().int().min(1).max(32).optional(),
  secret: z.boolean().default(false).describe('a card number or PIN: you only get a reference, to hand on to another tool'),
});

/** The collection of one call: at most one runs. */
export class Collecting implements TurnTaker {
  readonly #parts: CollectingParts;
  #state: Collection | undefined;
  #turn = 0;
  /** What the newest entry found, in case its words go on. */
  #before: { turn: number; state: Collection } | undefined;
  /** The newest turn whose words belong to a secret. */
  #secretTurn = -1;

  constructor(parts: CollectingParts) {
    this.#parts = parts;
  }

  get active(): boolean {
    return this.#state !== undefined;
  }

  /** Keys and words are not to be shown or recorded now. */
  get secret(): boolean {
    return this.#state?.request.secret === true;
  }

  /** Starts one, in place of any before; answers the question to ask. */
  begin(request: Omit<CollectionRequest, 'language' | 'today'>, turn: number): string {
    const { language, today, record } = this.#parts;
    this.close();
    const [state, question] = beginCollection({ ...request, language, today: today() });
    this.#state = state;
    this.#turn = turn;
    this.#before = undefined;
    record({ type: 'collection-started', turn, what: request.what });
    return question;
  }

  take({ turn, text, source }: CommittedTurn): TakenTurn | undefined {
    // The words that made the model ask for it have gone on: they are the model's once more.
    if (turn === this.#turn) this.close();
    // A longer text stands in the place of the shorter one.
    const before = this.#before?.turn === turn ? this.#before.state : this.#state;
    if (!before) return undefined;
    this.#before = { turn, state: before };
    const { secret, label, what } = before.request;
    if (secret) this.#secretTurn = turn;
    const [state, step] = takeEntry(before, { by: source === 'digits' ? 'keys' : 'speech', text });
    this.#state = state;
    const shown = secret ? HIDDEN : text;
    if (step.type === 'say') return { say: step.text, expects: state.expects, shown };
    this.#finish(step.type === 'done' ? 'confirmed' : 'given-up');
    if (step.type === 'given-up') {
      const why = step.why === 'caller' ? 'I do not want to say it' : 'I could not be understood; offer to take a message';
      return { forModel: `${secret ? '' : `${text} `}(The ${label} was not collected: ${why}.)`, shown };
    }
    const value = secret ? this.#parts.keep(step.value) : step.value;
    return { forModel: what === 'yes-no' ? `${label} ${value}.` : `My ${label} is ${value}.`, shown };
  }

  /** A fact as it may be recorded: without the words of a secret. */
  hide(fact: CallFact): CallFact {
    if (
      fact.type !== 'transcript-partial' &&
      fact.type !== 'transcript-final' &&
      fact.type !== 'turn-committed' &&
      fact.type !== 'speculation-started' &&
      fact.type !== 'retrieval-done'
    )
      return fact;
    if (!this.secret && fact.turn !== this.#secretTurn) return fact;
    if (fact.type === 'retrieval-done') return { ...fact, query: HIDDEN };
    if (fact.type !== 'transcript-final') return { ...fact, text: HIDDEN };
    const { words: _words, ...rest } = fact;
    return { ...rest, text: HIDDEN };
  }

  /** The call ends, or another collection takes its place. */
  close(): void {
    if (this.#state) this.#finish('abandoned');
  }

  #finish(outcome: 'confirmed' | 'given-up' | 'abandoned'): void {
    if (!this.#state) return;
    const { request, attempts } = this.#state;
    this.#state = undefined;
    this.#parts.record({ type: 'collection-completed', turn: this.#turn, what: request.what, outcome, attempts });
  }
}

export function collectTool(collecting: Collecting): Tool {
  return {
    name: 'collect',
    description:
      'Asks the caller for digits, a telephone number, a date, an e-mail address, a name or a yes or no, reads it back and lets them confirm. Use it whenever such a value must be exactly right. It answers with a question: say exactly that and nothing else.',
    schema: input,
    sideEffect: false,
    interruptible: false,
    timeoutMs: 1_000,
    async run(given, { turn }) {
      const question = collecting.begin(given as z.infer<typeof input>, turn);
      return { say: question, note: 'Say exactly this. You are told the value when the caller has confirmed it.' };
    },
  };
}

/**
 * An answer begun in secret, before it is certain that the caller has finished. Until it is adopted no tool acts, no
 * sound or caption leaves, and what it did is not recorded as done; dropped, everything behind it is called off at once.
 */
import type { CallFact, TurnStages } from '@tandem/contract';
import type { Answering } from './mouth.ts';

export interface SpeculationOptions {
  id: number;
  turn: number;
  text: string;
  /** On the call's clock. */
  at: number;
  record: (fact: CallFact) => void;
  /** Of the history that the prompt was made of. */
  revision: number;
  /** Begins the answer. */
  begin: (hidden: { stages: TurnStages; gate: Promise<void>; record: (fact: CallFact) => void }) => Answering;
  /** The first clause's speech is made too. */
  withSpeech: boolean;
}

export class Speculation {
  readonly id: number;
  readonly turn: number;
  readonly revision: number;
  /** Of its turn, once adopted. */
  readonly stages: TurnStages;
  readonly #record: (fact: CallFact) => void;
  readonly #answering: Answering;
  readonly #gate = Promise.withResolvers<void>();
  #secret: CallFact[] | undefined = [];

  constructor({ id, turn, text, at, record, revision, begin, withSpeech }: SpeculationOptions) {
    this.id = id;
    this.turn = turn;
    this.revision = revision;
    this.stages = { eagerAt: at };
    this.#record = record;
    record({ type: 'speculation-started', turn, text });
    this.#answering = begin({ stages: this.stages, gate: this.#gate.promise, record: (fact) => this.#note(fact) });
    if (withSpeech) this.#answering.utterance.hold();
  }

  /** It cannot become a reply any more. */
  get failed(): boolean {
    return this.#answering.utterance.failed !== undefined;
  }

  /** The turn is committed with its very words: what was held back happens now. */
  adopt(): Answering {
    const secret = this.#secret ?? [];
    this.#secret = undefined;
    for (const fact of secret) this.#record(fact);
    this.#gate.resolve();
    return this.#answering;
  }

  drop(cause: string): void {
    this.#secret = undefined;
    this.#answering.utterance.stop('superseded');
    this.#record({ type: 'speculation-dropped', turn: this.turn, cause });
  }

  #note(fact: CallFact): void {
    // A provider's failure is one, whether anybody was to hear the answer or not.
    if (this.#secret && fact.type !== 'provider-failed') this.#secret.push(fact);
    else this.#record(fact);
  }
}

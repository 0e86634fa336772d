/** The turn in progress, from its commit to its one `turn-completed`. */
import { type CallFact, type TurnStages, waitOf } from '@tandem/contract';

export class TurnRecord {
  readonly #record: (fact: CallFact) => void;
  #turn: number | undefined;
  #stages: TurnStages = {};
  #heard: string[] = [];

  constructor(record: (fact: CallFact) => void) {
    this.#record = record;
  }

  /** Marks of the open turn; the reply fills them in. */
  get stages(): TurnStages {
    return this.#stages;
  }

  /** A turn that is opened again (its words went on before the answer was heard) starts afresh. */
  open(turn: number, stages: TurnStages): void {
    if (this.#turn !== turn) this.complete(true);
    this.#turn = turn;
    this.#stages = stages;
    this.#heard = [];
  }

  heard(text: string): void {
    if (text !== '') this.#heard.push(text);
  }

  /** Once per turn; a reprompt after it belongs to no turn. Returns which turn that was. */
  complete(interrupted: boolean): number | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    this.#turn = undefined;
    const stages = { ...this.#stages };
    // A filler ends the caller's wait too. Typed and keyed turns have no voice to count from.
    const voiceToVoiceMs = stages.speechEndAt === undefined ? undefined : waitOf(stages);
    this.#record({ type: 'turn-completed', turn, heard: this.#heard.join(' '), interrupted, stages, voiceToVoiceMs });
    this.#stages = {};
    this.#heard = [];
    return turn;
  }
}

/** The turn in progress, from its commit to its one `turn-completed`. */
import { type CallFact, type LineSpan, type TurnStages, waitOf } from '@tandem/contract';
import type { SupportedSentence } from './support.ts';

export class TurnRecord {
  readonly #record: (fact: CallFact) => void;
  readonly #line: () => LineSpan;
  #turn: number | undefined;
  #stages: TurnStages = {};
  #heard: string[] = [];
  #sentences: SupportedSentence[] | undefined;

  /** `line`: what the line was like since it was last asked. */
  constructor(record: (fact: CallFact) => void, line: () => LineSpan) {
    this.#record = record;
    this.#line = line;
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
    this.#sentences = undefined;
  }

  /** `sentences`: the same of an answer, with what they rest on. */
  heard(text: string, sentences?: readonly SupportedSentence[]): void {
    if (text !== '') this.#heard.push(text);
    if (sentences) this.#sentences = [...(this.#sentences ?? []), ...sentences];
  }

  /** Once per turn; a reprompt after it belongs to no turn. Returns which turn that was. */
  complete(interrupted: boolean): number | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    this.#turn = undefined;
    const stages = { ...this.#stages };
    // A filler ends the caller's wait too. Typed and keyed turns have no voice to count from.
    const voiceToVoiceMs = stages.speechEndAt === undefined ? undefined : waitOf(stages);
    const sentences = this.#sentences ? { sentences: this.#sentences } : {};
    const heard = this.#heard.join(' ');
    const line = this.#line();
    this.#record({ type: 'turn-completed', turn, heard, interrupted, stages, voiceToVoiceMs, ...sentences, line });
    this.#stages = {};
    this.#heard = [];
    this.#sentences = undefined;
    return turn;
  }
}

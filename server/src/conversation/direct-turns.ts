/**
 * The caller's turns where the model takes them by itself: a turn is over when the model says so, its words may come after
 * the answer has begun, or never. A turn is recorded as committed when its words are there.
 */
import type { CallFact, TurnStages } from '@tandem/contract';
import type { History } from './history.ts';
import type { TurnSource } from './floor-terms.ts';

/** Turns whose words are still to come; older ones are recorded with what there is. */
const MOST_UNREAD = 4;

/** A stretch of the caller's voice on the call's clock. */
export interface Voiced {
  fromAt: number;
  toAt: number;
}

interface DirectTurn {
  turn: number;
  source: TurnSource;
  rule: string;
  stages: TurnStages;
  voiced: Voiced;
  text: string;
}

export interface DirectTurnsParts {
  history: History;
  record: (fact: CallFact) => void;
  caption: (turn: number, text: string, final: boolean) => void;
  now: () => number;
}

export class DirectTurns {
  readonly #parts: DirectTurnsParts;
  #newest: DirectTurn | undefined;
  #unread: DirectTurn[] = [];
  /** Words of a turn that is not over yet. */
  #early = { text: '', final: false };

  constructor(parts: DirectTurnsParts) {
    this.#parts = parts;
  }

  /** The newest turn; 0 is the greeting. */
  get turn(): number {
    return this.#newest?.turn ?? 0;
  }

  /** What the caller said in the newest turn; undefined while nobody knows. */
  get text(): string | undefined {
    return this.#newest && !this.#unread.includes(this.#newest) ? this.#newest.text : undefined;
  }

  /** The model heard something, `final` or not, in the oldest turn without words or in the one that goes on. */
  said(text: string, final: boolean, voiced: Voiced): void {
    const { record, caption } = this.#parts;
    const [unread] = this.#unread;
    const turn = unread?.turn ?? this.turn + 1;
    const trimmed = text.trim();
    if (!final) {
      if (trimmed === '' || trimmed === (unread ?? this.#early).text) return;
      record({ type: 'transcript-partial', turn, text: trimmed });
      caption(turn, trimmed, false);
    } else if (trimmed !== '') {
      const { fromAt, toAt } = unread?.voiced ?? voiced;
      record({ type: 'transcript-final', turn, text: trimmed, fromAt, toAt });
    }
    if (!unread) {
      this.#early = { text: trimmed, final };
      return;
    }
    unread.text = trimmed;
    if (!final) return;
    this.#unread.shift();
    this.#commit(unread);
  }

  /** A turn of the caller's voice is over, with the words that are known. */
  spoken(rule: string, stages: TurnStages, voiced: Voiced): void {
    const { text, final } = this.#early;
    const turn = this.#begin({ turn: this.turn + 1, source: 'speech', rule, stages, voiced, text });
    if (final) return this.#commit(turn);
    this.#unread.push(turn);
    if (this.#unread.length > MOST_UNREAD) this.#settleOldest();
  }

  /** Words that were typed or keys that were pressed are a turn of their own. */
  written(source: 'typed' | 'digits', rule: string, text: string, stages: TurnStages): void {
    const now = this.#parts.now();
    this.#commit(this.#begin({ turn: this.turn + 1, source, rule, stages, voiced: { fromAt: now, toAt: now }, text }));
  }

  /** No more words come: what there is of every turn is recorded. */
  settle(): void {
    while (this.#unread.length > 0) this.#settleOldest();
  }

  /** The newest turn is another's to commit, words and all. Returns the newest that stays. */
  giveUpNewest(): number {
    const newest = this.#newest;
    this.#unread = this.#unread.filter((turn) => turn !== newest);
    this.settle();
    return Math.max(0, this.turn - 1);
  }

  #begin(turn: DirectTurn): DirectTurn {
    this.#newest = turn;
    this.#early = { text: '', final: false };
    return turn;
  }

  #settleOldest(): void {
    const turn = this.#unread.shift();
    if (turn) this.#commit(turn);
  }

  #commit({ turn, source, rule, stages, text }: DirectTurn): void {
    if (text === '') return;
    const { record, history, caption } = this.#parts;
    history.callerSaid(turn, text);
    record({ type: 'turn-committed', turn, text, source, stages: { ...stages }, rule });
    caption(turn, text, true);
  }
}

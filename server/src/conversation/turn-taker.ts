/**
 * Whoever may take a committed turn before the language model does: a running collection of digits or a date, a message
 * that is being taken. The place where such a conversation of its own is plugged in.
 */
import type { Expectation, TurnSource } from './floor-terms.ts';

export interface CommittedTurn {
  turn: number;
  text: string;
  source: TurnSource;
}

/**
 * What becomes of the turn. `say`: these words are the answer; `expects`: what for. `forModel`: the turn is the model's,
 * with this text in the place of the caller's own words (a value that was collected and confirmed). `shown` stands for
 * the caller's words in history and journal where they are a secret.
 */
export type TakenTurn = ({ say: string; expects?: Expectation } | { forModel: string }) & { shown?: string };

/** Synchronous; must not throw. */
export interface TurnTaker {
  /** Something runs: the next turn is taken, so that no answer to it is begun in secret. */
  readonly active: boolean;
  /** What the caller says or keys now is to be written nowhere. */
  readonly secret?: boolean;
  /**
   * Undefined: the turn is the model's. Asked again with the same `turn` when its words went on before the answer was
   * heard: the longer text stands in the place of the shorter.
   */
  take(turn: CommittedTurn): TakenTurn | undefined;
  /**
   * No language model answers any more. What is said instead of an apology that ends the call ("May I take a message?");
   * the turns after it are then taken. Undefined: nothing can be done.
   */
  lastResort?(turn: CommittedTurn): string | undefined;
}

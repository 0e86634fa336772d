/** What a conversation hands to another that goes on with the same caller on the same leg. */
import type { Frame } from '#audio/frame.ts';
import type { History } from './history.ts';
import type { UsageMeter } from './usage.ts';

/** Where a conversation goes on. */
export interface Continuation {
  /** The greeting was not heard to its end. */
  greet: boolean;
  history: History;
  /** What the call has cost so far. */
  usage: UsageMeter;
  /** The newest turn that is settled, and the newest reply. */
  turn: number;
  epoch: number;
  /** What the caller said and nobody has answered; empty when nothing. */
  pending: string;
}

export interface HandOver extends Continuation {
  /** Gives the sound that nobody has understood yet to whoever goes on. */
  replay: (push: (frame: Frame) => void) => void;
}

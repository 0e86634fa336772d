/** What a load run is told: whom to call over which wire, how many at once, for how long, and what they say. */
import type { Talk } from './talk.ts';
import type { WireName } from './wire.ts';

/** How long each call lasts: uniform between the two; undefined: as long as the run. */
export interface CallLength {
  fromMs: number;
  toMs: number;
}

export interface LoadPlan {
  wire: WireName;
  /** At once. */
  calls: number;
  perSecond: number;
  /** From when the last of the first calls has been answered or refused. */
  durationMs: number;
  /** At the beginning of that time, while nothing counts. */
  warmUpMs: number;
  length: CallLength | undefined;
  talk: Talk;
  /** See caller.ts. */
  answerMs?: number;
  seed: number;
}

/** A stretch of a wait, and how one is cut out of another. */
import type { WaterfallStage } from '@tandem/contract';
import type { CallFacts, EventOf, TurnFacts } from './call-facts.ts';
import type { TimedCause } from './limits.ts';
import type { Usual } from './usual.ts';

export interface Stretch {
  code: TimedCause;
  stage: WaterfallStage | undefined;
  /** On the call's clock. */
  fromAt: number;
  toAt: number;
  /** Of it, what would have passed anyway. */
  expectedMs: number;
  seqs: number[];
  figures: Record<string, number | string>;
}

export interface WaitOf {
  turn: TurnFacts;
  facts: CallFacts;
  usual: Usual;
}

export const lengthOf = ({ fromAt, toAt }: Pick<Stretch, 'fromAt' | 'toAt'>): number => toAt - fromAt;

/** Replaces what overlaps with [from, to] in stretches that `of` picks. */
export function cut(
  stretches: Stretch[],
  from: number,
  to: number,
  piece: Partial<Stretch>,
  of: (stretch: Stretch) => boolean = () => true,
): void {
  for (let i = stretches.length - 1; i >= 0; i--) {
    const whole = stretches[i];
    const [start, end] = [Math.max(from, whole.fromAt), Math.min(to, whole.toAt)];
    if (end <= start || !of(whole)) continue;
    const parts: Stretch[] = [
      { ...whole, toAt: start, expectedMs: Math.min(whole.expectedMs, start - whole.fromAt) },
      { ...whole, fromAt: start, toAt: end, expectedMs: 0, seqs: [], figures: {}, ...piece },
      { ...whole, fromAt: end, expectedMs: Math.max(0, Math.min(whole.expectedMs - (start - whole.fromAt), whole.toAt - end)) },
    ];
    stretches.splice(i, 1, ...parts.filter(({ fromAt, toAt }) => toAt > fromAt));
  }
}

/** It was late and the same one was asked again: late is what it was. Another one's turn is a failure of the first. */
export const onlyLate = ({ message, provider, next }: EventOf<'provider-failed'>): boolean =>
  next === provider && /no answer within/.test(message);

export const failureFigures = ({ stage, provider, category, message, next }: EventOf<'provider-failed'>): Stretch['figures'] => ({
  failedStage: stage,
  provider,
  category,
  message,
  ...(next === undefined ? {} : { next }),
});

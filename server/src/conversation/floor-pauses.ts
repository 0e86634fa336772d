/** Learns how long the caller's pauses are inside a turn, the false cut-offs by the assistant among them. */
import { textOf } from './floor-deadlines.ts';
import type { EventOf, Step } from './floor-step.ts';
import type { PauseHabit } from './floor-terms.ts';
import { endsSentence } from './rules/completeness.ts';

/** Who goes on so soon after the assistant took the turn had not finished. */
const CUT_OFF_MS = 700;
/** Before anything is known of the caller. */
const PRIOR_MS = 300;
const LONGEST_MS = 2_500;
/** Weight of a new pause in the long run; the first ones weigh more. */
const WEIGHT = 0.1;
const CUT_OFF_WEIGHT = 0.5;

/** The voice begins again at `from`: a pause of the caller's, if words follow. Call before the voice is noted. */
export function noteGap(step: Step, from: number): void {
  const { floor, at } = step;
  const ms = from - floor.voicedTo;
  const cutOff = floor.reply?.kind === 'answer' && at - floor.committedAt <= CUT_OFF_MS;
  const paused = floor.state === 'hold' && textOf(floor.words) !== '';
  const closed = endsSentence(cutOff ? floor.committed : textOf(floor.words));
  floor.gap = ms > 0 && ms <= LONGEST_MS && (cutOff || paused) ? { ms, cutOff, closed } : undefined;
}

/** Words came: were they said after the gap, the gap was a pause. */
export function learnPause(step: Step, { at, to, sense }: EventOf<'words'>): void {
  const { floor } = step;
  if (!floor.gap || sense === 'nothing' || sense === 'echo' || (floor.reply && sense === 'backchannel')) return;
  if ((to ?? at) <= floor.voicedFrom) return;
  const { ms, cutOff, closed } = floor.gap;
  if (closed) floor.closedPauses = withPause(floor.closedPauses, ms, cutOff);
  else floor.pauses = withPause(floor.pauses, ms, cutOff);
  floor.gap = undefined;
}

/** The habit after one more pause. A false cut-off only ever raises it. */
export function withPause({ meanMs, seen }: PauseHabit, ms: number, cutOff: boolean): PauseHabit {
  const mean = seen === 0 ? PRIOR_MS : meanMs;
  const weight = cutOff ? CUT_OFF_WEIGHT : Math.max(WEIGHT, 1 / (seen + 2));
  return { meanMs: cutOff && ms <= mean ? mean : mean + weight * (ms - mean), seen: seen + 1 };
}

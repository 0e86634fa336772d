/** The latency waterfall of a turn: where the time went between the caller's last word and the first sound they heard. */
import type { TurnStages } from './call-events.ts';

/**
 * Stages in the order they happen, each ending at its mark.
 *
 * ```
 *  speech end ─line─▶ heard ─endpoint─▶ decided ─transcript─▶ words final ─commit─▶ committed ─retrieval─▶ passages
 *    ─request─▶ model asked ─first-token─▶ ─first-clause─▶ ─first-audio─▶ ─first-packet─▶ audible
 * ```
 */
const MARKS = [
  ['line', 'heardAt'],
  ['endpoint', 'endpointAt'],
  ['transcript', 'finalAt'],
  ['commit', 'committedAt'],
  ['retrieval', 'retrievalAt'],
  ['request', 'requestAt'],
  ['first-token', 'firstTokenAt'],
  ['first-clause', 'firstClauseAt'],
  ['first-audio', 'firstAudioAt'],
  ['first-packet', 'firstPacketAt'],
] as const satisfies readonly (readonly [string, keyof TurnStages])[];

export type WaterfallStage = (typeof MARKS)[number][0] | 'filler';

/** Every stage there is, in order; `filler` ends a gap that a filler ended. */
export const waterfallStages: readonly WaterfallStage[] = [...MARKS.map(([stage]) => stage), 'filler'];

/** A stretch of the caller's wait, in milliseconds from the end of their speech. */
export interface WaterfallPart {
  stage: WaterfallStage;
  fromMs: number;
  toMs: number;
}

/** When the caller's wait began: the end of their speech, or the commit of a turn that was typed or keyed. */
const originOf = (stages: TurnStages): number | undefined => stages.speechEndAt ?? stages.committedAt;

/** When the first sound of the reply left, a filler's counted, from the end of the caller's speech; undefined when none did. */
export function waitOf(stages: TurnStages): number | undefined {
  const origin = originOf(stages);
  const audible = firstAudible(stages);
  return origin === undefined || audible === undefined ? undefined : Math.max(0, audible - origin);
}

function firstAudible({ fillerAt, firstPacketAt }: TurnStages): number | undefined {
  return fillerAt === undefined || firstPacketAt === undefined ? (fillerAt ?? firstPacketAt) : Math.min(fillerAt, firstPacketAt);
}

/**
 * The parts of the wait, without gap or overlap: they begin at 0 and their lengths sum to {@link waitOf}. A stage that
 * was over before the stages ahead of it (an answer begun in secret, words final before the decision) cost nothing and
 * has the length 0; a stage without a mark is left out, and its time belongs to the next one that has a mark. What came
 * after a filler is not waiting any more. Of a turn that brought no sound the parts end at its last mark.
 */
export function waterfallOf(stages: TurnStages): WaterfallPart[] {
  const origin = originOf(stages);
  if (origin === undefined) return [];
  const wait = waitOf(stages);
  const end = wait ?? Infinity;
  const byFiller = stages.fillerAt !== undefined && stages.fillerAt === firstAudible(stages) && stages.fillerAt !== stages.firstPacketAt;
  const parts: WaterfallPart[] = [];
  let reached = 0;
  for (const [stage, mark] of MARKS) {
    const at = stages[mark];
    // The stage that was going on when the filler sounded ends with it, as `filler`.
    if (at === undefined || (byFiller && at - origin > end)) continue;
    const toMs = Math.min(Math.max(reached, at - origin), end);
    parts.push({ stage, fromMs: reached, toMs });
    reached = toMs;
  }
  if (byFiller) parts.push({ stage: 'filler', fromMs: reached, toMs: end });
  return parts;
}

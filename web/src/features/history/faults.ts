/** Which stage of which turn's wait is at fault, for the waterfall. */
import type { TurnCause, TurnFinding, WaterfallStage } from '@tandem/contract';
import { waterfallStages } from '@tandem/contract';

/** What the waterfall marks of a turn: its main cause, and the stage where that one is drawn as a stage. */
export type Fault = { cause: TurnCause; stage: WaterfallStage | undefined };

/** By turn. Only waits are drawn there; of other findings the list above tells. */
export function faultsOf(findings: readonly TurnFinding[]): Map<number, Fault> {
  const faults = new Map<number, Fault>();
  for (const { turn, problem, causes } of findings) {
    const [cause] = causes;
    if (problem !== 'slow' || !cause || faults.has(turn)) continue;
    faults.set(turn, { cause, stage: waterfallStages.find((stage) => stage === cause.stage) });
  }
  return faults;
}

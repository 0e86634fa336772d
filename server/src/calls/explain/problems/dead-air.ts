/** A silence inside an answer. */
import type { TurnFinding } from '@tandem/contract';
import type { EventOf, TurnFacts } from '../call-facts.ts';
import { causesOfWait } from '../causes-of-wait.ts';
import { seconds } from '../durations-in-words.ts';
import { cut, failureFigures, onlyLate, type Stretch } from '../stretch.ts';
import { cutStalls } from '../stretches.ts';
import type { Context, Problem } from './problem.ts';

type Line = EventOf<'speech-played'>;

export const deadAir: Problem = (context) => context.facts.turns.flatMap((turn) => silences(context, turn));

function silences(context: Context, turn: TurnFacts): TurnFinding[] {
  const { facts, usual, limits } = context;
  const lines = turn.played.toSorted((a, b) => a.fromAt - b.fromAt);
  return lines.slice(1).flatMap((line, i) => {
    const before = lines[i];
    const gapMs = line.fromAt - before.toAt;
    if (gapMs <= limits.deadAirMs || !oneReply(context, turn, before, line)) return [];
    return {
      turn: turn.turn,
      problem: 'dead-air' as const,
      atMs: before.toAt,
      gapMs: Math.round(gapMs),
      limitMs: limits.deadAirMs,
      sentence: `In the middle of the answer there was silence for ${seconds(gapMs)}.`,
      causes: causesOfWait({ turn, facts, usual }, stretchesBetween(turn, before, line, lines.slice(i + 1))),
    };
  });
}

/** Both belong to one answer, and nobody but the assistant kept it. */
function oneReply({ facts }: Context, { replies, interruptions, resumptions, stages }: TurnFacts, before: Line, line: Line): boolean {
  // Until the answer itself begins it is a slow answer, not a broken one.
  if (before.filler && stages.firstPacketAt !== undefined && line.fromAt <= stages.firstPacketAt + 40) return false;
  const within = ({ at }: { at: number }) => at > before.fromAt && at <= line.fromAt + 40;
  if (interruptions.some(within) || resumptions.some(within)) return false;
  if (replies.some((reply) => within(reply) && reply.kind !== 'apology')) return false;
  return !facts.voice.some(({ startedAt, endedAt }) => startedAt < line.fromAt && (endedAt ?? line.fromAt) > before.toAt + 100);
}

/** `coming`: `line`, which may be a filler, and those after it. */
function stretchesBetween(turn: TurnFacts, before: Line, line: Line, coming: readonly Line[]): Stretch[] {
  const waited = coming.find(({ filler }) => !filler)?.waited;
  const { textAt, soundAt } = waited ?? { textAt: line.fromAt, soundAt: line.fromAt };
  const marks: [Stretch['code'], number][] = [
    ['model-slow', textAt],
    ['synthesizer-late', soundAt],
    ['machine-late', line.fromAt],
  ];
  const stretches: Stretch[] = [];
  let reached = before.toAt;
  for (const [code, at] of marks) {
    const toAt = Math.min(Math.max(reached, at), line.fromAt);
    if (toAt > reached)
      stretches.push({ code, stage: undefined, fromAt: reached, toAt, expectedMs: 0, seqs: [before.seq, line.seq], figures: {} });
    reached = toAt;
  }
  for (const { called, returned } of turn.tools) {
    const figures = { tool: called.name, ...(returned && { toolMs: Math.round(returned.tookMs), outcome: returned.outcome }) };
    const seqs = [called.seq, ...(returned ? [returned.seq] : [])];
    if (returned)
      cut(stretches, returned.at, textAt, { code: 'model-late', figures: { after: 'tool' } }, ({ code }) => code === 'model-slow');
    cut(stretches, called.at, returned?.at ?? line.fromAt, { code: 'tool-stalled', seqs, figures });
  }
  for (const failure of turn.failures) {
    if (onlyLate(failure)) continue;
    const figures = failureFigures(failure);
    cut(
      stretches,
      before.toAt,
      failure.at,
      { code: 'provider-failed', seqs: [failure.seq], figures },
      ({ code }) => code !== 'tool-stalled',
    );
  }
  cutStalls(stretches, [turn.completed?.line]);
  return stretches;
}

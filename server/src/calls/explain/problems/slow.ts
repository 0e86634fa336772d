/** The caller waited too long: for the first sound, or for the answer itself behind a filler. */
import type { TurnFinding } from '@tandem/contract';
import type { TurnFacts } from '../call-facts.ts';
import { causesOfWait } from '../causes-of-wait.ts';
import { seconds } from '../durations-in-words.ts';
import { stretchesOf, waitFrom } from '../stretches.ts';
import type { Context, Problem } from './problem.ts';

export const slow: Problem = (context) => context.facts.turns.flatMap((turn) => slowTurn(context, turn) ?? []);

function slowTurn({ facts, usual, limits }: Context, turn: TurnFacts): TurnFinding | undefined {
  const fromAt = turn.turn === 0 ? facts.answeredAt : turn.commits.length > 0 ? waitFrom(turn) : undefined;
  if (fromAt === undefined) return undefined;
  const { fillerAt, firstPacketAt } = turn.stages;
  const answerAt = firstPacketAt ?? (turn.turn === 0 ? undefined : unansweredUntil(turn));
  if (answerAt === undefined) return undefined;
  const bridged = fillerAt !== undefined && fillerAt < answerAt;
  const firstMs = (bridged ? fillerAt : answerAt) - fromAt;
  const answerMs = answerAt - fromAt;
  const late = firstMs > limits.firstSoundMs;
  if (!late && !(bridged && answerMs > limits.answerMs)) return undefined;
  const causes = causesOfWait({ turn, facts, usual }, stretchesOf({ turn, facts, usual }, fromAt, answerAt));
  const [gapMs, limitMs] = late ? [firstMs, limits.firstSoundMs] : [answerMs, limits.answerMs];
  return {
    turn: turn.turn,
    problem: 'slow',
    atMs: fromAt,
    gapMs: Math.round(gapMs),
    limitMs,
    sentence: sentenceOf(turn, gapMs, late, bridged ? answerMs : undefined),
    causes,
  };
}

/** Nothing was heard: the wait ended with the caller's next words or the call, unless a re-prompt says that nobody waited. */
const unansweredUntil = ({ completed, endsAt, replies }: TurnFacts): number | undefined =>
  replies.length > 0 ? undefined : (completed?.at ?? endsAt);

function sentenceOf({ turn, stages }: TurnFacts, gapMs: number, late: boolean, answerMs: number | undefined): string {
  if (stages.firstPacketAt === undefined && stages.fillerAt === undefined) return `The caller waited ${seconds(gapMs)} and heard nothing.`;
  if (turn === 0) return `The caller waited ${seconds(gapMs)} for the greeting.`;
  if (answerMs === undefined) return `The caller waited ${seconds(gapMs)} for the first sound of the answer.`;
  return late
    ? `The caller waited ${seconds(gapMs)} for a first sound and ${seconds(answerMs)} for the answer itself.`
    : `The answer came after ${seconds(answerMs)}; a few words bridged a part of it.`;
}

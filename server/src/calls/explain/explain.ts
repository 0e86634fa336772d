/**
 * Why was that bad? Which turns of a call were bad, what was at fault, and what says so: pure rules over its events, with no
 * model and no threshold that is not in the answer. Limits are in `limits.ts`, what each cause is called in `cause-words.ts`.
 *
 * ```
 *  events ─▶ facts by turn ─▶ problems (slow, dead air, cut off, …) ─▶ stretches of the wait ─▶ causes, the largest excess first
 * ```
 */
import type { CallEvent, CallExplanation, ExplanationLimits, TurnFinding } from '@tandem/contract';
import { type CallFacts, factsOf } from './call-facts.ts';
import { LIMITS } from './limits.ts';
import { brokenSound } from './problems/broken-sound.ts';
import { cutOff } from './problems/cut-off.ts';
import { deadAir } from './problems/dead-air.ts';
import { falseInterruption } from './problems/false-interruption.ts';
import type { Problem } from './problems/problem.ts';
import { slow } from './problems/slow.ts';
import { unanswered } from './problems/unanswered.ts';
import { summaryOf } from './summary.ts';
import { usualOf } from './usual.ts';

const problems: readonly Problem[] = [slow, deadAir, cutOff, falseInterruption, unanswered, brokenSound];

/** Of one call, whose events are in order; a call that still goes on is explained as far as it is known. */
export function explainCall(events: readonly CallEvent[], limits: ExplanationLimits = LIMITS): CallExplanation {
  const facts = factsOf(events);
  const context = { facts, usual: usualOf(facts), limits };
  const findings = problems.flatMap((find) => find(context)).sort(inOrder);
  const turns = facts.turns.filter(({ commits }) => commits.length > 0).length;
  const badTurns = new Set(findings.map(({ turn }) => turn)).size;
  return { callId: facts.callId, turns, badTurns, summary: summaryOf(findings, turns, answered(facts)), limits, findings };
}

const answered = ({ answeredAt }: CallFacts): boolean => answeredAt !== undefined;

const inOrder = (a: TurnFinding, b: TurnFinding): number => a.turn - b.turn || a.atMs - b.atMs;

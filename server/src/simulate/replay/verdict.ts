/** What a replay of a whole call came to, for a program and in words. */
import type { CallEvent } from '@tandem/contract';
import type { FloorAction } from '#conversation/floor-terms.ts';
import { type PureCheck, pureChecks } from './checks.ts';
import { type DecisionDifference, type FloorReplay, replayFloor } from './floor-replay.ts';
import type { TimedDecision, PolicyDifference } from './policy-rerun.ts';
import { conversationsOf } from './recorded-conversation.ts';

export interface Verdict {
  callId: string;
  conversations: readonly FloorReplay[];
  checks: readonly PureCheck[];
  /** `same`, `differs`, or `cannot`: nothing in the journal can be replayed, or a part of it is missing. */
  outcome: 'same' | 'differs' | 'cannot';
  /** Why it cannot. */
  why?: string;
}

export function verdictOn(callId: string, events: readonly CallEvent[]): Verdict {
  const recorded = conversationsOf(events);
  const conversations = recorded.filter(({ kind }) => kind === 'ordinary').map((conversation) => replayFloor(conversation));
  const checks = pureChecks(events);
  const differs = conversations.some(({ difference }) => difference) || checks.some(({ faults }) => faults.length > 0);
  const why = reason(recorded.length, conversations);
  // What was replayed and differs is the news, also where the rest is missing.
  const outcome = differs ? 'differs' : why === undefined ? 'same' : 'cannot';
  return { callId, conversations, checks, outcome, ...(why === undefined ? {} : { why }) };
}

function reason(recorded: number, conversations: readonly FloorReplay[]): string | undefined {
  if (recorded === 0) return 'the call was never answered, or is older than the journal of decisions';
  if (conversations.length === 0) return 'a speech-to-speech model took the turns itself: there are no decisions of ours';
  const gap = conversations.find((replay) => replay.gap !== undefined)?.gap;
  if (gap !== undefined) return gap;
  return conversations.every(({ inputs }) => inputs === 0) ? 'nothing was decided in this call' : undefined;
}

export function verdictLines({ callId, conversations, checks, outcome, why }: Verdict): string[] {
  const lines: string[] = [];
  for (const { inputs, hidden, decisions, digest, difference } of conversations) {
    const secret = hidden === 0 ? '' : `, ${hidden} inputs of a secret entry not kept`;
    lines.push(`${difference ? '≠' : '='} ${callId}: ${inputs} inputs, ${decisions} decisions${secret}, digest ${digest}`);
    if (difference) lines.push(...differenceLines(difference));
  }
  for (const { name, checked, faults } of checks) {
    lines.push(
      `${faults.length === 0 ? '=' : '≠'} ${NAMES[name]}: ${checked} checked${faults.length === 0 ? '' : `, ${faults.length} differ`}`,
    );
    lines.push(...faults.slice(0, MOST_FAULTS).map((fault) => `    ${fault}`));
  }
  const end = { same: 'The same decisions.', differs: 'It differs.', cannot: `It cannot be replayed: ${why ?? ''}.` };
  return [...lines, end[outcome]];
}

const MOST_FAULTS = 5;
const NAMES: Record<PureCheck['name'], string> = {
  order: 'events in order',
  waterfall: 'waterfalls sum up',
  heard: 'turns hold what was heard',
  committed: 'turns hold what was decided',
  claims: 'withheld claims',
};

export function differenceLines({ input, told, state, turn, expected, came, note }: DecisionDifference): string[] {
  return [
    `    first difference: input ${input} at ${seconds(told.at)}, turn ${turn}, while the floor was in "${state}"`,
    `    told:     ${JSON.stringify(told)}`,
    ...(expected.length === 0 && came.length === 0 ? [] : [`    expected: ${actionsText(expected)}`, `    came:     ${actionsText(came)}`]),
    ...(note === undefined ? [] : [`    ${note}`]),
  ];
}

export function policyLines(change: PolicyDifference | undefined): string[] {
  if (!change) return ['= Under this policy every decision is the same.'];
  return [
    `≠ ${change.same} decisions are the same, then turn ${change.turn} goes another way:`,
    `    before: ${decisionText(change.before)}`,
    `    now:    ${decisionText(change.after)}`,
  ];
}

const decisionText = (decision: TimedDecision | undefined): string =>
  decision ? `${seconds(decision.at)} ${actionsText([decision.action])}` : 'nothing more';

function actionsText(actions: readonly FloorAction[]): string {
  if (actions.length === 0) return 'nothing';
  return actions.map(({ type, ...rest }) => `${type} ${JSON.stringify(rest)}`).join(', then ');
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

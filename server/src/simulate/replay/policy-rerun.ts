/**
 * What another policy would have done to a recorded call: the inputs that came from outside are told again, the timers are
 * the floor's own. Holds up to the first decision that differs; what people and models would have done after it nobody
 * recorded.
 */
import { canonicalJson } from '#conversation/decision-digest.ts';
import type { Floor, FloorAction, FloorEvent } from '#conversation/floor-terms.ts';
import { emptyFloor, takeFloor } from '#conversation/floor.ts';
import type { ConversationPolicy } from '#conversation/plan.ts';
import type { RecordedConversation } from './recorded-conversation.ts';

export interface TimedDecision {
  /** Milliseconds on the call's clock. */
  at: number;
  turn: number;
  state: Floor['state'];
  action: FloorAction;
}

export interface PolicyDifference {
  /** Decisions that are the same before it. */
  same: number;
  /** Of the first decision that is not; undefined where one side decided nothing more. */
  before: TimedDecision | undefined;
  after: TimedDecision | undefined;
  /** The turn that it changes: the first one to be held anew. */
  turn: number;
}

/** Times are whole tenths of a millisecond; less is rounding. */
const SAME_MS = 0.5;
/** Rings of one timer without anything from outside: more than any call has. */
const MOST_RINGS = 10_000;

/** Undefined: the call would have gone the same way. */
export function firstChange(conversation: RecordedConversation, changes: Partial<ConversationPolicy>): PolicyDifference | undefined {
  const before = decisionsUnder(conversation, conversation.policy);
  const after = decisionsUnder(conversation, { ...conversation.policy, ...changes });
  for (let i = 0; i < Math.max(before.length, after.length); i++) {
    const [one, other] = [before.at(i), after.at(i)];
    if (one && other && Math.abs(one.at - other.at) < SAME_MS && canonicalJson(one.action) === canonicalJson(other.action)) continue;
    return { same: i, before: one, after: other, turn: turnOf(one, other) };
  }
  return undefined;
}

/** Every decision but the timers, with the timers rung by the floor's own wish. */
export function decisionsUnder(conversation: RecordedConversation, policy: ConversationPolicy): TimedDecision[] {
  const now = { ...policy };
  const taken: TimedDecision[] = [];
  let floor = emptyFloor;
  let rings = 0;
  const tell = (event: FloorEvent) => {
    const [next, actions] = takeFloor(floor, event, now);
    floor = next;
    for (const action of actions) {
      if (action.type === 'wake') continue;
      const { state, turn } = floor;
      taken.push({ at: event.at, turn, state, action });
    }
  };
  const ringUntil = (at: number) => {
    while (floor.wakeAt !== undefined && floor.wakeAt < at && rings++ < MOST_RINGS) {
      tell({ type: 'woke', at: floor.wakeAt, id: floor.wakeId });
    }
  };
  for (const { inputs, hidden } of conversation.batches) {
    if (hidden) floor = hidden.floor;
    for (const input of inputs) {
      if (input.type === 'woke') continue;
      if (input.type === 'policy-changed') {
        now.transcriberEndsTurns = input.transcriberEndsTurns;
        continue;
      }
      ringUntil(input.at);
      tell(input);
    }
  }
  return taken;
}

function turnOf(before: TimedDecision | undefined, after: TimedDecision | undefined): number {
  const turns = [before, after].flatMap((decision) => {
    if (!decision) return [];
    return 'turn' in decision.action ? [decision.action.turn] : [decision.turn];
  });
  return Math.min(...turns);
}

/** The conversations of a journalled call: under which policy each was held, and everything its floor was told and decided. */
import type { CallEvent } from '@tandem/contract';
import type { Decision, DecisionInput } from '#conversation/decision-record.ts';
import type { Floor } from '#conversation/floor-terms.ts';
import type { ConversationPolicy, SettledPlan } from '#conversation/plan.ts';

type EventOf<T extends CallEvent['type']> = Extract<CallEvent, { type: T }>;

/** One `decisions-taken`. */
export interface DecisionBatch {
  seq: number;
  from: number;
  inputs: readonly DecisionInput[];
  decisions: readonly Decision[];
  digest: string;
  /** Inputs that were not kept because they held a secret, and the floor after them. */
  hidden: { count: number; floor: Floor } | undefined;
}

export interface RecordedConversation {
  seq: number;
  kind: 'ordinary' | 'direct';
  policy: ConversationPolicy;
  plan: Omit<SettledPlan, 'policy' | 'phrases'>;
  models: EventOf<'conversation-began'>['models'];
  batches: readonly DecisionBatch[];
}

/** A call has more than one where one kind of assistant took over from another. */
export function conversationsOf(events: readonly CallEvent[]): RecordedConversation[] {
  const conversations: (RecordedConversation & { batches: DecisionBatch[] })[] = [];
  for (const event of events) {
    if (event.type === 'conversation-began') conversations.push({ ...beginning(event), batches: [] });
    else if (event.type === 'decisions-taken') conversations.at(-1)?.batches.push(batchOf(event));
  }
  return conversations;
}

// What the journal holds was written by `DecisionRecord`; the contract only knows its outline.
function beginning({ seq, kind, policy, plan, models }: EventOf<'conversation-began'>): Omit<RecordedConversation, 'batches'> {
  return {
    seq,
    kind,
    policy: policy as unknown as ConversationPolicy,
    plan: plan as unknown as RecordedConversation['plan'],
    models,
  };
}

function batchOf({ seq, from, inputs, decisions, digest, hidden }: EventOf<'decisions-taken'>): DecisionBatch {
  return {
    seq,
    from,
    inputs: inputs as unknown as DecisionInput[],
    decisions: decisions as unknown as Decision[],
    digest,
    hidden: hidden && { count: hidden.count, floor: floorOf(hidden.floor) },
  };
}

/** JSON leaves out what is undefined; the floor's own comparisons do not mind. */
const floorOf = (floor: Record<string, unknown>): Floor => floor as unknown as Floor;

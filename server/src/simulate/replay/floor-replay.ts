/**
 * Takes the decisions of a conversation again: the journalled inputs through today's `takeFloor` under the journalled
 * policy. Equal digests mean equal decisions, timers included; else the first input whose decisions differ is named.
 */
import type { Decision, DecisionInput } from '#conversation/decision-record.ts';
import { canonicalJson, nextDigest } from '#conversation/decision-digest.ts';
import { EARLY_MS } from '#conversation/floor-deadlines.ts';
import type { Floor, FloorAction, FloorEvent } from '#conversation/floor-terms.ts';
import { emptyFloor, takeFloor } from '#conversation/floor.ts';
import type { ConversationPolicy } from '#conversation/plan.ts';
import type { DecisionBatch, RecordedConversation } from './recorded-conversation.ts';

/** Where a replay leaves what was recorded. */
export interface DecisionDifference {
  /** Number of the input in its conversation. */
  input: number;
  told: DecisionInput;
  /** Of the floor when it was told. */
  state: Floor['state'];
  turn: number;
  expected: readonly FloorAction[];
  came: readonly FloorAction[];
  /** In words, where the actions do not say it: a timer that would fall otherwise. */
  note?: string;
}

export interface FloorReplay {
  /** Inputs that were taken again, and those that hold a secret and were not kept. */
  inputs: number;
  hidden: number;
  decisions: number;
  /** Of the replay. */
  digest: string;
  /** As recorded. */
  recorded: string;
  difference: DecisionDifference | undefined;
  /** Why it could not be replayed to its end: inputs are missing. */
  gap: string | undefined;
}

/** One input, what was known when it came, and what it led to. */
export interface FloorStep {
  number: number;
  input: DecisionInput;
  before: Floor;
  after: Floor;
  actions: readonly FloorAction[];
}

interface Run {
  floor: Floor;
  policy: ConversationPolicy;
  digest: string;
  next: number;
}

/** `onStep` sees every input that was kept, in order. */
export function replayFloor(conversation: RecordedConversation, onStep: (step: FloorStep) => void = () => {}): FloorReplay {
  const run: Run = { floor: emptyFloor, policy: { ...conversation.policy }, digest: '', next: 0 };
  const replay: FloorReplay = {
    inputs: 0,
    hidden: 0,
    decisions: 0,
    digest: '',
    recorded: conversation.batches.at(-1)?.digest ?? '',
    difference: undefined,
    gap: undefined,
  };
  for (const batch of conversation.batches) {
    if (batch.from !== run.next) {
      replay.gap = `inputs ${run.next} to ${batch.from - 1} are missing`;
      break;
    }
    replay.difference = takeBatch(run, batch, replay, onStep);
    if (replay.difference) break;
  }
  replay.digest = run.digest;
  return replay;
}

function takeBatch(run: Run, batch: DecisionBatch, replay: FloorReplay, onStep: (step: FloorStep) => void): DecisionDifference | undefined {
  if (batch.hidden) return goOnAfter(run, batch, batch.hidden, replay);
  const taken: Decision[] = [];
  let timer: DecisionDifference | undefined;
  for (const [index, input] of batch.inputs.entries()) {
    const number = batch.from + index;
    const { floor: before } = run;
    timer ??= wokeOtherwise(before, input, number);
    const actions = take(run, input);
    for (const action of actions) taken.push({ input: number, action });
    onStep({ number, input, before, after: run.floor, actions });
    const expected = batch.decisions.filter((decision) => decision.input === number).map(({ action }) => action);
    const came = actions.filter(({ type }) => type !== 'wake');
    if (canonicalJson(expected) !== canonicalJson(came)) {
      run.digest = nextDigest(run.digest, taken);
      const { state, turn } = before;
      return { input: number, told: input, state, turn, expected, came, ...(timer ? { note: timer.note } : {}) };
    }
    replay.inputs++;
    replay.decisions += came.length;
  }
  run.next += batch.inputs.length;
  run.digest = nextDigest(run.digest, taken);
  if (run.digest === batch.digest) return undefined;
  const last = batch.inputs.at(-1);
  return timer ?? (last && timersDiffer(run.floor, last, run.next - 1));
}

function take(run: Run, input: DecisionInput): FloorAction[] {
  if (input.type === 'policy-changed') {
    run.policy.transcriberEndsTurns = input.transcriberEndsTurns;
    return [];
  }
  const [floor, actions] = takeFloor(run.floor, renumbered(input, run.floor), run.policy);
  run.floor = floor;
  return actions;
}

/** A timer that is due rings, whatever number it had: after a first difference the numbers differ and mean nothing. */
function renumbered(input: FloorEvent, { wakeId, wakeAt }: Floor): FloorEvent {
  if (input.type !== 'woke' || input.id === wakeId || wakeAt === undefined || input.at < wakeAt - EARLY_MS) return input;
  return { ...input, id: wakeId };
}

/** What was said in a secret entry is not known: the replay goes on from the floor that was kept. */
function goOnAfter(run: Run, batch: DecisionBatch, hidden: { count: number; floor: Floor }, replay: FloorReplay) {
  const { floor, count } = hidden;
  run.digest = nextDigest(run.digest, floor);
  run.floor = floor;
  run.next += count;
  replay.hidden += count;
  if (run.digest === batch.digest) return undefined;
  return timersDiffer(floor, { type: 'closed', at: floor.since }, run.next - 1, 'the floor that was kept after a secret entry was changed');
}

/** A timer rang that would not have rung, or not yet. */
function wokeOtherwise(floor: Floor, input: DecisionInput, number: number): DecisionDifference | undefined {
  if (input.type !== 'woke' || floor.state === 'closed') return undefined;
  const { wakeAt, wakeId } = floor;
  if (input.id === wakeId && wakeAt !== undefined && input.at >= wakeAt - EARLY_MS) return undefined;
  const due = wakeAt === undefined ? 'no timer is set' : `the timer is set for ${Math.round(wakeAt)} ms`;
  return timersDiffer(floor, input, number, `it rang at ${Math.round(input.at)} ms; by the rules of today ${due}`);
}

function timersDiffer(floor: Floor, told: DecisionInput, input: number, note?: string): DecisionDifference {
  const { state, turn } = floor;
  return { input, told, state, turn, expected: [], came: [], note: note ?? 'a timer that did not ring was set to another time' };
}

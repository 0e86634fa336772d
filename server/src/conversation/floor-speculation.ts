/**
 * Answers begun in secret, before the caller's turn is committed. At most one is alive: each `speculate` is followed by
 * exactly one `forget`, or by the commit that adopts it, or by the end of the conversation.
 *
 * ```
 *            stable words, eager end of turn            committed with the same words
 *   nothing ───────────────────────────────▶ alive ───────────────────────────────────▶ adopted by the reply
 *      ▲                                       │ other words, the turn resumed, the voice goes on past a cough,
 *      └───────────────────────────────────────┘ keys, another state
 * ```
 */
import { EARLY_MS, forgetAt, maySpeculate, speculateAt, textOf } from './floor-deadlines.ts';
import type { Step } from './floor-step.ts';
import { sameSpelling } from './rules/words.ts';

/** After every event: drops what no longer holds, begins what is due. */
export function tendSpeculation(step: Step): void {
  const { floor, policy, at } = step;
  if (floor.speculation) {
    const lateAt = forgetAt(floor, policy);
    if (floor.state === 'closed') floor.speculation = undefined;
    else if (floor.state !== 'speech' && floor.state !== 'hold') forget(step, floor.state);
    else if (!sameSpelling(floor.speculation.text, textOf(floor.words))) forget(step, 'words');
    else if (lateAt !== undefined && lateAt <= at + EARLY_MS) forget(step, 'voice');
  }
  const dueAt = speculateAt(floor, policy);
  if (dueAt !== undefined && dueAt <= at + EARLY_MS) begin(step);
}

/** The transcriber takes the caller to be probably finished, perhaps before the voice is seen to end. */
export function eagerEnd(step: Step): void {
  const { floor, policy, at } = step;
  if (floor.state !== 'speech' && floor.state !== 'hold') return;
  floor.eagerAt = at;
  floor.foretells = true;
  if (maySpeculate(floor, policy)) begin(step);
}

export function turnResumed(step: Step): void {
  const { floor, at } = step;
  if (floor.state !== 'speech' && floor.state !== 'hold') return;
  floor.eagerAt = undefined;
  floor.resumedAt = at;
  if (floor.speculation) forget(step, 'resumed');
}

/** The turn is committed with `text`: the id of the answer that fits, which is now the reply's. Any other is forgotten. */
export function adoptFor(step: Step, text: string): number | undefined {
  const { speculation } = step.floor;
  if (!speculation) return undefined;
  if (!sameSpelling(speculation.text, text)) {
    forget(step, 'words');
    return undefined;
  }
  step.floor.speculation = undefined;
  return speculation.id;
}

function begin(step: Step): void {
  const { floor, at } = step;
  const text = textOf(floor.words);
  floor.speculationId++;
  floor.speculations++;
  floor.speculation = { id: floor.speculationId, text, at };
  step.actions.push({ type: 'speculate', id: floor.speculationId, turn: floor.merging ? floor.turn : floor.turn + 1, text });
}

function forget(step: Step, cause: string): void {
  const { floor } = step;
  if (!floor.speculation) return;
  step.actions.push({ type: 'forget', id: floor.speculation.id, cause });
  floor.speculation = undefined;
}

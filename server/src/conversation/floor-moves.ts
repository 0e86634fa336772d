/** The moves of the floor: each changes a step in the making and says what is to be done about it. */
import type { Ending } from '@tandem/contract';
import { textOf } from './floor-deadlines.ts';
import { adoptFor } from './floor-speculation.ts';
import type { EventOf, Step } from './floor-step.ts';
import type { CallerWords, FloorState, Protection, ReplyKind, StockLine, TurnSource } from './floor-terms.ts';

export const noWords: CallerWords = {
  finals: [],
  partial: '',
  digits: '',
  finalTo: -1,
  finalAt: undefined,
  changedAt: 0,
  wordless: false,
};

export const byAssistant = (reason: Ending['reason']): Ending => ({ by: 'assistant', reason });

/** The one place where the state changes. */
export function enter(step: Step, state: FloorState): void {
  step.floor.state = state;
  step.floor.since = step.at;
}

/** A new reply, with an epoch of its own. */
export function say(
  step: Step,
  kind: ReplyKind,
  how: { protection?: Protection; ending?: Ending; line?: StockLine; round?: number; adopt?: number },
): void {
  const { floor } = step;
  floor.epoch++;
  floor.merging = false;
  floor.reply = { kind, protection: how.protection ?? 'open', ending: how.ending, audibleAt: undefined };
  const { line, round = 0, adopt } = how;
  step.actions.push({ type: 'reply', epoch: floor.epoch, turn: floor.turn, kind, line, round, adopt });
  enter(step, 'think');
}

/** The caller's turn is complete. The words stay until the answer is heard, in case they go on. */
export function commit(step: Step, source: TurnSource, rule: string): void {
  const { floor, at } = step;
  const text = textOf(floor.words);
  const adopt = adoptFor(step, text);
  const speculation = adopt === undefined ? (floor.speculations > 0 ? 'missed' : 'none') : 'adopted';
  if (!floor.merging) floor.turn++;
  floor.owed = source === 'speech' && (floor.words.partial !== '' || floor.words.finalTo < floor.voicedFrom);
  floor.committed = text;
  floor.committedFinals = floor.words.finals;
  floor.committedAt = at;
  floor.reprompts = 0;
  floor.missed = 0;
  const speechEndAt = source === 'speech' ? floor.voicedTo : undefined;
  const marks = { speechEndAt, endpointAt: at, finalAt: floor.words.finalAt, committedAt: at };
  step.actions.push({ type: 'commit', turn: floor.turn, text, source, marks, rule, speculation });
  floor.eagerAt = undefined;
  floor.resumedAt = undefined;
  floor.turnOver = undefined;
  say(step, 'answer', { adopt });
}

/** Takes back a reply of which nothing was heard; the words it answered stay. */
export function withdraw(step: Step): void {
  const { floor } = step;
  step.actions.push({ type: 'withdraw', epoch: floor.epoch });
  floor.merging = floor.reply?.kind === 'answer';
  // Its words are open again: a final that was owed simply joins them.
  if (floor.merging) floor.owed = false;
  floor.reply = undefined;
  floor.epoch++;
}

export function interrupt(step: Step, cause: string): void {
  const { floor } = step;
  step.actions.push({ type: 'interrupt', epoch: floor.epoch, cause });
  floor.reply = undefined;
  floor.epoch++;
  dropAside(step);
}

export function pause(step: Step): void {
  step.actions.push({ type: 'pause' });
  enter(step, 'paused');
}

export function resume(step: Step, from: 'clause' | 'here'): void {
  step.floor.words = noWords;
  step.floor.aside = false;
  step.actions.push({ type: 'resume', from }, { type: 'unduck' });
  enter(step, 'speak');
}

/** Undoes the ducking: quiet again before it was long enough, or only a backchannel. */
export function goOn(step: Step): void {
  step.actions.push({ type: 'unduck' });
  enter(step, 'speak');
}

/** Words came: the caller is speaking, or was until `to`. */
export function enterCallersTurn(step: Step, from: number | undefined, to: number | undefined): void {
  const { floor, at } = step;
  if (floor.voiced) return enter(step, 'speech');
  floor.voicedFrom = Math.min(at, from ?? at);
  floor.voicedTo = Math.min(at, to ?? at);
  enter(step, 'hold');
}

/** The assistant has nothing more to say: whose turn is it? */
export function reopen(step: Step): void {
  const { floor } = step;
  floor.reply = undefined;
  if (floor.deaf) return apologise(step);
  if (floor.voiced) return enter(step, 'speech');
  if (textOf(floor.words) === '') return enter(step, 'listen');
  enter(step, 'hold');
}

/** Goes on where another conversation ended: what the caller said to it is committed as soon as they have been told to wait. */
export function takeOver(step: Step, { turn, epoch, text }: EventOf<'taken-over'>): void {
  const { floor, at } = step;
  floor.turn = turn;
  floor.epoch = epoch;
  floor.quietSince = at;
  if (text === '') return reopen(step);
  floor.words = { ...noWords, finals: [text], finalTo: at, finalAt: at, changedAt: at };
  floor.voicedFrom = at;
  floor.voicedTo = at;
  say(step, 'reprompt', { line: 'moment' });
}

/** The last reply of a call that cannot go on. */
export function apologise(step: Step): void {
  step.floor.words = noWords;
  say(step, 'apology', { protection: 'last', ending: byAssistant('model-failed') });
}

export function end(step: Step, ending: Ending): void {
  step.floor.reply = undefined;
  step.actions.push({ type: 'end', ending });
  enter(step, 'closed');
}

/** A backchannel is no part of what the caller says after it. */
export function dropAside({ floor }: Step): void {
  if (floor.aside) floor.words = noWords;
  floor.aside = false;
}

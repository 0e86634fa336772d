/**
 * The floor: who may speak now. A pure state machine; time comes in as `at`, timers go out as `wake`.
 *
 * ```
 *            voice, words                quiet for minDelay
 *   listen ───────────────▶ speech ─▶ hold ───────────────▶ think ──first sound──▶ speak ──heard──▶ listen | farewell
 *     ▲  │ idle: reprompt ──────────────│──────────────────▶ ▲  │                   │  ▲
 *     │  └─ digit ─▶ digits ────────────│── '#', pause ──────┘  │ voice: withdraw,  │  │ voice over before bargeInMs
 *     │                   ▲             │ no words: reprompt    │ merge the words   ▼  │ or only a backchannel
 *     │                   │             ▼                       ▼                 overlap (ducked)
 *     └───────────────────┼────────── listen                 speech                 │ bargeInMs of voice
 *                         │                                                         ▼
 *                         └── digits, typed text: from any state ◀── words ───── paused ──quiet, no words──▶ speak (resume)
 * ```
 *
 * Every state but `closed` has a deadline ({@link deadlineOf}), so nothing that fails to arrive can stall a call. How
 * long `hold` lasts is up to the endpointing rules. Meanwhile the answer to the words so far is begun in secret
 * (`speculate`), and forgotten or, when the turn is committed with these very words, adopted.
 */
import { deadlineOf, EARLY_MS, endpointOf, greetingGuardEnd, stuckAt, textOf } from './floor-deadlines.ts';
import type { Ending } from '@tandem/contract';
import {
  apologise,
  byAssistant,
  commit,
  end,
  enter,
  goOn,
  interrupt,
  noWords,
  pause,
  reopen,
  resume,
  say,
  takeOver,
  withdraw,
} from './floor-moves.ts';
import { noteGap } from './floor-pauses.ts';
import { eagerEnd, tendSpeculation, turnResumed } from './floor-speculation.ts';
import type { EventOf, Step } from './floor-step.ts';
import type { Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import { endOfTurn, wordsCame } from './floor-words.ts';
import type { ConversationPolicy } from './plan.ts';

/** Before the leg is answered: waits for `opened`. */
export const emptyFloor: Floor = {
  state: 'listen',
  since: 0,
  epoch: 0,
  turn: 0,
  merging: false,
  reply: undefined,
  words: noWords,
  aside: false,
  committed: '',
  committedFinals: [],
  committedAt: 0,
  owed: false,
  voiced: false,
  voicedFrom: 0,
  voicedTo: 0,
  sustained: false,
  quietSince: 0,
  reprompts: 0,
  missed: 0,
  deaf: false,
  expecting: 'free',
  eagerAt: undefined,
  turnOver: undefined,
  foretells: false,
  speculation: undefined,
  speculationId: 0,
  speculations: 0,
  resumedAt: undefined,
  pauses: { meanMs: 0, seen: 0 },
  closedPauses: { meanMs: 0, seen: 0 },
  gap: undefined,
  punctuates: false,
  wakeId: 0,
  wakeAt: undefined,
};

/** One event in, the next floor and what is to be done about it out. Events after `closed` change nothing. */
export function takeFloor(floor: Floor, event: FloorEvent, policy: ConversationPolicy): [Floor, FloorAction[]] {
  if (floor.state === 'closed') return [floor, []];
  if (event.type === 'woke' && event.id !== floor.wakeId) return [floor, []];
  if ('epoch' in event && event.type !== 'taken-over' && event.epoch !== floor.epoch) return [floor, []];
  const step: Step = { floor: { ...floor }, actions: [], policy, at: event.at };
  take(step, event);
  tendSpeculation(step);
  rearm(step, event.type === 'woke');
  return [step.floor, step.actions];
}

function take(step: Step, event: FloorEvent): void {
  switch (event.type) {
    case 'opened':
      return say(step, 'greeting', { protection: event.greetingProtected ? 'notice' : 'open' });
    case 'taken-over':
      return takeOver(step, event);
    case 'speech-started':
      return speechStarted(step, event);
    case 'speech-sustained':
      return speechSustained(step);
    case 'speech-ended':
      return speechEnded(step, event);
    case 'words':
      return wordsCame(step, event);
    case 'end-of-turn':
      return endOfTurn(step, event.to);
    case 'eager-end-of-turn':
      return eagerEnd(step);
    case 'turn-resumed':
      return turnResumed(step);
    case 'turn-judged':
      return turnJudged(step, event);
    case 'expects':
      step.floor.expecting = event.what;
      return;
    case 'digit':
      return digitCame(step, event.digit);
    case 'typed':
      return typedCame(step, event.text);
    case 'reply-audible':
      return replyAudible(step);
    case 'reply-finished':
      return replyFinished(step, event.goodbye ? byAssistant('goodbye') : undefined);
    case 'reply-failed':
      return replyFailed(step);
    case 'deaf':
      return wentDeaf(step);
    case 'woke':
      return woke(step);
    case 'closed':
      return enter(step, 'closed');
  }
}

function rearm(step: Step, fired: boolean): void {
  const { floor, policy, actions } = step;
  const atMs = deadlineOf(floor, policy);
  if (atMs === floor.wakeAt && !fired) return;
  floor.wakeAt = atMs;
  floor.wakeId++;
  if (atMs !== undefined) actions.push({ type: 'wake', id: floor.wakeId, atMs });
}

function speechStarted(step: Step, event: EventOf<'speech-started'>): void {
  const { floor } = step;
  noteGap(step, event.from);
  floor.turnOver = undefined;
  floor.voiced = true;
  floor.sustained = false;
  floor.voicedFrom = event.from;
  floor.words = { ...floor.words, wordless: false };
  switch (floor.state) {
    case 'listen':
    case 'hold':
      return enter(step, 'speech');
    case 'farewell':
      if (floor.reply?.protection !== 'last') reopen(step);
      return;
    case 'think':
      // A caller who says "hello?" while the greeting is on its way still wants the greeting.
      if (floor.reply?.kind === 'greeting' || floor.reply?.protection !== 'open') return;
      withdraw(step);
      return enter(step, 'speech');
    case 'speak':
      if (floor.reply?.protection !== 'open') return;
      step.actions.push({ type: 'duck' });
      return enter(step, 'overlap');
    default:
  }
}

function speechSustained(step: Step): void {
  const { floor } = step;
  if (!floor.voiced) return;
  floor.sustained = true;
  if (floor.state === 'overlap' && step.at >= greetingGuardEnd(floor, step.policy)) pause(step);
}

function speechEnded(step: Step, event: EventOf<'speech-ended'>): void {
  const { floor } = step;
  if (!floor.voiced) return;
  floor.voiced = false;
  floor.sustained = false;
  floor.voicedTo = event.to;
  if (floor.state === 'speech') enter(step, 'hold');
  else if (floor.state === 'overlap') goOn(step);
}

/** A judgement about an earlier silence than the present one says nothing. */
function turnJudged(step: Step, event: EventOf<'turn-judged'>): void {
  const { floor } = step;
  if (floor.state === 'hold' && !floor.voiced && event.to === floor.voicedTo) floor.turnOver = event.probability;
}

function digitCame(step: Step, digit: string): void {
  const { floor } = step;
  if (floor.reply?.protection === 'last') return;
  yieldFloor(step, 'digits');
  if (digit !== '#' || floor.words.digits === '') {
    floor.words = { ...floor.words, digits: floor.words.digits + digit, changedAt: step.at };
    if (digit !== '#') return enter(step, 'digits');
  }
  commit(step, 'digits', 'hash');
}

function typedCame(step: Step, text: string): void {
  const { floor } = step;
  if (floor.reply?.protection === 'last' || text.trim() === '') return;
  yieldFloor(step, 'typed');
  const before = floor.words.partial === '' ? floor.words.finals : [...floor.words.finals, floor.words.partial];
  floor.words = { ...floor.words, finals: [...before, text.trim()], partial: '', finalAt: step.at, changedAt: step.at };
  commit(step, 'typed', 'typed');
}

/** Stops the assistant, whatever it is doing. */
function yieldFloor(step: Step, cause: string): void {
  const { floor } = step;
  if (floor.state === 'think') withdraw(step);
  else if (floor.reply && floor.state !== 'farewell') interrupt(step, cause);
  floor.reply = undefined;
}

function replyAudible(step: Step): void {
  const { floor, at } = step;
  if (floor.state !== 'think' || !floor.reply) return;
  floor.reply = { ...floor.reply, audibleAt: at };
  if (floor.reply.kind === 'answer') {
    // Kept until now, so that words that go on before the answer is heard are joined to them.
    floor.words = noWords;
    floor.speculations = 0;
  }
  enter(step, 'speak');
}

function replyFinished(step: Step, asked: Ending | undefined): void {
  const { floor, at, policy } = step;
  const ending = asked ?? floor.reply?.ending;
  floor.quietSince = at;
  const answered = floor.reply?.kind === 'answer' && floor.state === 'think';
  if (answered) {
    floor.words = noWords;
    floor.speculations = 0;
  }
  if (floor.aside && floor.words.changedAt < at - policy.asideMs) floor.words = noWords;
  floor.aside = false;
  // A caller who speaks over the goodbye has something more to say.
  const taken = floor.voiced && (floor.state === 'overlap' || floor.state === 'paused');
  if (ending && !taken) {
    floor.reply = { kind: 'goodbye', protection: floor.reply?.protection ?? 'open', ending, audibleAt: floor.reply?.audibleAt };
    return enter(step, 'farewell');
  }
  reopen(step);
}

function replyFailed(step: Step): void {
  const { floor } = step;
  if (floor.reply?.protection === 'last') return end(step, byAssistant('model-failed'));
  floor.reply = undefined;
  apologise(step);
}

function wentDeaf(step: Step): void {
  const { floor } = step;
  floor.deaf = true;
  if (floor.state === 'listen' || floor.state === 'speech' || floor.state === 'hold') apologise(step);
}

function woke(step: Step): void {
  const { floor } = step;
  const hasWords = textOf(floor.words) !== '';
  switch (floor.state) {
    case 'listen':
      return reprompt(step);
    case 'speech':
      if (step.at + EARLY_MS < stuckAt(floor, step.policy)) return;
      // A voice that never ends is a noisy line; words in it count, the rest does not.
      floor.voicedTo = Math.max(floor.voicedFrom, floor.words.changedAt);
      if (hasWords) return commit(step, 'speech', 'stuck-voice');
      return enter(step, 'listen');
    case 'hold': {
      const endpoint = endpointOf(floor, step.policy);
      if (step.at + EARLY_MS < endpoint.atMs) return;
      if (hasWords) return commit(step, 'speech', endpoint.rule);
      return missed(step);
    }
    case 'digits':
      return commit(step, 'digits', 'inter-digit');
    case 'think': {
      const last = floor.reply?.protection === 'last';
      withdraw(step);
      return last ? end(step, byAssistant('model-failed')) : apologise(step);
    }
    case 'speak':
      interrupt(step, 'deadline');
      floor.quietSince = step.at;
      return reopen(step);
    case 'overlap':
      return floor.sustained && floor.voiced ? pause(step) : goOn(step);
    case 'paused':
      if (!floor.voiced) return resume(step, 'clause');
      interrupt(step, 'speech');
      return enter(step, 'speech');
    case 'farewell':
      return end(step, floor.reply?.ending ?? byAssistant('goodbye'));
    case 'closed':
  }
}

function reprompt(step: Step): void {
  const { floor, policy } = step;
  if (floor.reprompts >= policy.reprompts) return say(step, 'goodbye', { ending: byAssistant('idle') });
  const round = floor.reprompts;
  floor.reprompts++;
  say(step, 'reprompt', { line: 'idle', round });
}

/** Somebody spoke and no words came. */
function missed(step: Step): void {
  const { floor, policy } = step;
  floor.words = noWords;
  const noise = floor.voicedTo - floor.voicedFrom < policy.noiseMs;
  if (noise || floor.missed >= policy.missedMax) {
    if (!noise) floor.quietSince = step.at;
    return enter(step, 'listen');
  }
  const round = floor.missed;
  floor.missed++;
  say(step, 'reprompt', { line: 'missed', round });
}

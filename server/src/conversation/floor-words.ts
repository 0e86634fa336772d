/** What words of the caller do to the floor, state by state. */
import { greetingGuardEnd, textOf } from './floor-deadlines.ts';
import { commit, dropAside, enterCallersTurn, goOn, interrupt, noWords, resume, withdraw } from './floor-moves.ts';
import { learnPause } from './floor-pauses.ts';
import type { EventOf, Step } from './floor-step.ts';
import type { Floor } from './floor-terms.ts';
import { endsSentence, isUnfinished } from './rules/completeness.ts';
import { isOn } from './rules/rule-settings.ts';
import { sameWords, wordsOf } from './rules/words.ts';

/** Word times are not exact. */
const LATE_REACH_MS = 500;

/** What they mean depends on who is speaking, and whether they belong to a turn that was committed before. */
export function wordsCame(step: Step, event: EventOf<'words'>): void {
  const { floor } = step;
  if (!floor.punctuates && endsSentence(event.text)) floor.punctuates = true;
  if (isLate(floor, event.from, event.to)) return late(step, event);
  switch (floor.state) {
    case 'listen':
      if (event.sense === 'nothing' || event.sense === 'echo') return;
      return wordsWithoutVoice(step, event);
    case 'farewell':
      if (floor.reply?.protection === 'last' || event.sense === 'nothing' || event.sense === 'echo') return;
      floor.reply = undefined;
      return wordsWithoutVoice(step, event);
    case 'speech':
    case 'hold':
    case 'digits':
      return note(step, event);
    case 'think':
      return wordsWhileThinking(step, event);
    case 'speak':
    case 'overlap':
    case 'paused':
      return wordsOverSpeech(step, event);
    default:
  }
}

/** Voice activity missed it, or the words came from the caller's own device. */
function wordsWithoutVoice(step: Step, event: EventOf<'words'>): void {
  note(step, event);
  enterCallersTurn(step, event.from, event.to);
}

function note(step: Step, event: EventOf<'words'>): void {
  const { floor, at } = step;
  const { words } = floor;
  const text = event.text.trim();
  if (event.final) {
    floor.words = {
      ...words,
      finals: text === '' ? words.finals : [...words.finals, text],
      partial: '',
      finalTo: event.to ?? at,
      finalAt: at,
      wordless: text === '',
    };
  } else if (text !== words.partial) {
    floor.words = { ...words, partial: text };
  }
  // A final that only confirms the partial leaves the words as stable as they were.
  if (sameWords(textOf(words), textOf(floor.words))) return;
  floor.words = { ...floor.words, changedAt: at };
  floor.eagerAt = undefined;
  learnPause(step, event);
}

function wordsWhileThinking(step: Step, event: EventOf<'words'>): void {
  const { floor } = step;
  if (floor.reply?.protection !== 'open') return note(step, event);
  if (floor.reply.kind === 'greeting') return greets(step, event) ? undefined : note(step, event);
  if (floor.reply.kind !== 'answer') {
    if (event.sense === 'nothing' || event.sense === 'echo') return;
    withdraw(step);
    return wordsWithoutVoice(step, event);
  }
  if (event.final) floor.owed = false;
  if (event.text.trim() === '') return;
  note(step, event);
  if (!event.final) return;
  if (sameWords(textOf(floor.words), floor.committed)) return;
  // Nothing of the answer was heard yet: answer what was really said.
  withdraw(step);
  commit(step, floor.words.digits === '' ? 'speech' : 'digits', 'correction');
}

function wordsOverSpeech(step: Step, event: EventOf<'words'>): void {
  const { floor, policy } = step;
  const protection = floor.reply?.protection;
  if (protection === 'last') return;
  if (protection === 'notice') return event.sense === 'echo' ? undefined : note(step, event);
  if (greets(step, event)) return;
  // "Yes" is no backchannel to "Are you still there?".
  const sense = event.sense === 'backchannel' && floor.reply?.kind !== 'greeting' && floor.reply?.kind !== 'answer' ? 'words' : event.sense;
  const certain = event.final || floor.state === 'paused' || wordsOf(event.text).length >= policy.bargeInWords;
  if (sense === 'stop' || (sense === 'words' && certain)) {
    dropAside(step);
    note(step, event);
    interrupt(step, sense === 'stop' ? 'phrase' : 'words');
    return enterCallersTurn(step, event.from, event.to);
  }
  if (sense === 'words') {
    dropAside(step);
    return note(step, event);
  }
  floor.words = noWords;
  floor.aside = false;
  // Words that are none of the caller's business to interrupt: go on at once, even before the voice is over.
  if (floor.state === 'paused' && (sense !== 'nothing' || (event.final && !floor.voiced))) {
    resume(step, sense === 'nothing' ? 'clause' : 'here');
  } else if (floor.state === 'overlap' && sense !== 'nothing') {
    goOn(step);
  }
  if (sense === 'backchannel' && event.final) {
    note(step, event);
    floor.aside = true;
  }
}

/**
 * The rest of a turn that was committed without it. What reaches well beyond that turn is more than its rest, and
 * counts as new.
 */
export function isLate(floor: Floor, from: number | undefined, to: number | undefined): boolean {
  if (!floor.owed || (floor.state === 'think' && floor.reply?.kind === 'answer')) return false;
  if (to !== undefined && to > floor.committedAt + LATE_REACH_MS) return false;
  if (from === undefined && floor.state === 'listen') return false;
  return (from ?? floor.voicedFrom) < floor.committedAt;
}

function late(step: Step, event: EventOf<'words'>): void {
  const { floor } = step;
  if (!event.final) return;
  floor.owed = false;
  const text = event.text.trim();
  if (text === '') return;
  const amended = [...floor.committedFinals, text].join(' ');
  if (sameWords(amended, floor.committed)) return;
  floor.committed = amended;
  step.actions.push({ type: 'amend', turn: floor.turn, text: amended });
}

/** "Hello?" into the first moments of the greeting is answered by the greeting. */
function greets(step: Step, event: EventOf<'words'>): boolean {
  const { floor, at, policy } = step;
  if (floor.reply?.kind !== 'greeting') return false;
  const early = (event.from ?? at) < greetingGuardEnd(floor, policy);
  return early && wordsOf(event.text).length <= 2;
}

/** The transcriber says so. After words that cannot be the last ("I would like to") it is only taken as a hint: see `unfinished`. */
export function endOfTurn(step: Step, to: number): void {
  const { floor, policy } = step;
  if (floor.state !== 'speech' && floor.state !== 'hold') return;
  const text = textOf(floor.words);
  if (text === '') return;
  if (isOn(policy.rules, 'unfinished') && isUnfinished(text, policy.language)) {
    floor.eagerAt = step.at;
    return;
  }
  // In `speech` the detector has not yet noticed that the voice has ended.
  if (floor.state === 'speech') floor.voicedTo = Math.max(floor.voicedFrom, to);
  commit(step, 'speech', 'transcriber');
}

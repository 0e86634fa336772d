/** What else of a recorded call follows from other things that were recorded, recomputed with the code of today. */
import { type CallEvent, waitOf, waterfallOf } from '@tandem/contract';
import { claimsIn } from '#conversation/grounding/claims.ts';
import { wordsOf } from '#conversation/rules/words.ts';
import { conversationsOf } from './recorded-conversation.ts';

export interface PureCheck {
  name: 'order' | 'waterfall' | 'heard' | 'committed' | 'claims';
  /** What was looked at. */
  checked: number;
  /** In words, each with the `seq` of its event. */
  faults: string[];
}

type EventOf<T extends CallEvent['type']> = Extract<CallEvent, { type: T }>;

const SAME_MS = 0.05;

export function pureChecks(events: readonly CallEvent[]): PureCheck[] {
  return [order(events), waterfall(events), heard(events), committed(events), claims(events)];
}

function of<T extends CallEvent['type']>(events: readonly CallEvent[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
}

/** Numbered without a gap, and never back in time. */
function order(events: readonly CallEvent[]): PureCheck {
  const faults: string[] = [];
  for (let i = 1; i < events.length; i++) {
    const [before, event] = [events[i - 1], events[i]];
    if (event.seq !== before.seq + 1) faults.push(`${before.seq + 1} to ${event.seq - 1} are missing`);
    if (event.at < before.at) faults.push(`${event.seq} (${event.type}) is earlier than the event before it`);
  }
  return { name: 'order', checked: events.length, faults };
}

/** The parts of a turn's waterfall sum to its voice-to-voice time. */
function waterfall(events: readonly CallEvent[]): PureCheck {
  const faults: string[] = [];
  const turns = of(events, 'turn-completed').filter(({ voiceToVoiceMs }) => voiceToVoiceMs !== undefined);
  for (const { seq, stages, voiceToVoiceMs = 0 } of turns) {
    const sum = waterfallOf(stages).reduce((ms, part) => ms + part.toMs - part.fromMs, 0);
    const wait = waitOf(stages) ?? Number.NaN;
    if (!(Math.abs(wait - voiceToVoiceMs) <= SAME_MS && Math.abs(sum - voiceToVoiceMs) <= SAME_MS)) {
      faults.push(`${seq}: the stages sum to ${Math.round(sum)} ms, ${Math.round(voiceToVoiceMs)} ms were recorded`);
    }
  }
  return { name: 'waterfall', checked: turns.length, faults };
}

/**
 * A turn holds the words that left on the wire, and no others. Where a reply was resumed a clause was heard twice, and a
 * reprompt belongs to no turn.
 */
function heard(events: readonly CallEvent[]): PureCheck {
  const faults: string[] = [];
  let checked = 0;
  const unlike = new Set([
    ...of(events, 'reply-resumed').map(({ turn }) => turn),
    ...of(events, 'reply-started').flatMap(({ turn, kind }) => (kind === 'reprompt' || kind === 'goodbye' ? [turn] : [])),
  ]);
  const played = of(events, 'speech-played').filter(({ filler }) => !filler);
  for (const completed of of(events, 'turn-completed')) {
    if (unlike.has(completed.turn)) continue;
    checked++;
    const words = played.filter(({ turn }) => turn === completed.turn).map(({ text }) => text);
    if (words.join(' ') !== completed.heard) faults.push(`${completed.seq}: heard "${completed.heard}", played "${words.join(' ')}"`);
  }
  return { name: 'heard', checked, faults };
}

/** Every commit of the floor is a turn of the call with the same words, unless they were a secret or a value that was read back. */
function committed(events: readonly CallEvent[]): PureCheck {
  const faults: string[] = [];
  const turns = of(events, 'turn-committed');
  let next = 0;
  let checked = 0;
  for (const { batches } of conversationsOf(events)) {
    for (const { action } of batches.flatMap(({ decisions }) => decisions)) {
      if (action.type !== 'commit') continue;
      checked++;
      const found = turns.findIndex(({ turn, source }, index) => index >= next && turn === action.turn && source === action.source);
      if (found === -1) faults.push(`turn ${action.turn} was decided and is not in the call`);
      else if (turns[found].text !== action.text) {
        faults.push(`${turns[found].seq}: decided on "${action.text}", recorded "${turns[found].text}"`);
      }
      next = found === -1 ? next : found + 1;
    }
  }
  return { name: 'committed', checked, faults };
}

/** What was withheld is still found in its sentence by the rules of today. */
function claims(events: readonly CallEvent[]): PureCheck {
  const faults: string[] = [];
  const withheld = of(events, 'claim-withheld');
  const language = conversationsOf(events).at(0)?.plan.language ?? 'en';
  for (const { seq, text, claims: found } of withheld) {
    const now = new Set(claimsIn(text, language).map((claim) => wordsOf(claim.text).join(' ')));
    for (const claim of found) {
      if (!now.has(wordsOf(claim).join(' '))) faults.push(`${seq}: "${claim}" would no longer be taken for a claim`);
    }
  }
  return { name: 'claims', checked: withheld.length, faults };
}

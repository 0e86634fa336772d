/** Expectations on what a call left behind: its ending, its turns, documents it rested on, facts, recording, events. */
import type { CallEvent, Ending } from '@tandem/contract';
import type { SimulatedCall } from '../outcome.ts';
import { endingWords } from './ending-words.ts';
import { type Finding, failed, finding, passed, skipped, some, times } from './finding.ts';
import { holds, valueWords } from './sameness.ts';
import { sameWords } from './spoken-form.ts';
import { answeredAt, clockOf } from './transcript.ts';

type Fields = Record<string, unknown>;
type EventOf<T extends CallEvent['type']> = Extract<CallEvent, { type: T }>;

const eventsOf = <T extends CallEvent['type']>(call: SimulatedCall, type: T): EventOf<T>[] =>
  call.events.filter((event): event is EventOf<T> => event.type === type);

export function checkEnds(call: SimulatedCall, expected: Partial<Ending>): Finding {
  const ended = eventsOf(call, 'call-ended').at(-1);
  if (!ended) return failed('the call never ended');
  const fits =
    (expected.by === undefined || ended.by === expected.by) && (expected.reason === undefined || ended.reason === expected.reason);
  return finding(fits, () => `${endingWords(ended)} (${ended.by}, ${ended.reason}) at ${clockOf(ended.at - answeredAt(call))}`);
}

export function checkTurns(call: SimulatedCall, { min = 0, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number }): Finding {
  const count = eventsOf(call, 'turn-committed').length;
  return finding(count >= min && count <= max, () => `${count} ${count === 1 ? 'turn' : 'turns'}`);
}

/** An answer rests on a document when a spoken sentence names one of its passages as support. */
export function checkGrounded(call: SimulatedCall, document: string): Finding {
  const titles = new Map<string, string>();
  for (const { passages } of eventsOf(call, 'retrieval-done')) for (const { id, title } of passages) titles.set(id, title);
  const rested = new Set(
    eventsOf(call, 'turn-completed').flatMap(({ sentences }) =>
      (sentences ?? []).flatMap(({ passages }) => passages.flatMap((id) => titles.get(id) ?? [])),
    ),
  );
  if ([...rested].some((title) => sameWords(title, document))) return passed;
  if (rested.size > 0) return failed(`answers rest on: ${some([...rested].map((title) => `"${title}"`))}`);
  const found = new Set(titles.values());
  return failed(
    found.size === 0
      ? 'no passage was found'
      : `no answer rests on a document; found were: ${some([...found].map((title) => `"${title}"`))}`,
  );
}

/** The events that are the facts of each kind, and the fields to compare. A gap is a question that had no answer. */
function factsOf(call: SimulatedCall, kind: 'message' | 'callback' | 'gap'): Fields[] {
  if (kind === 'message') return eventsOf(call, 'message-taken').map(({ name, number, text, urgent }) => ({ name, number, text, urgent }));
  if (kind === 'callback') {
    return eventsOf(call, 'callback-scheduled').map(({ name, number, when, reason }) => ({ name, number, when, reason }));
  }
  // Of several look-ups of a turn (partial words, a follow-up) the last is what the answer was made of.
  const lookUps = new Map(eventsOf(call, 'retrieval-done').map((lookUp) => [lookUp.turn, lookUp]));
  const missed = [...lookUps.values()]
    .map(({ query, verdict, answerable }) => ({ question: query, verdict: verdict ?? (answerable ? 'answer' : 'unknown') }))
    .filter(({ verdict }) => verdict !== 'answer');
  const withheld = eventsOf(call, 'claim-withheld').map(({ text, claims }) => ({ sentence: text, claims }));
  return [...missed, ...withheld];
}

export function checkFact(call: SimulatedCall, kind: 'message' | 'callback' | 'gap', expected: Fields = {}): Finding {
  const facts = factsOf(call, kind);
  if (facts.some((fact) => holds(expected, fact))) return passed;
  return failed(facts.length === 0 ? `no ${kind} was made` : `there was: ${some(facts.map(valueWords))}`);
}

export function checkRecording(call: SimulatedCall, { minMs = 0, channels }: { minMs?: number; channels?: number }): Finding {
  if (call.level === 'text') return skipped('not recorded at level text: there is no sound');
  const started = eventsOf(call, 'recording-started').at(-1);
  const stopped = eventsOf(call, 'recording-stopped').at(-1);
  if (!started) return failed('nothing was recorded');
  if (!stopped) return failed('the recording was never finished');
  if (channels !== undefined && started.channels !== channels) return failed(`${started.channels} channels`);
  return finding(stopped.durationMs >= minMs, () => `${Math.round(stopped.durationMs)} ms were recorded`);
}

export function checkEvent(call: SimulatedCall, expected: { event: string; with?: Fields; times?: number }): Finding {
  const named = call.events.filter(({ type }) => type === expected.event);
  const fitting = expected.with === undefined ? named : named.filter((event) => holds(expected.with, event));
  if (expected.times === undefined ? fitting.length > 0 : fitting.length === expected.times) return passed;
  if (named.length === 0) return failed(`there was no ${expected.event}`);
  if (fitting.length === named.length) return failed(`it happened ${times(named.length)}`);
  const shown = named.map((event) => {
    const { businessId: _b, callId: _c, seq: _s, type: _t, at, ...rest } = event;
    return `${valueWords(rest)} at ${clockOf(at - answeredAt(call))}`;
  });
  return failed(`${fitting.length === 0 ? '' : `${times(fitting.length)} like that; `}there was: ${some(shown, 3)}`);
}

/** A call as the page tells it: lines with their words' times, what happened between them, what was waited for. */
import { type CallEvent, waitOf, type WaterfallPart, waterfallOf } from '@tandem/contract';
import { endingWords } from '../../expectations/ending-words.ts';
import { valueWords } from '../../expectations/sameness.ts';
import { answeredAt } from '../../expectations/transcript.ts';
import { toolUses } from '../../expectations/tools.ts';
import type { CheckedCall, SpokenLine } from '../../outcome.ts';
import { checkedAt } from '../check-place.ts';

export interface TimedWord {
  text: string;
  fromMs: number;
  toMs: number;
}

export interface TimedLine extends SpokenLine {
  words: TimedWord[];
}

/** Something worth a mark on the time line. */
export interface Happening {
  kind: 'barge-in' | 'resumed' | 'tool' | 'digits' | 'withheld' | 'fault' | 'fact' | 'transfer' | 'ending' | 'check';
  atMs: number;
  /** Until then, where it lasted. */
  toMs?: number;
  /** A word or two. */
  label: string;
  /** A sentence. */
  words: string;
  bad: boolean;
}

/** What the caller waited for in one turn. */
export interface Wait {
  turn: number;
  fromMs: number;
  /** Undefined when no sound followed. */
  waitMs: number | undefined;
  parts: WaterfallPart[];
  /** Titles of the documents that the answer rests on. */
  sources: string[];
}

export function timedLines(call: CheckedCall): TimedLine[] {
  const played = new Map<string, { at: number; words: TimedWord[] }[]>();
  const origin = answeredAt(call);
  for (const event of call.events) {
    const [said, from] =
      event.type === 'speech-played'
        ? ([event, event.fromAt] as const)
        : event.type === 'transcript-final'
          ? ([event, event.fromAt] as const)
          : [];
    if (said?.words === undefined || said.words.length === 0 || from === undefined) continue;
    const at = from - origin;
    const words = said.words.map(({ text, fromMs, toMs }) => ({ text, fromMs: at + fromMs, toMs: at + toMs }));
    played.set(said.text, [...(played.get(said.text) ?? []), { at, words }]);
  }
  const committed = call.events.filter((event) => event.type === 'turn-committed');
  return call.lines.map((line) => {
    // The caller's lines do not know their turn: it is the next one that was committed, unless they asked for none.
    const asks = line.who === 'caller' && line.turn === undefined && line.kind !== 'backchannel' && line.kind !== 'sound';
    const turn = asks ? committed.find(({ at }) => at - origin >= line.fromMs)?.turn : line.turn;
    const known = played.get(line.text)?.find(({ at }) => Math.abs(at - line.fromMs) < 500);
    return { ...line, turn, words: known?.words ?? spread(line) };
  });
}

/** Words spread over a line by their length, where nobody measured them. */
function spread({ text, fromMs, toMs }: SpokenLine): TimedWord[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const total = words.reduce((sum, word) => sum + word.length + 1, 0);
  let at = fromMs;
  return words.map((word) => {
    const from = at;
    at += ((toMs - fromMs) * (word.length + 1)) / total;
    return { text: word, fromMs: from, toMs: at };
  });
}

export function happeningsOf(call: CheckedCall): Happening[] {
  const origin = answeredAt(call);
  const events = call.events.flatMap((event): Happening[] => {
    const told = tell(event);
    return told === undefined ? [] : [{ ...told, atMs: Math.max(0, event.at - origin) }];
  });
  const tools = toolUses(call).map(({ name, arguments: given, outcome, result, tookMs, at }): Happening => {
    const cameOf = outcome === undefined ? 'it never answered' : `${outcome}: ${valueWords(result)}`;
    return {
      kind: 'tool',
      atMs: at - origin,
      ...(tookMs === undefined ? {} : { toMs: at - origin + tookMs }),
      label: `${name}${outcome === 'ok' ? '' : ` · ${outcome ?? 'no answer'}`}`,
      words: `Tool ${name}(${valueWords(given)}), ${cameOf}`,
      bad: outcome !== 'ok',
    };
  });
  const checks = call.checks.flatMap((check): Happening[] => {
    const at = check.passed ? undefined : checkedAt(call, check);
    return at === undefined
      ? []
      : [{ kind: 'check', atMs: at, label: check.title, words: `Failed: ${check.title}. Found: ${check.found ?? ''}`, bad: true }];
  });
  return joinDigits([...events, ...tools, ...checks].sort((a, b) => a.atMs - b.atMs));
}

function tell(event: CallEvent): Omit<Happening, 'atMs'> | undefined {
  switch (event.type) {
    case 'reply-interrupted':
      return {
        kind: 'barge-in',
        label: 'stopped',
        words: `The assistant was stopped (${event.cause}). Heard until then: “${event.heard}”`,
        bad: false,
      };
    case 'reply-resumed':
      return { kind: 'resumed', label: 'went on', words: 'The assistant went on where it had stopped.', bad: false };
    case 'digit-received':
      return { kind: 'digits', label: event.digit, words: `Keys: ${event.digit}`, bad: false };
    case 'claim-withheld':
      return {
        kind: 'withheld',
        label: 'withheld',
        words: `Not said, because nothing supports it: “${event.text}” (${event.claims.join(', ')})`,
        bad: false,
      };
    case 'provider-failed':
      return { kind: 'fault', label: `${event.stage} failed`, words: `${event.provider} (${event.stage}): ${event.message}`, bad: true };
    case 'message-taken':
      return { kind: 'fact', label: 'message taken', words: `Message from ${event.name}, ${event.number}: “${event.text}”`, bad: false };
    case 'callback-scheduled':
      return { kind: 'fact', label: 'call back', words: `${event.name}, ${event.number}, ${event.when}: ${event.reason}`, bad: false };
    case 'transfer-started':
      return { kind: 'transfer', label: 'transfer', words: `Handed over to ${event.target}`, bad: false };
    case 'transfer-completed':
      return { kind: 'transfer', label: `transfer: ${event.outcome}`, words: `Hand-over to ${event.target}: ${event.outcome}`, bad: false };
    case 'call-ended':
      return { kind: 'ending', label: endingWords(event), words: `Ended: ${endingWords(event)}`, bad: false };
    default:
      return undefined;
  }
}

/** Keys pressed in a row are one mark. */
function joinDigits(happenings: readonly Happening[]): Happening[] {
  const joined: Happening[] = [];
  for (const one of happenings) {
    const last = joined.at(-1);
    if (one.kind !== 'digits' || last?.kind !== 'digits' || one.atMs - (last.toMs ?? last.atMs) > 2_000) joined.push({ ...one });
    else Object.assign(last, { toMs: one.atMs, label: last.label + one.label, words: `Keys: ${last.label}${one.label}` });
  }
  return joined;
}

/** One per answered turn; the greeting is nobody's wait. */
export function waitsOf(call: CheckedCall): Wait[] {
  // Without sound time goes by in steps that mean nothing.
  if (call.level === 'text') return [];
  const origin = answeredAt(call);
  const titles = new Map<string, string>();
  for (const event of call.events) if (event.type === 'retrieval-done') for (const { id, title } of event.passages) titles.set(id, title);
  return call.events.flatMap((event): Wait[] => {
    if (event.type !== 'turn-completed' || event.turn === 0) return [];
    const from = event.stages.speechEndAt ?? event.stages.committedAt;
    if (from === undefined) return [];
    const sources = new Set((event.sentences ?? []).flatMap(({ passages }) => passages.flatMap((id) => titles.get(id) ?? [])));
    return [
      { turn: event.turn, fromMs: from - origin, waitMs: waitOf(event.stages), parts: waterfallOf(event.stages), sources: [...sources] },
    ];
  });
}

/** A recorded call beside its fork, turn by turn: what was said before and now, which tools, how soon, and how it ended. */
import type { CallEvent, Ending } from '@tandem/contract';
import { canonicalJson } from '#conversation/decision-digest.ts';
import { sameWords } from '#conversation/rules/words.ts';
import { hashOf } from '../canonical.ts';
import type { CheckedCall, SimulatedCall, SpokenLine } from '../outcome.ts';
import { spokenLines } from '../outcome-lines.ts';
import { type RecordedTurn, turnsOf } from './recorded-turns.ts';

export interface TurnSide {
  said: string;
  heard: string;
  interrupted: boolean;
  tools: { name: string; arguments: unknown; outcome: string }[];
  voiceToVoiceMs: number | undefined;
}

export interface TurnDifference {
  turn: number;
  before: TurnSide | undefined;
  now: TurnSide | undefined;
  /** The same words and tools; times always differ a little. */
  same: boolean;
}

export interface CallDifference {
  /** From here on it was held anew. */
  forkedAt: number;
  turns: TurnDifference[];
  ending: { before: Ending | undefined; now: Ending | undefined; same: boolean };
  same: boolean;
}

export function differenceOf(before: readonly CallEvent[], now: readonly CallEvent[], forkedAt: number): CallDifference {
  const [then, since] = [sidesOf(before), sidesOf(now)];
  const numbers = [...new Set([...then.keys(), ...since.keys()])].sort((one, other) => one - other);
  const turns = numbers.map((turn) => {
    const [one, other] = [then.get(turn), since.get(turn)];
    return { turn, before: one, now: other, same: one !== undefined && other !== undefined && alike(one, other) };
  });
  const ending = { before: endingOf(before), now: endingOf(now) };
  const sameEnding = canonicalJson(ending.before ?? null) === canonicalJson(ending.now ?? null);
  return { forkedAt, turns, ending: { ...ending, same: sameEnding }, same: sameEnding && turns.every(({ same }) => same) };
}

function sidesOf(events: readonly CallEvent[]): Map<number, TurnSide> {
  return new Map(turnsOf(events).map((turn) => [turn.turn, sideOf(turn)]));
}

function sideOf({ said, heard, interrupted, tools, voiceToVoiceMs }: RecordedTurn): TurnSide {
  const called = tools.map(({ name, arguments: given, outcome = 'unknown' }) => ({ name, arguments: given, outcome }));
  return { said, heard, interrupted, tools: called, voiceToVoiceMs };
}

function alike(one: TurnSide, other: TurnSide): boolean {
  return sameWords(one.said, other.said) && sameWords(one.heard, other.heard) && canonicalJson(one.tools) === canonicalJson(other.tools);
}

function endingOf(events: readonly CallEvent[]): Ending | undefined {
  const ended = events.findLast((event) => event.type === 'call-ended');
  return ended && { by: ended.by, reason: ended.reason };
}

/** As lines of a terminal of `width` columns: before on the left, now on the right; a turn that differs is marked `≠`. */
export function sideBySide({ turns, ending, forkedAt }: CallDifference, width: number): string[] {
  const column = Math.max(20, Math.floor((width - 7) / 2));
  const row = (mark: string, left: string, right: string) => {
    const [one, other] = [wrapped(left, column), wrapped(right, column)];
    return Array.from({ length: Math.max(one.length, other.length) }, (_, i) =>
      `${(i === 0 ? mark : '').padEnd(2)} ${(one[i] ?? '').padEnd(column)} │ ${other[i] ?? ''}`.trimEnd(),
    );
  };
  const lines = row('', 'BEFORE', 'NOW');
  for (const { turn, before, now, same } of turns) {
    lines.push(turn === forkedAt ? `── turn ${turn}: forked here ${'─'.repeat(Math.max(0, width - 26))}` : `── turn ${turn}`);
    lines.push(...row(same ? '=' : '≠', textOf(before), textOf(now)));
  }
  lines.push('── ending', ...row(ending.same ? '=' : '≠', endingText(ending.before), endingText(ending.now)));
  return lines;
}

function textOf(side: TurnSide | undefined): string {
  if (!side) return '(no such turn)';
  const { said, heard, interrupted, tools, voiceToVoiceMs } = side;
  const called = tools.map(({ name, arguments: given, outcome }) => `[${name} ${JSON.stringify(given) ?? ''}: ${outcome}]`);
  const wait = voiceToVoiceMs === undefined ? '' : `(after ${Math.round(voiceToVoiceMs)} ms)`;
  const answer = `${heard === '' ? '(nothing was heard)' : heard}${interrupted ? ' …cut' : ''}`;
  return [said === '' ? '' : `Caller: ${said}`, ...called, `Assistant: ${answer} ${wait}`.trimEnd()]
    .filter((line) => line !== '')
    .join('\n');
}

const endingText = (ending: Ending | undefined): string => (ending ? `${ending.by}: ${ending.reason}` : '(none)');

function wrapped(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const rows: string[] = [];
    let row = '';
    for (const word of line.split(' ')) {
      const pieces = word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''];
      for (const piece of pieces) {
        if (row !== '' && row.length + 1 + piece.length > width) {
          rows.push(row);
          row = piece;
        } else row = row === '' ? piece : `${row} ${piece}`;
      }
    }
    return [...rows, row];
  });
}

/** The recorded call as the reports know calls; of its sound only the times are left. */
export function recordedSide(events: readonly CallEvent[], like: SimulatedCall): CheckedCall {
  const zero = events.find(({ type }) => type === 'call-answered')?.at ?? 0;
  const caller = turnsOf(events).flatMap(({ parts, said, committedMs = 0, source }): SpokenLine[] =>
    parts.length > 0
      ? parts.map(({ text, fromMs, toMs }) => ({ who: 'caller', text, fromMs, toMs }))
      : said === ''
        ? []
        : [{ who: 'caller', text: said, fromMs: committedMs, toMs: committedMs, kind: source ?? 'typed' }],
  );
  const { sound: _sound, fault: _fault, ...rest } = like;
  return {
    ...rest,
    events,
    hash: hashOf(events),
    lines: spokenLines(caller, events),
    measures: { voiceToVoiceMs: [], cutOffs: 0, falseInterruptions: 0, longestDeadAirMs: 0 },
    durationMs: (events.at(-1)?.at ?? zero) - zero,
    tookMs: 0,
    checks: [],
    passed: true,
  };
}

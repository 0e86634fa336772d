/** A call to be read: who said what, how long it took, what happened in between. */
import { clockOf } from '../../expectations/transcript.ts';
import type { CheckedCall } from '../../outcome.ts';
import { type Happening, happeningsOf, type TimedLine, timedLines, type Wait, waitsOf } from './happenings.ts';
import { type Html, html } from './html.ts';
import { SIGNS, words } from './track.ts';

/** Lines of one party and turn, one after the other. */
export interface Speech {
  who: 'caller' | 'assistant';
  turn: number | undefined;
  fromMs: number;
  lines: TimedLine[];
}

export type Entry = { atMs: number } & ({ speech: Speech } | { happening: Happening });

export function speechesOf(call: CheckedCall): Speech[] {
  const speeches: Speech[] = [];
  for (const line of timedLines(call)) {
    const last = speeches.at(-1);
    if (last && last.who === line.who && last.turn === line.turn && line.kind === undefined) last.lines.push(line);
    else speeches.push({ who: line.who, turn: line.turn, fromMs: line.fromMs, lines: [line] });
  }
  return speeches;
}

/** Everything of a call in order. Checks are told elsewhere. */
export function entriesOf(call: CheckedCall): Entry[] {
  const said = speechesOf(call).map((speech): Entry => ({ atMs: speech.fromMs, speech }));
  const happened = happeningsOf(call)
    .filter(({ kind }) => kind !== 'check')
    .map((happening): Entry => ({ atMs: happening.atMs, happening }));
  return [...said, ...happened].sort((a, b) => a.atMs - b.atMs);
}

export function conversation(call: CheckedCall): Html {
  const waits = new Map(waitsOf(call).map((wait) => [wait.turn, wait]));
  const told = new Set<number>();
  const entries = entriesOf(call).map((entry) => {
    if ('happening' in entry) return happened(entry.happening);
    const { who, turn } = entry.speech;
    const first = who === 'assistant' && turn !== undefined && !told.has(turn);
    if (first) told.add(turn);
    return said(entry.speech, first ? waits.get(turn) : undefined);
  });
  return html`<ol class="conversation">${entries}</ol>`;
}

export function said(speech: Speech, wait: Wait | undefined): Html {
  const notes = [
    ...new Set(speech.lines.flatMap(({ kind }) => kind ?? [])),
    ...(speech.lines.some(({ interrupted }) => interrupted) ? ['cut off'] : []),
    ...(wait?.waitMs === undefined ? [] : [`after ${Math.round(wait.waitMs)} ms`]),
    ...(wait?.sources ?? []).map((title) => `from “${title}”`),
  ];
  return html`<li class="said ${speech.who}">
    <button class="at" data-at="${Math.round(speech.fromMs)}" title="Play from here">${clockOf(speech.fromMs)}</button>
    <div><b>${speech.who === 'caller' ? 'Caller' : 'Assistant'}</b>${notes.map((note) => html`<span class="note">${note}</span>`)}
    <p>${speech.lines.map(words)}</p></div>
  </li>`;
}

export const happened = ({ kind, atMs, words: told, bad }: Happening): Html =>
  html`<li class="happened ${bad && 'bad'}"><button class="at" data-at="${Math.round(atMs)}" title="Play from here">${clockOf(atMs)}</button><p><span class="sign" aria-hidden="true">${SIGNS[kind]}</span> ${told}</p></li>`;

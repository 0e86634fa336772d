/** The time line of one call: two voices with their words, the waits between them, what happened. */
import { waterfallStages } from '@tandem/contract';
import { clockOf } from '../../expectations/transcript.ts';
import type { CheckedCall } from '../../outcome.ts';
import { type Happening, happeningsOf, type TimedLine, timedLines, type Wait, waitsOf } from './happenings.ts';
import { type Html, html } from './html.ts';
import { POINT_MS, waveform } from './waveform.ts';

/** Pixels of a second when the page opens: words at the pace of speech have room there. */
export const PIXELS_PER_SECOND = 110;
const LETTER_PIXELS = 6.5;
const MARK_PIXELS = 30;
const MOST_LABEL_PIXELS = 230;
const TICK_MS = [1_000, 5_000] as const;

const seconds = (ms: number): string => (ms / 1_000).toFixed(3);
/** Left and width by the scale of the moment; the page changes `--pps` to zoom. */
const place = (fromMs: number, toMs?: number): string =>
  `left:calc(var(--pps)*${seconds(fromMs)})${toMs === undefined ? '' : `;width:calc(var(--pps)*${seconds(Math.max(0, toMs - fromMs))})`}`;

export function track(call: CheckedCall): Html {
  const lines = timedLines(call);
  const happenings = happeningsOf(call);
  const waits = waitsOf(call);
  const lengthMs = Math.max(call.durationMs, ...lines.map(({ toMs }) => toMs), 1_000) + 500;
  const rows = stack(happenings);
  const depth = Math.max(1, ...rows.values());
  return html`<div class="track" style="--events:${depth}">
    <div class="lanes" aria-hidden="true">
      <div class="ruler"></div>
      <div class="voice caller"><b>Caller</b></div>
      <div class="voice assistant"><b>Assistant</b></div>
      <div class="waits"><b>Wait</b></div>
      <div class="events"><b>Events</b></div>
    </div>
    <div class="scroller" tabindex="0" role="group" aria-label="Time line of the call: space plays, arrows go back and forth">
      <div class="time" style="width:calc(var(--pps)*${seconds(lengthMs)})" data-length="${Math.round(lengthMs)}">
        <div class="ruler">${ticks(lengthMs)}</div>
        ${voice(call, lines, 'caller')} ${voice(call, lines, 'assistant')}
        <div class="waits">${waits.map(waitBar)}</div>
        <div class="events">${happenings.map((one) => mark(one, rows.get(one) ?? 1))}</div>
        <div class="head"></div>
      </div>
    </div>
  </div>`;
}

function ticks(lengthMs: number): Html[] {
  const all: Html[] = [];
  for (let at = 0; at <= lengthMs; at += TICK_MS[0]) {
    const major = at % TICK_MS[1] === 0;
    all.push(html`<i class="${major ? 'major' : 'minor'}" style="${place(at)}">${major && clockOf(at).slice(0, -2)}</i>`);
  }
  return all;
}

function voice(call: CheckedCall, lines: readonly TimedLine[], who: 'caller' | 'assistant'): Html {
  const sound = call.sound?.[who];
  const wave = sound && waveform(sound);
  return html`<div class="voice ${who}">
    ${
      wave &&
      html`<svg class="wave" viewBox="0 0 ${wave.points} 100" preserveAspectRatio="none" style="${place(0, wave.points * POINT_MS)}" aria-hidden="true"><path d="${wave.path}"/></svg>`
    }
    ${lines.filter((line) => line.who === who).map(block)}
  </div>`;
}

/** A line as a block as long as it was; each word knows its time. */
function block(line: TimedLine): Html {
  const kinds = [line.kind, line.interrupted ? 'cut' : undefined].filter((kind) => kind !== undefined);
  return html`<div class="line ${line.interrupted && 'cut'} ${line.kind && 'aside'}" style="${place(line.fromMs, line.toMs)}" title="${clockOf(line.fromMs)} ${line.text}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}">${words(line)}</div>`;
}

/** Words that light up while they are heard and play from there when they are clicked. */
export const words = (line: TimedLine): Html[] =>
  line.words.map(({ text, fromMs, toMs }) => html`<span data-at="${Math.round(fromMs)}" data-to="${Math.round(toMs)}">${text}</span> `);

function waitBar({ fromMs, waitMs, parts, turn }: Wait): Html {
  const end = waitMs ?? parts.at(-1)?.toMs ?? 0;
  const title = waitMs === undefined ? `Turn ${turn}: no sound followed` : `Turn ${turn}: the caller waited ${Math.round(waitMs)} ms`;
  return html`<div class="wait" style="${place(fromMs, fromMs + end)}" data-at="${Math.round(fromMs)}" title="${title}">${stageBars(parts, end)}<span class="label">${waitMs === undefined ? 'no sound' : `${Math.round(waitMs)} ms`}</span></div>`;
}

/** The stages of a wait side by side; widths in percent of `end`. */
export const stageBars = (parts: Wait['parts'], end: number): Html[] =>
  parts
    .filter(({ fromMs, toMs }) => toMs > fromMs)
    .map(
      ({ stage, fromMs, toMs }) =>
        html`<i class="stage" style="left:${((100 * fromMs) / end).toFixed(1)}%;width:${((100 * (toMs - fromMs)) / end).toFixed(1)}%;background:var(--stage-${waterfallStages.indexOf(stage)})"></i>`,
    );

export const SIGNS: Record<Happening['kind'], string> = {
  'barge-in': '✂',
  resumed: '↻',
  tool: '⚙',
  digits: '#',
  withheld: '⊘',
  fault: '⚠',
  fact: '✎',
  transfer: '⇄',
  ending: '■',
  check: '✗',
};

function mark(one: Happening, row: number): Html {
  const lasts = one.toMs !== undefined && one.toMs > one.atMs;
  return html`<div class="mark ${one.kind} ${one.bad && 'bad'}" style="${place(one.atMs)};--row:${row}" data-at="${Math.round(one.atMs)}" title="${clockOf(one.atMs)} ${one.words}">${
    lasts && html`<i class="span" style="width:calc(var(--pps)*${seconds((one.toMs ?? 0) - one.atMs)})"></i>`
  }<span class="sign">${SIGNS[one.kind]}</span><span class="label">${one.label}</span></div>`;
}

/** The row of each mark, 1 at the top, so that none covers another where the page opens. */
function stack(happenings: readonly Happening[]): Map<Happening, number> {
  const ends: number[] = [];
  const rows = new Map<Happening, number>();
  for (const one of happenings) {
    const left = (one.atMs / 1_000) * PIXELS_PER_SECOND;
    const label = MARK_PIXELS + Math.min(MOST_LABEL_PIXELS, one.label.length * LETTER_PIXELS);
    const right = Math.max(left + label, ((one.toMs ?? 0) / 1_000) * PIXELS_PER_SECOND);
    const free = ends.findIndex((end) => end <= left);
    const row = free < 0 ? ends.length : free;
    ends[row] = right;
    rows.set(one, row + 1);
  }
  return rows;
}

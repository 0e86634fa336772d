/** Two calls side by side, turn by turn: what was said before, and what is said now. */
import { sameWords } from '../../expectations/spoken-form.ts';
import { endingWords } from '../../expectations/ending-words.ts';
import type { CheckedCall } from '../../outcome.ts';
import { callName } from '../call-name.ts';
import { player, verdict } from './call-section.ts';
import { type Entry, entriesOf, happened, said } from './conversation.ts';
import { waitsOf } from './happenings.ts';
import { type Html, html } from './html.ts';

export interface PairOptions {
  id: string;
  labels: readonly [string, string];
  withSound: (call: CheckedCall) => boolean;
}

export function pairSection(before: CheckedCall, now: CheckedCall, { id, labels, withSound }: PairOptions): Html {
  const [left, right] = [turnsOf(before), turnsOf(now)];
  const numbers = [...new Set([...left.keys(), ...right.keys()])].sort((a, b) => a - b);
  const rows = numbers.map((turn) => row(turn, [before, now], left.get(turn) ?? [], right.get(turn) ?? []));
  const differences = rows.filter(({ same }) => !same).length;
  const sides = [before, now].map(
    (
      call,
      side,
    ) => html`<section class="side" data-side="${labels[side]}"><h3><span class="label">${labels[side]}</span> ${callName(call)} ${call.checks.length > 0 && verdict(call.passed)}</h3>
    ${call.fault !== undefined && html`<p class="fault"><b>It broke off:</b> ${call.fault}</p>`}${call.level !== 'text' && player(call, withSound(call))}</section>`,
  );
  return html`<article class="pair ${before.level === 'text' && 'wordy'}" id="${id}">
    <p class="difference">${differences === 0 ? '= The same in every turn' : `≠ ${differences} of ${rows.length} turns differ`}</p>
    ${sides}
    <table class="turns"><thead><tr><th scope="col">Turn</th><th scope="col">${labels[0]}</th><th scope="col">${labels[1]}</th></tr></thead>
    <tbody>${rows.map(({ html: cells }) => cells)}</tbody></table>
  </article>`;
}

/** What belongs to each turn: what happened goes with what was said before it. */
function turnsOf(call: CheckedCall): Map<number, Entry[]> {
  const turns = new Map<number, Entry[]>();
  let turn = 0;
  for (const entry of entriesOf(call)) {
    if ('speech' in entry) turn = entry.speech.turn ?? turn;
    turns.set(turn, [...(turns.get(turn) ?? []), entry]);
  }
  return turns;
}

const textOf = (entries: readonly Entry[], who: 'caller' | 'assistant'): string =>
  entries.flatMap((entry) => ('speech' in entry && entry.speech.who === who ? entry.speech.lines.map(({ text }) => text) : [])).join(' ');
const deedsOf = (entries: readonly Entry[]): string =>
  entries.flatMap((entry) => ('happening' in entry ? `${entry.happening.kind} ${entry.happening.label}` : [])).join('; ');

function row(
  turn: number,
  calls: readonly [CheckedCall, CheckedCall],
  left: readonly Entry[],
  right: readonly Entry[],
): { same: boolean; html: Html } {
  const same =
    sameWords(textOf(left, 'assistant'), textOf(right, 'assistant')) &&
    sameWords(textOf(left, 'caller'), textOf(right, 'caller')) &&
    deedsOf(left) === deedsOf(right);
  const cell = (entries: readonly Entry[], call: CheckedCall, side: number) => {
    const wait = waitsOf(call).find((one) => one.turn === turn);
    const items = entries.map((entry) =>
      'speech' in entry ? said(entry.speech, entry.speech.who === 'assistant' ? wait : undefined) : happened(entry.happening),
    );
    return html`<td data-player="${side}">${items.length === 0 ? html`<p class="quiet">${missing(call)}</p>` : html`<ol class="conversation">${items}</ol>`}</td>`;
  };
  return {
    same,
    html: html`<tr class="${same ? 'same' : 'differs'}"><th scope="row">${turn === 0 ? 'Greeting' : turn}<span class="verdict ${same ? 'skipped' : 'slow'}">${same ? '= same' : '≠ differs'}</span></th>${cell(left, calls[0], 0)}${cell(right, calls[1], 1)}</tr>`,
  };
}

function missing(call: CheckedCall): string {
  const ended = call.events.findLast((event) => event.type === 'call-ended');
  return ended ? `It was over: ${endingWords(ended)}.` : 'There is no such turn.';
}

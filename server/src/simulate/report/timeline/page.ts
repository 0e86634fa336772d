/** A page about simulated calls that needs nothing else: no network, no other file; light and dark; for eyes, ears and keyboard. */
import { waterfallStages } from '@tandem/contract';
import { percentile } from '../../expectations/manners.ts';
import { clockOf } from '../../expectations/transcript.ts';
import type { CheckedCall } from '../../outcome.ts';
import { callName } from '../call-name.ts';
import { passHatOfAll, passRates } from '../pass-rates.ts';
import { callSection, verdict } from './call-section.ts';
import { type Html, html, trusted } from './html.ts';
import { pairSection } from './pair-section.ts';
import { playerScript } from './player-script.ts';
import { STAGE_COLOURS, style } from './style.ts';
import { PIXELS_PER_SECOND } from './track.ts';

export interface TimelineOptions {
  title: string;
  /** Calls two by two, turn by turn: a fork beside what it was forked from. */
  sideBySide?: boolean;
  /** Of the two sides; `Before` and `Now`. */
  labels?: readonly [string, string];
  /** Whose sound goes into the page; of failed calls without it, and of both sides. */
  withSound?: (call: CheckedCall) => boolean;
}

/** More calls than this are closed until somebody opens them, unless they failed. */
const MOST_OPEN = 2;

/** The whole document. */
export function timelinePage(calls: readonly CheckedCall[], options: TimelineOptions): string {
  const { title, sideBySide = false, labels = ['Before', 'Now'] } = options;
  const withSound = options.withSound ?? ((call) => sideBySide || !call.passed);
  const body = sideBySide ? pairs(calls, labels, withSound) : single(calls, withSound);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${trusted(style(PIXELS_PER_SECOND))}${trusted(stageColours())}</style>
</head>
<body>
<header><h1>${title}</h1><p class="keys">Click any word or time to play from there. Keys: <kbd>space</kbd> play, <kbd>←</kbd> <kbd>→</kbd> one second, <kbd>n</kbd> next failed call, <kbd>+</kbd> <kbd>−</kbd> zoom</p></header>
<main>${body}</main>
<script>${trusted(playerScript)}</script>
</body>
</html>
`;
  return page.text;
}

function single(calls: readonly CheckedCall[], withSound: (call: CheckedCall) => boolean): Html {
  const sections = calls.map((call, index) =>
    callSection(call, { id: `call-${index + 1}`, open: !call.passed || calls.length <= MOST_OPEN, withSound: withSound(call) }),
  );
  return html`${overview(calls)}${sections}`;
}

function pairs(calls: readonly CheckedCall[], labels: readonly [string, string], withSound: (call: CheckedCall) => boolean): Html[] {
  const sections: Html[] = [];
  for (let i = 0; i + 1 < calls.length; i += 2) {
    sections.push(pairSection(calls[i], calls[i + 1], { id: `pair-${i / 2 + 1}`, labels, withSound }));
  }
  return sections;
}

function overview(calls: readonly CheckedCall[]): Html {
  const failed = calls.filter(({ passed }) => !passed).length;
  const waits = calls.filter(({ level }) => level !== 'text').flatMap(({ measures }) => measures.voiceToVoiceMs);
  const talkMs = calls.reduce((sum, { level, durationMs }) => sum + (level === 'text' ? 0 : durationMs), 0);
  const tiles: [string, string, string][] = [
    ['Calls', String(calls.length), talkMs === 0 ? 'in text' : `${clockOf(talkMs).slice(0, -2)} of talk`],
    ['Passed', String(calls.length - failed), failed === 0 ? 'all of them' : `${failed} failed`],
    ...(waits.length === 0
      ? []
      : ([
          [
            'Answers begin after',
            `${Math.round(percentile(waits, 0.5) ?? 0)} ms`,
            `95 % within ${Math.round(percentile(waits, 0.95) ?? 0)} ms`,
          ],
        ] satisfies [string, string, string][])),
  ];
  return html`<section class="overview"><ul class="tiles">${tiles.map(([name, value, aside], index) => html`<li class="${index === 1 && (failed > 0 ? 'bad' : 'good')}"><span>${name}</span><b>${value}</b><small>${aside}</small></li>`)}</ul>
    ${passTable(calls)}
    <div class="wide"><table class="calls"><thead><tr><th scope="col">Result</th><th scope="col">Call</th><th scope="col">Checks</th><th scope="col">Median wait</th><th scope="col">Length</th></tr></thead><tbody>${calls.map(overviewRow)}</tbody></table></div></section>`;
}

function overviewRow(call: CheckedCall, index: number): Html {
  const good = call.checks.filter(({ passed }) => passed).length;
  const wait = call.level === 'text' ? undefined : percentile(call.measures.voiceToVoiceMs, 0.5);
  return html`<tr><td>${verdict(call.passed)}</td><td><a href="#call-${index + 1}">${callName(call)}</a></td><td>${good} of ${call.checks.length}</td><td>${wait === undefined ? '–' : `${Math.round(wait)} ms`}</td><td>${call.level === 'text' ? 'text' : clockOf(call.durationMs)}</td></tr>`;
}

/** Only of repeated scenarios. */
function passTable(calls: readonly CheckedCall[]): Html | undefined {
  const rates = passRates(calls).filter(({ runs }) => runs > 1);
  if (rates.length === 0) return undefined;
  const runs = Math.min(...rates.map((rate) => rate.runs));
  const ks = [...new Set([1, 2, 3, 5, 10, runs].filter((k) => k <= runs))].sort((a, b) => a - b);
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  const all = passHatOfAll(rates);
  return html`<div class="wide"><table class="calls"><caption>How sure it is: the chance that k runs in a row all pass</caption><thead><tr><th scope="col">Scenario</th><th scope="col">Passed</th>${ks.map((k) => html`<th scope="col">k = ${k}</th>`)}</tr></thead><tbody>${rates.map((rate) => html`<tr><td>${rate.scenario}</td><td>${rate.passed} of ${rate.runs}</td>${ks.map((k) => html`<td>${share(rate.passHat[k - 1])}</td>`)}</tr>`)}${rates.length > 1 && html`<tr class="sum"><td>All (mean)</td><td></td>${ks.map((k) => html`<td>${share(all[k - 1])}</td>`)}</tr>`}</tbody></table></div>`;
}

function stageColours(): string {
  const vars = (theme: 'light' | 'dark') =>
    waterfallStages.map((stage, index) => `--stage-${index}:${STAGE_COLOURS[stage][theme]}`).join(';');
  return `:root{${vars('light')}}@media(prefers-color-scheme:dark){:root{${vars('dark')}}}`;
}

/** One call of the page: verdict, time line, words, checks, waits. */
import { waterfallStages, type WaterfallStage } from '@tandem/contract';
import { deflateRawSync } from 'node:zlib';
import { clockOf } from '../../expectations/transcript.ts';
import { percentile } from '../../expectations/manners.ts';
import type { CheckedCall } from '../../outcome.ts';
import { callName } from '../call-name.ts';
import { checkedAt } from '../check-place.ts';
import { conversation } from './conversation.ts';
import { waitsOf } from './happenings.ts';
import { type Html, html, trusted } from './html.ts';
import { stageBars, track } from './track.ts';

export const stageTitles: Record<WaterfallStage, string> = {
  line: 'Line',
  endpoint: 'Being sure',
  transcript: 'Last words',
  commit: 'Taking the turn',
  retrieval: 'Looking up',
  request: 'Asking',
  'first-token': 'Thinking',
  'first-clause': 'First clause',
  'first-audio': 'Voice',
  'first-packet': 'Sending',
  filler: 'Filler',
};

export interface SectionOptions {
  id: string;
  open: boolean;
  withSound: boolean;
  /** Above the name: "Before". */
  label?: string;
}

export function callSection(call: CheckedCall, { id, open, withSound }: SectionOptions): Html {
  return html`<details class="call ${call.passed ? 'passed' : 'failed'} ${call.level === 'text' && 'wordy'}" id="${id}" ${open && trusted('open')}>
    <summary><span class="chevron" aria-hidden="true"></span>${verdict(call.passed)}<span class="name">${callName(call)}</span><span class="gist">${gistOf(call)}</span></summary>
    ${call.scenario.description !== undefined && html`<p class="description">${call.scenario.description}</p>`}
    ${call.fault !== undefined && html`<p class="fault"><b>The simulation broke off:</b> ${call.fault}</p>`}
    ${call.level !== 'text' && player(call, withSound)}
    <div class="columns">
      <section><h3>Conversation</h3>${conversation(call)}</section>
      <div><section><h3>Checks</h3>${checkList(call)}</section>${waterfall(call)}${facts(call)}</div>
    </div>
  </details>`;
}

export const verdict = (passed: boolean): Html =>
  html`<span class="verdict ${passed ? 'good' : 'bad'}">${passed ? '✓ passed' : '✗ failed'}</span>`;

function gistOf(call: CheckedCall): string {
  const failures = call.checks.filter(({ passed }) => !passed).length;
  const checks = failures > 0 ? `${failures} of ${call.checks.length} checks failed` : `${call.checks.length} checks`;
  const wait = percentile(call.measures.voiceToVoiceMs, 0.5);
  if (call.level === 'text') return [call.fault === undefined ? checks : 'broke off', 'in text'].join(' · ');
  return [
    call.fault === undefined ? checks : 'broke off',
    clockOf(call.durationMs),
    ...(wait === undefined ? [] : [`answers after ${Math.round(wait)} ms`]),
  ].join(' · ');
}

/** The time line with its controls; with sound where it was kept. */
export function player(call: CheckedCall, withSound: boolean): Html {
  const sound = withSound ? call.sound : undefined;
  return html`<div class="player">
    <div class="controls">
      <button class="play" aria-label="${sound ? 'Play' : 'Follow the words'}"><span aria-hidden="true">▶</span> ${sound ? 'Play' : 'Follow'}</button>
      <output class="clock">0:00.0</output><span class="of">of ${clockOf(call.durationMs)}</span>
      ${!sound && html`<span class="quiet">sound was not kept (--html-sound keeps it)</span>`}
      <span class="spring"></span>
      <button class="zoom" data-zoom="0.7" aria-label="Show more of the call">−</button><button class="zoom" data-zoom="fit">Whole call</button><button class="zoom" data-zoom="1.4" aria-label="Show less of the call">+</button>
    </div>
    ${track(call)}
    ${sound && (['caller', 'assistant'] as const).map((who) => soundData(who, sound[who]))}
  </div>`;
}

/** µ-law, deflated: silence weighs next to nothing. Base64 has nothing that could end the element. */
const soundData = (who: string, sound: Uint8Array): Html =>
  html`<script type="text/plain" class="sound" data-channel="${who}">${trusted(deflateRawSync(sound, { level: 9 }).toString('base64'))}</script>`;

function checkList(call: CheckedCall): Html {
  if (call.checks.length === 0) return html`<p class="quiet">This scenario expects nothing.</p>`;
  const order = [...call.checks].sort((a, b) => Number(a.passed) - Number(b.passed));
  return html`<ul class="checks">${order.map((check) => {
    const { passed, skipped, title, found } = check;
    const kind = !passed ? 'bad' : skipped === undefined ? 'good' : 'skipped';
    const at = checkedAt(call, check);
    return html`<li class="${kind}"><span class="verdict ${kind}">${kind === 'bad' ? '✗ failed' : kind === 'good' ? '✓ passed' : '– skipped'}</span>
      <div><p>${title}</p>${!passed && html`<p class="found">Found: ${found ?? 'not so'}</p>`}${skipped !== undefined && html`<p class="quiet">${skipped}</p>`}</div>
      ${at !== undefined && html`<button class="at" data-at="${Math.max(0, Math.round(at))}" title="Play from here">${clockOf(at)}</button>`}</li>`;
  })}</ul>`;
}

function waterfall(call: CheckedCall): Html | undefined {
  const waits = waitsOf(call);
  if (waits.length === 0) return undefined;
  const end = Math.max(800, ...waits.map(({ parts, waitMs }) => waitMs ?? parts.at(-1)?.toMs ?? 0));
  const drawn = new Set(waits.flatMap(({ parts }) => parts.filter(({ fromMs, toMs }) => toMs > fromMs).map(({ stage }) => stage)));
  return html`<section><h3>What the caller waited for</h3>
    <ul class="legend">${waterfallStages.filter((stage) => drawn.has(stage)).map((stage) => html`<li><i style="background:var(--stage-${waterfallStages.indexOf(stage)})"></i>${stageTitles[stage]}</li>`)}</ul>
    <ol class="waterfall">${waits.map(({ turn, fromMs, waitMs, parts }) => {
      const total = waitMs ?? parts.at(-1)?.toMs ?? 0;
      const spelled = parts
        .filter((part) => part.toMs > part.fromMs)
        .map((part) => `${stageTitles[part.stage]} ${Math.round(part.toMs - part.fromMs)} ms`);
      return html`<li title="${spelled.join(', ')}"><button class="at" data-at="${Math.round(fromMs)}">Turn ${turn}</button><span class="bar"><span style="width:${((100 * total) / end).toFixed(1)}%">${stageBars(parts, total || 1)}</span></span><span class="ms">${waitMs === undefined ? 'no sound' : `${Math.round(waitMs)} ms`}</span></li>`;
    })}</ol></section>`;
}

function facts(call: CheckedCall): Html {
  const { measures, level } = call;
  const rows: [string, string][] = [
    ['Level', level],
    ['Seed', String(call.seed)],
    ['Events', `${call.events.length}, digest ${call.hash.slice(0, 16)}`],
    ...(level === 'text'
      ? []
      : ([
          ['Longest silence', `${Math.round(measures.longestDeadAirMs)} ms while it was the assistant’s turn`],
          ['Spoke into a pause', String(measures.cutOffs)],
          ['Stopped by noise', String(measures.falseInterruptions)],
        ] satisfies [string, string][])),
    ...(call.file === undefined ? [] : ([['File', call.file]] satisfies [string, string][])),
  ];
  return html`<section><h3>Facts</h3><dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

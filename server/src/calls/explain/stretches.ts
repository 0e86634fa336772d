/**
 * A wait taken apart: who was waited for, when, and how long that usually takes. The stretches follow each other without
 * gap or overlap from the caller's last word to the end of the wait; what the marks of the turn cannot tell apart (a tool
 * inside the model's time, a provider that failed, a machine that stood still) is cut out by its own events.
 */
import type { LineSpan, TurnStages, WaterfallStage } from '@tandem/contract';
import { type TurnFacts, wordsEndOf } from './call-facts.ts';
import { endpointStretches } from './endpoint-stretches.ts';
import type { TimedCause } from './limits.ts';
import { cut, failureFigures, lengthOf, onlyLate, type Stretch, type WaitOf } from './stretch.ts';
import { durationsOf } from './usual.ts';

/** A shorter standstill is no cause of anything. */
const STALL_MS = 80;
/** Voice that goes on longer than this after the last word is not the caller's words. */
const HELD_MS = 400;
/** Of a quiet last syllable that the voice activity missed, at most. */
const MISSED_MS = 400;

const MARKS: readonly (readonly [WaterfallStage, keyof TurnStages, TimedCause])[] = [
  ['line', 'heardAt', 'jitter'],
  ['endpoint', 'endpointAt', 'endpoint-waited'],
  ['transcript', 'finalAt', 'transcriber-late'],
  ['commit', 'committedAt', 'machine-late'],
  ['retrieval', 'retrievalAt', 'retrieval-late'],
  ['request', 'requestAt', 'machine-late'],
  ['first-token', 'firstTokenAt', 'model-late'],
  ['first-clause', 'firstClauseAt', 'model-slow'],
  ['first-audio', 'firstAudioAt', 'synthesizer-late'],
  ['first-packet', 'firstPacketAt', 'machine-late'],
];

/**
 * When the caller's wait began: with the end of their voice; with their last word, where noise kept the voice activity up
 * after it or it missed the end of that word.
 */
export function waitFrom(turn: TurnFacts): number | undefined {
  const { speechEndAt, committedAt } = turn.stages;
  if (speechEndAt === undefined) return committedAt;
  const wordsEnd = wordsEndOf(turn) ?? speechEndAt;
  if (speechEndAt - wordsEnd >= HELD_MS) return wordsEnd;
  return Math.min(Math.max(wordsEnd, speechEndAt), speechEndAt + MISSED_MS, Math.max(speechEndAt, committedAt ?? speechEndAt));
}

/** From `fromAt` ({@link waitFrom}) to `toAt`, in order. */
export function stretchesOf(wait: WaitOf, fromAt: number, toAt: number): Stretch[] {
  const { turn } = wait;
  const { stages } = turn;
  const stretches: Stretch[] = [];
  let reached = fromAt;
  const add = (code: TimedCause, stage: WaterfallStage | undefined, until: number, more: Partial<Stretch> = {}) => {
    const to = Math.min(until, toAt);
    if (to <= reached) return;
    stretches.push({ code, stage, fromAt: reached, toAt: to, expectedMs: 0, seqs: [], figures: {}, ...more });
    reached = to;
  };
  if (stages.speechEndAt !== undefined && stages.speechEndAt > fromAt) add('voice-held', 'endpoint', stages.speechEndAt);
  for (const [stage, mark, code] of MARKS) {
    const at = stages[mark];
    if (at === undefined) continue;
    if (stage === 'endpoint')
      for (const part of endpointStretches(wait, reached, Math.min(at, toAt))) add(part.code, stage, part.toAt, part);
    else add(code, stage, at);
  }
  // Nothing more happened: whoever's mark would have been next was waited for.
  const [stage, , code] = nextMark(stages);
  add(code, stage, toAt);
  cutTools(stretches, turn);
  cutFailures(stretches, turn);
  cutFillers(stretches, turn);
  expect(stretches, wait);
  cutStalls(stretches, [...turn.commits.map(({ line }) => line), turn.completed?.line]);
  return stretches;
}

function nextMark(stages: TurnStages) {
  const last = MARKS.findLastIndex(([, mark]) => stages[mark] !== undefined);
  return MARKS[Math.min(last + 1, MARKS.length - 1)];
}

/** The model's time from its first word on: what its tools took, and its answer to their results. */
function cutTools(stretches: Stretch[], { tools, stages }: TurnFacts): void {
  const first = tools[0];
  if (!first) return;
  const inModel = ({ stage }: Stretch) => stage === 'first-clause' || stage === 'first-audio';
  const end = stages.firstClauseAt ?? Number.POSITIVE_INFINITY;
  cut(stretches, first.called.at, end, { code: 'model-late', figures: { after: 'tool' } }, ({ stage }) => stage === 'first-clause');
  for (const { called, returned } of tools) {
    const figures = { tool: called.name, ...(returned && { toolMs: Math.round(returned.tookMs), outcome: returned.outcome }) };
    const seqs = returned ? [called.seq, returned.seq] : [called.seq];
    cut(stretches, called.at, returned?.at ?? Number.POSITIVE_INFINITY, { code: 'tool-stalled', seqs, figures }, inModel);
  }
}

function cutFailures(stretches: Stretch[], { failures, stages }: TurnFacts): void {
  const begun = { 'language-model': stages.requestAt, synthesizer: stages.firstClauseAt };
  for (const failure of failures) {
    const { stage, at, seq } = failure;
    if (stage !== 'language-model' && stage !== 'synthesizer') continue;
    const from = begun[stage] ?? stages.committedAt ?? 0;
    begun[stage] = at;
    if (onlyLate(failure)) continue;
    cut(
      stretches,
      from,
      at,
      { code: 'provider-failed', seqs: [seq], figures: failureFigures(failure) },
      (each) => each.code !== 'tool-stalled',
    );
  }
}

/** Sound that is ready waits until the filler has been said. */
function cutFillers(stretches: Stretch[], { played }: TurnFacts): void {
  for (const { filler, fromAt, toAt, seq } of played)
    if (filler)
      cut(stretches, fromAt, toAt + 60, { code: 'filler-covered', seqs: [seq], figures: {} }, ({ stage }) => stage === 'first-packet');
}

/** What usually passes of each; what was hidden behind the wait before it counts as passed. */
function expect(stretches: readonly Stretch[], { turn, usual }: WaitOf): void {
  const durations = durationsOf(turn);
  for (const code of new Set(stretches.map((stretch) => stretch.code))) {
    const its = stretches.filter((stretch) => stretch.code === code && stretch.expectedMs === 0);
    const visible = its.reduce((sum, stretch) => sum + lengthOf(stretch), 0);
    const hidden = code === 'voice-held' ? 0 : Math.max(0, (durations[code] ?? visible) - visible);
    let left = Math.max(0, usual.ms(code, turn.turn) - hidden);
    // A late transcriber has had the wait of the rule before it.
    if (code === 'transcriber-late' && its.some(({ figures }) => 'wordsMs' in figures)) left = 0;
    for (const stretch of its) {
      stretch.expectedMs = Math.min(left, lengthOf(stretch));
      left -= stretch.expectedMs;
    }
  }
}

/** This machine stood still: whoever's time that was, it was not their fault. */
export function cutStalls(stretches: Stretch[], spans: readonly (LineSpan | undefined)[]): void {
  for (const span of spans) {
    if (!span || span.stalledAt === undefined || span.stalledMs < STALL_MS) continue;
    const figures = { stalledMs: span.stalledMs };
    cut(stretches, span.stalledAt - span.stalledMs, span.stalledAt, { code: 'machine-late', figures });
  }
}

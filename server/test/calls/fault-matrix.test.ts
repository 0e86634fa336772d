/**
 * The fault matrix: every stage, fault and moment as a whole call on the virtual clock. The caller hears something soon,
 * no silence grows long while it is the assistant's turn, and the call goes on or ends in words.
 */
import { describe, expect, test } from 'vitest';
import { ANSWER, type Cell, faultCells, nameOf } from './fault-cells.ts';
import { type CellResult, runCell } from './fault-run.ts';

const FIRST_SOUND_MS = 1_500;
const LONGEST_SILENCE_MS = 4_000;
/** Nobody has a turn to answer before the words are known: that is waited for, then it is said that they were not understood. */
const UNHEARD_MS = 2_000;
const APOLOGY = /technical problem.*Goodbye\.$/;
const MISSED = /did not catch|did not understand/;
const LONGEST_WORD_MS = 600;
/** Clauses end on a frame. */
const PLAYED_WITHIN = 0.03;

const stages = [...new Set(faultCells.map(({ stage }) => stage))];

describe.each(stages)('%s', (stage) => {
  for (const cell of faultCells.filter((one) => one.stage === stage)) test(nameOf(cell), () => hold(cell));
});

async function hold(cell: Cell): Promise<void> {
  const result = await runCell(cell);
  expect(result.timersLeft).toBe(0);
  expect(result.callsLeft).toBe(0);
  expectNoDeadAir(result);
  expectHistoryAsHeard(result);
  expectFailuresNamed(cell, result);
  expectOutcome(cell, result);
  expectBounded(cell, result);
}

test('the same seed gives the same call', async () => {
  const [cell] = faultCells.filter(({ stage, fault, who }) => stage === 'synthesizer' && fault === 'stall' && who === 'all');
  const [one, two] = [await runCell(cell, 7), await runCell(cell, 7)];
  expect(one.events).toEqual(two.events);
});

function expectNoDeadAir({ firstSoundMs, committed, endedEarly, silences }: CellResult): void {
  if (endedEarly) return;
  expect(firstSoundMs).toBeLessThanOrEqual(committed ? FIRST_SOUND_MS : UNHEARD_MS);
  expect(silences[0]?.ms ?? 0).toBeLessThanOrEqual(LONGEST_SILENCE_MS);
  // Speech that stops in the middle is followed by something sooner than one filler by the next.
  for (const { after, ms } of silences) if (after === 'speech') expect(ms).toBeLessThanOrEqual(FIRST_SOUND_MS);
}

/** What left on the wire is what the facts say, and what the next prompt holds. */
function expectHistoryAsHeard({ audibleMs, playedMs, told, events, heardTurns }: CellResult): void {
  // A word that was cut was audible and does not count as heard.
  const cuts = events.filter(({ type }) => type === 'reply-interrupted').length;
  expect(Math.abs(audibleMs - playedMs)).toBeLessThanOrEqual(Math.max(100, PLAYED_WITHIN * playedMs) + cuts * LONGEST_WORD_MS);
  const spoken = events.flatMap((event) => (event.type === 'speech-played' && !event.filler ? [event.text] : []));
  const all = spoken.join(' ');
  expect(all.startsWith(told.join(' '))).toBe(true);
  for (const heard of heardTurns) expect(all).toContain(heard);
}

function expectFailuresNamed({ stage, failed }: Cell, { failures }: CellResult): void {
  expect([...new Set(failures.map(({ provider }) => provider))]).toEqual(failed);
  expect(failures.filter((failure) => failure.stage !== stage)).toEqual([]);
}

function expectOutcome({ outcome }: Cell, { heard, wentOn, ending, events, committed }: CellResult): void {
  const last = events.findLast((event) => event.type === 'reply-started');
  const words = events.flatMap((event) => (event.type === 'speech-played' && !event.filler ? [event.text] : [])).join(' ');
  if (outcome === 'apologises') {
    expect(ending).toEqual({ by: 'assistant', reason: 'model-failed' });
    expect(words).toMatch(APOLOGY);
    expect(last).toMatchObject({ kind: 'apology' });
    return;
  }
  expect(ending).toEqual({ by: 'caller', reason: 'hung-up' });
  if (outcome === 'never-understood') return expect(words).toMatch(MISSED);
  expect(wentOn).toBe(true);
  if (outcome === 'asks-again') {
    expect(committed).toBe(false);
    expect(words).toMatch(MISSED);
  } else if (outcome === 'answers') expect(heard.endsWith(ANSWER)).toBe(true);
  else expect(heard).not.toBe('');
}

/** However much a provider sends: prompts, facts and what is said stay small. */
function expectBounded({ stage, fault }: Cell, { probe, events, turnMs }: CellResult): void {
  for (const { messages } of probe.requests)
    for (const message of messages) if (message.role === 'tool') expect(message.result.length).toBeLessThan(10_000);
  for (const event of events) if (event.type === 'tool-returned') expect(JSON.stringify(event).length).toBeLessThan(10_000);
  expect(turnMs).toBeLessThanOrEqual(stage === 'language-model' ? 120_000 : 45_000);
  if (stage !== 'tool') return;
  // A turn has three rounds of tools; an effect that nobody knows the outcome of is not caused twice.
  const effect = events.some((event) => event.type === 'tool-called' && event.sideEffect === true);
  expect(probe.runs.length, fault).toBeLessThanOrEqual(effect ? 1 : 3);
}

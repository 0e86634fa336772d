/** Simulated calls made by hand, for tests of checks and reports: the same events and lines as a real one leaves. */
import type { CallEvent, CallFact } from '@tandem/contract';
import { MULAW_SILENCE } from '#audio/frame.ts';
import { SeededRandom } from '#kit/random.ts';
import { speechLikeSound } from '#models/scripted/speech-like.ts';
import { checkCall } from '../expectations/check.ts';
import type { CheckedCall, SimulatedCall, SpokenLine } from '../outcome.ts';
import { type ScenarioInput, scenario } from '../scenario.ts';

type Happening =
  | { caller: string; turn?: number; kind?: string; wordMs?: number }
  | { assistant: string; turn: number; cut?: boolean; waitMs?: number }
  | { pauseMs: number }
  | { fact: CallFact };

/** The call is answered this long after `call-received`, so that the two clocks are told apart. */
export const RING_MS = 500;
const BYTES_PER_MS = 8;

/** A call in which these things happen one after the other; it ends when the caller hangs up, unless a fact ends it. */
export function madeCall(input: ScenarioInput, happenings: readonly Happening[], change: Partial<SimulatedCall> = {}): SimulatedCall {
  const events: CallEvent[] = [];
  const lines: SpokenLine[] = [];
  const random = new SeededRandom(input.seed ?? 1);
  let now = 0;
  const note = (fact: CallFact, at = now) =>
    events.push({ ...fact, businessId: 'business', callId: 'call', seq: events.length, at: at + RING_MS });
  note(
    {
      type: 'call-received',
      startedAt: '2026-01-05T09:00:00.000Z',
      direction: 'inbound',
      gateway: 'loopback',
      from: '+15550199',
      to: 'demo',
    },
    -RING_MS,
  );
  note({ type: 'call-answered', ringMs: RING_MS });
  note({ type: 'recording-started', channels: 2, rate: 8000 });
  const waits: number[] = [];
  for (const one of happenings) {
    if ('pauseMs' in one) now += one.pauseMs;
    else if ('fact' in one) note(one.fact);
    else if ('caller' in one) {
      const fromMs = now;
      const wordMs = one.wordMs ?? 280;
      const words = one.caller.split(' ').map((text, at) => ({ text, fromMs: at * wordMs, toMs: (at + 1) * wordMs }));
      now += words.length * wordMs;
      note({ type: 'transcript-final', turn: one.turn ?? 1, text: one.caller, fromAt: fromMs + RING_MS, toAt: now + RING_MS, words });
      if (one.turn !== undefined) note({ type: 'turn-committed', turn: one.turn, text: one.caller, source: 'speech', stages: {} });
      lines.push({ who: 'caller', text: one.caller, fromMs, toMs: now, turn: one.turn, kind: one.kind });
    } else {
      const spokeAt = now;
      now += one.waitMs ?? 400;
      const fromMs = now;
      if (one.turn > 0) waits.push(now - spokeAt);
      now += one.assistant.length * 60;
      note({ type: 'speech-played', turn: one.turn, text: one.assistant, fromAt: fromMs + RING_MS, toAt: now + RING_MS, words: [] });
      if (one.cut) note({ type: 'reply-interrupted', turn: one.turn, cause: 'barge-in', heard: one.assistant });
      const stages = stagesOf(spokeAt + RING_MS, fromMs + RING_MS);
      note({ type: 'turn-completed', turn: one.turn, heard: one.assistant, interrupted: one.cut === true, stages });
      lines.push({ who: 'assistant', text: one.assistant, fromMs, toMs: now, turn: one.turn, interrupted: one.cut });
      now += 500;
    }
  }
  note({ type: 'recording-stopped', reason: 'call-ended', durationMs: now });
  if (!events.some(({ type }) => type === 'call-ended')) note({ type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: now });
  const sound = { caller: track(now), assistant: track(now) };
  for (const { who, fromMs, toMs } of lines) {
    const speech = speechLikeSound(random, toMs - fromMs, 'mulaw-8000', -18) as Uint8Array;
    sound[who].set(speech.subarray(0, Math.max(0, sound[who].length - fromMs * BYTES_PER_MS)), Math.round(fromMs * BYTES_PER_MS));
  }
  return {
    scenario: scenario.parse(input),
    level: 'virtual',
    seed: input.seed ?? 1,
    run: 0,
    events,
    hash: 'ab12'.repeat(16),
    lines,
    measures: { voiceToVoiceMs: waits, cutOffs: 0, falseInterruptions: 0, longestDeadAirMs: Math.max(0, ...waits) },
    sound,
    durationMs: now,
    tookMs: 25,
    ...change,
  };
}

export const checkedCall = (...made: Parameters<typeof madeCall>): CheckedCall => checkCall(madeCall(...made));

const track = (ms: number): Uint8Array => new Uint8Array(Math.round(ms) * BYTES_PER_MS).fill(MULAW_SILENCE);

function stagesOf(from: number, to: number) {
  const at = (share: number) => from + (to - from) * share;
  return {
    speechEndAt: from,
    heardAt: at(0.05),
    endpointAt: at(0.45),
    finalAt: at(0.5),
    committedAt: at(0.5),
    retrievalAt: at(0.55),
    requestAt: at(0.56),
    firstTokenAt: at(0.8),
    firstClauseAt: at(0.85),
    firstAudioAt: at(0.97),
    firstPacketAt: to,
  };
}

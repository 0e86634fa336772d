/** What each part of a turn took, and what it usually takes in this call. */
import type { CallFacts, TurnFacts } from './call-facts.ts';
import { PACES, type TimedCause } from './limits.ts';

/** Fewer other turns say nothing about what is usual. */
const ENOUGH = 2;

/** Milliseconds by cause, whole: what was hidden behind something else is counted too. */
export type Durations = Partial<Record<TimedCause, number>>;

export interface Usual {
  /** Capped: see {@link PACES}. */
  ms(code: TimedCause, turn: number): number;
  /** As it was in the call's other turns; undefined where too few tell. */
  known(code: TimedCause, turn: number): number | undefined;
}

/** What the parts of one turn took, from beginning to end, whatever of it the caller noticed. */
export function durationsOf({ stages, retrieval, tools, commits }: TurnFacts): Durations {
  const { speechEndAt, heardAt, finalAt, committedAt, requestAt, firstTokenAt, firstClauseAt, firstAudioAt, firstPacketAt } = stages;
  const span = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined || to < from ? undefined : to - from;
  const toolMs = tools.reduce((sum, { returned }) => sum + (returned?.tookMs ?? 0), 0);
  const readyAt = firstAudioAt === undefined ? undefined : Math.max(firstAudioAt, committedAt ?? 0);
  const spoken = commits.at(-1)?.source === 'speech';
  const durations: Durations = {
    jitter: span(speechEndAt, heardAt),
    'transcriber-late': spoken && speechEndAt !== undefined && finalAt !== undefined ? Math.max(0, finalAt - speechEndAt) : undefined,
    'endpoint-waited': spoken ? span(speechEndAt, committedAt) : undefined,
    'retrieval-late': retrieval?.tookMs,
    'model-late': span(requestAt, firstTokenAt),
    'model-slow': toolMs > 0 ? undefined : span(firstTokenAt, firstClauseAt),
    'tool-stalled': toolMs > 0 ? toolMs : undefined,
    'synthesizer-late': span(firstClauseAt, firstAudioAt),
    'machine-late': span(readyAt, firstPacketAt),
  };
  return Object.fromEntries(Object.entries(durations).filter(([, ms]) => ms !== undefined));
}

export function usualOf(facts: CallFacts): Usual {
  const all = facts.turns.filter(({ turn }) => turn > 0).map((turn) => ({ turn: turn.turn, durations: durationsOf(turn) }));
  const known = (code: TimedCause, turn: number): number | undefined => {
    const others = all.flatMap((each) => (each.turn === turn ? [] : (each.durations[code] ?? []))).sort((a, b) => a - b);
    return others.length < ENOUGH ? undefined : others[(others.length - 1) >> 1];
  };
  return {
    known,
    ms: (code, turn) => Math.min(known(code, turn) ?? PACES[code].usual, PACES[code].most),
  };
}

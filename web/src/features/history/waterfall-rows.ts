/** The wait of each turn as a row of the waterfall: its stages, what was prepared ahead of it, and what a filler bridged. */
import { type CallTurn, type TurnStages, waitOf, type WaterfallPart, waterfallOf } from '@tandem/contract';

/** Milliseconds from the start of the wait. */
export type Stretch = { fromMs: number; toMs: number };

export type WaterfallRow = {
  turn: number;
  /** `answer`: from the caller's last voiced packet. `typed`: from words or digits that were typed. `opening`: nobody waited for it (the greeting). */
  kind: 'answer' | 'typed' | 'opening';
  /** Without those that cost nothing. */
  parts: WaterfallPart[];
  /** From the start of the wait to the first sound on the wire; undefined when no sound left. */
  totalMs: number | undefined;
  /** The answer was begun before the turn was taken: until when that ran ahead. */
  ahead: Stretch | undefined;
  /** A filler ended the wait; the answer itself came at the end of this. */
  bridged: Stretch | undefined;
};

/** Work for the answer, in order. */
const prepared = ['requestAt', 'firstTokenAt', 'firstClauseAt', 'firstAudioAt'] as const satisfies readonly (keyof TurnStages)[];

export function waterfallRow({ turn, callerText, stages: marks, voiceToVoiceMs }: Turn): WaterfallRow {
  const kind = marks.speechEndAt !== undefined ? 'answer' : callerText ? 'typed' : 'opening';
  const known = Object.values(marks).filter((mark) => mark !== undefined);
  // A greeting waits for nobody: it is drawn from its first mark.
  const origin = marks.speechEndAt ?? marks.committedAt ?? (known.length > 0 ? Math.min(...known) : 0);
  const stages: TurnStages = { ...marks, ...(marks.speechEndAt === undefined ? { committedAt: origin } : {}) };
  const parts = known.length > 0 ? waterfallOf(stages).filter(({ fromMs, toMs }) => toMs - fromMs >= 0.5) : [];
  return {
    turn,
    kind,
    parts,
    totalMs: (known.length > 0 ? waitOf(stages) : undefined) ?? voiceToVoiceMs ?? undefined,
    ahead: aheadOf(marks, origin),
    bridged: bridgedOf(marks, origin),
  };
}

type Turn = Pick<CallTurn, 'turn' | 'callerText' | 'stages' | 'voiceToVoiceMs'>;

function aheadOf({ eagerAt, committedAt, ...marks }: TurnStages, origin: number): Stretch | undefined {
  if (eagerAt === undefined || committedAt === undefined || eagerAt >= committedAt) return undefined;
  const last = Math.max(eagerAt, ...prepared.map((mark) => marks[mark] ?? eagerAt));
  const fromMs = Math.max(0, eagerAt - origin);
  const toMs = Math.max(fromMs, Math.min(last === eagerAt ? committedAt : last, committedAt) - origin);
  return toMs > fromMs ? { fromMs, toMs } : undefined;
}

function bridgedOf({ fillerAt, firstPacketAt }: TurnStages, origin: number): Stretch | undefined {
  if (fillerAt === undefined || firstPacketAt === undefined || firstPacketAt <= fillerAt) return undefined;
  return { fromMs: Math.max(0, fillerAt - origin), toMs: Math.max(0, firstPacketAt - origin) };
}

/** The end of the common axis: the longest row, rounded up to a friendly number. */
export function axisEndMs(rows: readonly WaterfallRow[]): number {
  const longest = Math.max(
    1_000,
    ...rows.flatMap(({ parts, totalMs, bridged }) => [totalMs ?? 0, parts.at(-1)?.toMs ?? 0, bridged?.toMs ?? 0]),
  );
  const step = longest <= 3_000 ? 250 : longest <= 8_000 ? 1_000 : 5_000;
  return Math.ceil(longest / step) * step;
}

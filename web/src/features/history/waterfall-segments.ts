/** The wait between a caller's last word and the first sound of the answer, cut into the stages that made it. */
import type { CallTurn, TurnStages } from '@tandem/contract';

export type StageName = 'endpoint' | 'words' | 'retrieval' | 'first-token' | 'first-clause' | 'first-sound' | 'first-packet';

/** A stage, in milliseconds from the start of the wait. Segments follow each other without gaps. */
export type Segment = { stage: StageName; fromMs: number; toMs: number };

export type WaterfallRow = {
  turn: number;
  /** `answer`: from the caller's last voiced frame. `typed`: from words or digits that were typed. `opening`: nobody waited for it (the greeting). */
  kind: 'answer' | 'typed' | 'opening';
  segments: Segment[];
  /** From the start of the wait to the first sound on the wire; undefined when no sound left. */
  totalMs: number | undefined;
};

export const stageTitle: Record<StageName, string> = {
  endpoint: 'Endpoint wait',
  words: 'Words',
  retrieval: 'Retrieval',
  'first-token': 'First token',
  'first-clause': 'First clause',
  'first-sound': 'First sound',
  'first-packet': 'First packet',
};

export const stageInWords: Record<StageName, string> = {
  endpoint: 'waiting to be sure that the caller had finished',
  words: 'waiting for the final words and taking the turn',
  retrieval: 'looking up what the business knows about it',
  'first-token': 'the language model beginning its answer',
  'first-clause': 'until there was enough text to speak',
  'first-sound': 'the voice beginning to sound',
  'first-packet': 'until the sound left for the caller',
};

const order: readonly (readonly [StageName, (stages: TurnStages) => number | undefined])[] = [
  ['endpoint', (s) => s.endpointAt],
  ['words', (s) => s.committedAt ?? s.finalAt],
  ['retrieval', (s) => s.retrievalAt],
  ['first-token', (s) => s.firstTokenAt],
  ['first-clause', (s) => s.firstClauseAt],
  ['first-sound', (s) => s.firstAudioAt],
  ['first-packet', (s) => s.firstPacketAt],
];

/** Cuts the wait of one turn. A mark before the one it follows (work done ahead of time) makes an empty stage, which is left out. */
export function waterfallRow({
  turn,
  callerText,
  stages,
  voiceToVoiceMs,
}: Pick<CallTurn, 'turn' | 'callerText' | 'stages' | 'voiceToVoiceMs'>): WaterfallRow {
  const marks = Object.values(stages).filter((mark) => mark !== undefined);
  const start = stages.speechEndAt ?? (marks.length > 0 ? Math.min(...marks) : 0);
  const segments: Segment[] = [];
  let cursor = start;
  for (const [stage, markOf] of order) {
    const mark = markOf(stages);
    if (mark === undefined || mark <= cursor) continue;
    segments.push({ stage, fromMs: cursor - start, toMs: mark - start });
    cursor = mark;
  }
  const measured = stages.firstPacketAt === undefined ? undefined : Math.max(0, stages.firstPacketAt - start);
  const kind = stages.speechEndAt !== undefined ? 'answer' : callerText ? 'typed' : 'opening';
  return { turn, kind, segments, totalMs: voiceToVoiceMs ?? measured };
}

/** The end of the common axis: the longest wait, rounded up to a friendly number. */
export function axisEndMs(rows: readonly WaterfallRow[]): number {
  const longest = Math.max(1_000, ...rows.flatMap(({ segments, totalMs }) => [totalMs ?? 0, segments.at(-1)?.toMs ?? 0]));
  const step = longest <= 3_000 ? 250 : longest <= 8_000 ? 1_000 : 5_000;
  return Math.ceil(longest / step) * step;
}

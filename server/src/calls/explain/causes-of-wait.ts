/** The causes of a wait: its stretches by who was waited for, the largest excess first. */
import type { TurnCause } from '@tandem/contract';
import { commitOf, type ProviderStage, type TurnFacts } from './call-facts.ts';
import { causeWords } from './cause-words.ts';
import { seconds } from './durations-in-words.ts';
import type { TimedCause } from './limits.ts';
import { lengthOf, type Stretch, type WaitOf } from './stretch.ts';

/** Less than this beyond the usual is no cause worth a line. */
const WORTH_MS = 120;
const AT_COMMIT_MS = 60;

const providerStages: Partial<Record<TimedCause, ProviderStage>> = {
  'transcriber-late': 'transcriber',
  'model-late': 'language-model',
  'model-slow': 'language-model',
  'synthesizer-late': 'synthesizer',
};

/** Never empty: where nothing took longer than usual the longest is named, with little confidence. */
export function causesOfWait(wait: WaitOf, stretches: readonly Stretch[]): [TurnCause, ...TurnCause[]] {
  const found = [...groups(stretches)].map((group) => causeOf(wait, group));
  const missed = missedSpeculation(wait);
  const ranked = [...found, ...(missed ? [missed] : [])].sort((a, b) => b.excessMs - a.excessMs);
  const all = ranked.reduce((sum, { excessMs }) => sum + excessMs, 0);
  const blamed = ranked.filter(({ excessMs, cause }) => excessMs >= WORTH_MS || cause.code === 'filler-covered');
  const [main] = blamed;
  if (!main || main.cause.code === 'filler-covered') {
    const longest = found.filter(({ cause }) => cause.code !== 'filler-covered').sort((a, b) => b.ms - a.ms)[0];
    const rest = blamed.map(({ cause }) => cause);
    return [longest ? { ...longest.cause, confidence: 0.3 } : UNKNOWN, ...rest];
  }
  const weigh = ({ cause, excessMs }: Ranked): TurnCause => ({ ...cause, confidence: round(0.4 + 0.6 * (excessMs / Math.max(1, all))) });
  return [weigh(main), ...blamed.slice(1).map(weigh)];
}

export const UNKNOWN: TurnCause = {
  code: 'unknown',
  shareMs: null,
  confidence: 0.1,
  sentence: 'What the call has recorded does not tell why.',
  advice: 'Listen to the recording at this place.',
  evidence: { seqs: [], figures: {} },
};

interface Ranked {
  cause: TurnCause;
  ms: number;
  excessMs: number;
}

/** Stretches of one cause; each failure of a provider by itself. */
function groups(stretches: readonly Stretch[]): Iterable<Stretch[]> {
  return Map.groupBy(stretches, ({ code, figures }) => `${code} ${String(figures.provider ?? figures.tool ?? '')}`).values();
}

function causeOf({ turn, usual }: WaitOf, group: readonly Stretch[]): Ranked {
  const [first] = group;
  const { code } = first;
  const ms = group.reduce((sum, stretch) => sum + lengthOf(stretch), 0);
  const expectedMs = group.reduce((sum, stretch) => sum + stretch.expectedMs, 0);
  const longest = group.reduce((best, stretch) => (lengthOf(stretch) > lengthOf(best) ? stretch : best));
  const figures = Object.assign({}, ...group.map((stretch) => stretch.figures), longest.figures) as Stretch['figures'];
  const stage = providerStages[code];
  const usualMs = usual.known(code, turn.turn);
  const words = causeWords[code];
  const told = { ms, usualMs, provider: stage && turn.providers[stage], figures };
  const excessMs = code === 'filler-covered' ? 0 : Math.max(0, ms - expectedMs);
  const cause: TurnCause = {
    code,
    shareMs: Math.round(code === 'filler-covered' ? ms : excessMs),
    confidence: 0,
    ...(longest.stage ? { stage: longest.stage } : {}),
    sentence: words.sentence(told),
    advice: words.advice(told),
    evidence: {
      seqs: seqsOf(turn, group),
      figures: { ms: Math.round(ms), ...(usualMs !== undefined && { usualMs: Math.round(usualMs) }), ...figures },
    },
  };
  return { cause, ms, excessMs };
}

function seqsOf(turn: TurnFacts, group: readonly Stretch[]): number[] {
  const own = [...new Set(group.flatMap(({ seqs }) => seqs))];
  if (own.length > 0) return own.sort((a, b) => a - b);
  const marks = [commitOf(turn)?.seq, turn.completed?.seq].filter((seq) => seq !== undefined);
  return marks;
}

/** What was prepared ahead did not fit: the head start that was lost is what it cost. */
function missedSpeculation({ turn }: WaitOf): Ranked | undefined {
  const commit = commitOf(turn);
  const { committedAt, firstAudioAt = turn.endsAt } = turn.stages;
  if (commit?.speculation !== 'missed' || committedAt === undefined) return undefined;
  const before = turn.speculations.filter(({ at }) => at <= committedAt);
  const begun = before.findLast(({ type }) => type === 'speculation-started');
  const dropped = before.findLast((event) => event.type === 'speculation-dropped');
  if (!begun) return undefined;
  // Begun as often as it may be, and dropped long before: then the words have stood still in vain since they came.
  const inVain = dropped !== undefined && committedAt - dropped.at > AT_COMMIT_MS;
  const since = inVain ? (turn.words.findLast(({ at }) => at <= committedAt)?.at ?? dropped.at) : begun.at;
  const aheadMs = Math.max(0, committedAt - Math.max(since, begun.at));
  const excessMs = Math.min(aheadMs, Math.max(0, firstAudioAt - committedAt));
  const why = dropped?.type === 'speculation-dropped' ? dropped.cause : 'missed';
  const cause: TurnCause = {
    code: 'speculation-missed',
    shareMs: Math.round(excessMs),
    confidence: 0,
    stage: 'first-token',
    sentence: `The answer that was prepared ahead did not fit the caller's final words and was begun anew; a head start of ${seconds(aheadMs)} was lost.`,
    advice: 'A recogniser whose early words change less loses fewer of them; often it is the price of answers that are usually faster.',
    evidence: {
      seqs: [begun.seq, ...(dropped ? [dropped.seq] : []), commit.seq],
      figures: { aheadMs: Math.round(aheadMs), why },
    },
  };
  return { cause, ms: excessMs, excessMs };
}

const round = (share: number): number => Math.round(Math.min(1, share) * 100) / 100;

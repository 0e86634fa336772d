/** The wait until the turn was taken: for the words, for noise to end, or for a rule to be sure. */
import { type CallFacts, commitOf, finalsOf, type TurnFacts } from './call-facts.ts';
import type { TimedCause } from './limits.ts';
import { failureFigures, type Stretch, type WaitOf } from './stretch.ts';

type Part = Pick<Stretch, 'code' | 'toAt'> & Partial<Stretch>;

/** A turn that is taken so soon after words came has waited for them. */
const AT_ONCE_MS = 60;
/** Words that much later than the rule would have waited are late. */
const LATE_MS = 100;

/** From the end of the voice (`from`) to the decision (`to`). */
export function endpointStretches({ turn, facts, usual }: WaitOf, from: number, to: number): Part[] {
  const commit = commitOf(turn);
  if (!commit || to <= from) return [];
  const { rule = '', seq } = commit;
  const figures = { rule, waitedMs: Math.round(to - from) };
  const patient = (code: TimedCause): Part[] => [{ code, toAt: to, seqs: [seq], figures }];
  if (rule === 'stuck-voice') return [{ code: 'voice-held', toAt: to, seqs: [seq, ...voiceBefore(facts, to)], figures }];
  if (rule === 'no-words' && !wordsSince(turn, facts, to))
    return [{ code: 'voice-held', toAt: to, seqs: [seq, ...voiceBefore(facts, to)], figures: { ...figures, noise: 'wordless' } }];
  const usualMs = usual.ms('endpoint-waited', turn.turn);
  const words = lateWords(turn, from, to, usualMs);
  if (!words) return patient(rule === 'pauses' ? 'caller-paused' : 'endpoint-waited');
  const failure = facts.deafness.findLast(({ at }) => at <= to && at >= since(turn, facts));
  const late: Part = {
    code: failure ? 'provider-failed' : 'transcriber-late',
    stage: 'endpoint',
    toAt: to,
    seqs: [seq, ...words.seqs, ...(failure ? [failure.seq] : [])],
    figures: { wordsMs: Math.round(words.ms), ...words.figures, ...(failure ? failureFigures(failure) : {}) },
  };
  const sure = Math.min(to, from + usualMs);
  return sure > from ? [{ code: 'endpoint-waited', toAt: sure, expectedMs: sure - from, seqs: [seq], figures }, late] : [late];
}

interface LateWords {
  ms: number;
  seqs: number[];
  figures: Stretch['figures'];
}

/** How late the words were, if that is what the turn waited for. */
function lateWords(turn: TurnFacts, from: number, to: number, usualMs: number): LateWords | undefined {
  const before = turn.words.filter(({ at }) => at <= to + 1);
  const last = before.at(-1);
  const final = finalsOf(turn).findLast(({ at }) => at <= to + 1);
  if (final && final === last && to - final.at <= AT_ONCE_MS && final.at - from > usualMs + LATE_MS)
    return { ms: final.at - from, seqs: [final.seq], figures: {} };
  // The last that came were not final, and the turn was taken with them at last; or none came for the newest sound.
  const unsettled = last !== undefined && last.type === 'transcript-partial';
  const without = commitOf(turn)?.rule === 'no-words';
  if ((unsettled || without) && to - from > usualMs + LATE_MS * 3) {
    const came = finalsOf(turn).find(({ at }) => at > to);
    return { ms: (came?.at ?? to) - from, seqs: came ? [came.seq] : [], figures: { final: came ? 'after the turn was taken' : 'never' } };
  }
  return undefined;
}

/** Words for the newest stretch of the voice, however late. */
function wordsSince(turn: TurnFacts, { voice }: CallFacts, to: number): boolean {
  const newest = voice.findLast(({ startedAt }) => startedAt <= to);
  if (!newest) return true;
  return turn.words.some((word) =>
    word.type === 'transcript-final' ? word.toAt > newest.startedAt : word.at > newest.startedAt + AT_ONCE_MS,
  );
}

const voiceBefore = ({ voice }: CallFacts, to: number): number[] =>
  voice
    .filter(({ startedAt }) => startedAt <= to)
    .slice(-1)
    .map(({ seq }) => seq);

/** When the turn before was taken. */
function since(turn: TurnFacts, { turns }: CallFacts): number {
  const before = turns.findLast(({ turn: other, commits }) => other < turn.turn && commits.length > 0);
  return before?.commits.at(-1)?.at ?? 0;
}

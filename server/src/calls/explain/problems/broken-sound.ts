/** Sound was lost on the way from the caller, or left us late. */
import type { LineSpan, TurnCause, TurnFinding } from '@tandem/contract';
import type { TurnFacts } from '../call-facts.ts';
import { percent, plural, seconds } from '../durations-in-words.ts';
import { causeOf, type Context, type Problem } from './problem.ts';

/** Fewer packets or frames are not heard as broken. */
const MOST_UNHEARD = 4;
const UNEVEN_MS = 30;
/** Longer than any jitter buffer of a phone bridges. */
const STALL_MS = 150;

export const brokenSound: Problem = (context) =>
  context.facts.turns.flatMap((turn) => [...fromCaller(context, turn), ...toCaller(context, turn)]);

function finding(turn: number, atMs: number, gapMs: number | null, sentence: string, cause: TurnCause): TurnFinding {
  return { turn, problem: 'broken-sound', atMs, gapMs, limitMs: null, sentence, causes: [cause] };
}

function fromCaller({ limits }: Context, { turn, commits }: TurnFacts): TurnFinding[] {
  const spans = commits.flatMap(({ line }) => line ?? []);
  const [first] = commits;
  if (!first || spans.length === 0) return [];
  const sum = (of: (span: LineSpan) => number) => spans.reduce((total, span) => total + of(span), 0);
  const [received, lost] = [sum((span) => span.packetsReceived), sum((span) => span.packetsLost)];
  const unplayable = sum((span) => span.packetsConcealed) - lost;
  const jitterMs = Math.max(...spans.map((span) => span.jitterMs));
  const share = lost / Math.max(1, lost + received);
  const seqs = commits.map(({ seq }) => seq);
  if (lost > MOST_UNHEARD && share >= limits.lostShare) {
    const words = `${percent(share)} of the caller's packets (${lost} of ${lost + received}) never arrived.`;
    const cause = causeOf(
      'packet-loss',
      0.95,
      words,
      "It is the caller's network or the carrier's; ask the carrier where several calls show it.",
      seqs,
      { lost, received, lostShare: Math.round(share * 1000) / 1000 },
    );
    return [finding(turn, first.at, null, 'The caller was hard to hear.', cause)];
  }
  if (unplayable > MOST_UNHEARD && jitterMs >= UNEVEN_MS) {
    const words = `The caller's packets came unevenly (jitter ${Math.round(jitterMs)} ms); ${plural(unplayable, 'frame')} had to be filled in.`;
    const cause = causeOf('jitter', 0.85, words, "It is the caller's network (often Wi-Fi) or the carrier's.", seqs, {
      jitterMs,
      filledIn: unplayable,
    });
    return [finding(turn, first.at, null, 'The caller was hard to hear.', cause)];
  }
  return [];
}

function toCaller({ limits }: Context, { turn, completed, played, stages }: TurnFacts): TurnFinding[] {
  const line = completed?.line;
  if (!completed || !line) return [];
  const advice = "See this machine's CPU and event-loop delay at that moment; it may carry too many calls, or share its cores.";
  const { stalledMs, stalledAt, framesLate, framesSent } = line;
  const begunAt = Math.min(stages.fillerAt ?? Number.POSITIVE_INFINITY, stages.firstPacketAt ?? Number.POSITIVE_INFINITY);
  const endedAt = Math.max(...played.map(({ toAt }) => toAt));
  if (stalledAt !== undefined && stalledMs >= STALL_MS && stalledAt > begunAt && stalledAt - stalledMs < endedAt) {
    const words = `This machine stood still for ${seconds(stalledMs)} while the assistant spoke.`;
    const cause = causeOf('machine-late', 0.95, words, advice, [completed.seq], { stalledMs });
    return [finding(turn, stalledAt - stalledMs, stalledMs, 'The answer broke off for a moment.', cause)];
  }
  if (framesLate > MOST_UNHEARD && framesLate / Math.max(1, framesSent) >= limits.lateShare) {
    const words = `${percent(framesLate / framesSent)} of the answer's sound left late (${framesLate} of ${framesSent} frames).`;
    const cause = causeOf('machine-late', 0.9, words, advice, [completed.seq], { framesLate, framesSent });
    return [finding(turn, completed.at, null, 'The answer sounded broken.', cause)];
  }
  return [];
}

/** The question was not answered: nothing is known, the wrong thing was found, nobody understood, or somebody failed. */
import type { TurnCause, TurnFinding } from '@tandem/contract';
import { asksSomething } from '#conversation/misses.ts';
import { type CallFacts, commitOf, type EventOf, type TurnFacts } from '../call-facts.ts';
import { stageName } from '../cause-words.ts';
import { UNKNOWN } from '../causes-of-wait.ts';
import { percent, seconds } from '../durations-in-words.ts';
import { failureFigures } from '../stretch.ts';
import { causeOf, type Problem } from './problem.ts';

/** From the end of a voice without words to the question back. */
const ASKED_BACK_MS = 2_200;

export const unanswered: Problem = ({ facts, limits }) => [
  ...facts.turns.flatMap((turn) => notKnown(turn) ?? []),
  ...facts.lines.flatMap((line) => (line.kind === 'apology' ? apology(facts, line) : (notUnderstood(facts, line, limits.lostShare) ?? []))),
];

function finding(turn: number, atMs: number, sentence: string, cause: TurnCause): TurnFinding {
  return { turn, problem: 'unanswered', atMs, gapMs: null, limitMs: null, sentence, causes: [cause] };
}

function notKnown(turn: TurnFacts): TurnFinding | undefined {
  const { retrieval, withheld, tools, completed } = turn;
  const commit = commitOf(turn);
  const [held] = withheld;
  if (!commit || !retrieval) return undefined;
  const verdict = retrieval.verdict ?? (retrieval.answerable ? 'answer' : 'unknown');
  const best = retrieval.passages[0];
  const found = {
    query: retrieval.query,
    passages: retrieval.passages.length,
    verdict,
    ...(best && { best: best.title, score: best.score }),
  };
  if (held) {
    const claims = held.claims.join(', ');
    const cause = best
      ? causeOf(
          'wrong-passage',
          0.8,
          `"${best.title}" was found, but it does not hold what the answer wanted to say (${claims}).`,
          'Add the missing fact to that document, or write an approved answer to the question.',
          [retrieval.seq, held.seq],
          { ...found, claims },
        )
      : causeOf(
          'knowledge-gap',
          0.9,
          `Nothing in the knowledge holds what the answer wanted to say (${claims}).`,
          'Add a document or an approved answer that holds it.',
          [retrieval.seq, held.seq],
          { ...found, claims },
        );
    return finding(
      turn.turn,
      held.at,
      'The assistant held a sentence back that nothing it knows supports, and said that it does not know.',
      cause,
    );
  }
  const acted = tools.some(({ returned }) => returned?.outcome === 'ok');
  const supported = completed?.sentences?.some(({ passages }) => passages.length > 0) ?? false;
  if (verdict === 'answer' || acted || commit.source === 'digits' || !asksSomething(commit.text)) return undefined;
  if (verdict === 'unknown' && supported) return undefined;
  const cause = best
    ? causeOf(
        'wrong-passage',
        0.8,
        `The nearest that was found is "${best.title}" (score ${best.score.toFixed(2)}), too far from the question to answer it.`,
        'Word the passage as callers ask, or write an approved answer to the question.',
        [retrieval.seq],
        found,
      )
    : causeOf(
        'knowledge-gap',
        0.9,
        'The knowledge holds nothing about it.',
        'It is in the list of gaps: answer it there once, and callers get the answer from then on.',
        [retrieval.seq],
        found,
      );
  return finding(turn.turn, commit.at, 'The assistant could not answer the question.', cause);
}

/** Everybody has failed: the assistant said so. */
function apology({ turns, deafness }: CallFacts, { turn, at, seq }: EventOf<'reply-started'>): TurnFinding {
  const failures = [...(turns.find((each) => each.turn === turn)?.failures ?? []), ...deafness];
  const last = failures
    .filter((failure) => failure.at <= at)
    .sort((a, b) => a.at - b.at)
    .at(-1);
  const sentence = 'The assistant apologised: it could not go on.';
  if (!last) return finding(turn, at, sentence, { ...UNKNOWN, evidence: { seqs: [seq], figures: {} } });
  const cause = causeOf(
    'provider-failed',
    0.95,
    `The ${stageName(last.stage)} ${last.provider} failed (${last.message}), and nobody was left to take over.`,
    'Configure a fallback for it: a second provider, or the models that run on this machine.',
    [last.seq, seq],
    failureFigures(last),
  );
  return finding(turn, at, sentence, cause);
}

/** Somebody spoke, no words came, and the assistant asked back. */
function notUnderstood(facts: CallFacts, { turn, at, seq }: EventOf<'reply-started'>, lostShare: number): TurnFinding | undefined {
  const voice = facts.voice.findLast(({ startedAt }) => startedAt < at);
  if (voice?.endedAt === undefined || at - voice.endedAt > ASKED_BACK_MS) return undefined;
  // What stopped the assistant before is told as that.
  const stopped = facts.turns.flatMap(({ interruptions }) => interruptions).some((each) => each.at >= voice.startedAt && each.at <= at);
  if (stopped) return undefined;
  const failure = facts.deafness.findLast((each) => each.at <= at && each.at >= voice.startedAt - 1_000);
  const line = facts.turns
    .flatMap(({ commits, completed }) => [...commits, ...(completed ? [completed] : [])])
    .find((event) => event.at >= at)?.line;
  const lost = line ? line.packetsLost / Math.max(1, line.packetsLost + line.packetsReceived) : 0;
  const sentence = 'The caller spoke and was not understood; the assistant asked them to say it again.';
  const lasted = seconds(voice.durationMs);
  if (failure)
    return finding(
      turn,
      at,
      sentence,
      causeOf(
        'provider-failed',
        0.9,
        `The speech recogniser ${failure.provider} failed (${failure.message}) while the caller spoke.`,
        'Configure a second recogniser.',
        [failure.seq, seq],
        failureFigures(failure),
      ),
    );
  if (lost >= lostShare)
    return finding(
      turn,
      at,
      sentence,
      causeOf(
        'packet-loss',
        0.7,
        `${percent(lost)} of the caller's sound was lost on its way while they spoke.`,
        "It is the caller's network or the carrier's.",
        [voice.seq, seq],
        { lostShare: lost },
      ),
    );
  return finding(
    turn,
    at,
    sentence,
    causeOf(
      'words-missed',
      0.8,
      `The caller's voice was heard for ${lasted}, and the speech recogniser brought no words.`,
      'Listen to it: where it was speech, add the words to the phrases of the assistant or try another recogniser.',
      [voice.seq, seq],
      { voiceMs: Math.round(voice.durationMs) },
    ),
  );
}

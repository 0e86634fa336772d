/** The assistant spoke into a pause of the caller's, who had not finished. */
import type { TurnFinding } from '@tandem/contract';
import { commitOf, type TurnFacts } from '../call-facts.ts';
import { ruleInWords } from '../cause-words.ts';
import { seconds } from '../durations-in-words.ts';
import { wordsOf } from '../voice-words.ts';
import { causeOf, type Context, type Problem } from './problem.ts';

/** Who goes on so soon after the turn was taken, or after the first sound, was not interrupting: they had not finished. */
const AFTER_COMMIT_MS = 1_100;
const AFTER_SOUND_MS = 400;
/** Most people take the turn after a shorter pause than this. */
const LONG_PAUSE_MS = 1_400;

export const cutOff: Problem = (context) => context.facts.turns.flatMap((turn) => cutOffAt(context, turn) ?? []);

function cutOffAt({ facts }: Context, turn: TurnFacts): TurnFinding | undefined {
  const commit = commitOf(turn);
  const { speechEndAt, committedAt, firstPacketAt, fillerAt } = turn.stages;
  const soundAt = Math.min(firstPacketAt ?? Number.POSITIVE_INFINITY, fillerAt ?? Number.POSITIVE_INFINITY);
  const [cut] = turn.interruptions;
  if (!cut || commit?.source !== 'speech' || speechEndAt === undefined || committedAt === undefined) return undefined;
  if (cut.cause !== 'words' && cut.cause !== 'phrase' && cut.cause !== 'speech') return undefined;
  const voice = facts.voice.findLast(({ startedAt }) => startedAt <= cut.at);
  if (!voice || voice.startedAt <= speechEndAt) return undefined;
  if (voice.startedAt - committedAt > AFTER_COMMIT_MS && voice.startedAt - soundAt > AFTER_SOUND_MS) return undefined;
  // A noise is no cut-off: see `false-interruption.ts`.
  if (wordsOf(facts, voice, cut.at) === undefined) return undefined;
  const pauseMs = voice.startedAt - speechEndAt;
  const long = pauseMs >= LONG_PAUSE_MS;
  const figures = { pauseMs: Math.round(pauseMs), rule: commit.rule ?? '' };
  const cause = causeOf(
    long ? 'caller-paused' : 'endpoint-early',
    long ? 0.8 : 0.9,
    long
      ? `The caller was silent for ${seconds(pauseMs)} in the middle of what they had to say, longer than most people pause.`
      : `The caller paused for ${seconds(pauseMs)}, and ${ruleInWords(commit.rule)} took that for the end.`,
    long
      ? 'Nothing needs to be done; for callers who often think that long, lower the eagerness of the assistant.'
      : 'Lower the eagerness of the assistant, or let a model of the voice judge the end of a turn (smart-turn).',
    [commit.seq, voice.seq, cut.seq],
    figures,
  );
  return {
    turn: turn.turn,
    problem: 'cut-off',
    atMs: Number.isFinite(soundAt) ? soundAt : committedAt,
    gapMs: Math.round(pauseMs),
    limitMs: null,
    sentence: 'The assistant began to speak before the caller had finished.',
    causes: [cause],
  };
}

/** Something that was no interruption made the assistant stop. */
import type { TurnFinding } from '@tandem/contract';
import type { CallFacts, TurnFacts, VoiceStretch } from '../call-facts.ts';
import { seconds } from '../durations-in-words.ts';
import { wordsBetween, wordsOf } from '../voice-words.ts';
import { causeOf, type Context, type Problem } from './problem.ts';

/** Voice over the assistant's speech pauses it so long after it was noticed. */
const PAUSES_AFTER_MS = 190;
/** A shorter voice only lowers its volume. */
const PAUSING_MS = 200;
/** Quiet and without words it goes on after this. */
const STAYS_PAUSED_MS = 1_200;

export const falseInterruption: Problem = (context) =>
  context.facts.turns.flatMap((turn) => [...paused(context, turn), ...stopped(context, turn)]);

/** It stopped, and went on when nothing came of it. */
function paused({ facts, limits }: Context, turn: TurnFacts): TurnFinding[] {
  return turn.resumptions.flatMap(({ at, seq }) => {
    const voice = pausedBy(facts, at);
    if (!voice) return [];
    const stoodMs = at - voice.startedAt - PAUSES_AFTER_MS;
    return stoodMs < limits.stopMs ? [] : [finding(turn, facts, voice, { at, seq, stoodMs })];
  });
}

/** It stopped for good: whoever made the sound said nothing. */
function stopped({ facts }: Context, turn: TurnFacts): TurnFinding[] {
  return turn.interruptions.flatMap(({ at, seq, cause }) => {
    const voice = facts.voice.findLast(({ startedAt }) => startedAt < at);
    if (cause !== 'speech' || !voice || wordsOf(facts, voice, at) !== undefined) return [];
    return [finding(turn, facts, voice, { at, seq, stoodMs: undefined })];
  });
}

/** The voice that paused what went on again at `at`: the first long enough of those that followed each other closely. */
function pausedBy({ voice }: CallFacts, at: number): VoiceStretch | undefined {
  let last = voice.findLastIndex(({ startedAt }) => startedAt < at);
  let by = voice[last];
  for (; last > 0; last--) {
    const [before, next] = [voice[last - 1], voice[last]];
    if (next.startedAt - (before.endedAt ?? next.startedAt) > STAYS_PAUSED_MS) break;
    if (before.durationMs >= PAUSING_MS) by = before;
  }
  return by;
}

function finding(
  turn: TurnFacts,
  facts: CallFacts,
  voice: VoiceStretch,
  { at, seq, stoodMs }: { at: number; seq: number; stoodMs: number | undefined },
): TurnFinding {
  const said = stoodMs === undefined ? undefined : wordsBetween(facts, voice.startedAt, at);
  const lasted = seconds(voice.durationMs || at - voice.startedAt);
  const figures = { voiceMs: Math.round(voice.durationMs), ...(said !== undefined && { said }) };
  const cause =
    said === undefined
      ? causeOf(
          'noise',
          0.9,
          `A sound of ${lasted} without a word (a cough, a door, a voice in the background) was taken for the caller speaking.`,
          'Install a voice detector that knows noise from speech (Silero); the assistant goes on by itself where no words come.',
          [voice.seq, seq],
          figures,
        )
      : causeOf(
          'backchannel',
          0.8,
          `The caller only said "${said}", which means "go on", for ${lasted}.`,
          'It goes on as soon as the words are known; a recogniser with quick first words makes the stop shorter.',
          [voice.seq, seq],
          figures,
        );
  return {
    turn: turn.turn,
    problem: 'false-interruption',
    atMs: voice.startedAt,
    gapMs: stoodMs === undefined ? null : Math.round(stoodMs),
    limitMs: null,
    sentence:
      stoodMs === undefined
        ? 'The assistant stopped although nobody had interrupted it.'
        : `The assistant stopped for ${seconds(stoodMs)} although nobody had interrupted it.`,
    causes: [cause],
  };
}

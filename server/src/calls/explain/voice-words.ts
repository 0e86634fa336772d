/** The words that belong to a voice: a sound that brings none is a noise. */
import type { CallFacts, VoiceStretch } from './call-facts.ts';

/** A transcriber needs its time after a voice has ended. */
const WITHIN_MS = 2_000;

/** The newest words that came from `from` to `to`; undefined when none did. */
export function wordsBetween({ turns }: CallFacts, from: number, to: number): string | undefined {
  return turns.flatMap(({ words }) => words).findLast(({ at, text }) => at >= from && at <= to && text.trim() !== '')?.text;
}

/** Words that came for `voice`, which was still heard at `at`; the next voice has words of its own. */
export function wordsOf(facts: CallFacts, { startedAt, endedAt }: VoiceStretch, at: number): string | undefined {
  const next = facts.voice.find((each) => each.startedAt > startedAt);
  return wordsBetween(facts, startedAt, Math.min(next?.startedAt ?? Number.POSITIVE_INFINITY, (endedAt ?? at) + WITHIN_MS));
}

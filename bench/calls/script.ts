/** What callers of this bench say, and what the providers hear, answer and take for it: constant delays of a fast stack. */
import type { AnswerRule, HeardSegment, Scenario } from '../../providers/scenario.ts';
import type { UtteranceKind } from '../../server/src/simulate/load/talk.ts';
import { answerTo, MS_PER_CHARACTER, scriptOf, type Utterance } from '../turns/script.ts';

/** Six seconds: with a question of one and what providers take, a caller has a turn about every ten seconds. */
const ANSWER = 'It is on the left side of the road, behind the old town hall, just after the second bridge you come to.';

/** Medians of a fast stack. Constant, so that no join is needed to know what a turn's providers took. */
export const delaysMs = { transcript: 250, eager: 150, 'first-token': 98, token: 0, 'first-speech': 188, speech: 10 };
const END_OF_TURN_MS = 200;

/** Without approved questions: those have no model and no voice whose time could be taken away. */
export function scriptFor(turns: number): Utterance[] {
  return scriptOf(turns).filter(({ kind }) => kind !== 'approved');
}

export const kindsOf = (script: readonly Utterance[]): UtteranceKind[] =>
  script.map(({ kind }) => (kind === 'approved' ? 'ordinary' : kind));

/** The long answer, which is what is talked over, as long as it sounds. */
export function longAnswer(script: readonly Utterance[]): { text: string; ms: number } {
  const long = script.find(({ kind }) => kind === 'long');
  const text = long ? answerTo(long) : '';
  return { text, ms: text.length * MS_PER_CHARACTER };
}

export function scenarioFor(script: readonly Utterance[], seed: number): Partial<Scenario> {
  const heard = script.flatMap(({ kind, parts }): HeardSegment[] =>
    parts.map((text, index) => ({ text, endsTurn: kind !== 'cough' && index === parts.length - 1 })),
  );
  const answers: AnswerRule[] = [{ when: 'Tell me about', say: longAnswer(script).text }, { say: ANSWER }];
  return { seed, heard, answers, delays: delaysMs, voice: 'watermark', msPerCharacter: MS_PER_CHARACTER, endOfTurnMs: END_OF_TURN_MS };
}

/**
 * What every caller of the bench says, and what the providers are told to hear and to answer. The words are the same for
 * all calls, because a provider's stream hears its segments in order; lengths, pauses and moments are each caller's own.
 */
import type { AnswerRule, HeardSegment } from '../../providers/scenario.ts';

export type UtteranceKind =
  | 'ordinary'
  /** Two parts with a pause between them. */
  | 'pause'
  /** Its answer is long, for what follows. */
  | 'long'
  /** Said over the answer to the one before. */
  | 'barge-in'
  | 'backchannel'
  | 'cough'
  /** A phrasing of an approved question, word for word. */
  | 'approved';

export interface Utterance {
  kind: UtteranceKind;
  parts: readonly string[];
  /** All words, as the assistant should have understood them; unique in the call. Empty: nothing to answer. */
  text: string;
  /** Said while the assistant speaks. */
  over: boolean;
}

export const APPROVED_QUESTION = 'What are your opening hours on public holidays?';
export const APPROVED_ANSWER = 'On public holidays we are open from ten to four.';
export const GREETING = 'Hello, how may I help you?';
export const MS_PER_CHARACTER = 60;

const SHORT_ANSWER = 'It is on the left side of the road.';
const LONG_ANSWER =
  'It was built a long time ago by a family of sailors. They lived there for many years, and later the town made it a house for guests who like the sea.';
const answers: readonly AnswerRule[] = [{ when: '[Tt]ell me about', say: LONG_ANSWER }, { say: SHORT_ANSWER }];

export const answerTo = (utterance: Utterance): string =>
  utterance.kind === 'approved' ? APPROVED_ANSWER : utterance.kind === 'long' ? LONG_ANSWER : SHORT_ANSWER;

const colours = ['red', 'green', 'blue', 'yellow', 'white', 'black', 'brown', 'grey', 'golden', 'silver', 'purple', 'orange'];
const things = ['house', 'garden', 'bridge', 'tower', 'market', 'museum', 'station', 'harbour', 'library', 'theatre', 'chapel', 'school'];
const adverbs = ['old', 'new', 'big', 'small', 'quiet', 'famous', 'little', 'hidden'];

/** 1,152 names, each once before any comes again. */
function placeOf(index: number): string {
  const colour = colours[index % 12];
  const thing = things[(index + Math.floor(index / 12)) % 12];
  return `${adverbs[Math.floor(index / 144) % 8]} ${colour} ${thing}`;
}

/** The mix: of eleven turns two hold a pause, one is interrupted, two are talked over harmlessly, two ask what is approved. */
const cycle: readonly UtteranceKind[] = [
  'approved',
  'pause',
  'long',
  'barge-in',
  'ordinary',
  'ordinary',
  'long',
  'backchannel',
  'pause',
  'ordinary',
  'long',
  'cough',
  'approved',
];

const isOver = (kind: UtteranceKind): boolean => kind === 'barge-in' || kind === 'backchannel' || kind === 'cough';

function partsOf(kind: UtteranceKind, place: string): string[] {
  switch (kind) {
    case 'pause':
      return ['I was wondering about', `the ${place}, where is it?`];
    case 'long':
      return [`Tell me about the ${place}.`];
    case 'barge-in':
      return [`No wait, where is the ${place}?`];
    case 'backchannel':
      return ['Uh-huh.'];
    case 'cough':
      return [''];
    case 'approved':
      return [APPROVED_QUESTION];
    default:
      return [`Where is the ${place}?`];
  }
}

/** As many utterances as bring `turns` answers. */
export function scriptOf(turns: number): Utterance[] {
  const script: Utterance[] = [];
  let answered = 0;
  for (let i = 0; answered < turns || isOver(cycle[i % cycle.length]); i++) {
    const kind = cycle[i % cycle.length];
    const parts = partsOf(kind, placeOf(i));
    const isAnswered = kind !== 'backchannel' && kind !== 'cough';
    if (isAnswered) answered++;
    script.push({ kind, parts, text: isAnswered ? parts.join(' ') : '', over: isOver(kind) });
  }
  return script;
}

/** Log-normal by P50 and P95 in milliseconds. */
export interface Delay {
  p50Ms: number;
  p95Ms: number;
}

export const fastStack = {
  transcript: { p50Ms: 250, p95Ms: 326 },
  'first-token': { p50Ms: 98, p95Ms: 217 },
  'first-speech': { p50Ms: 188, p95Ms: 260 },
};
/** A language model whose tail is long: hedging is for it. */
export const LONG_TAIL: Delay = { p50Ms: 98, p95Ms: 900 };
/** Silence after which the transcriber says that the turn is probably over, and the least before it says that it is. */
export const EAGER_MS = 150;
export const LEAST_END_OF_TURN_MS = 200;

export function scenarioOf(script: readonly Utterance[], firstToken: Delay, seed: number): object {
  const heard = script.flatMap(({ kind, parts }): HeardSegment[] =>
    parts.map((text, index) => ({ text, endsTurn: kind !== 'cough' && index === parts.length - 1 })),
  );
  return {
    seed,
    heard,
    answers,
    delays: { ...fastStack, 'first-token': firstToken, eager: EAGER_MS, token: 0 },
    voice: 'watermark',
    msPerCharacter: MS_PER_CHARACTER,
    endOfTurnMs: LEAST_END_OF_TURN_MS,
  };
}

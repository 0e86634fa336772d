/** What an endpointing rule may look at when the caller has gone quiet. All times in milliseconds. */
import type { Expectation, PauseHabit } from '../../floor-terms.ts';
import type { EndpointRuleName, RuleSettings } from '../rule-settings.ts';
import { endsSentence, mayGoOn } from '../completeness.ts';
import { wordsOf } from '../words.ts';

export interface Situation {
  /** Everything said in this turn. */
  readonly text: string;
  /** Its words, as the rules compare them. */
  readonly words: readonly string[];
  /** The transcriber closed the sentence. */
  readonly closed: boolean;
  /** The words are final, or closed: no other ones are to be expected for this stretch of voice. */
  readonly settled: boolean;
  /** The newest stretch of voice has brought its words. */
  readonly covered: boolean;
  /** It was so short that it may be noise. */
  readonly blip: boolean;
  /** The transcriber heard something that is not words. */
  readonly wordless: boolean;
  /** BCP 47. */
  readonly language: string;
  readonly expecting: Expectation;
  readonly pauses: PauseHabit;
  /** The transcriber takes the caller to be probably finished. */
  readonly eager: boolean;
  /** A model of the sound: probability 0…1 that the turn is over. */
  readonly turnOver: number | undefined;
  /** The transcriber has closed a sentence in this call: one that it leaves open probably goes on. */
  readonly punctuates: boolean;
  /** The transcriber says itself when a turn ends. */
  readonly endsTurns: boolean;
  readonly waits: Waits;
}

/** The dial of eagerness, as times. */
export interface Waits {
  /** After words that may be complete. */
  readonly minMs: number;
  /** After words that are not. */
  readonly maxMs: number;
  /** After a closed sentence. */
  readonly sentenceMs: number;
  /** For words to come at all. */
  readonly wordsMs: number;
}

/** How long after the last voiced frame the turn is over; undefined: ask the next rule. */
export interface EndpointRule {
  readonly name: EndpointRuleName;
  /** Also asked when the waits are not adaptive. */
  readonly always: boolean;
  readonly wait: (situation: Situation) => number | undefined;
}

/** Which rules are asked. */
export interface RuleChoice {
  readonly adaptive: boolean;
  readonly rules?: RuleSettings;
}

/** What the text itself tells. */
export function readWords(text: string): Pick<Situation, 'text' | 'words' | 'closed'> {
  return { text, words: wordsOf(text), closed: endsSentence(text) };
}

/** Of the usual wait, after a sentence that a transcriber who could have closed it left open. */
const OPEN_SHARE = 1.5;
/** Most pauses within a sentence are below 700 ms, and that the voice is back takes 60 ms to see, however eager the assistant is. */
const OPEN_LEAST_MS = 800;

/** The wait by punctuation and the last words alone. */
export function usualWait(situation: Situation): number {
  const { closed, punctuates, waits } = situation;
  if (closed) return heldOpen(situation, Math.min(waits.sentenceMs, waits.minMs));
  if (!punctuates) return heldOpen(situation, waits.minMs);
  return Math.min(waits.maxMs, Math.max(OPEN_LEAST_MS, waits.minMs * OPEN_SHARE));
}

/** `waitMs`, or as long as a pause within a sentence where the last words want others behind them. */
export function heldOpen({ text, language, expecting, waits }: Situation, waitMs: number): number {
  const leastMs = Math.min(waits.maxMs, OPEN_LEAST_MS);
  // "Yes, I would like to." is an answer.
  return waitMs >= leastMs || expecting === 'yes-no' || !mayGoOn(text, language) ? waitMs : leastMs;
}

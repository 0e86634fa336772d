/**
 * Questions that lean on what was said before: "and on Sunday?", "how much is that?", "what about the other one?". Their
 * subject is taken from the last lines; what they say themselves always counts more, and is never replaced.
 */
import { isStopWord, termOf, wordsOf } from '#models/terms.ts';
import { slotClass } from './slots.ts';

/** A line of the conversation that lends its words. */
export interface Lent {
  text: string;
  /** 0 to 1: how likely the subject is in this line. */
  weight: number;
}

const OPENING =
  /^(?:(?:and|or|but|so|then|ok|okay|well|yes|no|oh|um|uh) )*(?:(?:what|how) about|and (?!what|how|who|where|when|why|do|does|can|could|is|are|will|would)|or (?!what|how))/;
const POINTING = /\b(?:it|its|that|they|them|their|those|these|this|there|one|ones|same|he|she|him|her|both|either)\b/;
const OTHER = /\b(?:other|another|else|second|next|previous|former)\b/;
/** "Is there parking?", "what time is it": these words point to nothing. */
const MERE_GRAMMAR =
  /\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\b(?:which|what|no|any|every|some) one\b|\bone of\b|\bis it (?:possible|true|ok|okay)\b|\bthis is\b/g;
const MOST_OWN_WORDS = 3;
const MOST_LINES = 4;

/** The lines that a question takes its subject from; none when it stands by itself. */
export function lentTo(text: string, history: readonly string[]): Lent[] {
  if (history.length === 0) return [];
  const words = wordsOf(text);
  const plain = words.join(' ');
  const own = words.filter((word) => !isStopWord(word) && !POINTING.test(word) && !OTHER.test(word));
  const pointing = POINTING.test(plain.replace(MERE_GRAMMAR, ' ')) || OTHER.test(plain);
  const leaning = own.length <= MOST_OWN_WORDS && (OPENING.test(plain) || pointing);
  const classes = new Set(own.map(slotClass).filter((kind) => kind !== undefined));
  const bare = own.length > 0 && own.length <= 2 && words.length <= 3 && classes.size > 0;
  if (!leaning && !bare) return [];
  const said = new Set(own.map(termOf));
  const lines = history.slice(-MOST_LINES).toReversed();
  const subject = OTHER.test(plain) ? [0.4, 0.4, 1, 0.7] : [0.8, 1, 0.4, 0.5];
  return lines.flatMap((line, at) => {
    const kept = wordsOf(line).filter((word) => {
      const kind = slotClass(word);
      return !isStopWord(word) && !said.has(termOf(word)) && (kind === undefined || !classes.has(kind));
    });
    return kept.length === 0 ? [] : [{ text: kept.join(' '), weight: subject[at] }];
  });
}

/** The question with its subject in front, for an embedder: the newest line that lends anything. */
export function standalone(text: string, history: readonly string[]): string {
  const lent = lentTo(text, history);
  const best = lent.toSorted((a, b) => b.weight - a.weight)[0];
  return best ? `${best.text} ${text}` : text;
}

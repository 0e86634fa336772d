/** Backchannels: "mm-hm", "right", "okay" say "I am listening, go on" (Yngve 1970) and are no attempt to take the turn. */
import { inLanguage, wordsOf } from './words.ts';

const lexicons: Record<string, ReadonlySet<string>> = {
  en: new Set(
    'mm mhm mmhm hm hmm uh huh aha ah oh um yeah yep yup yes ok okay right sure alright cool great good fine nice wow really gotcha understood exactly correct'.split(
      ' ',
    ),
  ),
  de: new Set('mm mhm hm hmm aha ach ah oh ja jaja genau ok okay gut klar richtig stimmt verstehe super'.split(' ')),
  es: new Set('mm mhm aja ah oh si ok okay vale bien claro ya bueno cierto exacto'.split(' ')),
  fr: new Set('mm mhm hm ah oh oui ouais ok okay bien daccord voila exactement bon'.split(' ')),
};

const MAX_WORDS = 2;

/** True when the whole text is at most two backchannel words ("uh-huh" counts as two, "uh-huh, yeah" as one too many). */
export function isBackchannel(text: string, language: string): boolean {
  const words = wordsOf(text);
  const lexicon = inLanguage(lexicons, language);
  return words.length > 0 && words.length <= MAX_WORDS && words.every((word) => lexicon.has(word));
}

/** Does a text sound as if its speaker had finished? Only hints: they choose between a short and a long wait. */
import { inLanguage, wordsOf } from './words.ts';

/** The transcriber closed the sentence. */
export function endsSentence(text: string): boolean {
  return /[.?!。？！]["')\]]?\s*$/.test(text) && !/\.\.\.\s*$/.test(text);
}

const openEnders: Record<string, ReadonlySet<string>> = {
  en: new Set(
    'and or but because so if that the a an my your to of for with from in at on um uh er like is are was than then which who'.split(' '),
  ),
  de: new Set('und oder aber weil wenn dass der die das ein eine mein meine ihr ihre zu von fur mit aus in an auf ah ahm also'.split(' ')),
  es: new Set('y o pero porque si que el la los las un una mi su de para con en a eh este'.split(' ')),
  fr: new Set('et ou mais parce si que le la les un une mon ma de pour avec dans a euh'.split(' ')),
};

/** A comma, a colon or three dots at the end: the transcriber heard that the sentence goes on. */
const GOES_ON = /(?:[,;:、，]|…|\.\.\.)\s*$/;

/** More must come: the last word wants another one after it ("I would like to", "my number is, um"), or the sentence goes on ("on Monday,"). */
export function isUnfinished(text: string, language: string): boolean {
  if (GOES_ON.test(text)) return true;
  const last = wordsOf(text).at(-1);
  return last !== undefined && !endsSentence(text) && inLanguage(openEnders, language).has(last);
}

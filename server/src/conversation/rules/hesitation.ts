/** Sounds of thinking (filled pauses, Clark & Fox Tree 2002): they hold the turn and carry no content. */
import { inLanguage, wordsOf } from './words.ts';

const sounds: Record<string, ReadonlySet<string>> = {
  en: new Set('um uhm umm uh uhh er erm eh ah hm hmm mm well so like'.split(' ')),
  de: new Set('ahm ah oh hm hmm mm also naja tja'.split(' ')),
  es: new Set('eh em este mm hm pues bueno'.split(' ')),
  fr: new Set('euh heu hm hmm mm ben bah alors'.split(' ')),
};

/** At least one word that is no hesitation. */
export function hasContent(text: string, language: string): boolean {
  const lexicon = inLanguage(sounds, language);
  return wordsOf(text).some((word) => !lexicon.has(word));
}

/**
 * Which of a few known languages a text is in, told by its commonest words: enough to choose a voice's language for a
 * sentence that a model has written, not to recognise a language among all.
 */
import { wordsOf } from './words.ts';

const commonest: Record<string, string> = {
  en: 'the a an and or of to in is are it you we your our i can at on for with have from what when how will do not yes please there this that be by open until',
  de: 'der die das und oder von zu in ist sind es sie wir ihr ihre unser unsere ich kann am auf fur mit haben aus was wann wie wird nicht ja bitte ein eine einen um bis uhr den dem im',
  es: 'el la los las y o de a en es son usted nosotros su nuestro yo puede por para con tiene que cuando como no si un una hasta abierto al del hay le',
  fr: 'le la les et ou de du des a en est sont vous nous votre notre je peut pour avec avez que quand comment ne pas oui un une au aux jusqu il ce dans sur',
  it: 'il lo la i gli le e o di a in e sono lei noi suo nostro io puo per con ha che quando come non si un una fino al del della ci',
  pt: 'o a os as e ou de do da em e sao voce nos seu nosso eu pode para com tem que quando como nao sim um uma ate ao dos por',
  nl: 'de het een en of van te in is zijn u wij uw onze ik kan op voor met heeft uit wat wanneer hoe niet ja om tot er dat deze bij',
};

const vocabularies = new Map(Object.entries(commonest).map(([language, words]) => [language, new Set(words.split(' '))]));

/** `languages` are BCP 47 tags, the one to be preferred first; it is the answer when nothing speaks for another. */
export function languageOf(text: string, languages: readonly [string, ...string[]]): string {
  const words = wordsOf(text);
  let best: string = languages[0];
  let most = hits(words, best);
  for (const language of languages.slice(1)) {
    const count = hits(words, language);
    if (count > most) [best, most] = [language, count];
  }
  return best;
}

function hits(words: readonly string[], language: string): number {
  const vocabulary = vocabularies.get(language.slice(0, 2).toLowerCase());
  return vocabulary ? words.filter((word) => vocabulary.has(word)).length : 0;
}

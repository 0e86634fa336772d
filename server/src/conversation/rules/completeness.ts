/** Does a text sound as if its speaker had finished? Only hints: they choose between a short and a long wait. */
import { inLanguage, wordsOf } from './words.ts';

/** The transcriber closed the sentence. */
export function endsSentence(text: string): boolean {
  return /[.?!。？！]["')\]]?\s*$/.test(text) && !/\.\.\.\s*$/.test(text);
}

const set = (words: string) => new Set(words.split(' '));

/** Words that want another one after them: conjunctions, articles, prepositions, hesitations. */
const openEnders: Record<string, ReadonlySet<string>> = {
  en: set(
    'and or but because so if that the a an my your our their every to of for with from in at on into between until without um uh er like i is are was than then which who whether although unless',
  ),
  de: set(
    'und oder aber weil wenn dass ob der die das ein eine einen einem einer mein meine meinen meinem meiner ihr ihre ihren unser unsere zu von vom fur mit aus in im an am auf bei zum zur uber ohne ich ah ahm also',
  ),
  es: set('y o pero porque si que el la los las un una unos mi mis su sus nuestro de del al para por con sin en a sobre eh este'),
  fr: set('et ou mais parce si que le la les un une des mon ma mes votre nos de du au aux pour par avec sans dans chez sur je a euh'),
};

/** Articles, possessives, conjunctions and "to" end no sentence, even where a transcriber puts a full stop behind each of its pieces. */
const neverLast: Record<string, ReadonlySet<string>> = {
  en: set('and or but because if the a an my your our their to'),
  de: set('und oder aber weil wenn dass der ein eine einen mein meine meinen unsere zum zur'),
  es: set('y o pero porque el la los las un una mi su de para con'),
  fr: set('et ou mais parce le la les un une mon ma de pour avec'),
};

/** Auxiliaries want a verb, unless they answer or close: "Yes, I do", "if somebody could". */
const AUXILIARIES = set('do does did could would should had were');
/** Those that may be something else at the end of a sentence (Will, the month of May) only in a question for what, when, how. */
const ASKING_AUXILIARIES = set('can will may have has must');
const ASKING = /^(?:[a-z]+ )?(?:what|when|where|who|which|why|how)\b/;
const CLOSING = /\b(?:if|as)\b/;
const PRONOUNS = set('i you we they he she it there that this who which');
/** "Do you", "can I please": a question that has only begun. "Where are you" is one. */
const BEGUN = /(?:^| )(?:do|does|did|can|could|will|would|shall|should|may|have) (?:i|you|we|they|he|she)(?: please| just| also| maybe)?$/;
/** "To change", "I need", "can I get": verbs whose object has not been said. Those that may stand alone ("to cancel", "to pay") are none. */
const WANTS_OBJECT =
  /(?:^| )(?:to|i|you|we|can|please|just) (?:change|make|get|have|move|find|see|buy|bring|need|want|use|give|tell|show|send|take|put|check|set|add|remove|update|reschedule|confirm|ask|know)$/;
/** The object stands in front, or may: "What do I need to bring", "the appointment that I want to move". */
const OBJECT_IN_FRONT =
  /\b(?:what|which|who|how|where|when|why|that|this|the|a|an|my|your|any|anything|something|nothing|all|everything|it|one)\b/;

/** "A question about", but not "What is it about". */
const ABOUT = /^(?!.*\b(?:what|which|who|that|it)\b).*\babout$/;

/** A comma, a colon or three dots at the end: the transcriber heard that the sentence goes on. */
const GOES_ON = /(?:[,;:、，]|…|\.\.\.)\s*$/;

/** More must come: the last word wants another one after it ("I would like to", "my number is, um"), or the sentence goes on ("on Monday,"). */
export function isUnfinished(text: string, language: string): boolean {
  if (GOES_ON.test(text)) return true;
  if (endsSentence(text)) return false;
  const words = wordsOf(text);
  const last = words.at(-1);
  if (last === undefined || isSpelled(words)) return false;
  return inLanguage(openEnders, language).has(last) || (isEnglish(language) && begins(words, last));
}

/** More may well come, so that a pause within the sentence is to be waited out: its verb has no object yet, or its full stop is in an odd place. */
export function mayGoOn(text: string, language: string): boolean {
  const words = wordsOf(text);
  const last = words.at(-1);
  if (last === undefined || isSpelled(words)) return false;
  if (endsSentence(text)) return !/[?!？！]["')\]]?\s*$/.test(text) && words.length > 1 && inLanguage(neverLast, language).has(last);
  const plain = words.join(' ');
  return isEnglish(language) && (ABOUT.test(plain) || (WANTS_OBJECT.test(plain) && !OBJECT_IN_FRONT.test(plain)));
}

/** "S M I": letters, not words. */
const isSpelled = (words: readonly string[]): boolean =>
  words.length > 1 && words.slice(-2).every((word) => word.length === 1 && !/\d/.test(word));

function begins(words: readonly string[], last: string): boolean {
  const plain = words.join(' ');
  if (AUXILIARIES.has(last) || (ASKING_AUXILIARIES.has(last) && ASKING.test(plain)))
    return words.length > 1 && !PRONOUNS.has(words[words.length - 2]) && !CLOSING.test(plain);
  return BEGUN.test(plain);
}

/** As `inLanguage` chooses: English where there is no other. */
const isEnglish = (language: string): boolean => inLanguage(openEnders, language) === openEnders.en;

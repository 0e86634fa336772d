/**
 * Words that nearly every text has and that are no stop words: without a corpus to count in, this is all that is known of
 * how rare a word is. Written by hand; kept as terms.
 */
import { isStopWord, termOf } from '../terms.ts';

const COMMON = new Set(
  `time year day week month way thing people man woman world life hand part place case work number point first last long great
  little old new good big high small large different next early young important few public bad same able go make take see come
  think look use find give work call try need feel become leave put mean keep let begin seem help show hear play run move live
  believe bring happen write provide sit stand lose pay meet include continue set learn change lead understand watch follow stop
  create speak read allow add spend grow open walk win offer remember love consider appear buy wait serve die send expect build
  stay fall cut reach kill remain since while before after many both each another between however during without within against
  because through under though still even back two one three four five used known called made including often name type kind`
    .split(/\s+/)
    .map(termOf),
);

/** Beside the stop words of retrieval; "not" and "no" are here because they turn a question, not its subject. */
const FUNCTION_WORDS = new Set(
  'not no he she his her him whose why into onto out up down over off more most other such only own very too'.split(' '),
);

export const isCommonTerm = (term: string): boolean => COMMON.has(term);
export const isFunctionWord = (word: string): boolean => isStopWord(word) || FUNCTION_WORDS.has(word);

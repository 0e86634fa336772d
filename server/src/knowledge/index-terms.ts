/** The terms under which a passage is found, and those of a question that looks for it. */
import { isStopWord, termOf, termsOf, wordsOf } from '#models/terms.ts';
import { codeParts, codesIn, spokenNumbers, wordFor } from './spoken-values.ts';

/** What the term of a product code begins with: no word does. */
export const CODE_MARK = '#';
export const codeTerm = (code: string): string => CODE_MARK + code;

/** Stands for any sum of money: an answer to "how much" that need not say "price". */
export const MONEY_TERM = '$';
const MONEY = /[$€£¥]\s?\d|\d\s?[€£¥]|\b(?:dollars?|euros?|pounds?|cents?|francs?|free of charge)\b/i;

/** Stands for any stretch of time: an answer to "how long" or "how often" that need not say "long". */
export const SPAN_TERM = '~';
const SPAN = /\b(?:seconds?|minutes?|hours?|days?|nights?|weeks?|fortnights?|months?|years?|daily|weekly|monthly|yearly|annually)\b/i;
/** Behind "how" they ask for a stretch of time, and say nothing of the subject. */
const ASKING_SPAN = new Set(['long', 'often', 'soon', 'quickly', 'fast', 'late', 'early']);

const THOUSANDS = /\b\d{1,3}(?:,\d{3})+\b/g;

/** "1,200" is the one number 1200. */
const withoutSeparators = (text: string): string => text.replace(THOUSANDS, (number) => number.replaceAll(',', ''));

/** Words of a field in order of the text. They count as its length. */
export const fieldTerms = (text: string): string[] => termsOf(withoutSeparators(text));

/**
 * What the field says in another form than its words: codes without their joints, and the figures of numbers that are
 * written in several words. They do not count as length.
 */
export function fieldKeys(text: string): string[] {
  const keys = codesIn(text).map(codeTerm);
  if (MONEY.test(text)) keys.push(MONEY_TERM);
  if (SPAN.test(text)) keys.push(SPAN_TERM);
  for (const { figures, from, to } of spokenNumbers(wordsOf(text))) if (to - from > 1) keys.push(figures);
  for (const [ordinal] of text.matchAll(/\b\d+(?=(?:st|nd|rd|th)\b)/g)) keys.push(ordinal);
  return keys;
}

/** A thing said: one word, a number of several words, or a spelled code. */
export interface Unit {
  /** Its main term. */
  term: string;
  /** Other terms that say exactly the same. */
  same: string[];
  /** The words, as they were said. */
  words: string[];
  /** A word that says nothing of the subject. */
  filler: boolean;
}

/** At most so many words make one code. */
const MOST_CODE_PARTS = 8;

/**
 * The units of a text without its stop words (with them when there is nothing else). `isCode` says which codes there are:
 * only those are put together from spelled letters and numbers.
 */
export function unitsOf(text: string, isCode: (code: string) => boolean): Unit[] {
  const units = allUnits(text, isCode);
  const content = units.filter(({ filler }) => !filler);
  return content.length > 0 ? content : units;
}

/** The same with every stop word. */
export function allUnits(text: string, isCode: (code: string) => boolean): Unit[] {
  const words = wordsOf(withoutSeparators(text));
  const numbers = spokenNumbers(words);
  const parts = codeParts(words, numbers);
  const units: Unit[] = [];
  for (let at = 0; at < parts.length; ) {
    const code = longestCode(parts, at, isCode);
    const end = code?.end ?? at + 1;
    const said = words.slice(parts[at].from, parts[end - 1].to);
    const [word] = said;
    if (code) units.push({ term: codeTerm(code.text), same: [], words: said, filler: false });
    else if (said.length > 1)
      units.push({ term: /^\d/.test(parts[at].text) ? parts[at].text : termOf(word), same: [], words: said, filler: false });
    else if (words[parts[at].from - 1] === 'how' && ASKING_SPAN.has(word))
      units.push({ term: termOf(word), same: [SPAN_TERM], words: said, filler: false });
    else
      units.push({ term: termOf(word), same: otherForm(word), words: said, filler: isStopWord(word) || isHowMany(words, parts[at].from) });
    at = end;
  }
  return units;
}

/** "many" of "how many": any figure may answer it. */
const isHowMany = (words: readonly string[], at: number): boolean => words[at] === 'many' && words[at - 1] === 'how';

function longestCode(
  parts: readonly { text: string }[],
  from: number,
  isCode: (code: string) => boolean,
): { text: string; end: number } | undefined {
  let text = '';
  let longest: { text: string; end: number } | undefined;
  for (let end = from; end < parts.length && end - from < MOST_CODE_PARTS; end++) {
    text += parts[end].text;
    if (isCode(text)) longest = { text, end: end + 1 };
  }
  return longest;
}

/** "nine" is "9", "3rd" is "3", "third" is "3". */
function otherForm(word: string): string[] {
  const ordinal = /^(\d+)(?:st|nd|rd|th)$/.exec(word);
  if (ordinal) return [ordinal[1]];
  const spoken = wordFor(word);
  if (spoken !== undefined) return [termOf(spoken)];
  const [number] = spokenNumbers([word]);
  return number ? [number.figures] : [];
}

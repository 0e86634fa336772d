/**
 * Words as they sound, so that what is expected and what was said can be compared loosely: no case, no punctuation, "it's"
 * as "it is", "£45" and "45 pounds" as "forty five pounds".
 */
import { spokenNumbers, wordFor } from '#knowledge/spoken-values.ts';

const CONTRACTIONS: readonly [RegExp, string][] = [
  [/\bwon't\b/g, 'will not'],
  [/\b(?:can't|cannot)\b/g, 'can not'],
  [/\bshan't\b/g, 'shall not'],
  [/n't\b/g, ' not'],
  [/'re\b/g, ' are'],
  [/'ve\b/g, ' have'],
  [/'ll\b/g, ' will'],
  [/'m\b/g, ' am'],
  [/\b(it|that|he|she|what|there|here|who|where|how)'s\b/g, '$1 is'],
];
const SYMBOLS: readonly [RegExp, string][] = [
  [/£\s*(\d[\d,.]*)/g, '$1 pounds'],
  [/\$\s*(\d[\d,.]*)/g, '$1 dollars'],
  [/€\s*(\d[\d,.]*)/g, '$1 euros'],
  [/%/g, ' percent'],
  [/&/g, ' and '],
  [/(\d),(?=\d{3}\b)/g, '$1'],
  [/\b(\d+)(?:st|nd|rd|th)\b/g, '$1'],
  [/\b(\d{1,2}):00\b/g, '$1'],
];
/** A letter, a figure, or a point between figures. */
const WORD = /[\p{L}\p{N}]+(?:\.\d+)?/gu;

/** The words alone, in lower case. */
export function plainWords(text: string): string[] {
  let plain = text.normalize('NFKC').toLowerCase().replace(/[’‘]/g, "'");
  for (const [pattern, words] of [...SYMBOLS, ...CONTRACTIONS]) plain = plain.replace(pattern, words);
  return plain.replace(/'s\b/g, 's').match(WORD) ?? [];
}

/** The same with every number in figures: "forty five pounds" is `45 pounds`, "five oh one" is `501`. */
export function figuredWords(text: string): string[] {
  const words = plainWords(text).map((word) => (word.length === 1 ? (wordFor(word) ?? word) : word));
  const numbers = new Map(spokenNumbers(words).map((number) => [number.from, number]));
  const figured: string[] = [];
  for (let at = 0; at < words.length; ) {
    const number = numbers.get(at);
    figured.push(number?.figures ?? words[at]);
    at = number?.to ?? at + 1;
  }
  return figured;
}

/** True when the words of `phrase` are said in `text`, one after the other. */
export function saysPhrase(text: string, phrase: string): boolean {
  return runsIn(plainWords(text), plainWords(phrase)) || runsIn(figuredWords(text), figuredWords(phrase));
}

/** True when both are the same words. Texts without any word are compared as they stand. */
export function sameWords(text: string, other: string): boolean {
  const [a, b] = [figuredWords(text), figuredWords(other)];
  return a.length + b.length === 0 ? text === other : a.length === b.length && runsIn(a, b);
}

function runsIn(words: readonly string[], phrase: readonly string[]): boolean {
  if (phrase.length === 0) return false;
  for (let from = 0; from + phrase.length <= words.length; from++) {
    if (phrase.every((word, at) => words[from + at] === word)) return true;
  }
  return false;
}

/** How much of two texts is the same, 0 to 1: the words that both have (Dice's coefficient). */
export function likeness(text: string, other: string): number {
  const [a, b] = [figuredWords(text), figuredWords(other)];
  if (a.length + b.length === 0) return 0;
  const left = new Map<string, number>();
  for (const word of a) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of b) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    shared++;
  }
  return (2 * shared) / (a.length + b.length);
}

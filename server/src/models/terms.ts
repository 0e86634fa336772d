/** Words as the index knows them: lower case, no accents, English stop words dropped, endings cut lightly. */

const STOP_WORDS = new Set(
  `a an and are as at be been but by can could did do does for from get had has have how i if in is it its just like me my of on
  or our please so some tell than that the their them then there these they this to us was we were what when which
  who will with would you your about any am may might shall should hi hello hey okay ok um uh er well know want need
  wait stop hold listen actually sorry moment again right also ask question`.split(/\s+/),
);

/** Cuts plural, -ing, -ed and -ly endings; wrong for some words, the same for all forms of most. */
export function stem(word: string): string {
  let out = word;
  if (out.length > 4 && out.endsWith('ies')) out = `${out.slice(0, -3)}y`;
  else if (out.length > 4 && /(s|x|z|ch|sh)es$/.test(out)) out = out.slice(0, -2);
  else if (out.length > 3 && out.endsWith('s') && !out.endsWith('ss')) out = out.slice(0, -1);
  if (out.length > 5 && out.endsWith('ing')) out = out.slice(0, -3);
  else if (out.length > 4 && out.endsWith('ed')) out = out.slice(0, -2);
  if (out.length > 4 && out.endsWith('ly')) out = out.slice(0, -2);
  if (out.length > 3 && out.at(-1) === out.at(-2) && !/[aeiousl]$/.test(out)) out = out.slice(0, -1);
  return out.length > 3 && out.endsWith('e') ? out.slice(0, -1) : out;
}

/** Words that callers use for one thing, each under the stem of the first of its line. */
const SYNONYMS = new Map(
  [
    'price cost fee much expensive',
    'phone telephone',
    'location where address located direction find',
    'doctor dr physician',
    'cancel cancellation',
    'appointment booking',
  ]
    .map((line) => line.split(' '))
    .flatMap(([first, ...others]) => others.map((other) => [stem(other), stem(first)] as const)),
);

/** Every word in order, stop words included. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .replace(/['’](s|re|ve|ll|d|m|t)\b/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** Whether a word says nothing of what a text is about. */
export const isStopWord = (word: string): boolean => STOP_WORDS.has(word);

/** A word's term: its stem, or that of the word which stands for it. */
export function termOf(word: string): string {
  const stemmed = stem(word);
  return SYNONYMS.get(stemmed) ?? stemmed;
}

/** Content terms of a text. When everything is a stop word ("who are you"), the words themselves. */
export function termsOf(text: string): string[] {
  const words = wordsOf(text);
  const content = words.filter((word) => !STOP_WORDS.has(word));
  return (content.length > 0 ? content : words).map(termOf);
}

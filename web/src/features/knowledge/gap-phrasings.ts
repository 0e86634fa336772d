import type { Gap } from '@tandem/contract';

/** As many as an approved question may have, each as long as it may be. */
const MOST_PHRASINGS = 50;
const MOST_CHARACTERS = 300;

const wordsOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** The ways callers asked, the clearest first, each once whatever its capitals and punctuation. */
export function gapPhrasings({ question, examples }: Pick<Gap, 'question' | 'examples'>): string[] {
  const byWords = new Map<string, string>();
  for (const text of [question, ...examples.map((example) => example.text)]) {
    const phrasing = text.replace(/\s+/g, ' ').trim().slice(0, MOST_CHARACTERS);
    const words = wordsOf(phrasing);
    if (words && !byWords.has(words)) byWords.set(words, phrasing);
  }
  return [...byWords.values()].slice(0, MOST_PHRASINGS);
}

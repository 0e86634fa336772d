/** Words as the rules compare them: lower case, without accents and punctuation. */

/** `"Uh-huh, that's right."` becomes `['uh', 'huh', 'thats', 'right']`. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/['’]/g, '');
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** True when two texts say the same words. */
export function sameWords(one: string, other: string): boolean {
  return wordsOf(one).join(' ') === wordsOf(other).join(' ');
}

/** The entry of a table of languages; English where there is none. */
export function inLanguage<T>(table: Record<string, T>, language: string): T {
  return table[language.slice(0, 2).toLowerCase()] ?? table.en;
}

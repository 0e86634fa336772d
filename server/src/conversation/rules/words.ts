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

/**
 * True when two texts are the same to the letter but for case and the punctuation around words: unlike
 * {@link sameWords} it tells `john.smith@example.com` from "john smith at example.com", `1.5` from "1 5", "Müller" from "Muller".
 */
export function sameSpelling(one: string, other: string): boolean {
  return spelled(one) === spelled(other);
}

function spelled(text: string): string {
  const words = text.normalize('NFC').toLowerCase().replace(/[’]/g, "'").split(/\s+/);
  return words
    .map((word) => word.replace(/^[^\p{L}\p{N}+@#$€£-]+|[^\p{L}\p{N}%°+]+$/gu, ''))
    .filter((word) => word !== '')
    .join(' ');
}

/** The entry of a table of languages; English where there is none. */
export function inLanguage<T>(table: Record<string, T>, language: string): T {
  return table[language.slice(0, 2).toLowerCase()] ?? table.en;
}

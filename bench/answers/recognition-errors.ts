/** What speech recognition does to a question, simulated with a seed: lost, misheard, joined and parted words, no marks. */
import { doubleMetaphone } from 'double-metaphone';
import type { Random } from '../../server/src/kit/random.ts';
import { cardinal, year } from '../../server/src/models/spoken-numbers.ts';

export interface Errors {
  /** Share of words that are lost. */
  lost?: number;
  /** Share of words that are heard as another word that sounds alike, or as letters that do. */
  misheard?: number;
  /** Share of words that are parted, or joined to the next. */
  torn?: number;
}

/** As a recogniser writes it: no capitals, no marks, numbers in words. */
export function asRecognised(text: string): string {
  return text
    .replace(/\b(\d{1,3}(?:,\d{3})+|\d+)\b/g, (figures) => {
      const value = Number(figures.replaceAll(',', ''));
      return ` ${/^(?:1[1-9]|20)\d\d$/.test(figures) ? year(value) : cardinal(value)} `;
    })
    .toLowerCase()
    .replace(/[^\p{L}\p{N}'’\s]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

const CONFUSIONS: readonly [RegExp, string][] = [
  [/ph/, 'f'],
  [/ck|c(?=[aou])/, 'k'],
  [/c(?=[eiy])/, 's'],
  [/ie/, 'ee'],
  [/ea/, 'ee'],
  [/ai/, 'ay'],
  [/tion/, 'shun'],
  [/er$/, 'a'],
  [/([bdfglmnprst])\1/, '$1'],
  [/v/, 'f'],
  [/b/, 'p'],
  [/d/, 't'],
  [/z/, 's'],
  [/a/, 'o'],
  [/e/, 'i'],
  [/o/, 'u'],
];

export class Recogniser {
  readonly #random: Random;
  readonly #bySound = new Map<string, string[]>();

  /** `words` are all that it knows: a misheard word is one of them where one sounds the same. */
  constructor(random: Random, words: Iterable<string>) {
    this.#random = random;
    for (const word of words) {
      if (!/^[a-z]{3,}$/.test(word)) continue;
      const [sound] = doubleMetaphone(word);
      const same = this.#bySound.get(sound);
      if (same) same.push(word);
      else this.#bySound.set(sound, [word]);
    }
  }

  hear(text: string, { lost = 0, misheard = 0, torn = 0 }: Errors): string {
    const heard: string[] = [];
    for (const word of asRecognised(text).split(' ')) {
      if (this.#random.next() < lost) continue;
      const said = this.#random.next() < misheard ? this.#misheard(word) : word;
      const fate = this.#random.next() < torn ? this.#random.below(2) : -1;
      if (fate === 0 && heard.length > 0) heard[heard.length - 1] += said;
      else if (fate === 1 && said.length > 5) {
        const cut = 2 + this.#random.below(said.length - 4);
        heard.push(said.slice(0, cut), said.slice(cut));
      } else heard.push(said);
    }
    return heard.join(' ');
  }

  #misheard(word: string): string {
    if (!/^[a-z]{3,}$/.test(word)) return word;
    const same = (this.#bySound.get(doubleMetaphone(word)[0]) ?? []).filter((other) => other !== word);
    // Every other time letters are confused although a word sounds the same: names are not in a recogniser's lexicon.
    if (same.length > 0 && this.#random.next() < 0.5) return same[this.#random.below(same.length)];
    const fitting = CONFUSIONS.filter(([pattern]) => pattern.test(word));
    if (fitting.length === 0) return word;
    const [pattern, letters] = fitting[this.#random.below(fitting.length)];
    return word.replace(pattern, letters);
  }
}

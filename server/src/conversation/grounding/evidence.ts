/** What may be said: keys and words of everything that an assistant was told, heard or found. */
import { mentionsIn } from './mentions.ts';
import { nameWordsOf } from './names.ts';

/** Figures that both numbers must end with to be the same telephone number. */
const SAME_ENDING = 6;
/** Of one text; a model is shown no longer ones. */
const MOST_CHARACTERS = 24_000;

/** Who knows what a sentence claims. */
export interface Witness {
  /** A key that a mention needs. */
  has(key: string): boolean;
  hasWord(word: string): boolean;
}

export class Evidence implements Witness {
  readonly #language: string;
  readonly #keys = new Set<string>();
  /** Bare numbers that may count the hundredths of a price. */
  readonly #hundredths = new Set<string>();
  readonly #words = new Set<string>();
  /** Runs of figures. */
  readonly #figures: string[] = [];
  /** The same, where bare numbers may be hundredths of a price, as in the results of tools. */
  readonly withCents: Witness = {
    has: (key) => this.has(key) || this.#hundredths.has(key),
    hasWord: (word) => this.#words.has(word),
  };

  constructor(language: string) {
    this.#language = language;
  }

  add(whole: string): this {
    const text = whole.length > MOST_CHARACTERS ? whole.slice(0, MOST_CHARACTERS) : whole;
    for (const { says } of mentionsIn(text, this.#language)) {
      for (const key of says) {
        if (key.startsWith('~')) this.#figures.push(key.slice(1));
        else if (key.startsWith('&')) this.#hundredths.add(key);
        else this.#keys.add(key);
      }
    }
    for (const word of nameWordsOf(text)) this.#words.add(word);
    return this;
  }

  has(key: string): boolean {
    if (key.startsWith('~')) return this.#hasFigures(key.slice(1));
    return key.startsWith('x') ? this.#words.has(key.slice(1)) : this.#keys.has(key);
  }

  hasWord(word: string): boolean {
    return this.#words.has(word);
  }

  /** Part of a run, or the same telephone number with or without what stands before it. */
  #hasFigures(wanted: string): boolean {
    const bare = wanted.replace(/^0+/, '');
    return this.#figures.some((known) => {
      if (known.includes(wanted)) return true;
      const own = known.replace(/^0+/, '');
      return Math.min(own.length, bare.length) >= SAME_ENDING && (own.endsWith(bare) || bare.endsWith(own));
    });
  }
}

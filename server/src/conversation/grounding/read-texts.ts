/**
 * Texts that were read for what they hold. A passage is found turn after turn in call after call, and reading one takes a
 * thousand times longer than asking what it held: so the latest stay read, also over calls.
 */
import { termsOf } from '#models/terms.ts';
import { Evidence } from './evidence.ts';

/** Of all texts that stay read; what was read of one takes about ten times its length. */
const DEFAULT_CHARACTERS = 400_000;

/** One text; what nobody asks for is not read. */
export class ReadText {
  readonly #text: string;
  readonly #language: string;
  #evidence: Evidence | undefined;
  #terms: ReadonlySet<string> | undefined;

  constructor(text: string, language: string) {
    this.#text = text;
    this.#language = language;
  }

  get evidence(): Evidence {
    return (this.#evidence ??= new Evidence(this.#language).add(this.#text));
  }

  /** Its content, as the index of words knows it. */
  get terms(): ReadonlySet<string> {
    return (this.#terms ??= new Set(termsOf(this.#text)));
  }
}

/** The latest texts, up to so many characters in all. */
export class ReadTexts {
  readonly #most: number;
  readonly #texts = new Map<string, ReadText>();
  #characters = 0;

  constructor(mostCharacters = DEFAULT_CHARACTERS) {
    this.#most = mostCharacters;
  }

  of(text: string, language: string): ReadText {
    const key = `${language} ${text}`;
    const found = this.#texts.get(key);
    // In order of use, the newest last.
    if (found) this.#texts.delete(key);
    else this.#characters += key.length;
    const read = found ?? new ReadText(text, language);
    this.#texts.set(key, read);
    for (const oldest of this.#texts.keys()) {
      if (this.#characters <= this.#most) break;
      this.#texts.delete(oldest);
      this.#characters -= oldest.length;
    }
    return read;
  }
}

/** Passages of whatever business: what a text holds does not depend on who asks. Words of callers are never put here. */
export const readPassages = new ReadTexts();

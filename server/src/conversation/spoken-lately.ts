/** What the assistant said in the last seconds, for telling its echo from the caller's words. */
import { wordsOf } from './rules/words.ts';

const KEPT_MS = 8_000;

export class SpokenLately {
  #lines: { words: readonly string[]; toAt: number }[] = [];
  /** What is being said: asked with each partial, it changes with each clause. */
  readonly #speaking = { text: '', words: [] as readonly string[] };

  add(text: string, toAt: number): void {
    this.#lines.push({ words: wordsOf(text), toAt });
  }

  /** Word by word, as the rules compare them. `now` on the call's clock; `speaking` is the text that is being said. */
  words(now: number, speaking: string): readonly string[] {
    if (this.#lines.some(({ toAt }) => toAt < now - KEPT_MS)) this.#lines = this.#lines.filter(({ toAt }) => toAt >= now - KEPT_MS);
    if (speaking !== this.#speaking.text) {
      this.#speaking.text = speaking;
      this.#speaking.words = wordsOf(speaking);
    }
    return this.#lines.length === 0 ? this.#speaking.words : [...this.#lines.flatMap(({ words }) => words), ...this.#speaking.words];
  }
}

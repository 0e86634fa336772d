/** What the assistant said in the last seconds, for telling its echo from the caller's words. */

const KEPT_MS = 8_000;

export class SpokenLately {
  #lines: { text: string; toAt: number }[] = [];

  add(text: string, toAt: number): void {
    this.#lines.push({ text, toAt });
  }

  /** `now` on the call's clock; `speaking` is the text that is being said. */
  text(now: number, speaking: string | undefined): string {
    this.#lines = this.#lines.filter(({ toAt }) => toAt >= now - KEPT_MS);
    return [...this.#lines.map(({ text }) => text), speaking ?? ''].join(' ');
  }
}

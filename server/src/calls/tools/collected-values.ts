/**
 * What callers have entered in secret (a card number, a PIN). The language model, the journal and every log only see a
 * reference such as `collected:1`; tools of the business put the value in its place on the way out.
 */

const REFERENCE = /collected:\d{1,3}/g;

/** Of one call; forgotten with it. */
export class CollectedValues {
  readonly #values = new Map<string, string>();

  /** Keeps a value and answers its reference. */
  keep(value: string): string {
    const reference = `collected:${this.#values.size + 1}`;
    this.#values.set(reference, value);
    return reference;
  }

  /** For masking what comes back. */
  get secrets(): string[] {
    return [...this.#values.values()];
  }

  /** The same JSON value with every reference in its strings replaced; unknown references stay. */
  reveal(value: unknown): unknown {
    if (typeof value === 'string') return value.replace(REFERENCE, (reference) => this.#values.get(reference) ?? reference);
    if (Array.isArray(value)) return value.map((one) => this.reveal(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.reveal(inner)]));
  }
}

/** Secrets on the way back: whatever a tool answers, a secret that went out with the request is shown as `***`. */

const MASK = '***';

/** Replaces secrets, in every spelling a server might give them back in. Made once per tool. */
export class Masking {
  readonly #spellings: string[];

  constructor(secrets: Iterable<string>) {
    const spellings = new Set<string>();
    for (const secret of secrets) {
      if (secret === '') continue;
      const encoded = encodeURIComponent(secret);
      const base64 = Buffer.from(secret).toString('base64');
      for (const one of [
        secret,
        encoded,
        encoded.replace(/%20/g, '+'),
        base64,
        Buffer.from(secret).toString('base64url'),
        JSON.stringify(secret).slice(1, -1),
      ])
        spellings.add(one);
    }
    // The longest first: one secret may begin with another.
    this.#spellings = [...spellings].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let masked = text;
    for (const spelling of this.#spellings) masked = masked.replaceAll(spelling, MASK);
    return masked;
  }

  /** Every string, name and number of a JSON value; the rest as it is. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#spellings.includes(String(value)) ? MASK : value;
    if (Array.isArray(value)) return value.map((one) => this.value(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [this.text(key), this.value(inner)]));
  }
}

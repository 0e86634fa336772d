/** Okapi BM25 over an inverted index, in process: tens of microseconds for a business's knowledge. */

const K1 = 1.2;
const B = 0.75;

interface Posting {
  entry: number;
  count: number;
}

export interface Scored {
  entry: number;
  score: number;
}

export class Bm25 {
  #postings = new Map<string, Posting[]>();
  #lengths: number[] = [];
  #totalLength = 0;

  /** Adds one entry; its index is the number of entries before it. */
  add(terms: readonly string[]): void {
    const entry = this.#lengths.length;
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      const postings = this.#postings.get(term);
      if (postings) postings.push({ entry, count });
      else this.#postings.set(term, [{ entry, count }]);
    }
    this.#lengths.push(terms.length);
    this.#totalLength += terms.length;
  }

  get size(): number {
    return this.#lengths.length;
  }

  /** Rarity of a term; terms nobody wrote are the rarest. */
  idf(term: string): number {
    const found = this.#postings.get(term)?.length ?? 0;
    return Math.log(1 + (this.size - found + 0.5) / (found + 0.5));
  }

  has(term: string): boolean {
    return this.#postings.has(term);
  }

  /** The best `limit` entries, best first; ties in order of addition. */
  search(terms: readonly string[], limit: number): Scored[] {
    const scores = new Map<number, number>();
    const average = this.#totalLength / Math.max(1, this.size);
    for (const term of new Set(terms)) {
      const idf = this.idf(term);
      for (const { entry, count } of this.#postings.get(term) ?? []) {
        const norm = count + K1 * (1 - B + (B * this.#lengths[entry]) / average);
        scores.set(entry, (scores.get(entry) ?? 0) + (idf * count * (K1 + 1)) / norm);
      }
    }
    return [...scores]
      .map(([entry, score]) => ({ entry, score }))
      .toSorted((a, b) => b.score - a.score || a.entry - b.entry)
      .slice(0, limit);
  }
}

/** The best so far of a scan: sorted, bounded, each slot with the generation it was seen in. */

export interface Candidate {
  slot: number;
  generation: number;
  score: number;
}

/** Up to this many are kept sorted as they come; a longer list is sorted now and then. */
const SORTED_UP_TO = 512;

export class NearestList {
  readonly #limit: number;
  readonly #idOf: (slot: number) => string;
  #found: Candidate[] = [];
  /** What a score must reach to be looked at. */
  threshold = Number.NEGATIVE_INFINITY;

  constructor(limit: number, idOf: (slot: number) => string) {
    this.#limit = limit;
    this.#idOf = idOf;
  }

  /** `scores[i]` belongs to `slots[from + i]`. */
  offer(scores: Float32Array, slots: Uint32Array, from: number, generations: Uint32Array): void {
    for (let i = 0; i < scores.length; i++) {
      if (scores[i] >= this.threshold) this.#insert(slots[from + i], generations[slots[from + i]], scores[i]);
    }
  }

  /** Best first. */
  sorted(): Candidate[] {
    if (this.#limit > SORTED_UP_TO) this.#trim();
    return this.#found;
  }

  #insert(slot: number, generation: number, score: number): void {
    const candidate = { slot, generation, score };
    if (this.#limit > SORTED_UP_TO) {
      this.#found.push(candidate);
      if (this.#found.length >= 2 * this.#limit) this.#trim();
      return;
    }
    const found = this.#found;
    let at = found.length;
    while (at > 0 && this.#order(candidate, found[at - 1]) < 0) at--;
    if (at >= this.#limit) return;
    found.splice(at, 0, candidate);
    if (found.length > this.#limit) found.pop();
    if (found.length === this.#limit) this.threshold = found[this.#limit - 1].score;
  }

  #trim(): void {
    this.#found.sort((a, b) => this.#order(a, b));
    this.#found.length = Math.min(this.#found.length, this.#limit);
    if (this.#found.length === this.#limit) this.threshold = this.#found[this.#limit - 1].score;
  }

  #order(a: Candidate, b: Candidate): number {
    if (a.score !== b.score) return b.score - a.score;
    const [x, y] = [this.#idOf(a.slot), this.#idOf(b.slot)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
}

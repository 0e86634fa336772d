/**
 * How many candidates a graph must be asked for so that the nearest are among them. That depends on the vectors: clustered
 * ones of a learned embedder need few, those of the built-in one many, and where passages have nothing in common but chance
 * no number is enough: among 40,000 such vectors a graph finds 77 of 100 at the greatest level, for as much work as looking
 * at all of them in 8 bits. So it is measured with what is really asked, against what an exact scan finds:
 *
 * ```
 *   gathering ── SAMPLES queries came ──▶ checking: one step at a time, in the background ──▶ resting
 *       ▲                                                                                        │
 *       └──────────── the graph is half as large again, or two thirds, or many queries later ────┘
 * ```
 */

const SAMPLES = 20;
/** Candidates to choose from. The last costs about as much as a scan of the codes of 40,000 rows. */
const LEVELS = [64, 96, 128, 192, 256, 384, 512];
/** Share of the nearest that the chosen level finds. What a list of fifty lacks then is mostly its end. */
const RECALL = 0.98;
const GROWN = 1.5;
const AGAIN_AFTER_QUERIES = 50_000;

/** The best of so many candidates of the graph: slots, `wanted` at most. */
export type BestOf = (vector: Float32Array, wanted: number, candidates: number) => Iterable<number>;
/** The nearest there are. */
export type Nearest = (vector: Float32Array, wanted: number) => Iterable<number>;

export class GraphBreadth {
  #candidates: number | undefined;
  #asked: { vector: Float32Array; wanted: number }[] = [];
  /** Of the query that is being checked. */
  #reference: Set<number> | undefined;
  /** Found so far at each level, and how many there were to be found. */
  #found = LEVELS.map(() => 0);
  #sought = 0;
  /** Entries of the graph when it was last checked. */
  #checkedAt = 0;
  #queries = 0;

  get #checking(): boolean {
    return this.#sought > 0;
  }

  /** Candidates to ask for; undefined when it is not known yet, or no level finds enough. */
  get candidates(): number | undefined {
    return this.#candidates;
  }

  /** The most that is ever asked for. */
  get most(): number {
    return LEVELS[LEVELS.length - 1];
  }

  /** There is a step to be done. */
  get isDue(): boolean {
    return this.#checking || this.#asked.length === SAMPLES;
  }

  /** A query of a graph of `size` entries. It is measured on all of them, whatever filter it had: how near they lie is the same. */
  note(vector: Float32Array, wanted: number, size: number): void {
    this.#queries++;
    const changed = size > this.#checkedAt * GROWN || size * GROWN < this.#checkedAt || this.#queries > AGAIN_AFTER_QUERIES;
    if (changed && !this.#checking && this.#asked.length < SAMPLES) this.#asked.push({ vector: vector.slice(), wanted });
  }

  /** One step: a few ms of a large graph. */
  check(size: number, bestOf: BestOf, nearest: Nearest): void {
    const query = this.#asked.at(-1);
    if (!query) return;
    const { vector, wanted } = query;
    if (!this.#reference) {
      this.#reference = new Set(nearest(vector, wanted));
      this.#sought += this.#reference.size;
      return;
    }
    let found = 0;
    for (const [at, level] of LEVELS.entries()) {
      // What a level finds all of, those above it do.
      if (found < this.#reference.size) found = [...bestOf(vector, wanted, level)].filter((slot) => this.#reference?.has(slot)).length;
      this.#found[at] += found;
    }
    this.#reference = undefined;
    this.#asked.pop();
    if (this.#asked.length === 0) this.#rest(size);
  }

  #rest(size: number): void {
    this.#candidates = LEVELS.find((_, at) => this.#found[at] >= RECALL * this.#sought);
    this.#found = LEVELS.map(() => 0);
    this.#sought = 0;
    this.#checkedAt = size;
    this.#queries = 0;
  }
}

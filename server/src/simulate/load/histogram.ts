/** Percentiles of as many samples as come, in a fixed amount of memory: buckets 1 % wide, so that an hour costs what a second does. */

/** Smallest value that is told from 0, and how much wider each bucket is than the one before. */
const LEAST = 0.1;
const GROWTH = 1.01;
/** 1.01^1400 * 0.1: more than a day in milliseconds. */
const BUCKETS = 2_000;

export interface Percentiles {
  n: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #n = 0;
  #sum = 0;
  #max = 0;

  /** Values below 0 count as 0; a percentile is right to 1 %. */
  add(value: number): void {
    const bucket = value < LEAST ? 0 : 1 + Math.floor(Math.log(value / LEAST) / Math.log(GROWTH));
    this.#counts[Math.min(BUCKETS - 1, bucket)]++;
    this.#n++;
    this.#sum += Math.max(0, value);
    if (value > this.#max) this.#max = value;
  }

  get n(): number {
    return this.#n;
  }

  /** Value that `share` of the samples do not exceed, as the middle of its bucket; NaN without samples. */
  percentile(share: number): number {
    if (this.#n === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(share * this.#n));
    let seen = 0;
    let bucket = 0;
    while (bucket < BUCKETS && (seen += this.#counts[bucket]) < rank) bucket++;
    return bucket === 0 ? 0 : Math.min(this.#max, LEAST * GROWTH ** (bucket - 0.5));
  }

  summary(): Percentiles {
    return {
      n: this.#n,
      mean: this.#n === 0 ? Number.NaN : this.#sum / this.#n,
      p50: this.percentile(0.5),
      p95: this.percentile(0.95),
      p99: this.percentile(0.99),
      max: this.#max,
    };
  }
}

/** Finds by how much one envelope follows another: running normalised correlation of both (dB, 10 ms blocks) at every lag. */

const FORGET = 0.99; // per block: remembers about one second
const ENOUGH_BLOCKS = 25;
const SURE = 0.55; // correlation from which a delay is believed
const QUIET_DB = -70; // below this, differences mean nothing

export class DelayFinder {
  /** Running sums: count, heard, heard²; and per lag sent, sent², sent·heard. */
  #n = 0;
  #h = 0;
  #hh = 0;
  #s: Float64Array;
  #ss: Float64Array;
  #sh: Float64Array;

  /** Looks at delays of 0 to `lags` − 1 blocks. */
  constructor(lags: number) {
    this.#s = new Float64Array(lags);
    this.#ss = new Float64Array(lags);
    this.#sh = new Float64Array(lags);
  }

  /** One block heard, while `sent[at]` (a ring) was the block sent at the same time. */
  note(heardDb: number, sent: Float64Array, at: number): void {
    const heard = Math.max(QUIET_DB, heardDb) - QUIET_DB;
    this.#n = this.#n * FORGET + 1;
    this.#h = this.#h * FORGET + heard;
    this.#hh = this.#hh * FORGET + heard * heard;
    let index = at;
    for (let lag = 0; lag < this.#s.length; lag++) {
      const then = Math.max(QUIET_DB, sent[index]) - QUIET_DB;
      this.#s[lag] = this.#s[lag] * FORGET + then;
      this.#ss[lag] = this.#ss[lag] * FORGET + then * then;
      this.#sh[lag] = this.#sh[lag] * FORGET + then * heard;
      index = index === 0 ? sent.length - 1 : index - 1;
    }
  }

  /** The delay in blocks; undefined when nothing is alike enough. */
  find(): number | undefined {
    const n = this.#n;
    const heardSpread = n * this.#hh - this.#h * this.#h;
    if (n < ENOUGH_BLOCKS || heardSpread <= 0) return undefined;
    let best = SURE * SURE;
    let bestLag: number | undefined;
    for (let lag = 0; lag < this.#s.length; lag++) {
      const sentSpread = n * this.#ss[lag] - this.#s[lag] * this.#s[lag];
      const shared = n * this.#sh[lag] - this.#s[lag] * this.#h;
      if (sentSpread <= 0 || shared <= 0) continue;
      const likeness = (shared * shared) / (sentSpread * heardSpread);
      if (likeness > best) {
        best = likeness;
        bestLag = lag;
      }
    }
    return bestLag;
  }

  reset(): void {
    this.#n = this.#h = this.#hh = 0;
    this.#s.fill(0);
    this.#ss.fill(0);
    this.#sh.fill(0);
  }
}

/** Finds by how much one envelope follows another: running normalised correlation of both (dB, 10 ms blocks) at every lag. */

const FORGET = 0.99; // per block: remembers about one second
const ENOUGH_BLOCKS = 25;
const SURE = 0.55; // correlation from which a delay is believed
const QUIET_DB = -70; // below this, differences mean nothing

export class DelayFinder {
  /** Running sums: count, heard, heard²; and for each lag, side by side, sent, sent², sent·heard. */
  #n = 0;
  #h = 0;
  #hh = 0;
  readonly #sums: Float64Array;

  /** Looks at delays of 0 to `lags` − 1 blocks. */
  constructor(lags: number) {
    this.#sums = new Float64Array(3 * lags);
  }

  /** One block heard, while `sent[at]` (a ring) was the block sent at the same time. */
  note(heardDb: number, sent: Float64Array, at: number): void {
    const heard = Math.max(QUIET_DB, heardDb) - QUIET_DB;
    this.#n = this.#n * FORGET + 1;
    this.#h = this.#h * FORGET + heard;
    this.#hh = this.#hh * FORGET + heard * heard;
    const sums = this.#sums;
    let index = at;
    for (let i = 0; i < sums.length; i += 3) {
      const level = sent[index];
      const then = level > QUIET_DB ? level - QUIET_DB : 0;
      sums[i] = sums[i] * FORGET + then;
      sums[i + 1] = sums[i + 1] * FORGET + then * then;
      sums[i + 2] = sums[i + 2] * FORGET + then * heard;
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
    const sums = this.#sums;
    for (let lag = 0; 3 * lag < sums.length; lag++) {
      const ofSent = sums[3 * lag];
      const sentSpread = n * sums[3 * lag + 1] - ofSent * ofSent;
      const shared = n * sums[3 * lag + 2] - ofSent * this.#h;
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
    this.#sums.fill(0);
  }
}

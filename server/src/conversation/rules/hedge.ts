/** How long a model usually takes, and when a late one is worth asking a second time (Dean & Barroso 2013, hedged requests). */

const KEPT = 128;
/** Fewer tell nothing about a tail. */
const ENOUGH = 20;
const HEDGE_AT = 0.75;
/** A second request this soon would only double the cost. */
const SOONEST_MS = 300;

/** The newest 128 latencies in ms. */
export class LatencyWindow {
  readonly #ring = new Float64Array(KEPT);
  readonly #sorted = new Float64Array(KEPT);
  #next = 0;
  #count = 0;

  add(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) return;
    this.#ring[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
    this.#count = Math.min(KEPT, this.#count + 1);
  }

  /** How many are known, at most 128. */
  get count(): number {
    return this.#count;
  }

  /** The smallest latency that at least `share` (0…1) of the known ones do not exceed; undefined when none is known. */
  percentile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const sorted = this.#sorted.subarray(0, this.#count);
    sorted.set(this.#ring.subarray(0, this.#count));
    sorted.sort();
    return sorted[Math.max(0, Math.ceil(Math.min(1, share) * this.#count) - 1)];
  }
}

/** After how long without a first part to ask again: the model's own P75; undefined while too little is known of it. */
export function hedgeAfterMs(latencies: LatencyWindow): number | undefined {
  if (latencies.count < ENOUGH) return undefined;
  const usualMs = latencies.percentile(HEDGE_AT);
  return usualMs === undefined ? undefined : Math.max(SOONEST_MS, usualMs);
}

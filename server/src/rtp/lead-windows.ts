/** The jitter buffer's memory of how far ahead of the playout point packets arrived. */

/** Leads are remembered over this many windows. */
const WINDOWS = 8;

/** Smallest and largest lead, over windows that slide by one second. */
export class LeadWindows {
  readonly #lows = new Int32Array(WINDOWS);
  readonly #highs = new Int32Array(WINDOWS);
  #current = 0;
  #used = 0;
  #empty = true;

  clear(): void {
    this.#current = 0;
    this.#used = 0;
    this.#empty = true;
  }

  note(lead: number): void {
    const i = this.#current;
    if (this.#empty) {
      this.#empty = false;
      this.#used = Math.min(WINDOWS, this.#used + 1);
      this.#lows[i] = lead;
      this.#highs[i] = lead;
    } else if (lead < this.#lows[i]) this.#lows[i] = lead;
    else if (lead > this.#highs[i]) this.#highs[i] = lead;
  }

  /** Begins the next window; one in which nothing arrived is simply longer. */
  rotate(): void {
    if (this.#empty) return;
    this.#current = (this.#current + 1) % WINDOWS;
    this.#empty = true;
  }

  /** The playout point moved: all leads are larger by `ticks`. */
  shift(ticks: number): void {
    for (let i = 0; i < WINDOWS; i++) {
      this.#lows[i] += ticks;
      this.#highs[i] += ticks;
    }
  }

  /** How many windows hold something, the present one included: seconds of arrivals remembered, 8 at most. */
  get used(): number {
    return this.#used;
  }

  get any(): boolean {
    return this.#used > 0;
  }

  get lowest(): number {
    let low = 0x7fffffff;
    for (let i = 0; i < this.#used; i++) if (this.#lows[i] < low) low = this.#lows[i];
    return low;
  }

  get highest(): number {
    let high = -0x80000000;
    for (let i = 0; i < this.#used; i++) if (this.#highs[i] > high) high = this.#highs[i];
    return high;
  }
}

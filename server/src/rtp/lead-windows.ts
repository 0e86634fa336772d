/** The jitter buffer's memory of how far ahead of the playout point packets arrived. */

/** Leads are remembered over this many windows. */
const WINDOWS = 8;
const NONE_LOW = 0x7fffffff;
const NONE_HIGH = -0x80000000;

/** Smallest and largest lead, over windows that slide by one second. */
export class LeadWindows {
  readonly #lows = new Int32Array(WINDOWS);
  readonly #highs = new Int32Array(WINDOWS);
  #current = 0;
  #used = 0;
  #empty = true;
  /** Over all windows in use. */
  #lowest = NONE_LOW;
  #highest = NONE_HIGH;

  clear(): void {
    this.#current = 0;
    this.#used = 0;
    this.#empty = true;
    this.#lowest = NONE_LOW;
    this.#highest = NONE_HIGH;
  }

  note(lead: number): void {
    if (this.#empty) this.#begin(lead);
    if (lead < this.#lows[this.#current]) this.#lows[this.#current] = lead;
    if (lead > this.#highs[this.#current]) this.#highs[this.#current] = lead;
    if (lead < this.#lowest) this.#lowest = lead;
    if (lead > this.#highest) this.#highest = lead;
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
    if (this.#used === 0) return;
    this.#lowest += ticks;
    this.#highest += ticks;
  }

  /** How many windows hold something, the present one included: seconds of arrivals remembered, 8 at most. */
  get used(): number {
    return this.#used;
  }

  get any(): boolean {
    return this.#used > 0;
  }

  get lowest(): number {
    return this.#lowest;
  }

  get highest(): number {
    return this.#highest;
  }

  /** The first lead of a window, in the place of the oldest one. */
  #begin(lead: number): void {
    this.#empty = false;
    this.#used = Math.min(WINDOWS, this.#used + 1);
    this.#lows[this.#current] = lead;
    this.#highs[this.#current] = lead;
    this.#lowest = NONE_LOW;
    this.#highest = NONE_HIGH;
    for (let i = 0; i < this.#used; i++) {
      this.#lowest = Math.min(this.#lowest, this.#lows[i]);
      this.#highest = Math.max(this.#highest, this.#highs[i]);
    }
  }
}

/**
 * The sound that waits to be played: 16 kHz samples in a ring. It gathers a little before it starts, so that a late
 * packet is not heard, and can be emptied at once when the caller interrupts.
 */

export const PLAYBACK_RATE = 16_000;
const perMs = PLAYBACK_RATE / 1000;

/** Gathered before sound starts. */
const START = 60 * perMs;
/** More than this waiting means that packets were held up: silence is skipped until it is caught up. */
const TOO_MUCH = 300 * perMs;
/** The most that waits; what does not fit is dropped. */
const CAPACITY = 12_000 * perMs;
/** A cut fades over this much, so that it does not click. */
const FADE = 3 * perMs;
const SILENT = 64;

export class PlaybackRing {
  readonly #ring = new Float32Array(CAPACITY);
  #head = 0;
  #waiting = 0;
  #flowing = false;
  /** Samples asked for while the first ones were gathering. */
  #held = 0;
  #last = 0;
  #fading = 0;
  #played = 0;

  /** Sound played in all, in milliseconds; silence that filled gaps is not counted, skipped silence is. */
  get playedMs(): number {
    return this.#played / perMs;
  }
  get waitingMs(): number {
    return this.#waiting / perMs;
  }

  push(samples: Int16Array): void {
    if (this.#waiting > TOO_MUCH && isSilent(samples)) {
      this.#played += samples.length;
      return;
    }
    const room = Math.min(samples.length, CAPACITY - this.#waiting);
    let at = (this.#head + this.#waiting) % CAPACITY;
    for (let n = 0; n < room; n++) {
      this.#ring[at] = (samples[n] ?? 0) / 32_768;
      at = at + 1 === CAPACITY ? 0 : at + 1;
    }
    this.#waiting += room;
  }

  /** Fills `out`: sound where there is some, else silence. */
  pull(out: Float32Array): void {
    out.fill(0);
    if (!this.#flowing && this.#waiting > 0) {
      this.#held += out.length;
      this.#flowing = this.#waiting >= START || this.#held >= START;
    }
    let done = 0;
    if (this.#flowing) {
      done = Math.min(out.length, this.#waiting);
      for (let n = 0; n < done; n++) {
        out[n] = this.#ring[this.#head] ?? 0;
        this.#head = this.#head + 1 === CAPACITY ? 0 : this.#head + 1;
      }
      this.#waiting -= done;
      this.#played += done;
      if (this.#waiting === 0) this.#pause();
    }
    for (let n = done; n < out.length && this.#fading > 0; n++) {
      out[n] = this.#last * (--this.#fading / FADE);
    }
    if (done > 0) {
      this.#last = out[done - 1] ?? 0;
      if (done === out.length && this.#waiting === 0) this.#fading = FADE;
    }
  }

  /** Drops what waits: the next pull is silent but for a short fade. */
  clear(): void {
    if (this.#flowing) this.#fading = FADE;
    this.#waiting = 0;
    this.#pause();
  }

  #pause(): void {
    this.#flowing = false;
    this.#held = 0;
  }
}

function isSilent(samples: Int16Array): boolean {
  for (const sample of samples) if (sample > SILENT || sample < -SILENT) return false;
  return true;
}

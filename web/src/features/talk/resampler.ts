/** Streaming band-limited resampling between any two rates (windowed sinc, interpolated between phases). */

/** Zero crossings of the sinc on each side of its centre. */
const CROSSINGS = 10;
const PHASES = 128;
/** Share of the lower rate's band that is kept; the rest is the filter's slope. */
const PASSBAND = 0.92;
/** The most samples one `process` takes. */
export const MOST_INPUT = 2_048;

/** Allocates in its constructor only: it runs on the audio thread. */
export class Resampler {
  readonly #step: number;
  readonly #half: number;
  readonly #taps: number;
  readonly #table: Float32Array;
  readonly #line: Float32Array;
  #filled: number;
  /** Where the next output's centre lies in `#line`, in input samples. */
  #centre: number;

  constructor(fromRate: number, toRate: number) {
    const cutoff = Math.min(1, toRate / fromRate) * PASSBAND;
    this.#step = fromRate / toRate;
    this.#half = Math.ceil(CROSSINGS / cutoff);
    this.#taps = this.#half * 2;
    this.#table = kernel(this.#half, cutoff);
    this.#line = new Float32Array(this.#taps + MOST_INPUT + 1);
    this.#filled = this.#half;
    this.#centre = this.#half;
  }

  /** The most outputs that `inputs` samples can make. */
  mostOutput(inputs: number): number {
    return Math.ceil(inputs / this.#step) + 2;
  }

  /** Takes `input` (at most `MOST_INPUT` samples), writes what can be made of it to `output`, and answers how many samples that was. */
  process(input: Float32Array, output: Float32Array): number {
    const line = this.#line;
    line.set(input, this.#filled);
    this.#filled += input.length;
    let made = 0;
    while (Math.floor(this.#centre) + this.#half < this.#filled) {
      output[made++] = this.#at(this.#centre);
      this.#centre += this.#step;
    }
    const spent = Math.min(this.#filled, Math.floor(this.#centre) - this.#half + 1);
    if (spent > 0) {
      line.copyWithin(0, spent, this.#filled);
      this.#filled -= spent;
      this.#centre -= spent;
    }
    return made;
  }

  #at(centre: number): number {
    const whole = Math.floor(centre);
    const phase = (centre - whole) * PHASES;
    const low = Math.floor(phase);
    const mix = phase - low;
    const rowLow = low * this.#taps;
    const rowHigh = rowLow + this.#taps;
    const from = whole - this.#half + 1;
    let sum = 0;
    for (let tap = 0; tap < this.#taps; tap++) {
      const a = this.#table[rowLow + tap] ?? 0;
      const b = this.#table[rowHigh + tap] ?? 0;
      sum += (this.#line[from + tap] ?? 0) * (a + (b - a) * mix);
    }
    return sum;
  }
}

/** `PHASES + 1` rows of taps, each with a gain of one at zero frequency. */
function kernel(half: number, cutoff: number): Float32Array {
  const taps = half * 2;
  const table = new Float32Array((PHASES + 1) * taps);
  for (let phase = 0; phase <= PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = tap - half + 1 - phase / PHASES;
      const angle = Math.PI * distance * cutoff;
      const sinc = Math.abs(angle) < 1e-9 ? 1 : Math.sin(angle) / angle;
      const turn = (Math.PI * distance) / half;
      // Blackman: stop band near -74 dB. Outside its width the window is nothing.
      const window = Math.abs(distance) >= half ? 0 : 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
      table[phase * taps + tap] = sinc * window;
      sum += sinc * window;
    }
    for (let tap = 0; tap < taps; tap++) {
      const at = phase * taps + tap;
      table[at] = (table[at] ?? 0) / sum;
    }
  }
  return table;
}

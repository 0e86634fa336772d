/**
 * Streaming sample-rate conversion between the rates of phones (8000), wideband (16000), synthesizers (11025, 22050,
 * 24000) and browsers (48000): a polyphase FIR (Kaiser-windowed sinc). The pass band is 0.85 of the lower Nyquist
 * frequency (3400 Hz at 8 kHz); what lies above it by the width of the transition is down by more than 60 dB, and
 * images can only fold into the transition band. No allocation after construction.
 */

export type SampleRate = 8000 | 11025 | 16000 | 22050 | 24000 | 48000;

/** Half the transition band, as a part of the lower Nyquist frequency: it spans 0.85 to 1.15. */
const HALF_TRANSITION = 0.15;
const ATTENUATION_DB = 68;
const BLOCK = 960;

/** One filter for a pair of rates: `phases` rows of `taps` coefficients, each row in the order of its input samples. */
interface Bank {
  up: number;
  down: number;
  taps: number;
  coefficients: Float32Array;
}

const banks = new Map<string, Bank>();

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Modified Bessel function of the first kind, order 0. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function kaiser(position: number, beta: number): number {
  return Math.abs(position) > 1 ? 0 : bessel0(beta * Math.sqrt(1 - position * position)) / bessel0(beta);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

const KAISER_BETA = 0.1102 * (ATTENUATION_DB - 8.7);

/** Taps per phase for the wanted attenuation (Kaiser's formula), a multiple of 4 for the unrolled loop. */
function tapsFor(from: number, lower: number): number {
  const transition = (2 * Math.PI * HALF_TRANSITION * lower) / from;
  return 4 * Math.ceil((ATTENUATION_DB - 7.95) / (2.285 * transition) / 4);
}

/** The bank of a pair of rates, designed once. Every phase sums to exactly unit gain, so that a constant stays one. */
function bankOf(from: number, to: number): Bank {
  const key = `${from}-${to}`;
  const known = banks.get(key);
  if (known) return known;
  const divisor = greatestCommonDivisor(from, to);
  const up = to / divisor;
  const down = from / divisor;
  const lower = Math.min(from, to);
  const taps = tapsFor(from, lower);
  const coefficients = new Float32Array(up * taps);
  const cutoff = lower / from; // of the input's Nyquist frequency
  const row = new Float64Array(taps);
  for (let phase = 0; phase < up; phase++) {
    let sum = 0;
    for (let k = 0; k < taps; k++) {
      // Distance in input samples from the filter's centre: the output lies `phase / up` after the newest input's slot.
      const distance = k - (taps - 1) + taps / 2 - phase / up;
      row[k] = cutoff * sinc(cutoff * distance) * kaiser(distance / (taps / 2), KAISER_BETA);
      sum += row[k];
    }
    for (let k = 0; k < taps; k++) coefficients[phase * taps + k] = row[k] / sum;
  }
  const bank = { up, down, taps, coefficients };
  banks.set(key, bank);
  return bank;
}

const clip16 = (value: number): number => {
  const rounded = value < 0 ? (value - 0.5) | 0 : (value + 0.5) | 0; // much faster than Math.round
  return rounded > 32767 ? 32767 : rounded < -32768 ? -32768 : rounded;
};

export interface Resampler {
  readonly from: number;
  readonly to: number;
  /** Samples of `from` by which the output lags the input. */
  readonly delay: number;
  /** Exactly how many samples `process` would write for the next `inputLength` samples. */
  outputLength(inputLength: number): number;
  /**
   * Converts all of `input` into `out[offset..]` and returns the samples written. Over any time the total is
   * ceil(total input · to / from): no drift. Chunking does not change a single sample.
   */
  process(input: Int16Array, out: Int16Array, offset?: number): number;
  reset(): void;
}

/** A resampler for a pair of rates: the half-band filter for 1:2 and 2:1, a copy for equal rates. */
export function createResampler(from: SampleRate, to: SampleRate): Resampler {
  if (from === to) return new Unchanged(from);
  if (to === 2 * from) return new HalfBandUp(from);
  if (from === 2 * to) return new HalfBandDown(from);
  return new Polyphase(from, to);
}

class Unchanged implements Resampler {
  readonly from: number;
  readonly to: number;
  readonly delay = 0;

  constructor(rate: number) {
    this.from = rate;
    this.to = rate;
  }

  outputLength(inputLength: number): number {
    return inputLength;
  }

  process(input: Int16Array, out: Int16Array, offset = 0): number {
    out.set(input, offset);
    return input.length;
  }

  reset(): void {}
}

class Polyphase implements Resampler {
  readonly from: number;
  readonly to: number;
  readonly delay: number;
  readonly #bank: Bank;
  /** `taps - 1` samples of the past, then the block being converted. */
  readonly #window: Float32Array;
  /** Where the next output lies: input samples after the block's first, and the phase within that sample. */
  #position = 0;
  #phase = 0;

  constructor(from: SampleRate, to: SampleRate) {
    this.from = from;
    this.to = to;
    this.#bank = bankOf(from, to);
    this.delay = this.#bank.taps / 2;
    this.#window = new Float32Array(this.#bank.taps - 1 + BLOCK);
  }

  outputLength(inputLength: number): number {
    const { up, down } = this.#bank;
    const ahead = this.#position * up + this.#phase; // in units of 1/up input samples
    return Math.max(0, Math.ceil((inputLength * up - ahead) / down));
  }

  process(input: Int16Array, out: Int16Array, offset = 0): number {
    const { up, down, taps, coefficients } = this.#bank;
    const window = this.#window;
    const memory = taps - 1;
    let written = offset;
    for (let start = 0; start < input.length; start += BLOCK) {
      const count = Math.min(BLOCK, input.length - start);
      for (let i = 0; i < count; i++) window[memory + i] = input[start + i];
      let position = this.#position;
      let phase = this.#phase;
      while (position < count) {
        const row = phase * taps;
        let sum = 0;
        for (let k = 0; k < taps; k += 4) {
          sum +=
            window[position + k] * coefficients[row + k] +
            window[position + k + 1] * coefficients[row + k + 1] +
            window[position + k + 2] * coefficients[row + k + 2] +
            window[position + k + 3] * coefficients[row + k + 3];
        }
        out[written++] = clip16(sum);
        phase += down;
        const whole = (phase / up) | 0;
        position += whole;
        phase -= whole * up;
      }
      this.#position = position - count;
      this.#phase = phase;
      window.copyWithin(0, count, count + memory);
    }
    return written - offset;
  }

  reset(): void {
    this.#window.fill(0);
    this.#position = 0;
    this.#phase = 0;
  }
}

/** Odd taps of a half-band low pass of 4·PAIRS - 1 taps (the even ones are 0, the centre 1/2): one side, nearest last. */
const PAIRS = 16;
const HALF_BAND = ((): Float32Array => {
  const side = Float64Array.from({ length: PAIRS }, (_, i) => {
    const distance = 2 * (PAIRS - 1 - i) + 1;
    return 0.5 * sinc(distance / 2) * kaiser(distance / (2 * PAIRS), KAISER_BETA);
  });
  const sum = side.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(side, (tap) => (tap * 0.25) / sum); // both sides together give the other half of the gain
})();

/** 1:2. Even outputs are the input delayed; odd ones the half-band filter. */
class HalfBandUp implements Resampler {
  readonly from: number;
  readonly to: number;
  readonly delay = PAIRS;
  readonly #window = new Float32Array(2 * PAIRS - 1 + BLOCK);

  constructor(from: SampleRate) {
    this.from = from;
    this.to = 2 * from;
  }

  outputLength(inputLength: number): number {
    return 2 * inputLength;
  }

  process(input: Int16Array, out: Int16Array, offset = 0): number {
    const window = this.#window;
    const memory = 2 * PAIRS - 1;
    let written = offset;
    for (let start = 0; start < input.length; start += BLOCK) {
      const count = Math.min(BLOCK, input.length - start);
      for (let i = 0; i < count; i++) window[memory + i] = input[start + i];
      for (let n = 0; n < count; n++) {
        let sum = 0;
        for (let k = 0, low = n, high = n + memory; k < PAIRS; k += 4, low += 4, high -= 4) {
          sum +=
            (window[low] + window[high]) * HALF_BAND[k] +
            (window[low + 1] + window[high - 1]) * HALF_BAND[k + 1] +
            (window[low + 2] + window[high - 2]) * HALF_BAND[k + 2] +
            (window[low + 3] + window[high - 3]) * HALF_BAND[k + 3];
        }
        out[written++] = window[n + PAIRS - 1];
        out[written++] = clip16(2 * sum);
      }
      window.copyWithin(0, count, count + memory);
    }
    return written - offset;
  }

  reset(): void {
    this.#window.fill(0);
  }
}

/** 2:1. */
class HalfBandDown implements Resampler {
  readonly from: number;
  readonly to: number;
  readonly delay = 2 * PAIRS - 1;
  /** 4·PAIRS - 2 samples of the past; outputs lie on even positions of the stream. */
  readonly #window = new Float32Array(4 * PAIRS - 2 + BLOCK);
  #odd = 0;

  constructor(from: SampleRate) {
    this.from = from;
    this.to = from / 2;
  }

  outputLength(inputLength: number): number {
    return (inputLength + 1 - this.#odd) >> 1;
  }

  process(input: Int16Array, out: Int16Array, offset = 0): number {
    const window = this.#window;
    const memory = 4 * PAIRS - 2;
    let written = offset;
    for (let start = 0; start < input.length; start += BLOCK) {
      const count = Math.min(BLOCK, input.length - start);
      for (let i = 0; i < count; i++) window[memory + i] = input[start + i];
      for (let n = this.#odd; n < count; n += 2) {
        let sum = 0.5 * window[n + 2 * PAIRS - 1];
        for (let k = 0, low = n, high = n + memory; k < PAIRS; k += 4, low += 8, high -= 8) {
          sum +=
            (window[low] + window[high]) * HALF_BAND[k] +
            (window[low + 2] + window[high - 2]) * HALF_BAND[k + 1] +
            (window[low + 4] + window[high - 4]) * HALF_BAND[k + 2] +
            (window[low + 6] + window[high - 6]) * HALF_BAND[k + 3];
        }
        out[written++] = clip16(sum);
      }
      this.#odd = (this.#odd + count) & 1;
      window.copyWithin(0, count, count + memory);
    }
    return written - offset;
  }

  reset(): void {
    this.#window.fill(0);
    this.#odd = 0;
  }
}

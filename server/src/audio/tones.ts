/** Tones: test sines, DTMF (ITU-T Q.23) made and detected (Q.24), and comfort noise (RFC 3389 level only). */
import type { Random } from '#kit/random.ts';
import { gainOf } from './level.ts';

const ROWS_HZ = [697, 770, 852, 941];
const COLUMNS_HZ = [1209, 1336, 1477, 1633];
const KEYPAD = ['123A', '456B', '789C', '*0#D'];

/** The sixteen DTMF digits. */
export const DTMF_DIGITS = '0123456789*#ABCD';

/** Row and column frequency of a digit; undefined for anything else. */
export function dtmfFrequencies(digit: string): { low: number; high: number } | undefined {
  for (let row = 0; row < 4; row++) {
    const column = digit.length === 1 ? KEYPAD[row].indexOf(digit) : -1;
    if (column >= 0) return { low: ROWS_HZ[row], high: COLUMNS_HZ[column] };
  }
  return undefined;
}

/** A sine that goes on smoothly from one piece to the next. `level` is its RMS in dBFS. */
export class Sine {
  readonly #step: number;
  readonly #amplitude: number;
  #phase = 0;

  constructor(frequencyHz: number, rate: number, level = -20) {
    this.#step = (2 * Math.PI * frequencyHz) / rate;
    this.#amplitude = 32767 * Math.SQRT2 * gainOf(level);
  }

  /** Writes (or with `add`, mixes in) the next `out.length` samples. */
  next(out: Int16Array, add = false): void {
    for (let i = 0; i < out.length; i++) {
      const value = Math.round(this.#amplitude * Math.sin(this.#phase)) + (add ? out[i] : 0);
      out[i] = value > 32767 ? 32767 : value < -32768 ? -32768 : value;
      this.#phase += this.#step;
      if (this.#phase > 2 * Math.PI) this.#phase -= 2 * Math.PI;
    }
  }
}

/** `durationMs` of a sine. */
export function sineTone(frequencyHz: number, durationMs: number, rate: number, level = -20): Int16Array {
  const out = new Int16Array(Math.round((durationMs * rate) / 1000));
  new Sine(frequencyHz, rate, level).next(out);
  return out;
}

/** `durationMs` of a digit's two tones, each at `level`; undefined for what is not a digit. */
export function dtmfTone(digit: string, durationMs: number, rate: number, level = -13): Int16Array | undefined {
  const tones = dtmfFrequencies(digit);
  if (!tones) return undefined;
  const out = sineTone(tones.low, durationMs, rate, level);
  new Sine(tones.high, rate, level).next(out, true);
  return out;
}

/** Quiet noise for the far end's silence, from a precomputed second so that a frame is one copy. */
export class ComfortNoise {
  readonly #noise: Int16Array;
  #at = 0;

  /** `level` in dBFS, e.g. -60. */
  constructor(random: Random, rate: number, level: number) {
    this.#noise = new Int16Array(rate);
    // The sum of three uniform values has variance 1/4 of its unit; close enough to Gaussian for a hiss.
    const amplitude = 2 * 32768 * gainOf(level);
    for (let i = 0; i < rate; i++) this.#noise[i] = Math.round(amplitude * (random.next() + random.next() + random.next() - 1.5));
  }

  next(out: Int16Array): void {
    for (let done = 0; done < out.length; ) {
      const count = Math.min(out.length - done, this.#noise.length - this.#at);
      out.set(this.#noise.subarray(this.#at, this.#at + count), done);
      done += count;
      this.#at = (this.#at + count) % this.#noise.length;
    }
  }
}

/** Detector: 12.75 ms windows; both tones in two windows on end, nothing else loud; one digit per press. */
const WINDOW = 102;
const MIN_WINDOWS = 2;
const RELEASE_WINDOWS = 2;
/** The weaker tone is at least this power (about -36 dBFS RMS per tone). */
const MIN_POWER = 32768 ** 2 * 10 ** -3.6;
/** Largest difference of the two tones' powers (twist): 9 dB. */
const MAX_TWIST = 8;
/** The two tones make up this part of the window's power at least; speech does not. */
const MIN_PURITY = 0.7;
/** A tone is this many times stronger than any other of its group. */
const MIN_DOMINANCE = 4;

/**
 * In-band DTMF by Goertzel filters on 8 kHz linear sound. A press is reported once, about 26 ms after it began.
 */
export class DtmfDetector {
  readonly #coefficients: Float64Array;
  readonly #window = new Float64Array(WINDOW);
  readonly #powers = new Float64Array(8);
  #filled = 0;
  #candidate = '';
  #seen = 0;
  #pressed = '';
  #released = 0;

  constructor() {
    this.#coefficients = Float64Array.from([...ROWS_HZ, ...COLUMNS_HZ], (hz) => 2 * Math.cos((2 * Math.PI * hz) / 8000));
  }

  /** The digit whose press became certain within these samples, if any. */
  push(samples: Int16Array): string | undefined {
    let found: string | undefined;
    for (let i = 0; i < samples.length; i++) {
      this.#window[this.#filled++] = samples[i];
      if (this.#filled < WINDOW) continue;
      this.#filled = 0;
      found = this.#judge(this.#classify()) ?? found;
    }
    return found;
  }

  #judge(digit: string): string | undefined {
    if (this.#pressed !== '') {
      this.#released = digit === this.#pressed ? 0 : this.#released + 1;
      if (this.#released < RELEASE_WINDOWS) return undefined;
      this.#pressed = '';
    }
    this.#seen = digit !== '' && digit === this.#candidate ? this.#seen + 1 : 1;
    this.#candidate = digit;
    if (digit === '' || this.#seen < MIN_WINDOWS) return undefined;
    this.#pressed = digit;
    this.#released = 0;
    return digit;
  }

  /** The digit that this window alone looks like, or ''. */
  #classify(): string {
    let total = 0;
    for (let i = 0; i < WINDOW; i++) total += this.#window[i] * this.#window[i];
    total /= WINDOW;
    if (total < 2 * MIN_POWER) return '';
    for (let f = 0; f < 8; f++) this.#powers[f] = this.#goertzel(this.#coefficients[f]);
    const row = strongest(this.#powers, 0);
    const column = strongest(this.#powers, 4);
    if (row < 0 || column < 0) return '';
    const low = this.#powers[row];
    const high = this.#powers[column];
    if (Math.min(low, high) < MIN_POWER || Math.max(low, high) > MAX_TWIST * Math.min(low, high)) return '';
    return (low + high) / total >= MIN_PURITY ? KEYPAD[row][column - 4] : '';
  }

  /** Mean square that a sine of this frequency has in the window. */
  #goertzel(coefficient: number): number {
    let s1 = 0;
    let s2 = 0;
    for (let i = 0; i < WINDOW; i++) {
      const s = this.#window[i] + coefficient * s1 - s2;
      s2 = s1;
      s1 = s;
    }
    return (2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2)) / (WINDOW * WINDOW);
  }
}

/** Index of the group's strongest tone when it dominates the others, else -1. */
function strongest(powers: Float64Array, from: number): number {
  let best = from;
  for (let f = from + 1; f < from + 4; f++) if (powers[f] > powers[best]) best = f;
  for (let f = from; f < from + 4; f++) if (f !== best && powers[f] * MIN_DOMINANCE > powers[best]) return -1;
  return best;
}

/**
 * What Whisper hears (Radford et al. 2022, section 2.2): the logarithm of the energy in 80 mel bands, 100 times a
 * second, of 16 kHz sound. As the feature extractor that smart-turn was trained with: the sound is brought to mean 0
 * and variance 1, windows of 25 ms (Hann) every 10 ms, bands after Slaney, the loudest 80 dB scaled to about -1…1.
 */
import { Fourier } from './fourier.ts';

export const RATE = 16_000;
const WINDOW = 400;
const HOP = 160;
const BINS = WINDOW / 2 + 1;
export const BANDS = 80;

/** The band's first bin, and the weights from there on. */
interface Band {
  from: number;
  weights: Float64Array;
}

const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));

/** Linear to 1 kHz, logarithmic above (Slaney, Auditory Toolbox 1998). */
const LINEAR_STEP = 200 / 3;
const LOG_FROM_HZ = 1_000;
const LOG_STEP = Math.log(6.4) / 27;

function melOf(hz: number): number {
  return hz < LOG_FROM_HZ ? hz / LINEAR_STEP : LOG_FROM_HZ / LINEAR_STEP + Math.log(hz / LOG_FROM_HZ) / LOG_STEP;
}

function hzOf(mel: number): number {
  const bend = LOG_FROM_HZ / LINEAR_STEP;
  return mel < bend ? mel * LINEAR_STEP : LOG_FROM_HZ * Math.exp(LOG_STEP * (mel - bend));
}

/** Triangles of equal area between neighbouring points of the mel scale. */
function makeBands(): Band[] {
  const top = melOf(RATE / 2);
  const corners = Array.from({ length: BANDS + 2 }, (_, i) => hzOf((top * i) / (BANDS + 1)));
  return Array.from({ length: BANDS }, (_, band) => {
    const [low, peak, high] = corners.slice(band, band + 3);
    const weights = Array.from({ length: BINS }, (__, bin) => {
      const hz = (bin * RATE) / WINDOW;
      return (Math.max(0, Math.min((hz - low) / (peak - low), (high - hz) / (high - peak))) * 2) / (high - low);
    });
    const from = Math.max(
      0,
      weights.findIndex((weight) => weight > 0),
    );
    const to = weights.findLastIndex((weight) => weight > 0) + 1;
    return { from, weights: Float64Array.from(weights.slice(from, Math.max(from, to))) };
  });
}

const bands = makeBands();

/** One per thread: it owns its working memory. */
export class LogMel {
  readonly #samples: number;
  readonly #frames: number;
  readonly #fourier = new Fourier(WINDOW);
  readonly #padded: Float64Array;
  readonly #real = new Float64Array(WINDOW);
  readonly #imaginary = new Float64Array(WINDOW);
  readonly #power = new Float64Array(BINS);

  /** For sound of exactly `samples` samples, a multiple of 160. */
  constructor(samples: number) {
    this.#samples = samples;
    this.#frames = samples / HOP;
    this.#padded = new Float64Array(samples + WINDOW);
  }

  /** Values that `write` fills: BANDS × one per 10 ms. */
  get size(): number {
    return BANDS * this.#frames;
  }

  /** `sound` in any scale. Writes band after band from `offset` on. */
  write(sound: Float32Array, out: Float32Array, offset: number): void {
    this.#normalise(sound);
    // Two real frames make one complex one.
    for (let frame = 0; frame < this.#frames; frame += 2) {
      const [one, other] = [frame * HOP, (frame + 1) * HOP];
      const pair = frame + 1 < this.#frames;
      for (let i = 0; i < WINDOW; i++) {
        this.#real[i] = this.#padded[one + i] * hann[i];
        this.#imaginary[i] = pair ? this.#padded[other + i] * hann[i] : 0;
      }
      this.#fourier.transform(this.#real, this.#imaginary);
      this.#weigh(1, out, offset + frame);
      if (pair) this.#weigh(-1, out, offset + frame + 1);
    }
    this.#compress(out, offset);
  }

  /** Mean 0, variance 1; half a window is mirrored at either end, so that frames stand over their middle. */
  #normalise(sound: Float32Array): void {
    const padded = this.#padded;
    const [count, half] = [this.#samples, WINDOW / 2];
    let mean = 0;
    for (let i = 0; i < count; i++) mean += sound[i];
    mean /= count;
    let variance = 0;
    for (let i = 0; i < count; i++) variance += (sound[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / count + 1e-7);
    for (let i = 0; i < count; i++) padded[half + i] = (sound[i] - mean) * scale;
    for (let i = 1; i <= half; i++) {
      padded[half - i] = padded[half + i];
      padded[half + count - 1 + i] = padded[half + count - 1 - i];
    }
  }

  /** The even part (`sign` 1) of the spectrum is the first frame's, the odd part (-1) the second's. */
  #weigh(sign: 1 | -1, out: Float32Array, at: number): void {
    const [real, imaginary, power] = [this.#real, this.#imaginary, this.#power];
    for (let bin = 0; bin < BINS; bin++) {
      const mirror = (WINDOW - bin) % WINDOW;
      const re = real[bin] + sign * real[mirror];
      const im = imaginary[bin] - sign * imaginary[mirror];
      power[bin] = (re * re + im * im) / 4;
    }
    for (let band = 0; band < BANDS; band++) {
      const { from, weights } = bands[band];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * power[from + i];
      out[at + band * this.#frames] = Math.log10(Math.max(1e-10, sum));
    }
  }

  /** What is more than 80 dB below the loudest counts as that; then scaled. */
  #compress(out: Float32Array, offset: number): void {
    let loudest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.size; i++) loudest = Math.max(loudest, out[offset + i]);
    for (let i = 0; i < this.size; i++) out[offset + i] = (Math.max(out[offset + i], loudest - 8) + 4) / 4;
  }
}

/** From a window of a call, in either format, to the model's input. */
import type { Sound } from '#audio/frame.ts';
import { mulawToLinear } from '#audio/g711.ts';
import { createResampler } from '#audio/resampler.ts';
import { LogMel, RATE } from './log-mel.ts';
import { WINDOW_SECONDS } from './sound-window.ts';

const SAMPLES = WINDOW_SECONDS * RATE;
const NARROW_SAMPLES = SAMPLES / 2;
/** Samples that are resampled in one piece: 20 ms. */
const PIECE = 160;

/** One per thread: it owns its working memory. */
export class Features {
  readonly #mel = new LogMel(SAMPLES);
  readonly #sound = new Float32Array(SAMPLES);
  readonly #linear = new Int16Array(NARROW_SAMPLES);
  readonly #piece = new Int16Array(2 * PIECE + 64);

  /** Values of one window. */
  get size(): number {
    return this.#mel.size;
  }

  /** `window`: 8 s of µ-law at 8 kHz, or of samples at 16 kHz. */
  write(window: Sound, out: Float32Array, offset: number): void {
    if (window instanceof Int16Array) for (let i = 0; i < SAMPLES; i++) this.#sound[i] = window[i] / 32_768;
    else this.#widen(window);
    this.#mel.write(this.#sound, out, offset);
  }

  #widen(window: Uint8Array): void {
    mulawToLinear(window, this.#linear);
    const wide = createResampler(8_000, 16_000);
    let at = 0;
    for (let from = 0; from < NARROW_SAMPLES; from += PIECE) {
      const count = wide.process(this.#linear.subarray(from, from + PIECE), this.#piece);
      for (let i = 0; i < count && at < SAMPLES; i++) this.#sound[at++] = this.#piece[i] / 32_768;
    }
    this.#sound.fill(0, at);
  }
}

/** From linear sound of any rate to a {@link SoundFormat} and back: for voices and recognisers with rates of their own. */
import { rateOf, type Sound, type SoundFormat } from './frame.ts';
import { linearToMulaw, mulawToLinear } from './g711.ts';
import { createResampler, type Resampler, type SampleRate } from './resampler.ts';

/** Makes sound of a leg's format from a stream of linear samples, e.g. of a voice that speaks at 22050. */
export class SoundConverter {
  readonly format: SoundFormat;
  readonly #resampler: Resampler;

  constructor(fromRate: SampleRate, format: SoundFormat) {
    this.format = format;
    this.#resampler = createResampler(fromRate, rateOf(format));
  }

  /** The next piece; its length follows the rates exactly over time. The array is new and the caller's to keep. */
  convert(samples: Int16Array): Sound {
    const linear = new Int16Array(this.#resampler.outputLength(samples.length));
    this.#resampler.process(samples, linear);
    if (this.format === 'linear-16000') return linear;
    const bytes = new Uint8Array(linear.length);
    linearToMulaw(linear, bytes);
    return bytes;
  }

  /** What the filter still holds of the last word (a few milliseconds); the converter then starts afresh. */
  flush(): Sound {
    const rest = this.convert(new Int16Array(Math.ceil(this.#resampler.delay)));
    this.#resampler.reset();
    return rest;
  }
}

/** Makes linear samples of `rate` from a leg's sound, e.g. for a recogniser that wants 16000. */
export class LinearConverter {
  readonly format: SoundFormat;
  readonly #resampler: Resampler;
  #linear = new Int16Array(160);

  constructor(format: SoundFormat, toRate: SampleRate) {
    this.format = format;
    this.#resampler = createResampler(rateOf(format), toRate);
  }

  /** How many samples `convert` would write for `sound`. */
  outputLength(sound: Sound): number {
    return this.#resampler.outputLength(sound.length);
  }

  /** Writes into `out[offset..]` and returns the samples written. Allocates only for sound longer than ever before. */
  convert(sound: Sound, out: Int16Array, offset = 0): number {
    if (sound instanceof Int16Array) return this.#resampler.process(sound, out, offset);
    if (sound.length > this.#linear.length) this.#linear = new Int16Array(sound.length);
    mulawToLinear(sound, this.#linear);
    const samples = sound.length === this.#linear.length ? this.#linear : this.#linear.subarray(0, sound.length);
    return this.#resampler.process(samples, out, offset);
  }
}

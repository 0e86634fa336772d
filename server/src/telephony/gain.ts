/** The volume of outgoing speech: ducked while somebody else may be speaking, faded in where it starts mid-wave. */
import { MULAW_SILENCE, type Sound, type SoundFormat, rateOf } from '#audio/frame.ts';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from '#audio/g711.ts';
import type { SpeechRing } from './speech-buffer.ts';

/** Volume (duck) and the short fade in after a cut. At full volume samples are copied as they are. */
export class Gain {
  readonly #format: SoundFormat;
  #now = 1;
  #target = 1;
  #step = 0;
  #fadeLeft = 0;
  #fadeSamples = 1;

  constructor(format: SoundFormat) {
    this.#format = format;
  }

  rampTo(gain: number, ms: number): void {
    this.#target = gain;
    this.#step = (gain - this.#now) / ((ms * rateOf(this.#format)) / 1000);
  }

  fadeIn(ms: number): void {
    this.#fadeSamples = Math.round((ms * rateOf(this.#format)) / 1000);
    this.#fadeLeft = this.#fadeSamples;
  }

  /** Copies `size` samples from the ring to the start of `out` and silences the rest of it. */
  copy(ring: SpeechRing, from: number, size: number, out: Sound): void {
    const mulaw = this.#format === 'mulaw-8000';
    if (this.#now === 1 && this.#target === 1 && this.#fadeLeft === 0) {
      ring.copy(from, size, out);
    } else {
      for (let i = 0; i < size; i++) {
        const factor = this.#next();
        const sample = ring.at(from + i);
        out[i] = mulaw ? LINEAR_TO_MULAW[Math.round(MULAW_TO_LINEAR[sample] * factor) & 0xffff] : Math.round(sample * factor);
      }
    }
    if (size < out.length) out.fill(mulaw ? MULAW_SILENCE : 0, size);
  }

  #next(): number {
    if (this.#step !== 0) {
      this.#now += this.#step;
      if (this.#step > 0 ? this.#now >= this.#target : this.#now <= this.#target) {
        this.#now = this.#target;
        this.#step = 0;
      }
    }
    return this.#fadeLeft > 0 ? this.#now * (1 - this.#fadeLeft-- / this.#fadeSamples) : this.#now;
  }
}

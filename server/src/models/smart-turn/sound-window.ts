/** The last 8 s of a call, as they came: half a megabyte less per call than as samples of the model's rate. */
import { type Frame, rateOf, silence, type Sound, type SoundFormat } from '#audio/frame.ts';

export const WINDOW_SECONDS = 8;

export class SoundWindow {
  readonly #ring: Sound;
  #next = 0;

  constructor(format: SoundFormat) {
    this.#ring = silence(format, WINDOW_SECONDS * rateOf(format));
  }

  push({ sound }: Pick<Frame, 'sound'>): void {
    const ring = this.#ring;
    if (sound.constructor !== ring.constructor) return;
    const newest = sound.length > ring.length ? sound.subarray(sound.length - ring.length) : sound;
    const fits = Math.min(newest.length, ring.length - this.#next);
    ring.set(newest.subarray(0, fits), this.#next);
    if (fits < newest.length) ring.set(newest.subarray(fits), 0);
    this.#next = (this.#next + newest.length) % ring.length;
  }

  /** A copy of its own, oldest first; silence where the call is younger. */
  copy(): Sound {
    const ring = this.#ring;
    const copy = ring.slice();
    copy.set(ring.subarray(this.#next), 0);
    copy.set(ring.subarray(0, this.#next), ring.length - this.#next);
    return copy;
  }
}

/** The newest 10 s of what the caller said, in one stretch of memory that is made once. */
import { FRAME_MS, type Frame, samplesPerFrame, silence, type Sound, type SoundFormat } from '#audio/frame.ts';

const KEPT_FRAMES = 10_000 / FRAME_MS;

export class FrameRing {
  readonly #format: SoundFormat;
  readonly #samples: number;
  readonly #sound: Sound;
  /** `Frame.at` of each; those that were made up are noted as `-1 - at`. */
  readonly #at: Float64Array;
  #next = 0;
  #count = 0;

  constructor(format: SoundFormat, frames = KEPT_FRAMES) {
    this.#format = format;
    this.#samples = samplesPerFrame(format);
    this.#sound = silence(format, frames * this.#samples);
    this.#at = new Float64Array(frames);
  }

  /** Copies it. A frame of another length than 20 ms is cut, or filled with silence. */
  keep({ at, sound, concealed }: Frame): void {
    const next = this.#next;
    const from = next * this.#samples;
    if (sound.length === this.#samples) this.#sound.set(sound, from);
    else {
      this.#sound.set(silence(this.#format), from);
      this.#sound.set(sound.subarray(0, this.#samples), from);
    }
    this.#at[next] = concealed ? -1 - at : at;
    this.#next = next + 1 === this.#at.length ? 0 : next + 1;
    if (this.#count < this.#at.length) this.#count++;
  }

  /** Those of `fromAt` and later, oldest first; each is only valid during the call. Returns how many. */
  since(fromAt: number, push: (frame: Frame) => void): number {
    let pushed = 0;
    const { length } = this.#at;
    for (let i = this.#count; i > 0; i--) {
      const slot = (this.#next - i + length) % length;
      const concealed = this.#at[slot] < 0;
      const at = concealed ? -1 - this.#at[slot] : this.#at[slot];
      if (at < fromAt) continue;
      const from = slot * this.#samples;
      push({ at, format: this.#format, sound: this.#sound.subarray(from, from + this.#samples), concealed });
      pushed++;
    }
    return pushed;
  }
}

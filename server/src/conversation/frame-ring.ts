/** The newest 10 s of what the caller said, copied into frames that are made once. */
import { FRAME_MS, type Frame, samplesPerFrame, silence, type SoundFormat } from '#audio/frame.ts';

const KEPT_FRAMES = 10_000 / FRAME_MS;

export class FrameRing {
  readonly #frames: Frame[];
  #next = 0;
  #count = 0;

  constructor(format: SoundFormat, frames = KEPT_FRAMES) {
    const samples = samplesPerFrame(format);
    this.#frames = Array.from({ length: frames }, () => ({ at: 0, format, sound: silence(format, samples), concealed: false }));
  }

  keep(frame: Frame): void {
    const slot = this.#frames[this.#next];
    if (slot.sound.length === frame.sound.length) slot.sound.set(frame.sound);
    else slot.sound = frame.sound.slice();
    slot.at = frame.at;
    slot.concealed = frame.concealed;
    this.#next = (this.#next + 1) % this.#frames.length;
    this.#count = Math.min(this.#frames.length, this.#count + 1);
  }

  /** Those of `fromAt` and later, oldest first; each is only valid during the call. Returns how many. */
  since(fromAt: number, push: (frame: Frame) => void): number {
    let pushed = 0;
    const { length } = this.#frames;
    for (let i = this.#count; i > 0; i--) {
      const frame = this.#frames[(this.#next - i + length) % length];
      if (frame.at < fromAt) continue;
      push(frame);
      pushed++;
    }
    return pushed;
  }
}

/** Cuts a call's frames into the model's windows at 8 kHz, and keeps the four before, to warm the model up with. */
import { FRAME_MS, type Sound, type SoundFormat } from '#audio/frame.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import { createResampler, type Resampler } from '#audio/resampler.ts';
import { CONTEXT, WINDOW } from './shape.ts';

export const PRE_ROLL_WINDOWS = 4;
const HISTORY = CONTEXT + PRE_ROLL_WINDOWS * WINDOW;
/** Samples taken in one piece: a frame. */
const WIDE_PIECE = 16 * FRAME_MS;
const MULAW_TO_UNIT = Float32Array.from(MULAW_TO_LINEAR, (sample) => sample / 32768);

export class WindowCutter {
  /** The context of the oldest window, the windows of the pre-roll, and the window being filled. */
  readonly samples = new Float32Array(HISTORY + WINDOW);
  #fill = HISTORY;
  #narrow: Resampler | undefined;
  #narrowed = new Int16Array(WIDE_PIECE / 2 + 1);
  readonly #onWindow: (samples: Float32Array, offset: number) => void;

  /** `onWindow` is given the place of a full row: CONTEXT samples and the WINDOW after them. */
  constructor(format: SoundFormat, onWindow: (samples: Float32Array, offset: number) => void) {
    this.#onWindow = onWindow;
    if (format === 'linear-16000') this.#narrow = createResampler(16000, 8000);
  }

  push(sound: Sound): void {
    if (!(sound instanceof Int16Array)) {
      for (let i = 0; i < sound.length; i++) this.#put(MULAW_TO_UNIT[sound[i]]);
    } else if (sound.length <= WIDE_PIECE) {
      const count = this.#narrow?.process(sound, this.#narrowed) ?? 0;
      for (let i = 0; i < count; i++) this.#put(this.#narrowed[i] / 32768);
    } else for (let from = 0; from < sound.length; from += WIDE_PIECE) this.push(sound.subarray(from, from + WIDE_PIECE));
  }

  /** Hands out the windows before the one being filled, oldest first. */
  preRoll(): void {
    for (let i = 0; i < PRE_ROLL_WINDOWS; i++) this.#onWindow(this.samples, i * WINDOW);
  }

  reset(): void {
    this.samples.fill(0);
    this.#fill = HISTORY;
    this.#narrow?.reset();
  }

  #put(sample: number): void {
    this.samples[this.#fill++] = sample;
    if (this.#fill < this.samples.length) return;
    this.#onWindow(this.samples, PRE_ROLL_WINDOWS * WINDOW);
    this.samples.copyWithin(0, WINDOW);
    this.#fill = HISTORY;
  }
}

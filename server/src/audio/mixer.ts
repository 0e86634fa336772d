/** Mixing and volume on linear and µ-law sound, in place or into arrays the caller owns. */
import { FRAME_MS, type Sound } from './frame.ts';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from './g711.ts';
import { gainOf } from './level.ts';

/** Time a {@link Volume} takes from one gain to another. */
export const RAMP_MS = 40;

const clip16 = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value);

/** Adds linear `other` onto `sound` with saturation, over the shorter of both. */
export function addLinear(sound: Int16Array, other: Int16Array): void {
  const count = Math.min(sound.length, other.length);
  for (let i = 0; i < count; i++) sound[i] = clip16(sound[i] + other[i]);
}

/** Adds µ-law `other` onto µ-law `sound` with saturation, over the shorter of both. */
export function addMulaw(sound: Uint8Array, other: Uint8Array): void {
  const count = Math.min(sound.length, other.length);
  for (let i = 0; i < count; i++) {
    sound[i] = LINEAR_TO_MULAW[clip16(MULAW_TO_LINEAR[sound[i]] + MULAW_TO_LINEAR[other[i]]) & 0xffff];
  }
}

/** Writes `left[i], right[i]` pairs of bytes from `out[offset]` on: stereo µ-law as recordings hold it. */
export function interleave(left: Uint8Array, right: Uint8Array, out: Uint8Array, offset = 0): void {
  for (let i = 0; i < left.length; i++) {
    out[offset + 2 * i] = left[i];
    out[offset + 2 * i + 1] = right[i];
  }
}

/** As {@link interleave}, for linear samples. */
export function interleaveLinear(left: Int16Array, right: Int16Array, out: Int16Array, offset = 0): void {
  for (let i = 0; i < left.length; i++) {
    out[offset + 2 * i] = left[i];
    out[offset + 2 * i + 1] = right[i];
  }
}

/** A gain that moves in a straight line over 40 ms, so that ducking and restoring do not click. */
export class Volume {
  #gain = 1;
  #target = 1;
  #step = 0;

  /** Moves to `decibels` (0 is the original, negative is quieter, -Infinity is silent) from the next sample on. */
  set(decibels: number): void {
    this.#target = gainOf(decibels);
    this.#step = this.#target - this.#gain;
  }

  /** True when `apply` would change nothing. */
  get unchanged(): boolean {
    return this.#gain === 1 && this.#target === 1;
  }

  /** True while it moves. */
  get moving(): boolean {
    return this.#gain !== this.#target;
  }

  /** Applies the gain to one frame of 20 ms, in place. */
  apply(sound: Sound): void {
    if (this.unchanged) return;
    const step = (this.#step * FRAME_MS) / (RAMP_MS * sound.length);
    if (sound instanceof Uint8Array) {
      for (let i = 0; i < sound.length; i++) sound[i] = LINEAR_TO_MULAW[this.#scaled(MULAW_TO_LINEAR[sound[i]], step) & 0xffff];
    } else {
      for (let i = 0; i < sound.length; i++) sound[i] = this.#scaled(sound[i], step);
    }
  }

  #scaled(sample: number, step: number): number {
    if (this.#gain !== this.#target) {
      this.#gain += step;
      // The last step lands on the target, whatever rounding has gathered on the way.
      if (step >= 0 ? this.#gain >= this.#target - step / 2 : this.#gain <= this.#target - step / 2) this.#gain = this.#target;
    }
    return clip16(Math.round(sample * this.#gain));
  }
}

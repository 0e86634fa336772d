/** Questions to the sound that a caller heard. Times in milliseconds on the shared clock. */
import type { HeardFrame } from './observation.ts';

/** Three consecutive 10 ms are speech. */
const ONSET_MS = 30;
/** Frames of one stretch arrive this close; jitter of the machine included. */
const JOINED_MS = 90;
/** A cut is a silence of this length. */
const CUT_MS = 200;
/** More silence than this inside an answer is a stop that somebody hears. */
export const STOP_MS = 300;

export class Sound {
  readonly #frames: readonly HeardFrame[];

  constructor(frames: readonly HeardFrame[]) {
    this.#frames = frames;
  }

  /** The first frame of the first speech that begins at or after `at`. */
  onsetAfter(at: number): HeardFrame | undefined {
    const frames = this.#frames;
    for (let i = this.#firstAt(at); i < frames.length; i++) {
      const next = frames[i + 1] as HeardFrame | undefined;
      const lasting = frames[i].toMs - frames[i].fromMs;
      if (lasting + (next && next.at - frames[i].at < JOINED_MS ? next.toMs - next.fromMs : 0) >= ONSET_MS) return frames[i];
    }
    return undefined;
  }

  /** Something was audible between the two. */
  between(from: number, to: number): readonly HeardFrame[] {
    return this.#frames.slice(this.#firstAt(from), this.#firstAt(to));
  }

  /** Which generation is audible at `at`: the newest one up to 60 ms before. */
  markAt(at: number): number | undefined {
    const frame = this.#frames[this.#firstAt(at) - 1] as HeardFrame | undefined;
    return frame && at - frame.at < JOINED_MS && frame.mark >= 0 ? frame.mark : undefined;
  }

  /** When the sound that goes on at `at` was cut: the end of the last sample before a silence. Undefined when none was within `withinMs`. */
  cutAfter(at: number, withinMs: number): number | undefined {
    const frames = this.#frames;
    const first = this.#firstAt(at) - 1;
    for (let i = Math.max(0, first); i < frames.length && frames[i].at < at + withinMs; i++) {
      const next = frames[i + 1] as HeardFrame | undefined;
      if (!next || next.at - frames[i].at > CUT_MS) return frames[i].at + frames[i].toMs;
    }
    return undefined;
  }

  /** Milliseconds of one generation that were audible between the two. */
  audibleMs(mark: number, from: number, to: number): number {
    return this.between(from, to).reduce((sum, frame) => (frame.mark === mark ? sum + frame.toMs - frame.fromMs : sum), 0);
  }

  /** The longest silence between two frames of one generation. */
  longestGapMs(mark: number, from: number, to: number): number {
    let longest = 0;
    let last: number | undefined;
    for (const frame of this.between(from, to)) {
      if (frame.mark !== mark) continue;
      if (last !== undefined) longest = Math.max(longest, frame.at - last);
      last = frame.at + frame.toMs;
    }
    return longest;
  }

  /** Index of the first frame that arrived at or after `at`. */
  #firstAt(at: number): number {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#frames[middle].at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

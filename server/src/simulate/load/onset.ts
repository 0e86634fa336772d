/**
 * The ear of a caller, 10 ms at a time: where the assistant's speech begins (first of three loud hops in a row) and until
 * when anything could be heard. Fed with powers, so that every wire brings its own way to a power.
 */
import { MULAW_SQUARE } from '#audio/g711.ts';

/** Milliseconds and samples of one hop at 8 kHz. */
export const HOP_MS = 10;
export const HOP = 80;

/** Mean square of a sample at so many dBFS. */
const powerOf = (dbfs: number): number => 32_768 ** 2 * 10 ** (dbfs / 10);

const LOWEST_FLOOR = powerOf(-65);
const HIGHEST_FLOOR = powerOf(-45);
/** 12 dB over the noise floor. */
const OVER_FLOOR = 10 ** 1.2;
/** What is quieter is silence; a voice that was lowered (ducked) is not. */
const AUDIBLE = powerOf(-53);
const LOUD_HOPS = 3;
/** How fast the floor follows quiet hops, and loud ones: what is loud for seconds without a pause is the line. */
const QUIET_PACE = 0.05;
const LOUD_PACE = 0.005;

/** Mean square of µ-law bytes `[from, to)`, by table. */
export function mulawPower(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += MULAW_SQUARE[bytes[i]];
  return sum / (to - from);
}

export class Ear {
  /** End of the last audible hop, -Infinity before any. */
  audibleUntil = Number.NEGATIVE_INFINITY;
  /** Audible hops so far. */
  audibleHops = 0;
  #run = 0;
  #began = 0;
  #floor = LOWEST_FLOOR;

  /** One hop that begins at `at`. Answers where speech began, once and when it is certain (at the third loud hop). */
  hear(power: number, at: number): number | undefined {
    if (power > AUDIBLE) {
      this.audibleUntil = at + HOP_MS;
      this.audibleHops++;
    }
    const loud = power > this.#floor * OVER_FLOOR;
    const floor = this.#floor + (loud ? LOUD_PACE : QUIET_PACE) * (power - this.#floor);
    this.#floor = Math.max(LOWEST_FLOOR, Math.min(HIGHEST_FLOOR, floor));
    if (loud) {
      if (this.#run++ === 0) this.#began = at;
      return this.#run === LOUD_HOPS ? this.#began : undefined;
    }
    this.#run = 0;
    return undefined;
  }

  /** Speech that goes on counts as beginning anew. */
  reset(): void {
    this.#run = 0;
  }
}

/** What a benchmark's caller says and how it listens: speech-like µ-law, and the onset of the other side's speech. */

/** Linear value of each µ-law code (G.711). */
const LINEAR = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7);
  return bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
});
const SQUARE = Float64Array.from(LINEAR, (value) => value * value);
export const SILENCE = 0xff;

/** µ-law code of a 16-bit sample. */
export function encode(value: number): number {
  const sign = value < 0 ? 0x80 : 0;
  const magnitude = Math.min(32_635, Math.abs(value)) + 0x84;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

/** `durationMs` of voiced, syllable-modulated sound at -18 dBFS with no gap longer than 60 ms; ends at full level. */
export function speech(durationMs: number, pitchHz: number): Uint8Array {
  const out = new Uint8Array(durationMs * 8);
  for (let i = 0; i < out.length; i++) {
    const t = i / 8000;
    let value = 0;
    for (let harmonic = 1; harmonic * pitchHz < 3200; harmonic++) {
      const hz = harmonic * pitchHz * (1 + 0.02 * Math.sin(2 * Math.PI * 5 * t));
      const formants =
        Math.exp(-(((hz - 600) / 400) ** 2)) + 0.6 * Math.exp(-(((hz - 1400) / 400) ** 2)) + 0.3 * Math.exp(-(((hz - 2500) / 500) ** 2));
      value += (formants + 0.05) * Math.sin(2 * Math.PI * hz * t + harmonic);
    }
    const syllable = 0.55 + 0.45 * Math.cos(2 * Math.PI * 4 * (t - durationMs / 1000));
    out[i] = encode(Math.round(3200 * syllable * value));
  }
  return out;
}

/** dBFS of a stretch of µ-law. */
export function level(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += SQUARE[bytes[i]];
  return 10 * Math.log10(sum / (to - from) / 32_768 ** 2 + 1e-10);
}

const HOP = 80; // 10 ms
const OVER_FLOOR_DB = 12;
const FLOOR_DB = -65;

/** First of three consecutive 10 ms frames above the noise floor + 12 dB, at the time they arrived. */
export class OnsetDetector {
  #run = 0;
  #runBegan = 0;
  #floor = FLOOR_DB;

  /** Answers the arrival time of the onset once it is certain. */
  push(payload: Uint8Array, arrivedAt: number): number | undefined {
    for (let from = 0; from + HOP <= payload.length; from += HOP) {
      const db = level(payload, from, from + HOP);
      if (db > this.#floor + OVER_FLOOR_DB) {
        if (this.#run++ === 0) this.#runBegan = arrivedAt;
        if (this.#run === 3) return this.#runBegan;
      } else {
        this.#run = 0;
        this.#floor = Math.max(FLOOR_DB, Math.min(-45, 0.95 * this.#floor + 0.05 * db));
      }
    }
    return undefined;
  }

  reset(): void {
    this.#run = 0;
  }
}

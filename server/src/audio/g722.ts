/**
 * G.722 at 64 kbit/s (ITU-T G.722, mode 1): 16 kHz linear sound in two sub-bands, each with adaptive differential
 * coding; two samples make one byte (6 bits low band, 2 bits high band). 20 ms = 320 samples = 160 bytes. In RTP its
 * clock runs at 8000 (RFC 3551 §4.5.2), so that a byte is one timestamp unit, as in G.711.
 *
 * Block names in comments are those of the recommendation. All state lives in preallocated typed arrays.
 */

/** Coefficients of the 24-tap quadrature mirror filters, one half (§3.1, table 4). */
const QMF = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);

/** Log to linear (SCALEL, SCALEH). */
const ILB = Int32Array.from([
  2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298,
  3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
]);

/** Decision levels of the 6-bit low-band quantizer (QUANTL), and the codes of its negative and positive intervals. */
const Q6 = Int32Array.from([
  0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980,
  2195, 2557, 2919,
]);
const LOW_NEGATIVE = Int32Array.from({ length: 31 }, (_, i) => (i === 0 ? 0 : i <= 2 ? 64 - i : 34 - i));
const LOW_POSITIVE = Int32Array.from({ length: 31 }, (_, i) => (i === 0 ? 0 : 62 - i));
const HIGH_NEGATIVE = Int32Array.of(0, 1, 0);
const HIGH_POSITIVE = Int32Array.of(0, 3, 2);

/** Adaptation of the low band's logarithmic scale factor (LOGSCL), by magnitude class of the 4-bit code. */
const WL = Int32Array.of(-60, -30, 58, 172, 334, 538, 1198, 3042);
const RL42 = Int32Array.of(0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0);
const WH = Int32Array.of(0, -214, 798);
const RH2 = Int32Array.of(2, 1, 2, 1);

/** Inverse quantizers (INVQAH, INVQAL with 4 bits, INVQBL with 6 bits). */
const QM2 = Int32Array.of(-7408, -1616, 7408, 1616);
const QM4_HALF = [20456, 12896, 8968, 6288, 4240, 2584, 1200];
const QM4 = Int32Array.of(0, ...QM4_HALF.map((level) => -level), ...QM4_HALF, 0);
const QM6_HALF = [
  24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168,
  2776, 2400, 2032, 1688, 1360, 1040, 728,
];
const QM6 = Int32Array.of(-136, -136, -136, -136, ...QM6_HALF.map((level) => -level), ...QM6_HALF, 432, 136, -432, -136);

/** Pairs of samples filtered at a time (20 ms), and the filter's memory of 22 samples before them. */
const BLOCK = 160;
const MEMORY = 22;

const clip16 = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value);

/** Predictor and scale factor of one sub-band; the same in encoder and decoder (§3.5, §3.6). */
class Band {
  /** Signal estimate for the next sample (PREDIC). */
  estimate = 0;
  /** Scale factor DETL or DETH. */
  scale: number;
  #logScale = 0;
  #zeroEstimate = 0;
  /** Second-order pole section: a1, a2, then the last two partial (p1, p2) and full (r1, r2) reconstructions. */
  readonly #pole = new Int32Array(6);
  /** Sixth-order zero section: b1..b6, then the last six difference signals. */
  readonly #zero = new Int32Array(12);

  constructor(scale: number) {
    this.scale = scale;
  }

  reset(scale: number): void {
    this.estimate = 0;
    this.scale = scale;
    this.#logScale = 0;
    this.#zeroEstimate = 0;
    this.#pole.fill(0);
    this.#zero.fill(0);
  }

  /** LOGSCL/LOGSCH then SCALEL/SCALEH: `limit` is 18432 for the low band, 22528 for the high one. */
  adaptScale(weight: number, limit: number, offset: number): void {
    let log = ((this.#logScale * 127) >> 7) + weight;
    log = log < 0 ? 0 : log > limit ? limit : log;
    this.#logScale = log;
    const mantissa = ILB[(log >> 6) & 31];
    const shift = offset - (log >> 11);
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
  }

  /** Block 4: takes the quantized difference `d` of this sample and predicts the next one. */
  predict(d: number): void {
    const pole = this.#pole; // [a1, a2, p1, p2, r1, r2]
    const zero = this.#zero; // [b1..b6, d1..d6]
    const reconstructed = clip16(this.estimate + d); // RECONS
    const partial = clip16(this.#zeroEstimate + d); // PARREC
    const sameSign1 = partial < 0 === pole[2] < 0;
    const sameSign2 = partial < 0 === pole[3] < 0;

    // UPPOL2
    const a1x4 = clip16(pole[0] << 2);
    const turned = sameSign1 ? clip16(-a1x4) : a1x4;
    let a2 = (turned >> 7) + (sameSign2 ? 128 : -128) + ((pole[1] * 32512) >> 15);
    a2 = a2 > 12288 ? 12288 : a2 < -12288 ? -12288 : a2;
    // UPPOL1
    let a1 = clip16((sameSign1 ? 192 : -192) + ((pole[0] * 32640) >> 15));
    const bound = clip16(15360 - a2);
    a1 = a1 > bound ? bound : a1 < -bound ? -bound : a1;

    // UPZERO, DELAYA and FILTEZ in one pass from the oldest tap
    const step = d === 0 ? 0 : 128;
    const dNegative = d < 0;
    let zeroSum = 0;
    for (let i = 5; i >= 0; i--) {
      const past = zero[6 + i];
      const b = clip16((past < 0 === dNegative ? step : -step) + ((zero[i] * 32640) >> 15));
      zero[i] = b;
      const shifted = i === 0 ? d : zero[5 + i];
      zero[6 + i] = shifted;
      zeroSum = zeroSum + ((b * clip16(shifted + shifted)) >> 15);
    }
    // DELAYA and FILTEP
    pole[5] = pole[4];
    pole[4] = reconstructed;
    pole[3] = pole[2];
    pole[2] = partial;
    pole[0] = a1;
    pole[1] = a2;
    const poleSum = ((a1 * clip16(pole[4] + pole[4])) >> 15) + ((a2 * clip16(pole[5] + pole[5])) >> 15);
    this.#zeroEstimate = clip16(zeroSum);
    this.estimate = clip16(clip16(poleSum) + this.#zeroEstimate); // PREDIC
  }
}

/** Scale factors at reset. */
const LOW_START = 32;
const HIGH_START = 8;

export class G722Encoder {
  readonly #low = new Band(LOW_START);
  readonly #high = new Band(HIGH_START);
  readonly #window = new Int32Array(MEMORY + 2 * BLOCK);

  /**
   * Encodes an even number of 16 kHz samples into half as many bytes at `out[offset..]`. Returns the bytes written;
   * an odd last sample is ignored.
   */
  encode(samples: Int16Array, out: Uint8Array, offset = 0): number {
    const window = this.#window;
    const count = samples.length >> 1;
    for (let done = 0; done < count; done += BLOCK) {
      const pairs = Math.min(BLOCK, count - done);
      for (let i = 0; i < 2 * pairs; i++) window[MEMORY + i] = samples[2 * done + i];
      for (let n = 0; n < pairs; n++) {
        // Transmit QMF (§3.1)
        let odd = 0;
        let even = 0;
        for (let i = 0; i < 12; i++) {
          odd += window[2 * (n + i)] * QMF[i];
          even += window[2 * (n + i) + 1] * QMF[11 - i];
        }
        out[offset + done + n] = (this.#encodeHigh((even - odd) >> 14) << 6) | this.#encodeLow((even + odd) >> 14);
      }
      window.copyWithin(0, 2 * pairs, 2 * pairs + MEMORY);
    }
    return count;
  }

  reset(): void {
    this.#low.reset(LOW_START);
    this.#high.reset(HIGH_START);
    this.#window.fill(0);
  }

  #encodeLow(input: number): number {
    const band = this.#low;
    const difference = clip16(input - band.estimate); // SUBTRA
    const magnitude = difference >= 0 ? difference : -(difference + 1);
    let i = 1;
    while (i < 30 && magnitude >= (Q6[i] * band.scale) >> 12) i++; // QUANTL
    const code = difference < 0 ? LOW_NEGATIVE[i] : LOW_POSITIVE[i];
    const coarse = code >> 2;
    const quantized = (band.scale * QM4[coarse]) >> 15; // INVQAL
    band.adaptScale(WL[RL42[coarse]], 18432, 8);
    band.predict(quantized);
    return code;
  }

  #encodeHigh(input: number): number {
    const band = this.#high;
    const difference = clip16(input - band.estimate); // SUBTRA
    const magnitude = difference >= 0 ? difference : -(difference + 1);
    const i = magnitude >= (564 * band.scale) >> 12 ? 2 : 1; // QUANTH
    const code = difference < 0 ? HIGH_NEGATIVE[i] : HIGH_POSITIVE[i];
    const quantized = (band.scale * QM2[code]) >> 15; // INVQAH
    band.adaptScale(WH[RH2[code]], 22528, 10);
    band.predict(quantized);
    return code;
  }
}

export class G722Decoder {
  readonly #low = new Band(LOW_START);
  readonly #high = new Band(HIGH_START);
  readonly #window = new Int32Array(MEMORY + 2 * BLOCK);

  /** Decodes bytes into twice as many 16 kHz samples at `out[0..]`. Returns the samples written. */
  decode(bytes: Uint8Array, out: Int16Array): number {
    const window = this.#window;
    for (let done = 0; done < bytes.length; done += BLOCK) {
      const pairs = Math.min(BLOCK, bytes.length - done);
      for (let n = 0; n < pairs; n++) {
        const code = bytes[done + n];
        const low = this.#decodeLow(code & 0x3f);
        const high = this.#decodeHigh(code >> 6);
        window[MEMORY + 2 * n] = low + high;
        window[MEMORY + 2 * n + 1] = low - high;
        // Receive QMF (§4.4)
        let first = 0;
        let second = 0;
        for (let i = 0; i < 12; i++) {
          second += window[2 * (n + i)] * QMF[i];
          first += window[2 * (n + i) + 1] * QMF[11 - i];
        }
        out[2 * (done + n)] = clip16(first >> 11);
        out[2 * (done + n) + 1] = clip16(second >> 11);
      }
      window.copyWithin(0, 2 * pairs, 2 * pairs + MEMORY);
    }
    return bytes.length * 2;
  }

  reset(): void {
    this.#low.reset(LOW_START);
    this.#high.reset(HIGH_START);
    this.#window.fill(0);
  }

  #decodeLow(code: number): number {
    const band = this.#low;
    const fine = (band.scale * QM6[code]) >> 15; // INVQBL
    const output = band.estimate + fine;
    const coarse = code >> 2;
    const quantized = (band.scale * QM4[coarse]) >> 15; // INVQAL
    band.adaptScale(WL[RL42[coarse]], 18432, 8);
    band.predict(quantized);
    return output > 16383 ? 16383 : output < -16384 ? -16384 : output; // LIMIT
  }

  #decodeHigh(code: number): number {
    const band = this.#high;
    const quantized = (band.scale * QM2[code]) >> 15; // INVQAH
    const output = band.estimate + quantized;
    band.adaptScale(WH[RH2[code]], 22528, 10);
    band.predict(quantized);
    return output > 16383 ? 16383 : output < -16384 ? -16384 : output; // LIMIT
  }
}

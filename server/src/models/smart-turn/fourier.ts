/** A discrete Fourier transform of any length with small factors: Stockham's autosort, one pass per factor. */

export class Fourier {
  readonly #length: number;
  readonly #factors: number[] = [];
  /** cos and -sin of 2πt/length. */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  #other: [Float64Array, Float64Array];

  constructor(length: number) {
    this.#length = length;
    let rest = length;
    // Two twos go as a four: a pass less.
    for (; rest % 4 === 0; rest /= 4) this.#factors.push(4);
    for (let factor = 2; rest > 1; factor++) {
      for (; rest % factor === 0; rest /= factor) this.#factors.push(factor);
    }
    this.#cos = Float64Array.from({ length }, (_, t) => Math.cos((2 * Math.PI * t) / length));
    this.#sin = Float64Array.from({ length }, (_, t) => -Math.sin((2 * Math.PI * t) / length));
    this.#other = [new Float64Array(length), new Float64Array(length)];
  }

  /** Transforms `length` complex values in place. */
  transform(real: Float64Array, imaginary: Float64Array): void {
    let [xr, xi] = [real, imaginary];
    let [yr, yi] = this.#other;
    let [rest, stride] = [this.#length, 1];
    for (const factor of this.#factors) {
      this.#pass(factor, rest, stride, xr, xi, yr, yi);
      [xr, xi, yr, yi] = [yr, yi, xr, xi];
      rest /= factor;
      stride *= factor;
    }
    if (xr === real) return;
    real.set(xr);
    imaginary.set(xi);
  }

  #pass(factor: number, rest: number, stride: number, xr: Float64Array, xi: Float64Array, yr: Float64Array, yi: Float64Array): void {
    const length = this.#length;
    const cos = this.#cos;
    const sin = this.#sin;
    const part = rest / factor;
    const turn = length / factor;
    for (let p = 0; p < part; p++) {
      for (let k = 0; k < factor; k++) {
        const step = (turn * k) % length;
        const to = stride * (factor * p + k);
        for (let j = 0, t = (stride * p * k) % length; j < factor; j++) {
          const from = stride * (p + part * j);
          const c = cos[t];
          const s = sin[t];
          for (let q = 0; q < stride; q++) {
            const re = xr[from + q] * c - xi[from + q] * s;
            const im = xr[from + q] * s + xi[from + q] * c;
            if (j === 0) {
              yr[to + q] = re;
              yi[to + q] = im;
            } else {
              yr[to + q] += re;
              yi[to + q] += im;
            }
          }
          t += step;
          if (t >= length) t -= length;
        }
      }
    }
  }
}

/** Randomness is an argument: a seeded source makes a call repeatable, the machine's source makes tokens unguessable. */
import { randomBytes, randomFillSync } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** `length` bytes; unguessable only from {@link SystemRandom}. */
  bytes(length: number): Uint8Array;
}

const POOL_BYTES = 4_096;

/** The operating system's cryptographic source, asked for many bytes at once: an id needs 14, and asking costs more than they do. */
export class SystemRandom implements Random {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  next(): number {
    const [a, b, c, d] = this.bytes(4);
    return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  bytes(length: number): Uint8Array {
    if (length > POOL_BYTES / 8) return new Uint8Array(randomBytes(length));
    if (this.#used + length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += length;
    const out = this.#pool.slice(from, this.#used);
    // What was given out is nobody else's to find.
    this.#pool.fill(0, from, this.#used);
    return out;
  }
}

/** mulberry32: small, fast, and the same on every machine. Never for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.below(256);
    return out;
  }
}

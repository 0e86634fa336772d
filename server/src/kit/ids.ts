/** Ids carry their noun (`call_…`), sort by time, and come from the injected clock and randomness. */
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford base 32, lower case

/** Makes ids such as `call_01jd3q5x8m7k2n4p6r8t0v`. */
export class Ids {
  #clock: Clock;
  #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** `<noun>_<10 characters of time><14 random characters>`: 70 bits of randomness. */
  make(noun: string): string {
    let time = this.#clock.wall();
    let head = '';
    for (let i = 0; i < 10; i++) {
      head = ALPHABET[time % 32] + head;
      time = Math.floor(time / 32);
    }
    return `${noun}_${head}${this.token(14)}`;
  }

  /** `length` random characters, 5 bits each. */
  token(length: number): string {
    const bytes = this.#random.bytes(length);
    let out = '';
    for (let i = 0; i < length; i++) out += ALPHABET[bytes[i] & 31];
    return out;
  }
}

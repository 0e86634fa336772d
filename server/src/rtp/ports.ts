/** RTP ports: even ones of a range for RTP, each followed by the odd one for RTCP (RFC 3550 §11). */
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';

/** A released port rests this long, so that packets of the call before cannot enter the next one. */
export const PORT_QUARANTINE_MS = 30_000;

interface Resting {
  port: number;
  until: number;
}

/** Hands out ports in random order, so that a stranger cannot guess where the next call listens. */
export class PortPool {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #free: number[] = [];
  readonly #taken = new Set<number>();
  #resting: Resting[] = [];

  /** Even ports from `low` to `high`, both included, whose RTCP port is in the range too. */
  constructor(low: number, high: number, clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    for (let port = low + (low & 1); port + 1 <= high; port += 2) this.#free.push(port);
  }

  /** Ports that `take` could hand out now. */
  get free(): number {
    this.#wake();
    return this.#free.length;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** A free even port; undefined when all are taken or at rest. */
  take(): number | undefined {
    this.#wake();
    if (this.#free.length === 0) return undefined;
    const index = this.#random.below(this.#free.length);
    const port = this.#free[index];
    const last = this.#free.pop() as number;
    if (index < this.#free.length) this.#free[index] = last;
    this.#taken.add(port);
    return port;
  }

  /** Gives a port back; it rests for {@link PORT_QUARANTINE_MS}. A port that is not taken is ignored. */
  release(port: number): void {
    if (this.#taken.delete(port)) this.#resting.push({ port, until: this.#clock.now() + PORT_QUARANTINE_MS });
  }

  #wake(): void {
    const now = this.#clock.now();
    let rested = 0;
    while (rested < this.#resting.length && this.#resting[rested].until <= now) this.#free.push(this.#resting[rested++].port);
    if (rested > 0) this.#resting = this.#resting.slice(rested);
  }
}

/** Politeness: at most two requests at once to one host, with a gap between their beginnings, whoever crawls it. */
import { untilAborted } from '#kit/abort.ts';
import type { Clock } from '#kit/clock.ts';

/** At once, per host. */
export const MAX_AT_ONCE = 2;

interface Host {
  running: number;
  waiting: (() => void)[];
  /** The next request begins then at the earliest. */
  freeAt: number;
}

export class HostPace {
  readonly #clock: Clock;
  readonly #hosts = new Map<string, Host>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `work` when it is its turn; the next one begins `gapMs` after it at the earliest. Rejects with the signal's reason. */
  async run<T>(host: string, gapMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const its = this.#host(host);
    if (its.running >= MAX_AT_ONCE) await this.#turn(its, signal);
    else its.running++;
    try {
      const beginsAt = Math.max(its.freeAt, this.#clock.now());
      its.freeAt = beginsAt + gapMs;
      if (beginsAt > this.#clock.now()) await this.#clock.sleep(beginsAt - this.#clock.now(), signal);
      return await work();
    } finally {
      this.#pass(its);
      if (its.running === 0) this.#forget(host, its);
    }
  }

  /** Nothing is asked of the host for so long: it said so. */
  holdBack(host: string, forMs: number): void {
    const its = this.#host(host);
    its.freeAt = Math.max(its.freeAt, this.#clock.now() + forMs);
  }

  /** Hosts remembered. */
  get size(): number {
    return this.#hosts.size;
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (!host) this.#hosts.set(name, (host = { running: 0, waiting: [], freeAt: 0 }));
    return host;
  }

  /** The place of one that ends is handed on: `running` stays. */
  async #turn(host: Host, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    host.waiting.push(resolve);
    try {
      await untilAborted(promise, signal);
    } catch (thrown) {
      const at = host.waiting.indexOf(resolve);
      if (at >= 0) host.waiting.splice(at, 1);
      // The place was handed over in the moment of the abort: on to the next.
      else this.#pass(host);
      throw thrown;
    }
  }

  #pass(host: Host): void {
    const next = host.waiting.shift();
    if (next) next();
    else host.running--;
  }

  /** A host that nobody asks and that need not be waited for is forgotten. */
  #forget(name: string, host: Host): void {
    if (host.freeAt <= this.#clock.now()) this.#hosts.delete(name);
    if (this.#hosts.size > 1_000) {
      for (const [other, { running, freeAt }] of this.#hosts) if (running === 0 && freeAt <= this.#clock.now()) this.#hosts.delete(other);
    }
  }
}

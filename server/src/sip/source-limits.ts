/** What one source address may cost us: a token bucket of messages, and a ban after repeated wrong passwords. Bounded in memory. */
import type { Clock } from '#kit/clock.ts';

export interface SourceLimitOptions {
  /** Messages per second from a stranger, lasting. */
  strangerPerSecond: number;
  /** Messages at once from a stranger. */
  strangerBurst: number;
  /** Messages per second from a trusted source (a trunk's traffic comes from one address). */
  trustedPerSecond: number;
  trustedBurst: number;
  /** Wrong passwords within `failureWindowMs` that bring a ban. */
  failures: number;
  failureWindowMs: number;
  banMs: number;
  /** Addresses remembered; the longest untouched is forgotten first. */
  sources: number;
}

export const DEFAULT_SOURCE_LIMITS: SourceLimitOptions = {
  strangerPerSecond: 20,
  strangerBurst: 40,
  trustedPerSecond: 5000,
  trustedBurst: 10_000,
  failures: 5,
  failureWindowMs: 300_000,
  banMs: 900_000,
  sources: 20_000,
};

interface Source {
  tokens: number;
  filledAt: number;
}

interface Failures {
  count: number;
  since: number;
  bannedUntil: number;
}

export class SourceLimits {
  readonly #clock: Clock;
  readonly #options: SourceLimitOptions;
  readonly #sources = new Map<string, Source>();
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock, options: Partial<SourceLimitOptions> = {}) {
    this.#clock = clock;
    this.#options = { ...DEFAULT_SOURCE_LIMITS, ...options };
  }

  /** Takes one token of the source; false when there is none left. */
  take(address: string, trusted: boolean): boolean {
    const { strangerPerSecond, strangerBurst, trustedPerSecond, trustedBurst } = this.#options;
    const perSecond = trusted ? trustedPerSecond : strangerPerSecond;
    const burst = trusted ? trustedBurst : strangerBurst;
    const key = trusted ? `+${address}` : address; // a source that becomes trusted starts with a full bucket
    const now = this.#clock.now();
    const source = this.#sources.get(key) ?? { tokens: burst, filledAt: now };
    source.tokens = Math.min(burst, source.tokens + ((now - source.filledAt) * perSecond) / 1000);
    source.filledAt = now;
    this.#remember(this.#sources, key, source);
    if (source.tokens < 1) return false;
    source.tokens--;
    return true;
  }

  /** A wrong password for `user` from `address`. True when this one brings the ban. */
  fail(address: string, user: string): boolean {
    const { failures, failureWindowMs, banMs } = this.#options;
    const now = this.#clock.now();
    const key = `${address} ${user}`;
    const known = this.#failures.get(key);
    const record = known && now - known.since < failureWindowMs ? known : { count: 0, since: now, bannedUntil: 0 };
    record.count++;
    this.#remember(this.#failures, key, record);
    if (record.count < failures || record.bannedUntil > now) return false;
    record.bannedUntil = now + banMs;
    return true;
  }

  /** The right password: earlier mistakes are forgiven. */
  succeed(address: string, user: string): void {
    this.#failures.delete(`${address} ${user}`);
  }

  banned(address: string, user: string): boolean {
    const record = this.#failures.get(`${address} ${user}`);
    return record !== undefined && record.bannedUntil > this.#clock.now();
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#sources.size + this.#failures.size;
  }

  /** Puts the entry last, so that the first of the map is the longest untouched. */
  #remember<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key);
    map.set(key, value);
    if (map.size <= this.#options.sources) return;
    const oldest = map.keys().next();
    if (!oldest.done) map.delete(oldest.value);
  }
}

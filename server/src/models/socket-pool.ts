/**
 * Sockets opened before they are needed: name look-up, TLS and upgrade (100-300 ms) happen while the phone rings. For each
 * URL a few stay open; one that is handed out is replaced, one that grows too old for its vendor is exchanged, and a URL
 * that nobody asked for in a while is given up.
 */
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ProviderSocket, type ProviderSocketOptions, type SocketKeeper, type SocketListener } from './provider-socket.ts';

export interface SocketPoolOptions extends Omit<ProviderSocketOptions, 'url' | 'keeper'> {
  /** Open sockets per URL. */
  size: number;
  /** A spare is exchanged at this age, before the vendor closes it. */
  maxAgeMs: number;
  /** Spares are kept for this long after the URL was last asked for; then none. */
  keepMs: number;
}

/** URLs with spares at once; the one longest unasked for gives way. */
const MOST_URLS = 8;
/** After a failure, doubled each time up to the last. */
const BACKOFF_MS = { first: 500, last: 30_000 };

interface Shelf {
  url: string;
  spares: ProviderSocket[];
  askedMs: number;
  /** In a row, and when a spare may be tried again. */
  failures: number;
  retryMs: number;
  timer: Timer | undefined;
  /** Resolved by the next spare that opens or fails. */
  settled: PromiseWithResolvers<void> | undefined;
}

export class SocketPool {
  readonly #kit: Kit;
  readonly #options: SocketPoolOptions;
  /** Longest unasked for first. */
  readonly #shelves = new Map<string, Shelf>();
  #closed = false;

  constructor(kit: Kit, options: SocketPoolOptions) {
    this.#kit = kit;
    this.#options = options;
  }

  /** Spares that are open or on their way. */
  get spares(): number {
    let count = 0;
    for (const { spares } of this.#shelves.values()) count += spares.length;
    return count;
  }

  /** A spare, preferably open; otherwise a new one. It belongs to the caller, who closes it. */
  take(url: string, listener: SocketListener): ProviderSocket {
    const shelf = this.#shelves.get(url);
    const found = shelf
      ? Math.max(
          0,
          shelf.spares.findIndex(({ state }) => state === 'open'),
        )
      : 0;
    const [spare] = shelf?.spares.splice(found, 1) ?? [];
    if (shelf) {
      this.#ask(shelf);
      this.#fill(shelf);
    }
    if (!spare || spare.state === 'closed') return new ProviderSocket(this.#kit, { ...this.#options, url }, listener);
    spare.attach(listener);
    return spare;
  }

  /** Opens the spares of a URL; resolves when one of them is open, or none could be (the first call then finds out). */
  warm(url: string): Promise<void> {
    if (this.#closed) return Promise.resolve();
    let shelf = this.#shelves.get(url);
    if (!shelf) {
      const [oldest] = this.#shelves.values();
      if (oldest && this.#shelves.size >= MOST_URLS) this.#giveUp(oldest);
      shelf = { url, spares: [], askedMs: 0, failures: 0, retryMs: 0, timer: undefined, settled: undefined };
    }
    this.#ask(shelf);
    this.#fill(shelf);
    if (shelf.spares.length === 0 || shelf.spares.some(({ state }) => state === 'open')) return Promise.resolve();
    shelf.settled ??= Promise.withResolvers<void>();
    return shelf.settled.promise;
  }

  close(): void {
    this.#closed = true;
    for (const shelf of this.#shelves.values()) this.#giveUp(shelf);
  }

  #ask(shelf: Shelf): void {
    shelf.askedMs = this.#kit.clock.now();
    this.#shelves.delete(shelf.url);
    this.#shelves.set(shelf.url, shelf);
  }

  #giveUp(shelf: Shelf): void {
    shelf.timer?.cancel();
    this.#shelves.delete(shelf.url);
    for (const spare of shelf.spares.splice(0)) spare.close();
    settle(shelf);
  }

  /** Tops the shelf up, and looks again when the oldest spare must go. */
  #fill(shelf: Shelf): void {
    if (this.#closed || this.#shelves.get(shelf.url) !== shelf) return;
    const now = this.#kit.clock.now();
    const { size, maxAgeMs, keepMs } = this.#options;
    if (now - shelf.askedMs >= keepMs) return this.#giveUp(shelf);
    for (const old of shelf.spares.filter(({ madeAtMs }) => now - madeAtMs >= maxAgeMs)) {
      shelf.spares.splice(shelf.spares.indexOf(old), 1);
      old.close();
    }
    while (now >= shelf.retryMs && shelf.spares.length < size) this.#open(shelf);
    const oldestMs = Math.min(...shelf.spares.map(({ madeAtMs }) => madeAtMs));
    const retryMs = shelf.spares.length < size ? shelf.retryMs : Number.POSITIVE_INFINITY;
    this.#lookIn(shelf, Math.min(oldestMs + maxAgeMs, shelf.askedMs + keepMs, retryMs) - now);
  }

  #open(shelf: Shelf): void {
    const keeper: SocketKeeper = {
      opened: () => {
        shelf.failures = 0;
        settle(shelf);
      },
      failed: (error) => {
        settle(shelf);
        const index = shelf.spares.indexOf(spare);
        if (index < 0) return;
        shelf.spares.splice(index, 1);
        const waitMs = Math.max(error.retryAfterMs ?? 0, Math.min(BACKOFF_MS.last, BACKOFF_MS.first * 2 ** shelf.failures++));
        shelf.retryMs = this.#kit.clock.now() + waitMs;
        this.#lookIn(shelf, waitMs);
      },
    };
    const spare: ProviderSocket = new ProviderSocket(this.#kit, { ...this.#options, url: shelf.url, keeper });
    shelf.spares.push(spare);
  }

  #lookIn(shelf: Shelf, waitMs: number): void {
    shelf.timer?.cancel();
    shelf.timer =
      Number.isFinite(waitMs) && this.#shelves.get(shelf.url) === shelf
        ? this.#kit.clock.after(waitMs, () => this.#fill(shelf))
        : undefined;
  }
}

function settle(shelf: Shelf): void {
  shelf.settled?.resolve();
  shelf.settled = undefined;
}

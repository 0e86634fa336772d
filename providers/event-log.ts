/** What happened, in order, on one monotonic clock; the newest are kept. */
import { performance } from 'node:perf_hooks';
import type { ProviderEvent } from './scenario.ts';

const KEPT = 200_000;
/** Dropping in lumps keeps an append cheap. */
const LUMP = 10_000;

/** An event that is to be logged; now, unless it says when. */
export type NewEvent = Omit<ProviderEvent, 'atMs'> & { atMs?: number };

export class EventLog {
  readonly events: ProviderEvent[] = [];
  readonly #sink: ((event: ProviderEvent) => void) | undefined;
  readonly #kept: number;

  /** @param sink hears each event at once (a file, say). */
  constructor(sink?: (event: ProviderEvent) => void, kept = KEPT) {
    this.#sink = sink;
    this.#kept = kept;
  }

  add(event: NewEvent): void {
    if (this.events.length >= this.#kept + LUMP) this.events.splice(0, LUMP);
    event.atMs ??= nowMs();
    const entry = event as ProviderEvent;
    if (this.#kept > 0) this.events.push(entry);
    this.#sink?.(entry);
  }
}

/** Milliseconds since 1970 that never run backwards within this process. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

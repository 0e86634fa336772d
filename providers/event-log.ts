/** What happened, in order, on one monotonic clock; the newest 200,000 are kept. */
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

  /** @param sink hears each event at once (a file, say). */
  constructor(sink?: (event: ProviderEvent) => void) {
    this.#sink = sink;
  }

  add(event: NewEvent): void {
    if (this.events.length >= KEPT + LUMP) this.events.splice(0, LUMP);
    const entry: ProviderEvent = { ...event, atMs: event.atMs ?? nowMs() };
    this.events.push(entry);
    this.#sink?.(entry);
  }
}

/** Milliseconds since 1970 that never run backwards within this process. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

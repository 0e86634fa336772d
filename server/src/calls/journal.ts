/**
 * The journal is the truth about calls: every event is appended here first, and nobody outside the call is told of it
 * before it is on disk. It belongs to the call thread and knows no database.
 */
import type { CallEvent } from '@tandem/contract';

/** A place in the journal: a segment file's number (from 1) and a byte offset in it. Positions grow. */
export interface JournalPosition {
  segment: number;
  offset: number;
}

export const JOURNAL_START: JournalPosition = { segment: 1, offset: 0 };

export function isBefore(a: JournalPosition, b: JournalPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}

/**
 * Told of events once they are durable, in the order they were appended; `position` is the place after the last of
 * them. Runs on the call thread: synchronous and quick.
 */
export type DurableListener = (events: CallEvent[], position: JournalPosition) => void;

export interface Journal {
  /**
   * Takes an event, synchronously; it becomes durable within some milliseconds. Never throws. When so many wait that
   * the bound is near (the disk is full or hangs), partial transcripts are no longer kept; at the bound nothing is but
   * the endings of calls. What was not kept is counted in `lost`.
   */
  append(event: CallEvent): void;
  /** Resolves when everything appended before is durable (which waits as long as the disk does not work). */
  flush(): Promise<void>;
  /** Flushes, for at most some seconds, and closes. Later appends are lost. */
  close(): Promise<void>;
  /** True while the disk refuses: events are kept in memory only, and calls go on. */
  readonly degraded: boolean;
  /** Events that were not kept. */
  readonly lost: number;
}

/** A journal without a disk, for whole calls on a virtual clock: durable at the end of the current turn of the event loop. */
export class MemoryJournal implements Journal {
  readonly events: CallEvent[] = [];
  readonly degraded = false;
  readonly lost = 0;
  readonly #onDurable: DurableListener | undefined;
  #told = 0;
  #waiting: Promise<void> | undefined;

  constructor(onDurable?: DurableListener) {
    this.#onDurable = onDurable;
  }

  append(event: CallEvent): void {
    this.events.push(event);
    this.#waiting ??= Promise.resolve().then(() => this.#tell());
  }

  flush(): Promise<void> {
    return this.#waiting ?? Promise.resolve();
  }

  close(): Promise<void> {
    return this.flush();
  }

  /** The events of one call, in order. */
  of(callId: string): CallEvent[] {
    return this.events.filter((event) => event.callId === callId);
  }

  #tell(): void {
    this.#waiting = undefined;
    const events = this.events.slice(this.#told);
    this.#told = this.events.length;
    this.#onDurable?.(events, { segment: 1, offset: this.#told });
  }
}

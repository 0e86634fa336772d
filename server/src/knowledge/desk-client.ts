/** The library as other threads see it: a question to the desk, with a deadline. */
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import { Remote } from '#kit/remote.ts';
import type { DeskQuestions } from './desk-link.ts';
import type { Library, LibraryQuery, Retrieval } from './library.ts';

/** Who asks for a caller gives up before; this only bounds what is open. */
const SEARCH_WITHIN_MS = 2_000;

/** Before the desk: whoever sits here asks it, also after the desk was opened anew. */
export class DeskSeat implements Library {
  readonly #clock: Clock;
  #desk: { port: MessagePort; remote: Remote<DeskQuestions> } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on questions go to this port; those open at the one before fail. */
  sit(port: MessagePort): void {
    this.close();
    this.#desk = { port, remote: new Remote<DeskQuestions>(port, this.#clock, {}) };
  }

  search(businessId: string, { signal, ...query }: LibraryQuery): Promise<Retrieval> {
    if (!this.#desk) return Promise.reject(new TandemError('unavailable', 'The library is not open'));
    return this.#desk.remote.ask('search', { businessId, query }, { deadlineMs: SEARCH_WITHIN_MS, signal });
  }

  close(): void {
    this.#desk?.remote.close();
    this.#desk?.port.close();
    this.#desk = undefined;
  }
}

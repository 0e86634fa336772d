/** The journal of one simulated call, and what the script waits for in it. Times are milliseconds since the answer. */
import type { CallEvent } from '@tandem/contract';
import type { Clock } from '#kit/clock.ts';
import type { Journal } from '#calls/journal.ts';

export class CallLog implements Journal {
  readonly events: CallEvent[] = [];
  readonly degraded = false;
  readonly lost = 0;
  readonly #clock: Clock;
  #answeredAt = Number.NaN;
  #answers = 0;
  #greeted = false;
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append(event: CallEvent): void {
    this.events.push(event);
    if (event.type === 'call-answered') this.#answeredAt = this.#clock.now();
    else if (event.type === 'call-ended') this.#ended = true;
    else if (event.type === 'turn-completed') this.#completed(event);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Milliseconds since the call was answered; 0 before. */
  get at(): number {
    return Number.isNaN(this.#answeredAt) ? 0 : this.#clock.now() - this.#answeredAt;
  }

  get answered(): boolean {
    return !Number.isNaN(this.#answeredAt);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The greeting was said, or cut. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** Turns of the assistant that were said to their end, the greeting not counted. */
  get answers(): number {
    return this.#answers;
  }

  #completed({ turn, interrupted }: Extract<CallEvent, { type: 'turn-completed' }>): void {
    if (turn === 0) this.#greeted = true;
    else if (!interrupted) this.#answers++;
  }
}

/**
 * A 2xx to INVITE is repeated by its user, not by the transaction, until the ACK comes (RFC 3261 §13.3.1.4): at T1,
 * doubling to T2, for 64*T1, over TCP too, since a hop beyond may be UDP.
 */
import type { Clock, Timer } from '#kit/clock.ts';
import { T1, T2, TRANSACTION_TIMEOUT_MS } from './transaction.ts';

export class AnswerRetransmission {
  readonly #clock: Clock;
  readonly #send: () => void;
  #repeat: Timer | undefined;
  #deadline: Timer | undefined;
  #settled = false;

  /** Sends at once. `onGivenUp` runs when no ACK came in time. */
  constructor(clock: Clock, send: () => void, onGivenUp: () => void) {
    this.#clock = clock;
    this.#send = send;
    this.#deadline = clock.after(TRANSACTION_TIMEOUT_MS, () => {
      this.acknowledged();
      onGivenUp();
    });
    this.#next(T1);
  }

  get settled(): boolean {
    return this.#settled;
  }

  acknowledged(): void {
    this.#settled = true;
    this.#repeat?.cancel();
    this.#deadline?.cancel();
  }

  #next(intervalMs: number): void {
    this.#send();
    if (this.#settled) return;
    this.#repeat = this.#clock.after(intervalMs, () => this.#next(Math.min(intervalMs * 2, T2)));
  }
}

/**
 * Non-INVITE server transaction (RFC 3261 §17.2.2; RFC 4320: no 408, and a 100 only when the answer is late).
 *
 *        │ request
 *        ▼
 *   ┌────────┐  1xx   ┌────────────┐ request again: last 1xx again
 *   │ trying │───────▶│ proceeding │
 *   └───┬────┘        └─────┬──────┘
 *       │ 200-699           │ 200-699
 *       ▼                   ▼
 *   ┌───────────┐  request again: final response again
 *   │ completed │  J ──▶ terminated
 *   └───────────┘
 */
import type { Clock, Timer } from '#kit/clock.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { TRANSACTION_TIMEOUT_MS, type TransactionWire } from './transaction.ts';

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export class NonInviteServerTransaction {
  readonly kind = 'non-invite';
  readonly request: SipRequest;
  readonly #clock: Clock;
  readonly #wire: TransactionWire;
  readonly #onEnd: () => void;
  #state: NonInviteServerState = 'trying';
  #last: SipResponse | undefined;
  #deadline: Timer | undefined;

  constructor(clock: Clock, wire: TransactionWire, request: SipRequest, onEnd: () => void) {
    this.#clock = clock;
    this.#wire = wire;
    this.request = request;
    this.#onEnd = onEnd;
    // A user that never answers may not hold the transaction for ever; after 64*T1 an answer is pointless (RFC 4320 §4.2).
    this.#deadline = clock.after(TRANSACTION_TIMEOUT_MS, () => this.#enter('terminated'));
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  /** Sends a response of the user. Ignored after a final one. */
  respond(response: SipResponse): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    this.#last = response;
    this.#enter(response.status < 200 ? 'proceeding' : 'completed');
    this.#wire.send(response, () => this.#enter('terminated'));
  }

  /** The same request again. */
  receive(): void {
    if (this.#last && (this.#state === 'proceeding' || this.#state === 'completed')) this.#wire.send(this.#last);
  }

  /** Ends without a word; for the stop of the user agent. */
  end(): void {
    this.#enter('terminated');
  }

  #enter(state: NonInviteServerState): void {
    if (this.#state === state || this.#state === 'terminated') return;
    this.#state = state;
    if (state === 'proceeding') return;
    this.#deadline?.cancel();
    if (state === 'completed') {
      const timerJ = this.#wire.reliable ? 0 : TRANSACTION_TIMEOUT_MS;
      this.#deadline = this.#clock.after(timerJ, () => this.#enter('terminated'));
    } else {
      this.#onEnd();
    }
  }
}

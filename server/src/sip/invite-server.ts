/**
 * INVITE server transaction (RFC 3261 §17.2.1 with RFC 6026 §8.5 and §8.7).
 *
 *                  │ INVITE; the user answers 100 at once
 *                  ▼
 *            ┌────────────┐ INVITE again: last 1xx again
 *            │ proceeding │ 101-199 from the user: sent
 *            └─────┬──────┘
 *      300-699     │      2xx
 *        ┌─────────┴──────────┐
 *        ▼                    ▼
 *  ┌───────────┐        ┌──────────┐ INVITE again: absorbed
 *  │ completed │        │ accepted │ ACK: to the user; 2xx from the user: sent (it repeats them itself)
 *  └──┬─────┬──┘        └────┬─────┘
 *     │ ACK │ H ──▶ failed   │ L
 *     ▼     │                │
 *  ┌───────────┐             │
 *  │ confirmed │             │
 *  └─────┬─────┘             │
 *        │ I                 ▼
 *        └────────────▶ terminated
 *   completed: G repeats the response, G = min(2G, T2)
 */
import type { Clock, Timer } from '#kit/clock.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { T1, T2, T4, TRANSACTION_TIMEOUT_MS, type TransactionWire } from './transaction.ts';

export type InviteServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated';

/** What the machine tells its user. */
export interface InviteServerUser {
  /** The ACK of a 2xx, when it matches this transaction (RFC 2543 peers reuse the branch). */
  ack(request: SipRequest): void;
  /** The answer did not arrive: nobody acknowledged the failure (timer H), or the transport gave up. */
  failed(why: 'timeout' | 'transport'): void;
}

export class InviteServerTransaction {
  readonly kind = 'invite';
  readonly request: SipRequest;
  readonly #clock: Clock;
  readonly #wire: TransactionWire;
  readonly #onEnd: () => void;
  user: InviteServerUser | undefined;
  #state: InviteServerState = 'proceeding';
  #last: SipResponse | undefined;
  #retransmit: Timer | undefined;
  #deadline: Timer | undefined;

  constructor(clock: Clock, wire: TransactionWire, request: SipRequest, onEnd: () => void) {
    this.#clock = clock;
    this.#wire = wire;
    this.request = request;
    this.#onEnd = onEnd;
  }

  get state(): InviteServerState {
    return this.#state;
  }

  /** Sends a response of the user. Ignored once a failure response was sent. */
  respond(response: SipResponse): void {
    const { status } = response;
    if (this.#state === 'accepted' && status >= 200 && status < 300) {
      this.#wire.send(response, () => this.user?.failed('transport'));
      return;
    }
    if (this.#state !== 'proceeding') return;
    this.#last = response;
    if (status < 200) {
      this.#wire.send(response, () => this.user?.failed('transport'));
    } else if (status < 300) {
      this.#enter('accepted');
      this.#wire.send(response, () => this.user?.failed('transport'));
    } else {
      this.#enter('completed');
      this.#repeat(T1);
    }
  }

  /** A retransmitted INVITE, or the ACK. */
  receive(request: SipRequest): void {
    if (request.method === 'ACK') {
      if (this.#state === 'completed') this.#enter('confirmed');
      else if (this.#state === 'accepted') this.user?.ack(request);
    } else if (this.#last && (this.#state === 'proceeding' || this.#state === 'completed')) {
      this.#wire.send(this.#last);
    }
  }

  /** Ends without a word; for the stop of the user agent. */
  end(): void {
    this.#enter('terminated');
  }

  #repeat(intervalMs: number): void {
    if (!this.#last || this.#state !== 'completed') return;
    this.#wire.send(this.#last, () => this.#fail('transport'));
    if (this.#wire.reliable) return;
    this.#retransmit = this.#clock.after(intervalMs, () => this.#repeat(Math.min(intervalMs * 2, T2))); // timer G
  }

  #fail(why: 'timeout' | 'transport'): void {
    if (this.#state !== 'completed') return;
    this.#enter('terminated');
    this.user?.failed(why);
  }

  #enter(state: InviteServerState): void {
    if (this.#state === state || this.#state === 'terminated') return;
    this.#state = state;
    this.#retransmit?.cancel();
    this.#deadline?.cancel();
    if (state === 'completed') {
      this.#deadline = this.#clock.after(TRANSACTION_TIMEOUT_MS, () => this.#fail('timeout')); // timer H
    } else if (state === 'confirmed') {
      const timerI = this.#wire.reliable ? 0 : T4;
      this.#deadline = this.#clock.after(timerI, () => this.#enter('terminated'));
    } else if (state === 'accepted') {
      this.#deadline = this.#clock.after(TRANSACTION_TIMEOUT_MS, () => this.#enter('terminated')); // timer L
    } else if (state === 'terminated') {
      this.#onEnd();
    }
  }
}

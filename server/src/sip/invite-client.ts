/**
 * INVITE client transaction (RFC 3261 §17.1.1 with RFC 6026 §8.4).
 *
 *                    │ INVITE sent; timers A (UDP), B
 *                    ▼
 *               ┌─────────┐  A: send again, A doubles
 *               │ calling │──────────────────────┐
 *               └────┬────┘◀─────────────────────┘
 *          1xx       │     300-699: ACK     2xx        B or transport error
 *      ┌─────────────┼─────────────┬─────────────┐    ──▶ terminated
 *      ▼             │             ▼             ▼
 * ┌────────────┐ 300-699: ACK ┌───────────┐ ┌──────────┐
 * │ proceeding │─────────────▶│ completed │ │ accepted │ every 2xx to the user
 * └─────┬──────┘              └─────┬─────┘ └────┬─────┘
 *       └── 2xx ──▶ accepted        │ D          │ M
 *                                   ▼            ▼
 *                                     terminated
 */
import type { Clock, Timer } from '#kit/clock.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { T1, TIMER_D_MS, TRANSACTION_TIMEOUT_MS, type ClientTransactionUser, type TransactionWire } from './transaction.ts';
import { ackForFailure } from './request.ts';

export type InviteClientState = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

export class InviteClientTransaction {
  readonly request: SipRequest;
  readonly #clock: Clock;
  readonly #wire: TransactionWire;
  readonly #user: ClientTransactionUser;
  readonly #onEnd: () => void;
  #state: InviteClientState = 'calling';
  #retransmit: Timer | undefined;
  #deadline: Timer | undefined;
  #ack: SipRequest | undefined;

  /** `onEnd` runs when the machine has terminated. */
  constructor(clock: Clock, wire: TransactionWire, request: SipRequest, user: ClientTransactionUser, onEnd: () => void) {
    this.#clock = clock;
    this.#wire = wire;
    this.request = request;
    this.#user = user;
    this.#onEnd = onEnd;
  }

  /** Sends the request. Apart from construction, so that whoever keeps the table knows the machine before it can fail. */
  start(): void {
    this.#deadline = this.#clock.after(TRANSACTION_TIMEOUT_MS, () => this.#fail('timeout')); // timer B
    this.#send(T1);
  }

  get state(): InviteClientState {
    return this.#state;
  }

  receive(response: SipResponse): void {
    const { status } = response;
    const open = this.#state === 'calling' || this.#state === 'proceeding';
    if (status < 200) {
      if (!open) return;
      this.#enter('proceeding');
      this.#user.response(response);
    } else if (status < 300) {
      // A 2xx after a failure response was acknowledged is not ours any more (§17.1.1.2).
      if (!open && this.#state !== 'accepted') return;
      this.#enter('accepted');
      this.#user.response(response);
    } else if (open) {
      this.#ack = ackForFailure(this.request, response);
      this.#enter('completed');
      this.#wire.send(this.#ack);
      this.#user.response(response);
    } else if (this.#state === 'completed' && this.#ack) {
      this.#wire.send(this.#ack);
    }
  }

  /** Ends without a word; for the stop of the user agent. */
  end(): void {
    this.#enter('terminated');
  }

  #send(intervalMs: number): void {
    this.#wire.send(this.request, () => this.#fail('transport'));
    if (this.#wire.reliable || this.#state !== 'calling') return;
    this.#retransmit = this.#clock.after(intervalMs, () => this.#send(intervalMs * 2)); // timer A
  }

  #fail(why: 'timeout' | 'transport'): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return;
    this.#enter('terminated');
    this.#user.failed(why);
  }

  #enter(state: InviteClientState): void {
    if (this.#state === state || this.#state === 'terminated') return;
    this.#state = state;
    this.#retransmit?.cancel();
    this.#deadline?.cancel();
    if (state === 'completed') {
      const timerD = this.#wire.reliable ? 0 : TIMER_D_MS;
      this.#deadline = this.#clock.after(timerD, () => this.#enter('terminated'));
    } else if (state === 'accepted') {
      this.#deadline = this.#clock.after(TRANSACTION_TIMEOUT_MS, () => this.#enter('terminated')); // timer M
    } else if (state === 'terminated') {
      this.#onEnd();
    }
  }
}

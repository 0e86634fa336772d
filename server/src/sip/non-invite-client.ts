/**
 * Non-INVITE client transaction (RFC 3261 §17.1.2).
 *
 *                │ request sent; timers E (UDP), F
 *                ▼
 *           ┌────────┐  E: send again, E = min(2E, T2)
 *           │ trying │
 *           └───┬────┘
 *         1xx   │    200-699 ────────────┐      F or transport error
 *               ▼                        ▼      ──▶ terminated
 *         ┌────────────┐  200-699  ┌───────────┐
 *         │ proceeding │──────────▶│ completed │ K ──▶ terminated
 *         └────────────┘           └───────────┘
 *          E = T2
 */
import type { Clock, Timer } from '#kit/clock.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { T1, T2, T4, TRANSACTION_TIMEOUT_MS, type ClientTransactionUser, type TransactionWire } from './transaction.ts';

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export class NonInviteClientTransaction {
  readonly request: SipRequest;
  readonly #clock: Clock;
  readonly #wire: TransactionWire;
  readonly #user: ClientTransactionUser;
  readonly #onEnd: () => void;
  #state: NonInviteClientState = 'trying';
  #retransmit: Timer | undefined;
  #deadline: Timer | undefined;

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
    this.#deadline = this.#clock.after(TRANSACTION_TIMEOUT_MS, () => this.#fail('timeout')); // timer F
    this.#send(T1);
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  receive(response: SipResponse): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    if (response.status >= 200) this.#enter('completed');
    else this.#enter('proceeding');
    this.#user.response(response);
  }

  /** Ends without a word; for the stop of the user agent. */
  end(): void {
    this.#enter('terminated');
  }

  #send(intervalMs: number): void {
    this.#wire.send(this.request, () => this.#fail('transport'));
    this.#arm(intervalMs);
  }

  #arm(intervalMs: number): void {
    if (this.#wire.reliable || (this.#state !== 'trying' && this.#state !== 'proceeding')) return;
    this.#retransmit = this.#clock.after(intervalMs, () => {
      this.#send(this.#state === 'proceeding' ? T2 : Math.min(intervalMs * 2, T2)); // timer E
    });
  }

  #fail(why: 'timeout' | 'transport'): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    this.#enter('terminated');
    this.#user.failed(why);
  }

  #enter(state: NonInviteClientState): void {
    if (this.#state === state || this.#state === 'terminated') return;
    this.#state = state;
    if (state === 'proceeding') return; // timer E goes on with its next value
    this.#retransmit?.cancel();
    this.#deadline?.cancel();
    if (state === 'completed') {
      const timerK = this.#wire.reliable ? 0 : T4;
      this.#deadline = this.#clock.after(timerK, () => this.#enter('terminated'));
    } else {
      this.#onEnd();
    }
  }
}

/** What the four transaction machines share: timer values (RFC 3261 §17.1.1.1, table 4) and the way out. */
import type { SipRequest, SipResponse } from './message.ts';
import type { SendFailure } from './transport.ts';

/** Round-trip estimate, ms. */
export const T1 = 500;
/** Longest interval between retransmissions of non-INVITE requests and INVITE responses, ms. */
export const T2 = 4000;
/** Longest time a message stays in the network, ms. */
export const T4 = 5000;
/** How long a transaction waits for the other side (timers B, F, H, J, L, M), ms. */
export const TRANSACTION_TIMEOUT_MS = 64 * T1;
/** Timer D over UDP (§17.1.1.2), ms. */
export const TIMER_D_MS = 32_000;

/** Where a transaction's messages go: one transport and one peer, chosen when it starts. */
export interface TransactionWire {
  readonly reliable: boolean;
  send(message: SipRequest | SipResponse, onFailure?: SendFailure): void;
}

/** What a client transaction tells its user (the TU of §17). `failed` or a final `response` comes exactly once, except 2xx to INVITE. */
export interface ClientTransactionUser {
  /** Provisional and final; every 2xx of an INVITE, retransmitted and forked ones too (RFC 6026 §7.2). */
  response(response: SipResponse): void;
  /** `timeout`: no answer (§8.1.3.1: like 408). `transport`: it could not be sent (like 503). */
  failed(why: 'timeout' | 'transport'): void;
}

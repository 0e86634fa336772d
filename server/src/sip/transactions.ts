/**
 * The table of transactions: finds the machine a message belongs to (RFC 3261 §17.1.3, §17.2.3 with the RFC 2543
 * fallback), starts new ones, recognises merged requests (§8.2.2.2).
 */
import type { Clock } from '#kit/clock.ts';
import { callId, cseq, fromTag, header, topVia, toTag } from './headers.ts';
import { InviteClientTransaction } from './invite-client.ts';
import { InviteServerTransaction } from './invite-server.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { NonInviteClientTransaction } from './non-invite-client.ts';
import { NonInviteServerTransaction } from './non-invite-server.ts';
import type { ClientTransactionUser, TransactionWire } from './transaction.ts';

export type ClientTransaction = InviteClientTransaction | NonInviteClientTransaction;
export type ServerTransaction = InviteServerTransaction | NonInviteServerTransaction;

/** Branches of RFC 3261 begin so (§8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK';

export class Transactions {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  /** Call-ID, From tag and CSeq of the requests being served outside dialogs: the same by another way is a merged one. */
  readonly #unmerged = new Map<string, ServerTransaction>();

  /** At most `capacity` server transactions live at once. */
  constructor(clock: Clock, capacity = 50_000) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#clients.size + this.#servers.size;
  }

  /** True when no further request can be served. */
  get full(): boolean {
    return this.#servers.size >= this.#capacity;
  }

  /** Enters a client transaction for a request whose top Via carries its branch; the caller starts it. */
  request(request: SipRequest, wire: TransactionWire, user: ClientTransactionUser): ClientTransaction {
    const key = clientKey(topVia(request)?.params.get('branch') ?? '', request.method);
    const forget = () => this.#clients.delete(key);
    const transaction =
      request.method === 'INVITE'
        ? new InviteClientTransaction(this.#clock, wire, request, user, forget)
        : new NonInviteClientTransaction(this.#clock, wire, request, user, forget);
    this.#clients.set(key, transaction);
    return transaction;
  }

  /** False when the response belongs to no transaction. */
  response(response: SipResponse): boolean {
    const branch = topVia(response)?.params.get('branch');
    const method = cseq(response)?.method;
    if (branch === undefined || method === undefined) return false;
    const transaction = this.#clients.get(clientKey(branch, method));
    transaction?.receive(response);
    return transaction !== undefined;
  }

  /** The server transaction that a request (retransmitted, or an ACK) belongs to. */
  serverOf(request: SipRequest): ServerTransaction | undefined {
    return this.#servers.get(serverKey(request, request.method === 'ACK' ? 'INVITE' : request.method));
  }

  /** The INVITE transaction that a CANCEL means (§9.2). */
  cancelled(cancel: SipRequest): InviteServerTransaction | undefined {
    const transaction = this.#servers.get(serverKey(cancel, 'INVITE'));
    return transaction?.kind === 'invite' ? transaction : undefined;
  }

  /** §8.2.2.2: no To tag, yet From tag, Call-ID and CSeq of a request that is being served under another branch. */
  isMerged(request: SipRequest): boolean {
    return toTag(request) === undefined && this.#unmerged.has(mergeKey(request));
  }

  /** Starts the server transaction of a new request (not ACK). */
  serve(request: SipRequest, wire: TransactionWire): ServerTransaction {
    const key = serverKey(request, request.method);
    const merge = toTag(request) === undefined ? mergeKey(request) : undefined;
    const forget = () => {
      this.#servers.delete(key);
      if (merge !== undefined && this.#unmerged.get(merge) === transaction) this.#unmerged.delete(merge);
    };
    const transaction: ServerTransaction =
      request.method === 'INVITE'
        ? new InviteServerTransaction(this.#clock, wire, request, forget)
        : new NonInviteServerTransaction(this.#clock, wire, request, forget);
    this.#servers.set(key, transaction);
    if (merge !== undefined) this.#unmerged.set(merge, transaction);
    return transaction;
  }

  /** Ends every transaction without a word. */
  end(): void {
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()]) transaction.end();
  }
}

function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

function mergeKey(request: SipRequest): string {
  return `${callId(request) ?? ''} ${fromTag(request) ?? ''} ${header(request, 'cseq') ?? ''}`;
}

function serverKey(request: SipRequest, method: string): string {
  const via = topVia(request);
  const branch = via?.params.get('branch');
  const sentBy = `${via?.host.toLowerCase() ?? ''}:${via?.port ?? 5060}`;
  if (branch?.startsWith(MAGIC_COOKIE)) return `${branch} ${sentBy} ${method}`;
  // RFC 2543: Request-URI, Call-ID, From tag, CSeq number and top Via. The To tag is left out, because the ACK of a failure
  // carries the one that the INVITE did not have; the other five are already unique.
  const number = cseq(request)?.number ?? 0;
  return `2543 ${callId(request) ?? ''} ${fromTag(request) ?? ''} ${number} ${request.uriText} ${branch ?? ''} ${sentBy} ${method}`;
}

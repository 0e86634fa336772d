/**
 * A call that arrives: the INVITE from its admission to the answer (RFC 3261 §13.3).
 *
 *   ┌─────────┐ ring, early   ┌─────────┐ accept  ┌──────────┐
 *   │ offered │──────────────▶│ ringing │────────▶│ accepted │ the SipSession goes on
 *   └────┬────┘               └────┬────┘         └──────────┘
 *        │ reject │ CANCEL │ BYE │ nobody decides in time
 *        └─────────────────────────┴──────▶ closed (signal aborted unless we rejected)
 */
import { Cancelled } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import { parseNameAddr } from './address.ts';
import type { DialogUser, SipCore } from './core.ts';
import { Dialog } from './dialog.ts';
import { callId, expires, from, header, supportedTags, to, tokens } from './headers.ts';
import type { NameAddr, SipHeader, SipPeer, SipRequest } from './message.ts';
import { type SessionOwner, SipSession } from './session.ts';
import { answerSessionTimer } from './session-timer.ts';
import type { InviteServerTransaction } from './invite-server.ts';
import type { ServerTransaction } from './transactions.ts';
import { bodyText, responseTo } from './write.ts';

/** How a caller was let in. */
export interface Admitted {
  /** What `trusts` said of the source address. */
  trunk: string | undefined;
  /** The credential it proved to know. */
  user: string | undefined;
}

/** §13.3.1.1: a proxy forgets a ringing call after 3 minutes; 180 is repeated every minute to prevent it. */
const RING_REPEAT_MS = 60_000;
/** The longest a call may ring here. */
const DECISION_MS = 180_000;

export interface InviteStart {
  core: SipCore;
  request: SipRequest;
  transaction: InviteServerTransaction;
  source: SipPeer;
  /** See {@link SessionStart.heardFrom}. */
  heardFrom: SipPeer | undefined;
  admitted: Admitted;
  /** Called once, when it is answered or over. */
  decided: () => void;
}

export class IncomingInvite implements DialogUser {
  readonly request: SipRequest;
  readonly source: SipPeer;
  readonly admitted: Admitted;
  readonly #core: SipCore;
  readonly #transaction: InviteServerTransaction;
  readonly #heardFrom: SipPeer | undefined;
  readonly #dialog: Dialog;
  readonly #gaveUp = new AbortController();
  readonly #leaveStop: () => void;
  readonly #decided: () => void;
  readonly #deadline: Timer;
  #state: 'offered' | 'ringing' | 'accepted' | 'closed' = 'offered';
  #repeat: Timer | undefined;

  constructor(start: InviteStart) {
    this.#core = start.core;
    this.request = start.request;
    this.source = start.source;
    this.admitted = start.admitted;
    this.#transaction = start.transaction;
    this.#heardFrom = start.heardFrom;
    this.#decided = start.decided;
    const { ids, random, clock } = start.core.kit;
    this.#dialog = Dialog.asServer(start.request, ids.token(16), random.below(2 ** 16));
    start.transaction.user = {
      ack: () => {},
      failed: () => this.#giveUp('signalling-lost'),
    };
    start.core.enterDialog(this.#dialog, this);
    const askedMs = (expires(start.request) ?? DECISION_MS / 1000) * 1000;
    this.#deadline = clock.after(Math.min(askedMs, DECISION_MS), () => {
      this.reject(480);
      this.#giveUp('deadline');
    });
    this.#leaveStop = start.core.whenStopping({
      stop: () => {
        this.reject(503);
        this.#giveUp('shutdown');
        return Promise.resolve();
      },
      abandon: () => this.#close(),
    });
  }

  /** The caller as From says; undefined when it is no SIP or tel address. Untrusted text. */
  get from(): NameAddr | undefined {
    return from(this.request);
  }

  get to(): NameAddr | undefined {
    return to(this.request);
  }

  /** Who vouched for the caller's number (RFC 3325 P-Asserted-Identity); only meaningful from a trunk. */
  get assertedIdentity(): NameAddr | undefined {
    const value = header(this.request, 'p-asserted-identity');
    return value === undefined ? undefined : parseNameAddr(value);
  }

  /** The user part of the Request-URI: the number that was called. */
  get calledUser(): string {
    return this.request.uri?.user ?? '';
  }

  get callId(): string {
    return callId(this.request) ?? '';
  }

  /** The To tag of our answers. */
  get localTag(): string {
    return this.#dialog.localTag;
  }

  /** The SDP offer; undefined for a delayed offer (the answer then comes in the ACK). */
  get offer(): string | undefined {
    return this.request.body.length > 0 ? bodyText(this.request) : undefined;
  }

  /** Aborts, with a {@link Cancelled}, when the caller gives up or nobody decided in time. */
  get signal(): AbortSignal {
    return this.#gaveUp.signal;
  }

  get open(): boolean {
    return this.#state === 'offered' || this.#state === 'ringing';
  }

  /** 180, repeated every minute while nothing else is decided. */
  ring(): void {
    if (this.#state === 'ringing') return;
    this.#provisional(180, undefined);
  }

  /** 183 with SDP: early media. */
  early(sdp: string): void {
    this.#provisional(183, sdp);
  }

  #provisional(status: number, sdp: string | undefined): void {
    if (!this.open) return;
    this.#state = 'ringing';
    this.#repeat?.cancel();
    this.#transaction.respond(
      responseTo(this.request, status, undefined, {
        toTag: this.#dialog.localTag,
        headers: this.#dialogHeaders(),
        body: sdp,
        contentType: sdp === undefined ? undefined : 'application/sdp',
      }),
    );
    this.#repeat = this.#core.kit.clock.after(RING_REPEAT_MS, () => this.#provisional(status, sdp));
  }

  /**
   * Answers with 200 and `sdp`: the answer to `offer`, or our offer when there was none. Undefined when the caller has
   * gone already.
   */
  accept(sdp: string, owner: SessionOwner): SipSession | undefined {
    if (!this.open) return undefined;
    const { request } = this;
    this.#close('accepted');
    const headers = this.#dialogHeaders();
    const supportsTimer = supportedTags(request).includes('timer');
    const timer = answerSessionTimer(header(request, 'session-expires'), supportsTimer);
    if (timer.kind === 'agreed') {
      headers.push({ name: 'session-expires', value: timer.header });
      if (timer.requireTimer) headers.push({ name: 'require', value: 'timer' });
    }
    const session = new SipSession({
      core: this.#core,
      dialog: this.#dialog,
      owner,
      heardFrom: this.#heardFrom,
      contactUser: this.calledUser,
      weCalled: false,
      localSdp: sdp,
      peerUpdates: tokens(request, 'allow').includes('UPDATE'),
    });
    this.#transaction.user = { ack: (ack) => session.ack(ack), failed: () => {} };
    const response = responseTo(request, 200, undefined, {
      toTag: this.#dialog.localTag,
      headers,
      body: sdp,
      contentType: 'application/sdp',
    });
    session.answerInvite(this.#transaction, response, this.offer === undefined);
    if (timer.kind === 'agreed') session.agreeTimer(timer.interval);
    return session;
  }

  /** Refuses with a final status of 300 and more. */
  reject(status: number, options: { reason?: string; headers?: readonly SipHeader[] } = {}): void {
    if (!this.open) return;
    this.#close();
    this.#transaction.respond(responseTo(this.request, status, options.reason, { toTag: this.#dialog.localTag, headers: options.headers }));
  }

  /** The caller's CANCEL (§9.2): 487, and the signal aborts. Too late after an answer. */
  cancel(): void {
    if (!this.open) return;
    this.reject(487);
    this.#giveUp('cancelled');
  }

  /** A request inside the early dialog. */
  serve(request: SipRequest, transaction: ServerTransaction): void {
    if (request.method === 'BYE') {
      transaction.respond(responseTo(request, 200)); // §15: a caller may leave an early dialog with BYE
      this.cancel();
    } else if (request.method === 'INVITE' || (request.method === 'UPDATE' && request.body.length > 0)) {
      // §14.2, RFC 3311 §5.2: our answer to the first offer is still due.
      const headers = [{ name: 'retry-after', value: String(1 + this.#core.kit.random.below(9)) }];
      transaction.respond(responseTo(request, 500, undefined, { headers }));
    } else if (request.method === 'UPDATE' || request.method === 'OPTIONS') {
      transaction.respond(responseTo(request, 200, undefined, { headers: this.#dialogHeaders() }));
    } else if (request.method === 'INFO') {
      transaction.respond(responseTo(request, 200)); // nobody listens before the answer
    } else transaction.respond(responseTo(request, 405, undefined, { headers: this.#core.capabilities() }));
  }

  ack(): void {
    // Only a session has a 2xx to acknowledge; the ACK of a failure ends in its transaction.
  }

  #dialogHeaders(): SipHeader[] {
    return [{ name: 'contact', value: this.#core.contact(this.calledUser, this.source) }, ...this.#core.capabilities()];
  }

  #giveUp(why: string): void {
    this.#close();
    if (!this.#gaveUp.signal.aborted) this.#gaveUp.abort(new Cancelled(why));
  }

  #close(state: 'accepted' | 'closed' = 'closed'): void {
    if (!this.open) return;
    this.#state = state;
    this.#repeat?.cancel();
    this.#deadline.cancel();
    this.#leaveStop();
    this.#decided();
    if (state === 'closed') this.#core.leaveDialog(this.#dialog);
  }
}

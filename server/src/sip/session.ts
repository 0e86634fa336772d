/**
 * A session: the confirmed dialog of an INVITE, from the 2xx to the BYE (RFC 3261 §14, §15; RFC 3311; RFC 4028).
 * SDP is only text here; what it means is decided by the {@link SessionOwner}.
 *
 *   ┌─────────────┐ ACK (we answered) / ACK sent (we called)  ┌───────────┐
 *   │ unconfirmed │────────────────────────────────────────▶ │ confirmed │◀─┐ re-INVITE, UPDATE, refresh
 *   └──────┬──────┘                                           └─────┬─────┘──┘
 *          │ no ACK in 64*T1, hang-up (waits for the ACK)           │ hang-up, no refresh, 481
 *          ▼                                                        ▼
 *   ┌────────────────────────────────────────────────────────────────────┐  BYE of the peer from any state
 *   │ leaving: BYE sent; a crossing BYE gets 200, all else 481           │────────────▶ gone
 *   └────────────────────────────────────────────────────────────────────┘ BYE answered
 */
import type { Timer } from '#kit/clock.ts';
import { AnswerRetransmission } from './answer-retransmission.ts';
import { authenticated, type Credentials } from './client-auth.ts';
import type { DialogUser, Hop, RequestUser, SipCore } from './core.ts';
import type { Dialog } from './dialog.ts';
import { readDtmfRelay } from './dtmf-relay.ts';
import { cseq, header, supportedTags, tokens } from './headers.ts';
import type { SipHeader, SipPeer, SipRequest, SipResponse } from './message.ts';
import { answerSessionTimer, MIN_SESSION_SECONDS, readSessionTimer, type SessionInterval, SessionTimer } from './session-timer.ts';
import type { ServerTransaction } from './transactions.ts';
import { bodyText, responseTo } from './write.ts';

export interface SessionEnding {
  /**
   * `peer`: BYE received. `local`: `hangUp` was called. `no-ack`: our answer was never acknowledged. `expired`: no
   * session refresh. `lost`: the peer does not know the dialog any more, or cannot be reached. `media`: an answer was not acceptable.
   */
  cause: 'peer' | 'local' | 'no-ack' | 'expired' | 'lost' | 'media';
  /** The peer's Reason header (RFC 3326), if it gave one. Untrusted text. */
  reason: string | undefined;
}

/** The media side of a session. Called synchronously; must not throw. */
export interface SessionOwner {
  /** A new offer of the peer (hold, resume, codec change): its answer, or the status that refuses it (488). */
  offer(sdp: string): { answer: string } | { reject: number };
  /** Our offer, where the peer asks for one (INVITE or re-INVITE without SDP). Unchanged media keeps its o= version. */
  makeOffer(): string;
  /** The peer's answer to our last offer. False: it cannot be used, and the session ends. */
  answer(sdp: string): boolean;
  /** A key press that came as INFO. */
  digit(digit: string, durationMs: number): void;
  /** Exactly once, and nothing after it. */
  ended(ending: SessionEnding): void;
}

export interface SessionStart {
  core: SipCore;
  dialog: Dialog;
  owner: SessionOwner;
  /** Where the peer was heard from, when requests should go there instead of its Contact; see {@link Hop}. */
  heardFrom: SipPeer | undefined;
  contactUser: string | undefined;
  /** Our Call-ID: decides the wait after glare (§14.1). */
  weCalled: boolean;
  /** For a proxy that challenges requests of a call we made. */
  credentials?: Credentials;
  /** The last SDP we sent; repeated to refresh. */
  localSdp: string;
  /** The peer takes UPDATE. */
  peerUpdates: boolean;
}

type SessionState = 'unconfirmed' | 'confirmed' | 'leaving' | 'gone';

export class SipSession implements DialogUser {
  readonly dialog: Dialog;
  readonly #start: SessionStart;
  readonly #core: SipCore;
  readonly #owner: SessionOwner;
  readonly #timer: SessionTimer;
  readonly #leaveStop: () => void;
  readonly #gone = Promise.withResolvers<void>();
  #state: SessionState = 'unconfirmed';
  /** The 2xx of ours that waits for its ACK, and whether that ACK brings an answer. */
  #answering: { repeat: AnswerRetransmission; number: number | undefined; awaitsAnswer: boolean } | undefined;
  /** An INVITE or UPDATE of ours that waits for its final response. */
  #offering = false;
  /** The owner knows that it is over. */
  #told = false;
  /** After glare. */
  #retry: Timer | undefined;
  #localSdp: string;
  #peerUpdates: boolean;

  constructor(start: SessionStart) {
    this.#start = start;
    this.#core = start.core;
    this.#owner = start.owner;
    this.dialog = start.dialog;
    this.#localSdp = start.localSdp;
    this.#peerUpdates = start.peerUpdates;
    this.#timer = new SessionTimer(start.core.kit.clock, {
      refresh: () => this.#refresh(),
      expired: () => this.#leave('expired'),
    });
    this.#leaveStop = start.core.whenStopping({
      stop: () => this.hangUp(),
      abandon: () => {
        this.#tell({ cause: 'local', reason: undefined });
        this.#go();
      },
    });
    start.core.enterDialog(this.dialog, this);
  }

  get state(): SessionState {
    return this.#state;
  }

  get callId(): string {
    return this.dialog.callId;
  }

  /** Sends a 2xx of ours until it is acknowledged. `awaitsAnswer`: it carries an offer. */
  answerInvite(transaction: ServerTransaction, response: SipResponse, awaitsAnswer: boolean): void {
    const repeat = new AnswerRetransmission(
      this.#core.kit.clock,
      () => transaction.respond(response),
      () => {
        if (this.#state === 'unconfirmed') this.#state = 'confirmed'; // the peer may have gone, so a BYE may be sent now
        if (this.#told) this.#bye();
        else this.#leave('no-ack');
      },
    );
    this.#answering = { repeat, number: cseq(response)?.number, awaitsAnswer };
  }

  /** Confirms a session of a call we made: its ACK has been sent. */
  confirm(): void {
    if (this.#state === 'unconfirmed') this.#state = 'confirmed';
  }

  /** Starts, restarts or (undefined) ends the session timer. */
  agreeTimer(interval: SessionInterval | undefined): void {
    this.#timer.restart(interval);
  }

  ack(request: SipRequest): void {
    const answering = this.#answering;
    if (!answering || answering.repeat.settled || cseq(request)?.number !== answering.number) return;
    answering.repeat.acknowledged();
    this.#answering = undefined;
    if (this.#state === 'unconfirmed') this.#state = 'confirmed';
    if (this.#told) this.#bye();
    else if (answering.awaitsAnswer && !(request.body.length > 0 && this.#owner.answer(bodyText(request)))) this.#leave('media');
  }

  serve(request: SipRequest, transaction: ServerTransaction, from: SipPeer): void {
    if (!this.dialog.acceptsSeq(request)) {
      transaction.respond(responseTo(request, 500, undefined, { headers: [{ name: 'retry-after', value: '1' }] }));
      return;
    }
    if (request.method === 'BYE') this.#byeReceived(request, transaction);
    else if (this.#told) transaction.respond(responseTo(request, 481));
    else if (request.method === 'INVITE' || request.method === 'UPDATE') this.#offerReceived(request, transaction, from);
    else if (request.method === 'INFO') this.#infoReceived(request, transaction);
    else if (request.method === 'OPTIONS') transaction.respond(responseTo(request, 200, undefined, { headers: this.#core.capabilities() }));
    else transaction.respond(responseTo(request, 405, undefined, { headers: this.#core.capabilities() }));
  }

  #byeReceived(request: SipRequest, transaction: ServerTransaction): void {
    transaction.respond(responseTo(request, 200));
    if (this.#state === 'leaving') return; // crossing BYEs (RFC 5407 §3.2.1): ours is still being answered
    this.#tell({ cause: 'peer', reason: header(request, 'reason') });
    this.#go();
  }

  /** A re-INVITE (§14.2) or UPDATE (RFC 3311 §5.2), with or without an offer. */
  #offerReceived(request: SipRequest, transaction: ServerTransaction, from: SipPeer): void {
    const invite = request.method === 'INVITE';
    const hasOffer = request.body.length > 0;
    // Glare, and an offer while our last answer or offer is not acknowledged yet (§14.2, RFC 5407 §3.1.4).
    const busy = this.#offering || (this.#answering !== undefined && (invite || (hasOffer && this.#answering.awaitsAnswer)));
    if (busy && (invite || hasOffer)) {
      transaction.respond(responseTo(request, 491));
      return;
    }
    const timer = answerSessionTimer(header(request, 'session-expires'), supportedTags(request).includes('timer'));
    if (timer.kind === 'too-small') {
      transaction.respond(responseTo(request, 422, undefined, { headers: [{ name: 'min-se', value: String(MIN_SESSION_SECONDS) }] }));
      return;
    }
    let body: string | undefined;
    if (hasOffer) {
      const result = this.#owner.offer(bodyText(request));
      if ('reject' in result) {
        transaction.respond(responseTo(request, result.reject)); // the session goes on as it was (§14.2)
        return;
      }
      body = result.answer;
    } else if (invite) body = this.#owner.makeOffer();
    if (body !== undefined) this.#localSdp = body;
    this.dialog.retarget(request);
    this.#notePeer(request);
    const headers: SipHeader[] = [
      { name: 'contact', value: this.#core.contact(this.#start.contactUser, from) },
      ...this.#core.capabilities(),
    ];
    if (timer.kind === 'agreed') {
      headers.push({ name: 'session-expires', value: timer.header });
      if (timer.requireTimer) headers.push({ name: 'require', value: 'timer' });
    }
    const response = responseTo(request, 200, undefined, {
      headers,
      body,
      contentType: body === undefined ? undefined : 'application/sdp',
    });
    this.#timer.restart(timer.kind === 'agreed' ? timer.interval : undefined);
    if (invite) this.answerInvite(transaction, response, !hasOffer);
    else transaction.respond(response);
  }

  #infoReceived(request: SipRequest, transaction: ServerTransaction): void {
    const pressed = readDtmfRelay(request);
    if (!pressed && request.body.length > 0) {
      const headers = [{ name: 'accept', value: 'application/dtmf-relay, application/dtmf' }];
      transaction.respond(responseTo(request, 415, undefined, { headers }));
      return;
    }
    transaction.respond(responseTo(request, 200));
    if (pressed) this.#owner.digit(pressed.digit, pressed.durationMs);
  }

  /** Sends a new offer in a re-INVITE. False when another one is under way or the session has ended. The owner's `answer` follows. */
  offer(sdp: string): boolean {
    if (this.#told || this.#offering || this.#answering !== undefined || this.#state !== 'confirmed') return false;
    // After glare the world has changed: the owner makes its offer anew.
    this.#invite(sdp, () => this.#owner.makeOffer());
    return true;
  }

  /** RFC 4028 §10: UPDATE where the peer takes it, else a re-INVITE with the SDP as it was. */
  #refresh(): void {
    if (this.#offering || this.#answering !== undefined) return; // that exchange refreshes, or the session expires
    if (this.#peerUpdates) this.#update(this.#timer.interval?.seconds ?? 0);
    else this.#invite(this.#localSdp, () => this.#localSdp);
  }

  #invite(sdp: string, nextSdp: () => string, seconds = this.#timer.interval?.seconds ?? 0): void {
    const headers = this.#timerHeaders(seconds);
    const draft = this.dialog.request('INVITE', { headers, body: sdp, contentType: 'application/sdp' });
    this.#offering = true;
    let answered = false;
    let sent = draft;
    this.#send(draft, {
      sent: ({ request }) => {
        sent = request;
      },
      response: (response) => {
        if (response.status < 200) return;
        if (response.status < 300) {
          this.#core.ack(this.dialog.ack(sent), this.#hop());
          if (answered) return; // a repeated 2xx only wants its ACK again
          answered = true;
          this.#offering = false;
          this.#localSdp = sdp;
          this.#accepted(response);
          if (!this.#told && !this.#owner.answer(bodyText(response))) this.#leave('media');
          return;
        }
        this.#offering = false;
        this.#refused(response, (again) => this.#invite(nextSdp(), nextSdp, again));
      },
      failed: () => {
        this.#offering = false;
        this.#leave('lost'); // §14.1: a re-INVITE without answer ends the dialog
      },
    });
  }

  #update(seconds: number): void {
    this.#offering = true;
    this.#send(this.dialog.request('UPDATE', { headers: this.#timerHeaders(seconds) }), {
      response: (response) => {
        if (response.status < 200) return;
        this.#offering = false;
        if (response.status < 300) this.#accepted(response);
        else this.#refused(response, (again) => this.#update(again));
      },
      failed: () => {
        this.#offering = false;
        this.#leave('lost');
      },
    });
  }

  #accepted(response: SipResponse): void {
    this.dialog.retarget(response);
    this.#notePeer(response);
    if (!this.#told) this.#timer.restart(readSessionTimer(header(response, 'session-expires')));
  }

  #refused(response: SipResponse, again: (seconds: number) => void): void {
    if (this.#told) return;
    const { clock, random } = this.#core.kit;
    const { status } = response;
    const seconds = this.#timer.interval?.seconds ?? 0;
    if (status === 481 || status === 408) {
      this.#leave('lost'); // §12.2.1.2
    } else if (status === 491) {
      // §14.1: 2.1 to 4 s for the owner of the Call-ID, else 0 to 2 s, in steps of 10 ms.
      const waitMs = this.#start.weCalled ? 2100 + 10 * random.below(191) : 10 * random.below(201);
      this.#retry = clock.after(waitMs, () => {
        if (!this.#offering && this.#answering === undefined) again(seconds);
      });
    } else if (status === 422) {
      const least = Number(header(response, 'min-se') ?? 0);
      if (least > seconds && least <= 86_400) again(least);
    }
    // Any other refusal leaves the session as it was (§14.1); without a refresh it expires.
  }

  #timerHeaders(seconds: number): SipHeader[] {
    const headers = this.#core.capabilities();
    if (seconds > 0) headers.push({ name: 'session-expires', value: `${seconds};refresher=uac` });
    if (seconds > 0) headers.push({ name: 'min-se', value: String(MIN_SESSION_SECONDS) });
    return headers;
  }

  /** Ends the call. Resolves when the BYE was answered or given up. Idempotent. `ended('local')` is told at once. */
  hangUp(reason?: string): Promise<void> {
    this.#leave('local', reason);
    return this.#gone.promise;
  }

  /** Ends a call whose SDP answer cannot be used. */
  refuseMedia(): void {
    this.#leave('media');
  }

  #leave(cause: SessionEnding['cause'], reason?: string): void {
    if (this.#told) return;
    this.#tell({ cause, reason: undefined });
    // §15: whoever answered may not send BYE before the ACK has come, or has been given up.
    if (this.#state === 'unconfirmed' && this.#answering !== undefined && !this.#answering.repeat.settled) return;
    this.#bye(reason);
  }

  #bye(reason?: string): void {
    if (this.#state === 'leaving' || this.#state === 'gone') return;
    this.#state = 'leaving';
    const headers = reason === undefined ? [] : [{ name: 'reason', value: reason }];
    this.#send(this.dialog.request('BYE', { headers }), {
      response: (response) => {
        if (response.status >= 200) this.#go();
      },
      failed: () => this.#go(),
    });
  }

  #tell(ending: SessionEnding): void {
    if (this.#told) return;
    this.#told = true;
    this.#timer.stop();
    this.#retry?.cancel();
    this.#owner.ended(ending);
  }

  #go(): void {
    this.#state = 'gone';
    this.#answering?.repeat.acknowledged();
    this.#leaveStop();
    this.#core.leaveDialog(this.dialog);
    this.#gone.resolve();
  }

  #notePeer(message: SipRequest | SipResponse): void {
    const allowed = tokens(message, 'allow');
    if (allowed.length > 0) this.#peerUpdates = allowed.includes('UPDATE');
  }

  #hop(): Hop {
    return { uri: this.dialog.nextHop, heardFrom: this.#start.heardFrom };
  }

  #send(draft: SipRequest, user: RequestUser): void {
    const contactUser = draft.method === 'BYE' ? undefined : (this.#start.contactUser ?? '');
    const { credentials } = this.#start;
    authenticated(this.#core, draft, this.#hop(), user, { credentials, contactUser, renumber: (again) => this.dialog.renumber(again) });
  }
}

/**
 * A call that we make: the INVITE from its sending to the session (RFC 3261 §13.2).
 *
 *   ┌─────────┐ 1xx  ┌─────────┐  2xx: ACK   ┌──────────┐
 *   │ calling │─────▶│ ringing │────────────▶│ answered │ the SipSession goes on; other 2xx: ACK and BYE
 *   └──┬───┬──┘      └──┬───┬──┘             └──────────┘
 *      │   └── cancel ──┤   │ 300-699, silence, transport error
 *      │                ▼   └─────────────▶ failed
 *      │          ┌────────────┐ 487: done   2xx: too late, ACK and BYE
 *      └─────────▶│ cancelling │ CANCEL goes out after the first 1xx (§9.1)
 *                 └────────────┘
 */
import type { Timer } from '#kit/clock.ts';
import { authenticated, type Credentials } from './client-auth.ts';
import type { Hop, SentRequest, SipCore } from './core.ts';
import { Dialog } from './dialog.ts';
import { deltaSeconds, header, setHeader, toTag, tokens, cseq } from './headers.ts';
import type { NameAddr, SipHeader, SipRequest, SipResponse, SipUri } from './message.ts';
import { placeBehindNat } from './nat.ts';
import { type SessionOwner, SipSession } from './session.ts';
import { readSessionTimer } from './session-timer.ts';
import { TRANSACTION_TIMEOUT_MS } from './transaction.ts';
import { bodyText, newRequest } from './write.ts';

export interface InviteFailure {
  /**
   * `rejected`: the far end said no. `redirected`: 3xx, never followed. `timeout`: no answer at all. `no-answer`: it rang
   * too long. `transport`: not deliverable. `cancelled`: by us. `media`: the answer was not acceptable.
   */
  cause: 'rejected' | 'redirected' | 'timeout' | 'no-answer' | 'transport' | 'cancelled' | 'media';
  /** The SIP status; undefined when there was no final response. */
  status: number | undefined;
  /** The far end's words. Untrusted text. */
  reason: string;
  /** What the far end asks us to wait before trying again (§20.33). */
  retryAfterMs: number | undefined;
}

/** What a call out tells its maker, synchronously. After `answered` or `failed` nothing more comes. */
export interface OutgoingInviteListener {
  ringing(status: number): void;
  /** SDP of a provisional response; from a forked call there may be several. */
  early(sdp: string): void;
  /** `sdp` has already been given to the owner's `answer`. */
  answered(session: SipSession, sdp: string): void;
  failed(failure: InviteFailure): void;
}

export interface InviteRequest {
  target: SipUri;
  /** From, without a tag. */
  from: NameAddr;
  offer: string;
  owner: SessionOwner;
  listener: OutgoingInviteListener;
  credentials?: Credentials;
  /** First hop (a loose router, Route is added); without it the target itself. */
  outboundProxy?: SipUri;
  headers?: readonly SipHeader[];
  /** The longest it may ring, ms. */
  noAnswerMs?: number;
}

const NO_ANSWER_MS = 180_000;
/** More answers than this to one INVITE are no forking but an attack; they are left to time out. */
const MAX_FORKS = 16;

export class OutgoingInvite {
  readonly callId: string;
  readonly #core: SipCore;
  readonly #ask: InviteRequest;
  readonly #leaveStop: () => void;
  #state: 'calling' | 'ringing' | 'cancelling' | 'answered' | 'failed' = 'calling';
  #sent: SentRequest | undefined;
  #provisional = false;
  /** To tag of the first 2xx, and the ACK of each. */
  #acks = new Map<string, SipRequest>();
  #earlySdp = '';
  #deadline: Timer | undefined;
  readonly #over = Promise.withResolvers<void>();

  /** Sends the INVITE. Listener calls may come before the constructor returns only if the transport fails at once. */
  constructor(core: SipCore, ask: InviteRequest) {
    this.#core = core;
    this.#ask = ask;
    const { ids, random, clock } = core.kit;
    this.callId = ids.token(20);
    const proxy = ask.outboundProxy;
    const draft = newRequest({
      method: 'INVITE',
      uri: ask.target,
      from: { ...ask.from, params: new Map([...ask.from.params, ['tag', ids.token(16)]]) },
      to: { display: undefined, uri: bareUri(ask.target), params: new Map() },
      callId: this.callId,
      cseq: 1 + random.below(2 ** 16),
      route: proxy ? [{ display: undefined, uri: looseRouter(proxy), params: new Map() }] : [],
      headers: [...core.capabilities(), ...(ask.headers ?? [])],
      body: ask.offer,
      contentType: 'application/sdp',
    });
    this.#deadline = clock.after(ask.noAnswerMs ?? NO_ANSWER_MS, () => this.#abandon('no-answer'));
    this.#leaveStop = core.whenStopping({
      stop: () => {
        this.cancel();
        return this.#over.promise;
      },
      abandon: () => this.#end(),
    });
    authenticated(
      core,
      draft,
      this.#hop(),
      {
        sent: (sent) => {
          this.#sent = sent;
          this.#provisional = false;
        },
        response: (response) => this.#receive(response),
        failed: (why) => this.#fail({ cause: why, status: undefined, reason: '', retryAfterMs: undefined }),
      },
      {
        credentials: ask.credentials,
        contactUser: ask.from.uri.user ?? '',
        renumber: (request) => setHeader(request, 'cseq', `${(cseq(request)?.number ?? 0) + 1} INVITE`),
        abandoned: () => this.#state === 'cancelling' || this.#state === 'failed',
      },
    );
  }

  get state(): string {
    return this.#state;
  }

  /** Gives up. `failed('cancelled')` is told at once; a 2xx that crosses is acknowledged and ended. Nothing after an answer. */
  cancel(): void {
    this.#abandon('cancelled');
  }

  #abandon(cause: 'cancelled' | 'no-answer'): void {
    if (this.#state !== 'calling' && this.#state !== 'ringing') return;
    this.#state = 'cancelling';
    this.#deadline?.cancel();
    if (this.#provisional) this.#sendCancel();
    this.#ask.listener.failed({ cause, status: undefined, reason: '', retryAfterMs: undefined });
  }

  #sendCancel(): void {
    const sent = this.#sent;
    if (!sent) return;
    this.#deadline?.cancel();
    // §9.1: a peer that never answers the INVITE after a CANCEL is given up after 64*T1.
    this.#deadline = this.#core.kit.clock.after(TRANSACTION_TIMEOUT_MS, () => {
      sent.abandon();
      this.#end();
    });
    sent.cancel();
  }

  #receive(response: SipResponse): void {
    const { status } = response;
    if (status < 200) {
      const first = !this.#provisional;
      this.#provisional = true;
      if (this.#state === 'cancelling' && first) this.#sendCancel();
      else if (this.#state !== 'cancelling' && status > 100) this.#progress(response);
    } else if (status < 300) this.#accepted(response);
    else {
      const retryAfter = deltaSeconds((header(response, 'retry-after') ?? '').split(/[ ;(]/)[0]);
      this.#fail({
        cause: status < 400 ? 'redirected' : 'rejected',
        status,
        reason: response.reason,
        retryAfterMs: retryAfter === undefined ? undefined : retryAfter * 1000,
      });
    }
  }

  #progress(response: SipResponse): void {
    this.#state = 'ringing';
    this.#ask.listener.ringing(response.status);
    if (response.body.length === 0) return;
    this.#earlySdp = bodyText(response);
    this.#ask.listener.early(this.#earlySdp);
  }

  /** §13.2.2.4: every 2xx gets an ACK; the first makes the session, the others are ended at once. */
  #accepted(response: SipResponse): void {
    const invite = this.#sent?.request;
    if (!invite) return;
    const tag = toTag(response) ?? '';
    const known = this.#acks.get(tag);
    if (known) {
      this.#core.ack(known, this.#hopOf(Dialog.asClient(invite, response)));
      return;
    }
    if (this.#acks.size >= MAX_FORKS) return;
    const dialog = Dialog.asClient(invite, response);
    const ack = dialog.ack(invite);
    this.#acks.set(tag, ack);
    this.#core.ack(ack, this.#hopOf(dialog));
    const wanted = this.#state === 'calling' || this.#state === 'ringing';
    const { owner, listener } = this.#ask;
    const session = new SipSession({
      core: this.#core,
      dialog,
      owner: wanted ? owner : UNWANTED,
      heardFrom: this.#hopOf(dialog).heardFrom,
      contactUser: this.#ask.from.uri.user,
      weCalled: true,
      credentials: this.#ask.credentials,
      localSdp: this.#ask.offer,
      peerUpdates: tokens(response, 'allow').includes('UPDATE'),
    });
    session.confirm();
    if (!wanted) {
      void session.hangUp();
      if (this.#state === 'cancelling') this.#end();
      return;
    }
    this.#state = 'answered';
    this.#end();
    // Some peers put the SDP into the 183 only.
    const sdp = response.body.length > 0 ? bodyText(response) : this.#earlySdp;
    if (!owner.answer(sdp)) {
      listener.failed({ cause: 'media', status: response.status, reason: response.reason, retryAfterMs: undefined });
      session.refuseMedia();
      return;
    }
    session.agreeTimer(readSessionTimer(header(response, 'session-expires')));
    listener.answered(session, sdp);
  }

  #fail(failure: InviteFailure): void {
    const told = this.#state === 'cancelling';
    if (this.#state === 'answered' || this.#state === 'failed') return;
    this.#state = 'failed';
    this.#end();
    if (!told) this.#ask.listener.failed(failure);
  }

  #end(): void {
    this.#deadline?.cancel();
    this.#leaveStop();
    this.#over.resolve();
  }

  #hop(): Hop {
    return { uri: this.#ask.outboundProxy ?? this.#ask.target, heardFrom: undefined };
  }

  #hopOf(dialog: Dialog): Hop {
    return { uri: dialog.nextHop, heardFrom: this.#sent && placeBehindNat(dialog, this.#sent.place) };
  }
}

/** Owns what is ended as soon as it was made. */
const UNWANTED: SessionOwner = {
  offer: () => ({ reject: 488 }),
  makeOffer: () => '',
  answer: () => true,
  digit: () => {},
  ended: () => {},
};

/** To carries no port, headers or transport parameter of the target. */
function bareUri(uri: SipUri): SipUri {
  return { ...uri, port: undefined, password: undefined, params: new Map(), headers: undefined };
}

function looseRouter(uri: SipUri): SipUri {
  return { ...uri, params: new Map([...uri.params, ['lr', undefined]]), headers: undefined };
}

/**
 * Our binding at a registrar (RFC 3261 §10.2).
 *
 *   ┌─────────────┐ REGISTER ┌─────────┐ 2xx   ┌────────────┐ at 50-90 % of the granted time
 *   │ unregistered│─────────▶│ trying  │──────▶│ registered │──▶ trying
 *   └─────────────┘          └────┬────┘       └────────────┘
 *          ▲                      │ refused, silent        stop: REGISTER with Expires 0
 *          │ stop                 ▼
 *          └───────────────── waiting ──▶ trying, after 30 s doubling to 30 min with jitter (RFC 5626 §4.5)
 */
import type { Timer } from '#kit/clock.ts';
import { authenticated, type Credentials } from './client-auth.ts';
import type { Hop, SipCore } from './core.ts';
import { contacts, deltaSeconds, expires, header, setHeader } from './headers.ts';
import type { NameAddr, SipRequest, SipResponse, SipUri } from './message.ts';
import { newRequest } from './write.ts';

export type RegistrationState =
  | { kind: 'registered'; expiresSeconds: number }
  /** `status` undefined: no answer. It is tried again after `retryMs`. */
  | { kind: 'failed'; status: number | undefined; reason: string; retryMs: number }
  | { kind: 'unregistered' };

export interface RegistrationRequest {
  /** The registrar's domain as Request-URI: `sip:pbx.example.com`. */
  registrar: SipUri;
  /** The user part of address-of-record and Contact. */
  user: string;
  credentials?: Credentials;
  outboundProxy?: SipUri;
  /** What we ask for; the registrar decides. */
  expiresSeconds?: number;
  /** Synchronous; must not throw. */
  onState(state: RegistrationState): void;
}

const EXPIRES_SECONDS = 600;
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 1_800_000;
/** A registrar that grants less would keep us busy for nothing. */
const LEAST_REFRESH_MS = 5000;

export class Registration {
  readonly #core: SipCore;
  readonly #ask: RegistrationRequest;
  readonly #callId: string;
  readonly #fromTag: string;
  readonly #leaveStop: () => void;
  readonly #stopped = Promise.withResolvers<void>();
  #state: 'trying' | 'registered' | 'waiting' | 'stopping' | 'stopped' = 'trying';
  #cseq: number;
  #expiresSeconds: number;
  #failures = 0;
  #timer: Timer | undefined;

  constructor(core: SipCore, ask: RegistrationRequest) {
    this.#core = core;
    this.#ask = ask;
    this.#callId = core.kit.ids.token(20);
    this.#fromTag = core.kit.ids.token(16);
    this.#cseq = core.kit.random.below(2 ** 16);
    this.#expiresSeconds = ask.expiresSeconds ?? EXPIRES_SECONDS;
    this.#leaveStop = core.whenStopping({ stop: () => this.stop(), abandon: () => this.#end() });
    this.#register(this.#expiresSeconds);
  }

  get registered(): boolean {
    return this.#state === 'registered';
  }

  /** Removes the binding. Resolves when the registrar answered, or did not. Idempotent. */
  stop(): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'stopped') return this.#stopped.promise;
    this.#timer?.cancel();
    if (this.#state === 'waiting') {
      this.#end(); // there is no binding, and nobody who would answer
      return this.#stopped.promise;
    }
    this.#state = 'stopping';
    this.#register(0);
    return this.#stopped.promise;
  }

  #register(expiresSeconds: number): void {
    const { registrar, user, outboundProxy, credentials } = this.#ask;
    const removing = expiresSeconds === 0;
    const address: NameAddr = { display: undefined, uri: { ...registrar, user, params: new Map() }, params: new Map() };
    const draft = newRequest({
      method: 'REGISTER',
      uri: registrar,
      from: { ...address, params: new Map([['tag', this.#fromTag]]) },
      to: address,
      callId: this.#callId,
      cseq: ++this.#cseq,
      route: outboundProxy ? [{ display: undefined, uri: looseRouter(outboundProxy), params: new Map() }] : [],
      headers: [...this.#core.capabilities(), { name: 'expires', value: String(expiresSeconds) }],
    });
    let sentContact = '';
    const hop: Hop = { uri: outboundProxy ?? registrar, heardFrom: undefined };
    const renumber = (request: SipRequest) => setHeader(request, 'cseq', `${++this.#cseq} REGISTER`);
    authenticated(
      this.#core,
      draft,
      hop,
      {
        sent: ({ request }) => {
          sentContact = header(request, 'contact') ?? '';
        },
        response: (response) => {
          if (response.status < 200) return;
          if (removing) this.#end();
          else if (this.#state === 'trying') this.#answered(response, sentContact, expiresSeconds);
        },
        failed: (why) => {
          if (removing) this.#end();
          else if (this.#state === 'trying') this.#failed(undefined, why);
        },
      },
      { credentials, contactUser: user, renumber },
    );
  }

  #answered(response: SipResponse, sentContact: string, asked: number): void {
    const { status } = response;
    if (status === 423) {
      // §10.2.8: the registrar wants a longer interval.
      const least = deltaSeconds(header(response, 'min-expires') ?? '') ?? 0;
      if (least > asked && least <= 86_400) {
        this.#expiresSeconds = least;
        this.#register(least);
        return;
      }
    }
    if (status >= 300) {
      this.#failed(status, response.reason);
      return;
    }
    this.#failures = 0;
    this.#state = 'registered';
    const granted = grantedSeconds(response, sentContact) ?? asked;
    const share = 0.5 + 0.4 * this.#core.kit.random.next();
    this.#timer = this.#core.kit.clock.after(Math.max(LEAST_REFRESH_MS, granted * 1000 * share), () => this.#try());
    this.#ask.onState({ kind: 'registered', expiresSeconds: granted });
  }

  #failed(status: number | undefined, reason: string): void {
    this.#state = 'waiting';
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    const retryMs = longest * (0.5 + 0.5 * this.#core.kit.random.next());
    this.#timer = this.#core.kit.clock.after(retryMs, () => this.#try());
    this.#ask.onState({ kind: 'failed', status, reason, retryMs });
  }

  #try(): void {
    this.#state = 'trying';
    this.#register(this.#expiresSeconds);
  }

  #end(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#leaveStop();
    this.#ask.onState({ kind: 'unregistered' });
    this.#stopped.resolve();
  }
}

/** The expires of our own binding among those of other devices (§10.2.4), else of the message. */
function grantedSeconds(response: SipResponse, sentContact: string): number | undefined {
  const ours = contacts({ headers: [{ name: 'contact', value: sentContact }] })[0]?.uri;
  // A registrar may rewrite parameters of a binding, so only user, host and port are compared.
  const own = contacts(response).find(({ uri }) => uri.user === ours?.user && uri.host === ours?.host && uri.port === ours?.port);
  const text = own?.params.get('expires');
  return (text === undefined ? undefined : deltaSeconds(text)) ?? expires(response);
}

function looseRouter(uri: SipUri): SipUri {
  return { ...uri, params: new Map([...uri.params, ['lr', undefined]]), headers: undefined };
}

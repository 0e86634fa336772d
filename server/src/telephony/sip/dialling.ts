/** A call out through a trunk: offer, ringing, answer, leg. */
import { TandemError } from '#kit/errors.ts';
import type { NameAddr, SipUri } from '#sip/message.ts';
import type { InviteFailure } from '#sip/outgoing-invite.ts';
import type { SessionOwner } from '#sip/session.ts';
import { sipUri, writeUri } from '#sip/uri.ts';
import type { SipUserAgent } from '#sip/user-agent.ts';
import type { DialRequest, TrunkConfig } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import type { SipLeg } from './leg.ts';
import type { PreparedCall } from './prepared-call.ts';

/** How long it may ring. */
const NO_ANSWER_MS = 60_000;

export interface CallOut {
  agent: SipUserAgent;
  request: DialRequest;
  way: { trunk: TrunkConfig; proxy: SipUri };
  prepare: () => Promise<PreparedCall>;
}

/** Resolves with the leg when the far end answers. Rejects with `dial-failed`, `capacity-reached` or the signal's reason. */
export async function placeCall({ agent, request, way, prepare }: CallOut): Promise<Leg> {
  const { trunk, proxy } = way;
  const call = await prepare();
  if (request.signal.aborted) {
    call.ports.release();
    throw request.signal.reason;
  }
  const { promise, resolve, reject } = Promise.withResolvers<Leg>();
  const owner = new EarlyOwner(call);
  const from: NameAddr = { display: undefined, uri: sipUri(request.from || undefined, proxy.host), params: new Map() };
  const target: SipUri = { ...proxy, user: request.to, password: undefined, params: new Map(proxy.params), headers: undefined };
  target.params.delete('lr');
  const username = trunk.registerUser ?? trunk.username;
  const password = trunk.registerPassword ?? trunk.password;
  const outgoing = agent.invite({
    target,
    from,
    offer: call.negotiation.offer(),
    owner,
    outboundProxy: proxy,
    credentials: username === undefined || password === undefined ? undefined : { username, password },
    // Carriers show the number that is asserted (RFC 3325), whatever From says.
    headers: request.from ? [{ name: 'p-asserted-identity', value: `<${writeUri(from.uri)}>` }] : [],
    noAnswerMs: NO_ANSWER_MS,
    listener: {
      ringing: () => request.onRinging?.(),
      early: () => {},
      answered: (session) => {
        request.signal.removeEventListener('abort', onAbort);
        const leg = owner.become();
        leg.join(session);
        resolve(leg);
      },
      failed: (failure) => {
        request.signal.removeEventListener('abort', onAbort);
        call.ports.release();
        reject(request.signal.aborted ? (request.signal.reason as Error) : failureOf(failure));
      },
    },
  });
  const onAbort = () => outgoing.cancel();
  request.signal.addEventListener('abort', onAbort, { once: true });
  return promise;
}

/** Answers for the session until the call is answered, and hands everything to the leg from then on. */
class EarlyOwner implements SessionOwner {
  readonly #call: PreparedCall;
  #leg: SipLeg | undefined;

  constructor(call: PreparedCall) {
    this.#call = call;
  }

  /** The answer has been read, so the leg's format is known. */
  become(): SipLeg {
    this.#leg ??= this.#call.leg();
    return this.#leg;
  }

  offer(sdp: string): { answer: string } | { reject: number } {
    return this.#leg?.offer(sdp) ?? { reject: 488 };
  }

  makeOffer(): string {
    return this.#leg?.makeOffer() ?? this.#call.negotiation.offer();
  }

  answer(sdp: string): boolean {
    return this.#leg ? this.#leg.answer(sdp) : typeof this.#call.negotiation.read(sdp) === 'object';
  }

  digit(digit: string): void {
    this.#leg?.digit(digit);
  }

  ended(ending: Parameters<SessionOwner['ended']>[0]): void {
    this.#leg?.ended(ending);
  }
}

function failureOf({ cause, status, reason }: InviteFailure): TandemError {
  const words = status === undefined ? cause : `${status} ${reason}`.trim();
  return new TandemError('dial-failed', `the call could not be placed: ${words}`, { cause, status });
}

/** A request that answers digest challenges (RFC 3261 §22.2, RFC 7616): sent again once per nonce, never for ever. */
import type { Hop, RequestUser, SipCore } from './core.ts';
import { authorize } from './digest.ts';
import { removeHeader, addHeader } from './headers.ts';
import type { SipRequest } from './message.ts';

/** The account we call or register with. */
export interface Credentials {
  username: string;
  password: string;
}

/** A 401 of the registrar, a 407 of a proxy, and one stale nonce: more is no honest exchange. */
const MAX_ATTEMPTS = 4;

export interface AuthenticationOptions {
  credentials: Credentials | undefined;
  /** See {@link SipCore.request}. */
  contactUser: string | undefined;
  /** Gives the request its next CSeq number. */
  renumber(request: SipRequest): void;
  /** True when the caller no longer wants the request repeated. */
  abandoned?(): boolean;
}

/** Sends `draft`; the 401 and 407 that can be answered never reach `user`. */
export function authenticated(core: SipCore, draft: SipRequest, hop: Hop, user: RequestUser, options: AuthenticationOptions): void {
  const { credentials, contactUser } = options;
  const answered = new Set<string>();
  const attempt = (request: SipRequest, count: number): void => {
    core.request(
      request,
      hop,
      {
        sent: (sent) => user.sent?.(sent),
        failed: (why) => user.failed(why),
        response: (response) => {
          const challenged = response.status === 401 || response.status === 407;
          if (!challenged || !credentials || count >= MAX_ATTEMPTS || options.abandoned?.()) {
            user.response(response);
            return;
          }
          const answer = authorize(response, request, credentials, core.kit.random);
          // A realm that asks again, and not because its nonce grew old, has refused our password.
          const realm = answer && `${answer.header.name} ${answer.challenge.realm}`;
          if (!answer || !realm || (answered.has(realm) && !answer.challenge.stale)) {
            user.response(response);
            return;
          }
          answered.add(realm);
          const again: SipRequest = { ...request, headers: request.headers.map((field) => ({ ...field })) };
          removeHeader(again, answer.header.name);
          addHeader(again, answer.header.name, answer.header.value);
          options.renumber(again);
          attempt(again, count + 1);
        },
      },
      contactUser,
    );
  };
  attempt(draft, 1);
}

/** Whether a user agent can serve a well-formed request at all (RFC 3261 §8.2.1 - §8.2.3), as one pure decision. */
import { addHeader, contentType, headerList, headerValues, requireTags, tokens, type WithHeaders } from './headers.ts';
import { splitOutside, trimSpace } from './lexis.ts';
import type { SipHeader, SipRequest } from './message.ts';
import { reasonPhrase } from './write.ts';

/** The answer that refuses a request; `headers` say what would be accepted. */
export interface Inspection {
  status: number;
  reason: string;
  headers: SipHeader[];
}

/** What a user agent understands. Names of methods are upper case, option tags and media types lower case. */
export interface Abilities {
  methods: readonly string[];
  extensions: readonly string[];
  /** Body types by method; a method that is not listed ignores its body. */
  bodies: Readonly<Record<string, readonly string[]>>;
}

const SDP = 'application/sdp';

export const CALL_ABILITIES: Abilities = {
  methods: ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'UPDATE'],
  extensions: ['timer'],
  bodies: { INVITE: [SDP], UPDATE: [SDP], INFO: ['application/dtmf-relay', 'application/dtmf'] },
};

/** Methods of the SIP registry: we may refuse them (405), but we do know them (501 is for the others, §21.5.2). */
const REGISTERED_METHODS = new Set(
  'ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE'.split(' '),
);

function refuse(status: number, ...headers: SipHeader[]): Inspection {
  return { status, reason: reasonPhrase(status), headers };
}

/** True when an Accept header field lets us answer with `type`, or is not there (§20.1: then SDP is assumed). */
function accepts(request: WithHeaders, type: string): boolean {
  if (headerValues(request, 'accept').every((value) => value === '')) return true;
  const [major] = type.split('/');
  return headerList(request, 'accept').some((item) => {
    const range = trimSpace(splitOutside(item, ';')[0]).toLowerCase();
    return range === type || range === `${major}/*` || range === '*/*';
  });
}

/**
 * The refusal of a request that cannot be served, or undefined when the user agent may go on. Method, Request-URI scheme,
 * Require, body and Accept are looked at in the order of §8.2. ACK is never refused; CANCEL is never refused for Require
 * (§8.2.2.3). Max-Forwards is a matter for proxies: an endpoint serves a request that arrives with 0 (RFC 4475 §3.3.11).
 */
export function inspectRequest(request: SipRequest, abilities: Abilities = CALL_ABILITIES): Inspection | undefined {
  const { method } = request;
  if (method === 'ACK') return undefined;

  // §8.2.1
  if (!abilities.methods.includes(method)) {
    const status = REGISTERED_METHODS.has(method) ? 405 : 501;
    return refuse(status, { name: 'allow', value: abilities.methods.join(', ') });
  }
  // §8.2.2.1
  if (request.uri === undefined) return refuse(416);
  // §8.2.2.3
  if (method !== 'CANCEL') {
    const unknown = requireTags(request).filter((tag) => !abilities.extensions.includes(tag));
    if (unknown.length > 0) {
      const asWritten = tokens(request, 'require').filter((tag) => unknown.includes(tag.toLowerCase()));
      return refuse(420, { name: 'unsupported', value: asWritten.join(', ') });
    }
  }
  // §8.2.3
  const types = abilities.bodies[method];
  if (types !== undefined && request.body.length > 0 && !isOptionalBody(request)) {
    const encodings = tokens(request, 'content-encoding').map((coding) => coding.toLowerCase());
    if (encodings.some((coding) => coding !== 'identity')) return refuse(415, { name: 'accept-encoding', value: 'identity' });
    const type = contentType(request);
    if (type === undefined || !types.includes(type)) return refuse(415, { name: 'accept', value: types.join(', ') });
  }
  // §20.1, RFC 4475 §3.3.15: whoever cannot read a session description cannot be called.
  if (method === 'INVITE' && !accepts(request, SDP)) return refuse(406);
  return undefined;
}

/** `Content-Disposition: ...;handling=optional`: a body that may be ignored (§20.11). */
function isOptionalBody(request: SipRequest): boolean {
  return headerValues(request, 'content-disposition').some((value) =>
    splitOutside(value, ';').some((item) => item.toLowerCase().replaceAll(' ', '') === 'handling=optional'),
  );
}

/** Allow, Accept and Supported, as an answer to OPTIONS or INVITE tells them (§11.2, §13.3.1.4). */
export function describeAbilities(response: WithHeaders, abilities: Abilities = CALL_ABILITIES): void {
  addHeader(response, 'allow', abilities.methods.join(', '));
  addHeader(response, 'accept', [...new Set(Object.values(abilities.bodies).flat())].join(', '));
  addHeader(response, 'supported', abilities.extensions.join(', '));
}

/** SIP messages as data (RFC 3261 §7). Parsing and writing live in `parse.ts` and `write.ts`. */

/** Parameters keep their order and spelling of values; names are lower case; `undefined` is a flag without `=`. */
export type SipParams = Map<string, string | undefined>;

/** RFC 3261 §19.1; `tel:` URIs (RFC 3966) carry the number in `user` and an empty host. */
export interface SipUri {
  scheme: 'sip' | 'sips' | 'tel';
  /** Unescaped. */
  user: string | undefined;
  password: string | undefined;
  /** IPv6 without its brackets. */
  host: string;
  port: number | undefined;
  params: SipParams;
  /** The text after `?`, still escaped. */
  headers: string | undefined;
}

/** From, To, Contact, Route, Record-Route, Refer-To (§20.10). */
export interface NameAddr {
  display: string | undefined;
  uri: SipUri;
  params: SipParams;
}

/** Via (§20.42). */
export interface Via {
  transport: string; // upper case
  host: string;
  port: number | undefined;
  params: SipParams;
}

/** One header field: canonical long name in lower case (compact forms expanded, §7.3.3), raw unfolded value. */
export interface SipHeader {
  name: string;
  value: string;
}

interface SipMessageBase {
  /** In order. Comma lists are kept as written; use the accessors of `headers.ts`. */
  headers: SipHeader[];
  body: Uint8Array;
}

export interface SipRequest extends SipMessageBase {
  kind: 'request';
  method: string;
  /** As written, and parsed; `uri` is undefined for a scheme we do not know (§8.2.2.1 → 416). */
  uriText: string;
  uri: SipUri | undefined;
}

export interface SipResponse extends SipMessageBase {
  kind: 'response';
  status: number;
  reason: string;
}

export type SipMessage = SipRequest | SipResponse;

/**
 * A datagram or stream chunk that is not an acceptable message. `respond` is the status RFC 4475 and RFC 3261 §8.2
 * prescribe when the message is broken yet answerable; undefined means drop it silently.
 */
export interface SipFault {
  kind: 'fault';
  message: string;
  respond: number | undefined;
  /** What could be read of the request: enough to answer it when `respond` is set. */
  request: SipRequest | undefined;
}

export type SipTransportName = 'UDP' | 'TCP';

/** Where a message came from or goes to. `connection` names a TCP connection to reuse (RFC 3261 §18). */
export interface SipPeer {
  transport: SipTransportName;
  address: string;
  port: number;
  connection: number | undefined;
}

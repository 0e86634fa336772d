/** One message of RFC 4475 and its prescribed treatment. */
export interface TortureCase {
  /** The RFC's name of the message. */
  name: string;
  section: string;
  bytes: Uint8Array;
  /** What the parser makes of a datagram: a message, a fault answered with this status, or a fault dropped silently. */
  parsed: 'accepted' | 'dropped' | number;
  /** The status that a user agent refuses a request with (`inspectRequest`); absent when it serves it. */
  refused?: number;
  /** Why, where the RFC leaves a choice. */
  note?: string;
}

/** The text with CRLF line ends, as UTF-8. */
export function wire(text: string): Uint8Array {
  return new TextEncoder().encode(text.replaceAll('\n', '\r\n'));
}

/** The session description that most of the messages carry. */
export function sdpBody(address: string, options: { connection?: string; timing?: string } = {}): string {
  return `v=0
o=mhandley 29739 7272939 IN IP4 ${address}
s=-
c=IN IP4 ${options.connection ?? address}
t=${options.timing ?? '0 0'}
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
`;
}

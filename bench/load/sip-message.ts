/**
 * Just enough SIP (RFC 3261) to place a call and end it, written apart from the server so that a benchmark's caller
 * shares no code, and no mistake, with what it measures.
 */

export interface Dialog {
  callId: string;
  fromTag: string;
  target: string;
  local: string;
  remoteTag?: string;
  remoteTarget?: string;
}

const via = (dialog: Dialog, branch: string) => `Via: SIP/2.0/UDP ${dialog.local};branch=z9hG4bK${branch};rport`;

function request(dialog: Dialog, method: string, cseq: string, branch: string, extra: string[] = [], body = ''): string {
  return [
    `${method} ${dialog.remoteTarget ?? dialog.target} SIP/2.0`,
    via(dialog, branch),
    'Max-Forwards: 70',
    `From: <sip:bench@${dialog.local}>;tag=${dialog.fromTag}`,
    `To: <${dialog.target}>${dialog.remoteTag ? `;tag=${dialog.remoteTag}` : ''}`,
    `Call-ID: ${dialog.callId}`,
    `CSeq: ${cseq}`,
    `Contact: <sip:bench@${dialog.local}>`,
    ...extra,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

export function invite(dialog: Dialog, rtpPort: number): string {
  const sdp = [
    'v=0',
    `o=bench ${rtpPort} 1 IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${rtpPort} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=ptime:20',
    '',
  ].join('\r\n');
  return request(dialog, 'INVITE', '1 INVITE', `i${dialog.callId}`, ['Content-Type: application/sdp'], sdp);
}

export const ack = (dialog: Dialog): string => request(dialog, 'ACK', '1 ACK', `a${dialog.callId}`);
export const bye = (dialog: Dialog): string => request(dialog, 'BYE', '2 BYE', `b${dialog.callId}`);

export interface Response {
  status: number;
  callId: string;
  cseq: string;
  toTag: string | undefined;
  contact: string | undefined;
  body: string;
}

/** A response, or undefined for a request or anything else. */
export function readResponse(text: string): Response | undefined {
  const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
  if (!status) return undefined;
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.+)$`, 'im').exec(text)?.[1].trim();
  return {
    status: Number(status),
    callId: field('Call-ID') ?? '',
    cseq: field('CSeq') ?? '',
    toTag: /;tag=([^;\s]+)/.exec(field('To') ?? '')?.[1],
    contact: /<([^>]+)>/.exec(field('Contact') ?? '')?.[1],
    body: text.slice(text.indexOf('\r\n\r\n') + 4),
  };
}

/** Where the answer wants its sound. */
export function mediaOf(sdp: string): { address: string; port: number } | undefined {
  const port = /^m=audio (\d+)/m.exec(sdp)?.[1];
  const address = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
  return port && address ? { address, port: Number(port) } : undefined;
}

/** SIP messages as bytes, and the making of requests and responses (RFC 3261 §7, §8.1.1, §8.2.6). */
import { writeNameAddr, writeVia } from './address.ts';
import { addHeader, header, headerValues, toTag } from './headers.ts';
import type { NameAddr, SipHeader, SipMessage, SipRequest, SipResponse, SipUri, Via } from './message.ts';
import { parseUri, writeUri } from './uri.ts';

/** Reason phrases of RFC 3261 §21 and its extensions. */
const REASONS: Record<number, string> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  199: 'Early Dialog Terminated',
  200: 'OK',
  202: 'Accepted',
  204: 'No Notification',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  412: 'Conditional Request Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  428: 'Use Identity Header',
  429: 'Provide Referrer Identity',
  433: 'Anonymity Disallowed',
  436: 'Bad Identity Info',
  437: 'Unsupported Credential',
  438: 'Invalid Identity Header',
  439: 'First Hop Lacks Outbound Support',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  493: 'Undecipherable',
  494: 'Security Agreement Required',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  580: 'Precondition Failure',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
  607: 'Unwanted',
  608: 'Rejected',
};

const CLASS_REASONS = ['', 'Progress', 'OK', 'Redirected', 'Request Failed', 'Server Failed', 'Declined'];

/** The standard reason phrase of a status, or one for its class. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? CLASS_REASONS[Math.floor(status / 100)] ?? 'Unknown';
}

/** Names that are not simply capitalised word by word. */
const SPELLING: Record<string, string> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'www-authenticate': 'WWW-Authenticate',
  'mime-version': 'MIME-Version',
  rack: 'RAck',
  rseq: 'RSeq',
  'min-se': 'Min-SE',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
};

function spell(name: string): string {
  return SPELLING[name] ?? name.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase());
}

/** A line break inside a value would start a header field of a stranger's choosing. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
}

/** Writes a message. Content-Length is computed, whatever the headers say (§20.14). */
export function writeMessage(message: SipMessage): Uint8Array {
  let head =
    message.kind === 'request'
      ? `${message.method} ${oneLine(message.uriText)} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${oneLine(message.reason)}\r\n`;
  for (const { name, value } of message.headers) {
    if (name !== 'content-length') head += `${spell(name)}: ${oneLine(value)}\r\n`;
  }
  head += `Content-Length: ${message.body.length}\r\n\r\n`;
  const headBytes = Buffer.from(head, 'utf8');
  return message.body.length === 0 ? headBytes : Buffer.concat([headBytes, message.body]);
}

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

export function bodyBytes(body: string | Uint8Array | undefined): Uint8Array {
  if (body === undefined) return EMPTY;
  return typeof body === 'string' ? encoder.encode(body) : body;
}

const bodyDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The body as text (an SDP, a sipfrag, a DTMF relay). */
export function bodyText(message: SipMessage): string {
  return bodyDecoder.decode(message.body);
}

function addressText(address: NameAddr | string): string {
  return typeof address === 'string' ? address : writeNameAddr(address);
}

export interface RequestParts {
  method: string;
  uri: SipUri | string;
  /** Texts are taken as written. */
  from: NameAddr | string;
  to: NameAddr | string;
  callId: string;
  cseq: number;
  /** The transaction usually adds its own. */
  via?: Via | string;
  /** 70 unless told otherwise (§8.1.1.6). */
  maxForwards?: number;
  /** Route values, topmost first. */
  route?: readonly (NameAddr | string)[];
  contact?: NameAddr | string;
  headers?: readonly SipHeader[];
  body?: string | Uint8Array;
  /** Needed with a body. */
  contentType?: string;
}

/** A request with the header fields every request must have (§8.1.1). */
export function newRequest(parts: RequestParts): SipRequest {
  const uriText = typeof parts.uri === 'string' ? parts.uri : writeUri(parts.uri);
  const request: SipRequest = {
    kind: 'request',
    method: parts.method,
    uriText,
    uri: typeof parts.uri === 'string' ? parseUri(parts.uri) : parts.uri,
    headers: [],
    body: bodyBytes(parts.body),
  };
  if (parts.via !== undefined) addHeader(request, 'via', typeof parts.via === 'string' ? parts.via : writeVia(parts.via));
  for (const hop of parts.route ?? []) addHeader(request, 'route', addressText(hop));
  addHeader(request, 'max-forwards', parts.maxForwards ?? 70);
  addHeader(request, 'from', addressText(parts.from));
  addHeader(request, 'to', addressText(parts.to));
  addHeader(request, 'call-id', parts.callId);
  addHeader(request, 'cseq', `${parts.cseq} ${parts.method}`);
  if (parts.contact !== undefined) addHeader(request, 'contact', addressText(parts.contact));
  for (const { name, value } of parts.headers ?? []) addHeader(request, name, value);
  if (parts.contentType !== undefined) addHeader(request, 'content-type', parts.contentType);
  return request;
}

export interface ResponseParts {
  /** Added to To when the request had none and the status is not 100 (§8.2.6.2). */
  toTag?: string;
  headers?: readonly SipHeader[];
  body?: string | Uint8Array;
  contentType?: string;
}

/**
 * A response as §8.2.6 builds it: every Via, From, To, Call-ID and CSeq copied; Record-Route copied into what may make a
 * dialog (101-299, §12.1.1); Timestamp copied into 100 (§8.2.6.1). `reason` defaults to the standard phrase.
 */
export function responseTo(request: SipRequest, status: number, reason?: string, parts: ResponseParts = {}): SipResponse {
  const response: SipResponse = {
    kind: 'response',
    status,
    reason: reason ?? reasonPhrase(status),
    headers: [],
    body: bodyBytes(parts.body),
  };
  const copy = (name: string) => {
    for (const value of headerValues(request, name)) addHeader(response, name, value);
  };
  copy('via');
  if (status > 100 && status < 300) copy('record-route');
  copy('from');
  const toValue = header(request, 'to');
  if (toValue !== undefined) {
    const needsTag = parts.toTag !== undefined && status > 100 && toTag(request) === undefined;
    addHeader(response, 'to', needsTag ? `${toValue};tag=${parts.toTag}` : toValue);
  }
  copy('call-id');
  copy('cseq');
  if (status === 100) copy('timestamp');
  for (const { name, value } of parts.headers ?? []) addHeader(response, name, value);
  if (parts.contentType !== undefined) addHeader(response, 'content-type', parts.contentType);
  return response;
}

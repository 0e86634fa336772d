/** The two structured values most header fields are made of: name-addr (RFC 3261 §20.10) and Via (§20.42). */
import { endOfQuoted, isSpace, isToken, parseParams, quote, skipSpace, trimSpace, unquote, writeParams } from './lexis.ts';
import type { NameAddr, SipParams, Via } from './message.ts';
import { isAbsoluteUri, parseHostPort, parseUri, writeHostPort, writeUri } from './uri.ts';

/** A name-addr or addr-spec taken apart, whatever the scheme of its URI. */
export interface AddressParts {
  display: string | undefined;
  uriText: string;
  params: SipParams;
}

/**
 * Splits `"Display" <uri>;params`, `Display Name <uri>;params` or `uri;params`. Without angle brackets every parameter
 * belongs to the header field (§20.10), and a `?` or `,` in the URI is an error. Beyond the grammar, an unquoted display
 * name may hold any character but quotes and brackets, and spaces may surround the URI inside its brackets (RFC 4475
 * §3.1.2.14 and §3.1.2.15 allow a receiver to be that lenient). Undefined when the text is neither form.
 */
export function splitAddress(text: string): AddressParts | undefined {
  let at = skipSpace(text, 0);
  let display: string | undefined;
  if (text[at] === '"') {
    const end = endOfQuoted(text, at);
    if (end < 0) return undefined;
    display = unquote(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] !== '<') return undefined;
  }
  const open = text.indexOf('<', at);
  if (open < 0) return splitBareAddress(text, at);
  if (open > at) {
    const words = trimSpace(text.slice(at, open));
    if (words.includes('"') || words.includes('>')) return undefined;
    display = words;
  }
  const close = text.indexOf('>', open);
  if (close < 0) return undefined;
  const uriText = trimSpace(text.slice(open + 1, close));
  const params = parseParams(text, close + 1);
  return params === undefined || uriText === '' ? undefined : { display, uriText, params };
}

function splitBareAddress(text: string, at: number): AddressParts | undefined {
  let end = at;
  while (end < text.length && text[end] !== ';' && !isSpace(text.charCodeAt(end))) end++;
  const uriText = text.slice(at, end);
  if (uriText.includes('?') || uriText.includes(',')) return undefined;
  const params = parseParams(text, end);
  return params === undefined || uriText === '' ? undefined : { display: undefined, uriText, params };
}

/** True when the text is a name-addr or addr-spec with a well-formed URI of any scheme (RFC 4475 §3.3.3). */
export function isAddress(text: string): boolean {
  const parts = splitAddress(text);
  if (parts === undefined) return false;
  const scheme = parts.uriText.slice(0, Math.max(0, parts.uriText.indexOf(':'))).toLowerCase();
  const known = scheme === 'sip' || scheme === 'sips' || scheme === 'tel';
  return known ? parseUri(parts.uriText) !== undefined : isAbsoluteUri(parts.uriText);
}

/** Reads a name-addr or addr-spec; undefined when malformed or when its URI is neither `sip:`, `sips:` nor `tel:`. */
export function parseNameAddr(text: string): NameAddr | undefined {
  const parts = splitAddress(text);
  const uri = parts && parseUri(parts.uriText);
  return uri && { display: parts.display, uri, params: parts.params };
}

/** Always with angle brackets, so that URI and header parameters cannot be confused. */
export function writeNameAddr(address: NameAddr): string {
  const bracketed = `<${writeUri(address.uri)}>${writeParams(address.params)}`;
  return address.display === undefined || address.display === '' ? bracketed : `${quote(address.display)} ${bracketed}`;
}

/** `SIP/2.0/UDP host:port;params`, with white space allowed around every slash, colon and semicolon. */
export function parseVia(text: string): Via | undefined {
  const first = text.indexOf('/');
  const second = text.indexOf('/', first + 1);
  if (first < 0 || second < 0) return undefined;
  if (trimSpace(text.slice(0, first)).toLowerCase() !== 'sip') return undefined;
  if (!isToken(trimSpace(text.slice(first + 1, second)))) return undefined;
  let at = skipSpace(text, second + 1);
  const transportStart = at;
  while (at < text.length && !isSpace(text.charCodeAt(at)) && text[at] !== ';') at++;
  const transport = text.slice(transportStart, at).toUpperCase();
  if (!isToken(transport)) return undefined;

  const semicolon = text.indexOf(';', at);
  const sentByEnd = semicolon < 0 ? text.length : semicolon;
  const sentBy = trimSpace(text.slice(at, sentByEnd));
  const colon = sentBy.indexOf(':', sentBy.lastIndexOf(']') + 1);
  // White space is legal around the colon: `host : 5060`.
  const hostPort = parseHostPort(colon < 0 ? sentBy : `${trimSpace(sentBy.slice(0, colon))}:${trimSpace(sentBy.slice(colon + 1))}`);
  const params = parseParams(text, sentByEnd);
  if (hostPort === undefined || params === undefined) return undefined;
  return { transport, host: hostPort.host, port: hostPort.port, params };
}

export function writeVia(via: Via): string {
  return `SIP/2.0/${via.transport} ${writeHostPort(via.host, via.port)}${writeParams(via.params)}`;
}

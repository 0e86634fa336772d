/** SIP and tel URIs (RFC 3261 §19.1, RFC 3966): read, write, compare. */
import { isIPv6 } from 'node:net';
import { parseDigits } from './lexis.ts';
import type { SipParams, SipUri } from './message.ts';

const MAX_URI_LENGTH = 8192;
const USER_UNRESERVED = "-_.!~*'()&=+$,;?/";
const PASSWORD_UNRESERVED = "-_.!~*'()&=+$,";
const PARAM_UNRESERVED = "-_.!~*'()[]/:&+$";
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}

/** Resolves `%HH`; undefined when a percent sign is not followed by two hex digits. Bytes that are no UTF-8 become U+FFFD. */
export function unescapeText(text: string): string | undefined {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) === 37) {
      const high = hexDigit(text.charCodeAt(i + 1));
      const low = hexDigit(text.charCodeAt(i + 2));
      if (high < 0 || low < 0) return undefined;
      bytes.push(high * 16 + low);
      i += 2;
      continue;
    }
    if (bytes.length > 0) out += decoder.decode(Uint8Array.from(bytes.splice(0)));
    out += text[i];
  }
  if (bytes.length > 0) out += decoder.decode(Uint8Array.from(bytes));
  return out;
}

/** Escapes everything but letters, digits and `allowed`, as UTF-8 `%HH`. */
export function escapeText(text: string, allowed: string): string {
  let out = '';
  for (const char of text) {
    const code = char.charCodeAt(0);
    const alphanumeric = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    if (alphanumeric || allowed.includes(char)) out += char;
    else for (const byte of encoder.encode(char)) out += `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`;
  }
  return out;
}

/** No control characters, spaces, quotes or angle brackets. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 32 || code === 127 || code === 34 || code === 60 || code === 62) return false;
  }
  return true;
}

function isHostname(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const alphanumeric = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    // The underscore is no host character of RFC 3261, yet names of Windows and Docker hosts carry it.
    if (!alphanumeric && code !== 45 && code !== 46 && code !== 95) return false;
  }
  return true;
}

/** `host [":" port]` with IPv6 in brackets (§25.1 hostport). The host comes back without brackets. */
export function parseHostPort(text: string): { host: string; port: number | undefined } | undefined {
  let host: string;
  let rest: string;
  if (text[0] === '[') {
    const close = text.indexOf(']');
    if (close < 0) return undefined;
    host = text.slice(1, close);
    if (!isIPv6(host) || host.includes('%')) return undefined;
    rest = text.slice(close + 1);
  } else {
    const colon = text.indexOf(':');
    host = colon < 0 ? text : text.slice(0, colon);
    if (!isHostname(host)) return undefined;
    rest = colon < 0 ? '' : text.slice(colon);
  }
  if (rest === '') return { host, port: undefined };
  if (rest[0] !== ':') return undefined;
  const port = parseDigits(rest.slice(1), 65535);
  return port === undefined ? undefined : { host, port };
}

export function writeHostPort(host: string, port: number | undefined): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
}

/** URI parameters: names are unescaped and lower-cased, values stay as written. */
function parseUriParams(text: string): SipParams | undefined {
  const params: SipParams = new Map();
  if (text === '') return params;
  for (const item of text.split(';')) {
    const equals = item.indexOf('=');
    const name = unescapeText(equals < 0 ? item : item.slice(0, equals))?.toLowerCase();
    if (!name) return undefined;
    const value = equals < 0 ? undefined : item.slice(equals + 1);
    if (value !== undefined && unescapeText(value) === undefined) return undefined;
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

function parseTel(rest: string): SipUri | undefined {
  const semicolon = rest.indexOf(';');
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon);
  const params = parseUriParams(semicolon < 0 ? '' : rest.slice(semicolon + 1));
  if (params === undefined || number === '' || number === '+') return undefined;
  for (let i = 0; i < number.length; i++) {
    const digit = /[0-9A-Fa-f*#\-.()]/.test(number[i]);
    if (!digit && !(number[i] === '+' && i === 0)) return undefined;
  }
  return { scheme: 'tel', user: number, password: undefined, host: '', port: undefined, params, headers: undefined };
}

/** Reads a `sip:`, `sips:` or `tel:` URI. Undefined for another scheme or a text that is no URI. */
export function parseUri(text: string): SipUri | undefined {
  if (text.length > MAX_URI_LENGTH || !isPlain(text)) return undefined;
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase();
  let rest = text.slice(colon + 1);
  if (scheme === 'tel') return parseTel(rest);
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;

  // `?` and `;` may stand unescaped in the user part, `@` may not: the first `@` ends the user info.
  const at = rest.indexOf('@');
  let user: string | undefined;
  let password: string | undefined;
  if (at >= 0) {
    const info = rest.slice(0, at);
    const split = info.indexOf(':');
    user = unescapeText(split < 0 ? info : info.slice(0, split));
    if (!user) return undefined;
    if (split >= 0) {
      password = unescapeText(info.slice(split + 1));
      if (password === undefined) return undefined;
    }
    rest = rest.slice(at + 1);
  }
  let headers: string | undefined;
  const question = rest.indexOf('?');
  if (question >= 0) {
    headers = rest.slice(question + 1);
    rest = rest.slice(0, question);
  }
  const semicolon = rest.indexOf(';');
  const params = semicolon < 0 ? new Map<string, string | undefined>() : parseUriParams(rest.slice(semicolon + 1));
  const hostPort = parseHostPort(semicolon < 0 ? rest : rest.slice(0, semicolon));
  if (params === undefined || hostPort === undefined || (semicolon >= 0 && params.size === 0)) return undefined;
  return { scheme, user, password, host: hostPort.host, port: hostPort.port, params, headers };
}

/** True for `scheme:rest` of any scheme (absoluteURI, RFC 3261 §25.1), known to us or not. */
export function isAbsoluteUri(text: string): boolean {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1 || !isPlain(text)) return false;
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i) | 32;
    const letter = code >= 97 && code <= 122;
    const other = (text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57) || '+-.'.includes(text[i]);
    if (!letter && !(other && i > 0)) return false;
  }
  return true;
}

function writeUriParams(params: SipParams): string {
  let out = '';
  for (const [name, value] of params) {
    out += `;${escapeText(name, PARAM_UNRESERVED)}`;
    // Values are kept as written; only what would break out of the parameter is escaped.
    if (value !== undefined) out += `=${escapeText(value, `${PARAM_UNRESERVED}%@=,`)}`;
  }
  return out;
}

export function writeUri(uri: SipUri): string {
  if (uri.scheme === 'tel') return `tel:${uri.user ?? ''}${writeUriParams(uri.params)}`;
  let out = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    out += escapeText(uri.user, USER_UNRESERVED);
    if (uri.password !== undefined) out += `:${escapeText(uri.password, PASSWORD_UNRESERVED)}`;
    out += '@';
  }
  out += writeHostPort(uri.host, uri.port) + writeUriParams(uri.params);
  return uri.headers === undefined ? out : `${out}?${escapeText(uri.headers, `${PARAM_UNRESERVED}%=?@,;`)}`;
}

/** Builds a SIP URI without parameters; for AORs, targets and Contacts of our own. */
export function sipUri(user: string | undefined, host: string, port?: number): SipUri {
  return { scheme: 'sip', user, password: undefined, host, port, params: new Map(), headers: undefined };
}

/** Parameters that never match their absence, whatever their default (§19.1.4; `transport` by its examples). */
const NEVER_OPTIONAL = ['user', 'ttl', 'method', 'maddr', 'transport'];

function sameValue(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (unescapeText(a) ?? a).toLowerCase() === (unescapeText(b) ?? b).toLowerCase();
}

function headerFields(text: string | undefined): string[] {
  if (!text) return [];
  const fields: string[] = [];
  for (const item of text.split('&')) {
    const equals = item.indexOf('=');
    const name = equals < 0 ? item : item.slice(0, equals);
    fields.push(`${(unescapeText(name) ?? name).toLowerCase()}=${equals < 0 ? '' : (unescapeText(item.slice(equals + 1)) ?? item)}`);
  }
  return fields.sort();
}

function samePhoneNumber(a: SipUri, b: SipUri): boolean {
  // RFC 3966 §5: visual separators do not count; every parameter does.
  const plain = (uri: SipUri) => (uri.user ?? '').replace(/[-.()]/g, '').toLowerCase();
  if (plain(a) !== plain(b) || a.params.size !== b.params.size) return false;
  for (const [name, value] of a.params) if (!b.params.has(name) || !sameValue(value, b.params.get(name))) return false;
  return true;
}

/**
 * RFC 3261 §19.1.4. One deviation: `user` is held unescaped, so that an escaped reserved character equals its plain form.
 */
export function sameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false;
  if (a.scheme === 'tel') return samePhoneNumber(a, b);
  if (a.user !== b.user || a.password !== b.password || a.port !== b.port) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase()) return false;
  for (const name of NEVER_OPTIONAL) if (a.params.has(name) !== b.params.has(name)) return false;
  for (const [name, value] of a.params) if (b.params.has(name) && !sameValue(value, b.params.get(name))) return false;
  const left = headerFields(a.headers);
  const right = headerFields(b.headers);
  return left.length === right.length && left.every((field, i) => field === right[i]);
}

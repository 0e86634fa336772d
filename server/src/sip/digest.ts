/** Digest authentication as data and as a client (RFC 7616, RFC 3261 §22, RFC 8760). The server is `digest-server.ts`. */
import { createHash } from 'node:crypto';
import type { Random } from '#kit/random.ts';
import { headerValues } from './headers.ts';
import { isToken, quote, splitOutside, trimSpace, unquote } from './lexis.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';

export type DigestAlgorithm = 'MD5' | 'SHA-256' | 'SHA-512-256';

const HASHES: Record<DigestAlgorithm, string> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

export interface DigestChallenge {
  realm: string;
  nonce: string;
  algorithm: DigestAlgorithm;
  opaque: string | undefined;
  /** The quality of protection to answer with; undefined for a server of RFC 2069. */
  qop: 'auth' | 'auth-int' | undefined;
  /** The last answer was right but its nonce was old: answer again with the same secret. */
  stale: boolean;
}

/** What a client proves to know. The names are those of RFC 7616 §3.4. */
export interface DigestCredentials {
  username: string;
  realm: string;
  nonce: string;
  uri: string;
  /** Lower-case hex. */
  response: string;
  algorithm: DigestAlgorithm;
  qop: 'auth' | 'auth-int' | undefined;
  cnonce: string | undefined;
  /** The nonce count, 1 for the first use; undefined without qop. */
  nc: number | undefined;
  opaque: string | undefined;
}

/** Name and secret of an account; `ha1` is {@link ha1Of} of the algorithm that will be asked for. */
export type DigestAccount =
  | { username: string; password: string }
  | { username: string; ha1: (algorithm: DigestAlgorithm) => string | undefined };

function hash(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  return createHash(HASHES[algorithm]).update(data).digest('hex');
}

/** H(username:realm:password), the only form in which a secret needs to be stored (RFC 7616 §3.4.2). Lower-case hex. */
export function ha1Of(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

export interface DigestInput {
  algorithm: DigestAlgorithm;
  ha1: string;
  nonce: string;
  qop: 'auth' | 'auth-int' | undefined;
  /** Eight hex digits. */
  nc: string;
  cnonce: string;
  method: string;
  uri: string;
  body: Uint8Array;
}

/** The `response` value (RFC 7616 §3.4.1; without qop RFC 2069). Lower-case hex. */
export function digestResponse(input: DigestInput): string {
  const { algorithm, ha1, nonce, qop } = input;
  const entity = qop === 'auth-int' ? `:${hash(algorithm, input.body)}` : '';
  const ha2 = hash(algorithm, `${input.method}:${input.uri}${entity}`);
  if (qop === undefined) return hash(algorithm, `${ha1}:${nonce}:${ha2}`);
  return hash(algorithm, `${ha1}:${nonce}:${input.nc}:${input.cnonce}:${qop}:${ha2}`);
}

/** `Digest name=value, name="value"` as a map of lower-case names; undefined for another scheme or a broken list. */
function parseAuth(value: string): Map<string, string> | undefined {
  const space = value.search(/[ \t]/);
  if (space < 0 || value.slice(0, space).toLowerCase() !== 'digest') return undefined;
  const params = new Map<string, string>();
  for (const item of splitOutside(value.slice(space), ',')) {
    if (item === '') continue;
    const equals = item.indexOf('=');
    const name = trimSpace(item.slice(0, Math.max(0, equals))).toLowerCase();
    const text = trimSpace(item.slice(equals + 1));
    if (equals < 0 || !isToken(name) || params.has(name)) return undefined;
    params.set(name, text.length > 1 && text.startsWith('"') && text.endsWith('"') ? unquote(text) : text);
  }
  return params;
}

function algorithmOf(params: Map<string, string>): DigestAlgorithm | undefined {
  const name = (params.get('algorithm') ?? 'MD5').toUpperCase();
  return name === 'MD5' || name === 'SHA-256' || name === 'SHA-512-256' ? name : undefined;
}

/** Reads a WWW-Authenticate or Proxy-Authenticate value; undefined when malformed or of a kind we cannot answer. */
export function parseChallenge(value: string): DigestChallenge | undefined {
  const params = parseAuth(value);
  const realm = params?.get('realm');
  const nonce = params?.get('nonce');
  const algorithm = params && algorithmOf(params);
  if (params === undefined || realm === undefined || nonce === undefined || algorithm === undefined) return undefined;
  let qop: DigestChallenge['qop'];
  const offered = params.get('qop');
  if (offered !== undefined) {
    const options = offered.split(',').map((option) => trimSpace(option).toLowerCase());
    if (options.includes('auth')) qop = 'auth';
    else if (options.includes('auth-int')) qop = 'auth-int';
    else return undefined;
  }
  return { realm, nonce, algorithm, opaque: params.get('opaque'), qop, stale: params.get('stale')?.toLowerCase() === 'true' };
}

/** Reads an Authorization or Proxy-Authorization value; undefined when malformed or of an algorithm we do not know. */
export function parseCredentials(value: string): DigestCredentials | undefined {
  const params = parseAuth(value);
  const algorithm = params && algorithmOf(params);
  if (params === undefined || algorithm === undefined) return undefined;
  const need = (name: string) => params.get(name);
  const [username, realm, nonce, uri, response] = ['username', 'realm', 'nonce', 'uri', 'response'].map(need);
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined || response === undefined) return undefined;
  const qopText = params.get('qop')?.toLowerCase();
  if (qopText !== undefined && qopText !== 'auth' && qopText !== 'auth-int') return undefined;
  const count = params.get('nc');
  const cnonce = params.get('cnonce');
  if (qopText !== undefined && (cnonce === undefined || count === undefined || !/^[0-9a-fA-F]{8}$/.test(count))) return undefined;
  return {
    username,
    realm,
    nonce,
    uri,
    response: response.toLowerCase(),
    algorithm,
    qop: qopText,
    cnonce,
    nc: qopText === undefined || count === undefined ? undefined : Number.parseInt(count, 16),
    opaque: params.get('opaque'),
  };
}

/** The topmost challenge that we can answer; a server lists the one it prefers first (RFC 8760 §2.3). */
export function chooseChallenge(values: readonly string[]): DigestChallenge | undefined {
  for (const value of values) {
    const challenge = parseChallenge(value);
    if (challenge) return challenge;
  }
  return undefined;
}

/** Writes a challenge. `domain` is not used in SIP. */
export function writeChallenge(challenge: DigestChallenge): string {
  const { realm, nonce, algorithm, opaque, qop, stale } = challenge;
  let out = `Digest realm=${quote(realm)}, nonce=${quote(nonce)}, algorithm=${algorithm}`;
  if (qop !== undefined) out += `, qop="${qop}"`;
  if (opaque !== undefined) out += `, opaque=${quote(opaque)}`;
  return stale ? `${out}, stale=true` : out;
}

export interface DigestAnswer {
  account: DigestAccount;
  method: string;
  /** The Request-URI as written in the request line. */
  uri: string;
  body: Uint8Array;
  /** A fresh unguessable text. */
  cnonce: string;
  /** How often this nonce has been used, this time included. */
  nc: number;
}

/** The Authorization value that answers a challenge; undefined when the account has no secret for its algorithm. */
export function answerChallenge(challenge: DigestChallenge, answer: DigestAnswer): string | undefined {
  const { realm, nonce, algorithm, qop, opaque } = challenge;
  const { account, method, uri, body, cnonce } = answer;
  const ha1 = 'password' in account ? ha1Of(algorithm, account.username, realm, account.password) : account.ha1(algorithm);
  if (ha1 === undefined) return undefined;
  const nc = answer.nc.toString(16).padStart(8, '0');
  const response = digestResponse({ algorithm, ha1, nonce, qop, nc, cnonce, method, uri, body });
  let out = `Digest username=${quote(account.username)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(uri)}`;
  out += `, response="${response}", algorithm=${algorithm}`;
  if (qop !== undefined) out += `, qop=${qop}, nc=${nc}, cnonce=${quote(cnonce)}`;
  return opaque === undefined ? out : `${out}, opaque=${quote(opaque)}`;
}

/**
 * Answers a 401 or 407: the header field to add to the request when it is sent again (with a new CSeq and branch, §22.2).
 * Undefined when there is nothing we can answer. `stale` in the result tells a nonce that grew old from a wrong secret.
 */
export function authorize(
  response: SipResponse,
  request: SipRequest,
  account: DigestAccount,
  random: Random,
  nc = 1,
): { header: SipHeader; challenge: DigestChallenge } | undefined {
  if (response.status !== 401 && response.status !== 407) return undefined;
  const [asks, answers] = response.status === 401 ? ['www-authenticate', 'authorization'] : ['proxy-authenticate', 'proxy-authorization'];
  const challenge = chooseChallenge(headerValues(response, asks));
  if (!challenge) return undefined;
  const cnonce = Buffer.from(random.bytes(12)).toString('base64url');
  const value = answerChallenge(challenge, { account, method: request.method, uri: request.uriText, body: request.body, cnonce, nc });
  return value === undefined ? undefined : { header: { name: answers, value }, challenge };
}

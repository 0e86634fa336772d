/** The challenging side of digest authentication: nonces that need no memory until they are used (RFC 7616 §3.3, §5.4). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { type DigestAlgorithm, type DigestCredentials, digestResponse, parseCredentials, writeChallenge } from './digest.ts';
import { headerValues } from './headers.ts';
import type { SipHeader, SipRequest } from './message.ts';
import { parseUri } from './uri.ts';

/** The stored HA1 of a user for an algorithm (lower-case hex); undefined when the user is unknown or has none. */
export type Ha1Lookup = (username: string, algorithm: DigestAlgorithm) => string | undefined;

/**
 * `none`: no credentials for our realm. `stale`: right, but its nonce is old or was used before: challenge again with
 * stale=true. `wrong`: anything else that does not prove the secret.
 */
export type DigestVerdict =
  | { outcome: 'ok'; username: string }
  | { outcome: 'none' }
  | { outcome: 'stale' | 'wrong' | 'unknown-user'; username: string };

export interface DigestServerOptions {
  clock: Clock;
  /** Must be unguessable in production. */
  random: Random;
  realm: string;
  /** In order of preference; one challenge each (RFC 8760 §2.4). */
  algorithms?: readonly DigestAlgorithm[];
  /** How long a nonce may be used. */
  nonceLifeMs?: number;
  /** Nonces in use that are remembered at once. */
  maxNonces?: number;
}

const MAC_BYTES = 16;
const NONCE_BYTES = 8 + 8 + MAC_BYTES;

/** Issues challenges and checks answers for one realm. */
export class DigestServer {
  readonly realm: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #nonceLifeMs: number;
  readonly #maxNonces: number;
  readonly #secret: Uint8Array;
  /** The highest nonce count seen of each nonce in use, in order of first use. */
  readonly #counts = new Map<string, { count: number; issuedAt: number }>();
  /** Nonces issued up to here count as old: some of them were forgotten to make room. */
  #forgottenUpTo = Number.NEGATIVE_INFINITY;

  constructor(options: DigestServerOptions) {
    this.realm = options.realm;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#algorithms = options.algorithms ?? ['SHA-256', 'MD5'];
    this.#nonceLifeMs = options.nonceLifeMs ?? 30_000;
    this.#maxNonces = options.maxNonces ?? 10_000;
    this.#secret = options.random.bytes(32);
  }

  /** The header fields of a 401 (or 407 with `name` `proxy-authenticate`). */
  challenge(options: { stale?: boolean; name?: 'www-authenticate' | 'proxy-authenticate' } = {}): SipHeader[] {
    const nonce = this.#makeNonce();
    const stale = options.stale ?? false;
    return this.#algorithms.map((algorithm) => ({
      name: options.name ?? 'www-authenticate',
      value: writeChallenge({ realm: this.realm, nonce, algorithm, opaque: undefined, qop: 'auth', stale }),
    }));
  }

  /** Checks a request's credentials for this realm. Looks at the secret first, so that only who knows it learns about nonces. */
  check(request: SipRequest, lookup: Ha1Lookup, name: 'authorization' | 'proxy-authorization' = 'authorization'): DigestVerdict {
    const credentials = headerValues(request, name)
      .map(parseCredentials)
      .find((item) => item?.realm === this.realm);
    if (!credentials) return { outcome: 'none' };
    const { username } = credentials;
    const ha1 = lookup(username, credentials.algorithm);
    if (ha1 === undefined) return { outcome: 'unknown-user', username };
    if (!this.#algorithms.includes(credentials.algorithm) || !signsTarget(credentials, request)) return { outcome: 'wrong', username };
    const expected = digestResponse({
      ...credentials,
      ha1,
      nc: (credentials.nc ?? 0).toString(16).padStart(8, '0'),
      cnonce: credentials.cnonce ?? '',
      method: request.method,
      body: request.body,
    });
    if (!sameText(expected, credentials.response)) return { outcome: 'wrong', username };
    return this.#useNonce(credentials.nonce, credentials.nc ?? 1) ? { outcome: 'ok', username } : { outcome: 'stale', username };
  }

  #mac(head: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update(head).digest().subarray(0, MAC_BYTES);
  }

  #makeNonce(): string {
    const head = Buffer.alloc(NONCE_BYTES - MAC_BYTES);
    head.writeDoubleBE(this.#clock.now(), 0);
    head.set(this.#random.bytes(8), 8);
    return Buffer.concat([head, this.#mac(head)]).toString('base64url');
  }

  /** The clock's time at which we issued a nonce; undefined when it is not ours. */
  #issuedAt(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== NONCE_BYTES) return undefined;
    const head = bytes.subarray(0, NONCE_BYTES - MAC_BYTES);
    return timingSafeEqual(bytes.subarray(NONCE_BYTES - MAC_BYTES), this.#mac(head)) ? head.readDoubleBE(0) : undefined;
  }

  /** False for a nonce that is not ours, old, or used with this count already (a replay). */
  #useNonce(nonce: string, count: number): boolean {
    const issuedAt = this.#issuedAt(nonce);
    const now = this.#clock.now();
    if (issuedAt === undefined || now - issuedAt > this.#nonceLifeMs) return false;
    // base64url has several spellings of its last character: the count belongs to the bytes.
    const key = Buffer.from(nonce, 'base64url').toString('base64url');
    const used = this.#counts.get(key);
    if (used !== undefined) {
      if (count <= used.count) return false;
      used.count = count;
      return true;
    }
    if (issuedAt <= this.#forgottenUpTo) return false;
    this.#makeRoom(now);
    this.#counts.set(key, { count, issuedAt });
    return true;
  }

  #makeRoom(now: number): void {
    for (const [nonce, { issuedAt }] of this.#counts) {
      const old = now - issuedAt > this.#nonceLifeMs;
      if (!old && this.#counts.size < this.#maxNonces) return;
      if (!old) this.#forgottenUpTo = Math.max(this.#forgottenUpTo, issuedAt);
      this.#counts.delete(nonce);
    }
  }
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a, 'utf8');
  const right = Buffer.from(b, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * True when what was signed is what is dialled. The user part decides: a proxy on the way may rewrite the host of the
 * Request-URI (§16.6), but who signed a call to one number must not be made to call another.
 */
function signsTarget(credentials: DigestCredentials, request: SipRequest): boolean {
  if (credentials.uri === request.uriText) return true;
  const signed = parseUri(credentials.uri);
  return signed !== undefined && request.uri !== undefined && signed.user === request.uri.user;
}

/**
 * Who is asking: an API key (`Authorization: Bearer`) or the console's session cookie. Keys are stored as SHA-256;
 * sessions are signed, name the key they came from and die with it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import '@fastify/cookie';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';

/** A key that was recognised. `businessId` is undefined for the admin key, which may act for every business. */
export interface Principal {
  keyId: string;
  businessId: string | undefined;
  scopes: readonly string[];
}

/** Looks a key up by its secret or its id; implemented over the store. */
export interface KeyRing {
  byKey(key: string): Promise<Principal | undefined>;
  byId(keyId: string): Promise<Principal | undefined>;
  /** The business an admin acts for when it names none. */
  firstBusinessId(): Promise<string | undefined>;
  hasBusiness(businessId: string): Promise<boolean>;
}

export const SESSION_COOKIE = 'tandem_session';
const SESSION_MS = 12 * 3_600_000;

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
    /** The business this request is about; every query is filtered by it. */
    businessId: string;
  }
}

/** Makes and checks session values: `<keyId>.<expiry>.<HMAC-SHA256>`. */
export class Sessions {
  #secret: Uint8Array;
  #clock: Clock;

  constructor(secret: Uint8Array, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  issue(keyId: string): { value: string; maxAgeSeconds: number } {
    const body = `${keyId}.${this.#clock.wall() + SESSION_MS}`;
    return { value: `${body}.${this.#sign(body)}`, maxAgeSeconds: SESSION_MS / 1000 };
  }

  /** The key's id, or undefined when forged or expired. */
  verify(value: string): string | undefined {
    const [keyId, expiry, signature] = value.split('.');
    if (!keyId || !expiry || !signature) return undefined;
    const expected = Buffer.from(this.#sign(`${keyId}.${expiry}`));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    return Number(expiry) > this.#clock.wall() ? keyId : undefined;
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#secret).update(body).digest('base64url');
  }
}

export interface AuthOptions {
  keys: KeyRing;
  sessions: Sessions;
}

/** Resolves a bearer key or a session; undefined when there is none or it is not valid. */
export async function authenticate(
  { keys, sessions }: AuthOptions,
  credentials: { authorization?: string; session?: string },
): Promise<Principal | undefined> {
  const bearer = /^Bearer\s+(\S{1,200})$/i.exec(credentials.authorization ?? '')?.[1];
  if (bearer) return keys.byKey(bearer);
  const keyId = credentials.session && sessions.verify(credentials.session);
  return keyId ? keys.byId(keyId) : undefined;
}

/** True when a browser sent this from our own pages; requests without an Origin are not a browser's cross-site ones. */
function sameOrigin(request: FastifyRequest): boolean {
  const origin = request.headers.origin;
  if (!origin) return true;
  return URL.parse(origin)?.host === request.headers.host;
}

/** Guards every route registered on `app` after it. */
export function installAuth(app: FastifyInstance, options: AuthOptions): void {
  app.decorateRequest('principal');
  app.decorateRequest('businessId', '');
  app.addHook('onRequest', async (request) => {
    const session = request.cookies[SESSION_COOKIE];
    const principal = await authenticate(options, { authorization: request.headers.authorization, session });
    if (!principal) throw new TandemError('unauthenticated');
    const bySession = !request.headers.authorization;
    if (bySession && request.method !== 'GET' && request.method !== 'HEAD' && !sameOrigin(request)) throw new TandemError('forbidden');
    if (request.method !== 'GET' && request.method !== 'HEAD' && !principal.scopes.includes('write')) throw new TandemError('forbidden');
    request.principal = principal;
    request.businessId = await businessOf(options.keys, principal, request.headers['tandem-business']);
  });
}

/** An admin names the business in `Tandem-Business`; every other key has its own and may name no other. */
export async function businessOf(keys: KeyRing, principal: Principal, named: string | string[] | undefined): Promise<string> {
  const wanted = typeof named === 'string' && named !== '' ? named : undefined;
  if (principal.businessId !== undefined) {
    if (wanted !== undefined && wanted !== principal.businessId) throw new TandemError('not-found', 'There is no such business');
    return principal.businessId;
  }
  if (wanted === undefined) return (await keys.firstBusinessId()) ?? '';
  if (!(await keys.hasBusiness(wanted))) throw new TandemError('not-found', 'There is no such business');
  return wanted;
}

/** Who is asking: an API key (`Authorization: Bearer`, kept as SHA-256) or the console's session cookie. */
import '@fastify/cookie';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TandemError } from '#kit/errors.ts';
import type { Sessions } from './sessions.ts';

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

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
    /** The business this request is about; every query is filtered by it. */
    businessId: string;
  }
  interface FastifyContextConfig {
    /** Changes nothing, whatever its method: the scope `read` is enough. */
    onlyReads?: boolean;
  }
}

export interface AuthOptions {
  keys: KeyRing;
  sessions: Sessions;
  /** Where browsers reach the console. */
  publicUrl: string;
}

/** Resolves a bearer key or a session; undefined when there is none or it is not valid. */
export async function authenticate(
  { keys, sessions }: Pick<AuthOptions, 'keys' | 'sessions'>,
  credentials: { authorization?: string; session?: string },
): Promise<Principal | undefined> {
  // A request that brings a key is judged by it alone, also when the key is wrong and a cookie would do.
  if (credentials.authorization !== undefined) {
    const bearer = /^Bearer +(\S{1,200})$/i.exec(credentials.authorization)?.[1];
    return bearer === undefined ? undefined : keys.byKey(bearer);
  }
  const keyId = credentials.session && sessions.verify(credentials.session);
  return keyId ? keys.byId(keyId) : undefined;
}

/** True when a browser sent this from our own pages; a request without an Origin is not a browser's cross-site one. */
export function isOurOrigin(headers: { origin?: string; host?: string }, publicUrl: string): boolean {
  if (!headers.origin) return true;
  const from = URL.parse(headers.origin);
  return from !== null && (from.host === headers.host || from.origin === URL.parse(publicUrl)?.origin);
}

const isSafe = ({ method }: FastifyRequest) => method === 'GET' || method === 'HEAD';

/** Refuses a change that a browser sends from another site's page. Throws `forbidden`. */
export function refuseOtherOrigins(request: FastifyRequest, publicUrl: string): void {
  if (!isSafe(request) && !isOurOrigin(request.headers, publicUrl)) {
    throw new TandemError('forbidden', 'This request comes from a page of another site');
  }
}

/**
 * Guards every route registered on `app` after it: 401 without a key, 403 without the scope, and `businessId` filled in.
 * With `business` false a route is about businesses themselves and `businessId` stays empty.
 */
export function installAuth(app: FastifyInstance, options: AuthOptions, { business }: { business: boolean }): void {
  app.decorateRequest('principal');
  app.decorateRequest('businessId', '');
  app.addHook('onRequest', async (request) => {
    const { authorization } = request.headers;
    const principal = await authenticate(options, { authorization, session: request.cookies[SESSION_COOKIE] });
    if (!principal) throw new TandemError('unauthenticated');
    if (authorization === undefined) refuseOtherOrigins(request, options.publicUrl);
    const scope = isSafe(request) || request.routeOptions.config.onlyReads === true ? 'read' : 'write';
    if (!principal.scopes.includes(scope)) throw new TandemError('forbidden', `This key lacks the scope ${scope}`);
    request.principal = principal;
    if (business) request.businessId = await businessOf(options.keys, principal, request.headers['tandem-business']);
  });
}

/** An admin names the business in `Tandem-Business`; every other key has its own and may name no other. Throws `not-found`. */
export async function businessOf(keys: KeyRing, principal: Principal, named: string | string[] | undefined): Promise<string> {
  const wanted = typeof named === 'string' && named !== '' ? named : undefined;
  if (principal.businessId !== undefined) {
    if (wanted !== undefined && wanted !== principal.businessId) throw new TandemError('not-found', 'There is no such business');
    return principal.businessId;
  }
  const id = wanted ?? (await keys.firstBusinessId());
  if (id === undefined) throw new TandemError('not-found', 'There is no business yet');
  if (wanted !== undefined && !(await keys.hasBusiness(wanted))) throw new TandemError('not-found', 'There is no such business');
  return id;
}

/** `/api/v1/session`: the console signs in with a key and gets a cookie. */
import '@fastify/cookie';
import { type Business } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import { type AuthOptions, authenticate, type Principal, refuseOtherOrigins, SESSION_COOKIE } from '../auth.ts';
import { shapes } from '../schemas.ts';

const session = z
  .object({ business: shapes.business.nullable(), businesses: z.array(shapes.business), permissions: z.array(z.string()) })
  .meta({ id: 'Session' });

const SIGN_INS_PER_MINUTE = 10;

export interface SessionOptions extends AuthOptions {
  businessesOf(principal: Principal): Promise<Business[]>;
}

export function sessionRoutes(plain: FastifyInstance, options: SessionOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['session'];
  const url = '/api/v1/session';
  const secure = options.publicUrl.startsWith('https:');
  const cookie = { path: '/', httpOnly: true, sameSite: 'strict', secure } as const;
  const describe = async (principal: Principal) => {
    const businesses = await options.businessesOf(principal);
    return { business: businesses[0] ?? null, businesses, permissions: [...principal.scopes] };
  };
  // Signing in or out from another site's page would put its visitor into a session he did not choose.
  const onRequest = async (request: Parameters<typeof refuseOtherOrigins>[0]) => refuseOtherOrigins(request, options.publicUrl);

  const signIn = {
    tags,
    summary: 'Sign in with an API key',
    security: [],
    body: z.object({ key: z.string().min(1).max(200) }).strict(),
    response: { 200: session },
  };
  const config = { rateLimit: { max: SIGN_INS_PER_MINUTE, timeWindow: '1 minute' } };
  app.post(url, { config, onRequest, schema: signIn }, async (request, reply) => {
    const principal = await authenticate(options, { authorization: `Bearer ${request.body.key}` });
    if (!principal) throw new TandemError('unauthenticated', 'This key is not known');
    const { value, maxAgeSeconds } = options.sessions.issue(principal.keyId);
    reply.setCookie(SESSION_COOKIE, value, { ...cookie, maxAge: maxAgeSeconds }).header('cache-control', 'no-store');
    return describe(principal);
  });

  app.get(url, { schema: { tags, summary: 'Who is signed in', response: { 200: session } } }, async (request, reply) => {
    const { authorization } = request.headers;
    const principal = await authenticate(options, { authorization, session: request.cookies[SESSION_COOKIE] });
    if (!principal) throw new TandemError('unauthenticated');
    reply.header('cache-control', 'no-store');
    return describe(principal);
  });

  const signOut = { tags, summary: 'Sign out', security: [], response: { 204: z.null().describe('Signed out') } };
  app.delete(url, { onRequest, schema: signOut }, async (request, reply) => {
    const value = request.cookies[SESSION_COOKIE];
    if (value !== undefined) options.sessions.revoke(value);
    reply.clearCookie(SESSION_COOKIE, cookie);
    return reply.code(204).send(null);
  });
}

/** `/api/v1/session`: the console signs in with a key and gets a cookie. */
import '@fastify/cookie';
import { type Business, business } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import { authenticate, type AuthOptions, type Principal, SESSION_COOKIE } from './auth.ts';

const session = z.object({ business: business.nullable(), businesses: z.array(business), permissions: z.array(z.string()) }).meta({ id: 'Session' });

export interface SessionOptions extends AuthOptions {
  businessesOf(principal: Principal): Promise<Business[]>;
  /** True when the console is reached over HTTPS. */
  secure: boolean;
}

export function sessionRoutes(plain: FastifyInstance, options: SessionOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const describe = async (principal: Principal) => {
    const businesses = await options.businessesOf(principal);
    return { business: businesses[0] ?? null, businesses, permissions: [...principal.scopes] };
  };
  const cookie = { path: '/', httpOnly: true, sameSite: 'strict', secure: options.secure } as const;

  app.post(
    '/api/v1/session',
    {
      config: { rateLimit: { max: 10, timeWindow: '1 minute' } },
      schema: { tags: ['session'], summary: 'Sign in with an API key', security: [], body: z.object({ key: z.string().max(200) }), response: { 200: session } },
    },
    async (request, reply) => {
      const principal = await authenticate(options, { authorization: `Bearer ${request.body.key}` });
      if (!principal) throw new TandemError('unauthenticated', 'This key is not known');
      const { value, maxAgeSeconds } = options.sessions.issue(principal.keyId);
      reply.setCookie(SESSION_COOKIE, value, { ...cookie, maxAge: maxAgeSeconds });
      return describe(principal);
    },
  );

  app.get('/api/v1/session', { schema: { tags: ['session'], summary: 'Who is signed in', response: { 200: session } } }, async (request) => {
    const principal = await authenticate(options, { authorization: request.headers.authorization, session: request.cookies[SESSION_COOKIE] });
    if (!principal) throw new TandemError('unauthenticated');
    return describe(principal);
  });

  app.delete('/api/v1/session', { schema: { tags: ['session'], summary: 'Sign out', response: { 204: z.null() } } }, async (_request, reply) => {
    reply.clearCookie(SESSION_COOKIE, cookie);
    return reply.code(204).send(null);
  });
}

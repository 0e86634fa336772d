/** `/api/v1/businesses`: the admin key makes and sees all of them, any other key only its own. */
import { type Business, business, businessInput, page, pageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { createBusiness, deleteBusiness, listBusinesses, readBusiness, updateBusiness } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import type { Principal } from '../auth.ts';
import type { StoredKeyRing } from '../key-ring.ts';

export interface BusinessOptions {
  database: Database;
  kit: Kit;
  keys: StoredKeyRing;
  changed: (businessId: string) => void;
}

const idParams = z.object({ id: z.string().max(64) });

/** Oldest first, so that the first is the one a console opens with. */
export async function businessesOf(database: Database, principal: Principal): Promise<Business[]> {
  const { items } = await listBusinesses(database, { limit: 200 }, principal.businessId);
  return items.toReversed();
}

export function businessRoutes(plain: FastifyInstance, { database, kit, keys, changed }: BusinessOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['businesses'];
  const item = business.meta({ id: 'Business' });
  const adminOnly = (principal: Principal) => {
    if (principal.businessId !== undefined) throw new TandemError('forbidden', 'Only the admin key may do that');
  };
  /** Another business is not forbidden but unknown. */
  const visible = (principal: Principal, id: string) => {
    if (principal.businessId !== undefined && principal.businessId !== id) throw new TandemError('not-found');
  };

  app.get('/api/v1/businesses', { schema: { tags, summary: 'List businesses', querystring: pageQuery, response: { 200: page(item) } } }, (request) =>
    listBusinesses(database, request.query, request.principal.businessId),
  );
  app.post('/api/v1/businesses', { schema: { tags, summary: 'Create a business', body: businessInput.strict(), response: { 201: item } } }, async (request, reply) => {
    adminOnly(request.principal);
    const made = await createBusiness(database, kit, request.body);
    keys.forgetBusinesses();
    changed(made.id);
    return reply.code(201).send(made);
  });
  app.get('/api/v1/businesses/:id', { schema: { tags, summary: 'Read a business', params: idParams, response: { 200: item } } }, (request) => {
    visible(request.principal, request.params.id);
    return readBusiness(database, request.params.id);
  });
  app.patch(
    '/api/v1/businesses/:id',
    { schema: { tags, summary: 'Edit a business', params: idParams, body: z.object({ name: businessInput.shape.name, language: z.string(), timeZone: z.string() }).partial().strict(), response: { 200: item } } },
    async (request) => {
      visible(request.principal, request.params.id);
      const made = await updateBusiness(database, request.params.id, request.body);
      changed(made.id);
      return made;
    },
  );
  app.delete('/api/v1/businesses/:id', { schema: { tags, summary: 'Delete a business and everything it owns', params: idParams, response: { 204: z.null() } } }, async (request, reply) => {
    adminOnly(request.principal);
    await deleteBusiness(database, request.params.id);
    keys.forgetBusinesses();
    changed(request.params.id);
    return reply.code(204).send(null);
  });
}

/** `/api/v1/businesses`: the admin key makes and sees all of them, any other key only its own. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { businessInput, page, pageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { createBusiness, deleteBusiness, listBusinesses, readBusiness, updateBusiness } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import type { Principal } from '../auth.ts';
import type { StoredKeyRing } from '../key-ring.ts';
import { partialOf } from '../resource.ts';
import { idParams, shapes } from '../schemas.ts';

export interface BusinessOptions {
  database: Database;
  kit: Kit;
  keys: StoredKeyRing;
  changed: (businessId: string) => void;
  recordingsFolder: string;
}

function adminOnly(principal: Principal): void {
  if (principal.businessId !== undefined) throw new TandemError('forbidden', 'Only the admin key may do that');
}

/** Another business is not forbidden but unknown. */
function mustSee(principal: Principal, id: string): void {
  if (principal.businessId !== undefined && principal.businessId !== id) throw new TandemError('not-found');
}

export function businessRoutes(plain: FastifyInstance, options: BusinessOptions): void {
  const { database, kit, keys, changed, recordingsFolder } = options;
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['businesses'];
  const path = '/api/v1/businesses';
  const response = { 200: shapes.business };

  const list = { tags, summary: 'List businesses, newest first', querystring: pageQuery, response: { 200: page(shapes.business) } };
  app.get(path, { schema: list }, (request) => listBusinesses(database, request.query, request.principal.businessId));

  const create = { tags, summary: 'Create a business', body: businessInput.strict(), response: { 201: shapes.business } };
  app.post(path, { schema: create }, async (request, reply) => {
    adminOnly(request.principal);
    const made = await createBusiness(database, kit, request.body);
    keys.forgetBusinesses();
    changed(made.id);
    return reply.code(201).send(made);
  });

  app.get(`${path}/:id`, { schema: { tags, summary: 'Read a business', params: idParams, response } }, async (request) => {
    mustSee(request.principal, request.params.id);
    return readBusiness(database, request.params.id);
  });

  const edit = { tags, summary: 'Edit a business', params: idParams, body: partialOf(businessInput), response };
  app.patch(`${path}/:id`, { schema: edit }, async (request) => {
    mustSee(request.principal, request.params.id);
    const made = await updateBusiness(database, request.params.id, request.body);
    changed(made.id);
    return made;
  });

  const gone = z.null().describe('Deleted');
  const remove = { tags, summary: 'Delete a business and everything it owns', params: idParams, response: { 204: gone } };
  app.delete(`${path}/:id`, { schema: remove }, async (request, reply) => {
    adminOnly(request.principal);
    const { id } = await readBusiness(database, request.params.id);
    await deleteBusiness(database, id);
    keys.forgetBusinesses();
    changed(id);
    await rm(join(recordingsFolder, id), { recursive: true, force: true }).catch((error: unknown) =>
      kit.log.error({ error, businessId: id }, 'recordings of a deleted business are left'),
    );
    return reply.code(204).send(null);
  });
}

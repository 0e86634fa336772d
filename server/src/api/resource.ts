/** The five routes that assistants, numbers, documents, questions and trunks all have: list, create, read, edit, delete. */
import { page, type Page, pageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

export interface PageRequest {
  cursor?: string;
  limit: number;
}

/** A kind of thing a business owns. Every method is told the business and sees nothing of any other. */
export interface Resource<Item, Detail, Input> {
  /** Plural, as in the path: `assistants`. */
  name: string;
  /** Singular, for texts: `assistant`. */
  noun: string;
  item: z.ZodType<Item>;
  detail: z.ZodType<Detail>;
  input: z.ZodObject;
  list(businessId: string, page: PageRequest): Promise<Page<Item>>;
  read(businessId: string, id: string): Promise<Detail>;
  create(businessId: string, input: Input): Promise<Detail>;
  update(businessId: string, id: string, change: Partial<Input>): Promise<Detail>;
  remove(businessId: string, id: string): Promise<void>;
  /** Told after every change, so that the next call knows. */
  changed(businessId: string): void;
}

const idParams = z.object({ id: z.string().max(64) });
type Id = z.infer<typeof idParams>;

/** Absent fields of an edit stay as they are: defaults of the input schema must not fill them in. */
function partialOf(input: z.ZodObject): z.ZodObject {
  const shape = Object.fromEntries(
    Object.entries(input.shape).map(([key, field]) => [key, (field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : (field as z.ZodType)).optional()]),
  );
  return z.object(shape).strict();
}

export function resourceRoutes<Item, Detail, Input>(app: FastifyInstance, resource: Resource<Item, Detail, Input>): void {
  const { name, noun } = resource;
  const tags = [name];
  const path = `/api/v1/${name}`;

  app.get<{ Querystring: PageRequest }>(path, { schema: { tags, summary: `List ${name}`, querystring: pageQuery, response: { 200: page(resource.item) } } }, (request) =>
    resource.list(request.businessId, request.query),
  );

  app.post<{ Body: Input }>(path, { schema: { tags, summary: `Create a ${noun}`, body: resource.input.strict(), response: { 201: resource.detail } } }, async (request, reply) => {
    const made = await resource.create(request.businessId, request.body as Input);
    resource.changed(request.businessId);
    return reply.code(201).send(made);
  });

  app.get<{ Params: Id }>(`${path}/:id`, { schema: { tags, summary: `Read a ${noun}`, params: idParams, response: { 200: resource.detail } } }, (request) =>
    resource.read(request.businessId, request.params.id),
  );

  app.patch<{ Params: Id; Body: Partial<Input> }>(
    `${path}/:id`,
    { schema: { tags, summary: `Edit a ${noun}`, params: idParams, body: partialOf(resource.input), response: { 200: resource.detail } } },
    async (request) => {
      const made = await resource.update(request.businessId, request.params.id, request.body as Partial<Input>);
      resource.changed(request.businessId);
      return made;
    },
  );

  app.delete<{ Params: Id }>(`${path}/:id`, { schema: { tags, summary: `Delete a ${noun}`, params: idParams, response: { 204: z.null() } } }, async (request, reply) => {
    await resource.remove(request.businessId, request.params.id);
    resource.changed(request.businessId);
    return reply.code(204).send(null);
  });
}

/** The five routes that assistants, numbers, documents, questions, sources, trunks and tools all have: list, create, read, edit, delete. */
import { page, type Page, pageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idParams } from './schemas.ts';

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
  /** What makes one; the edit follows from it unless it has a shape of its own. */
  input: z.ZodObject | { create: z.ZodType; edit: z.ZodType };
  /** Largest request body in bytes; the server's own limit when absent. */
  mostBytes?: number;
  list(businessId: string, page: PageRequest): Promise<Page<Item>>;
  read(businessId: string, id: string): Promise<Detail>;
  /** Absent where a route of its own makes them. */
  create?(businessId: string, input: Input): Promise<Detail>;
  update(businessId: string, id: string, change: Partial<Input>): Promise<Detail>;
  remove(businessId: string, id: string): Promise<void>;
  /** Told after every change, so that the next call knows. */
  changed(businessId: string): void;
}

type Id = z.infer<typeof idParams>;

/**
 * The body of an edit: absent fields stay as they are (defaults of the input schema must not fill them in), and null
 * clears an optional one, as in RFC 7396. An object with defaults is edited field by field in the same way.
 */
export function partialOf(input: z.ZodObject): z.ZodObject {
  const fields = Object.entries(input.shape).map(([key, field]) => {
    if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault) {
      const inner = field.unwrap() as z.ZodType;
      return [key, (inner instanceof z.ZodObject ? partialOf(inner) : inner).optional()];
    }
    if (!(field instanceof z.ZodOptional)) return [key, (field as z.ZodType).optional()];
    const clearable = (field.unwrap() as z.ZodType).nullable().transform((value) => value ?? undefined);
    return [key, clearable.optional().describe(field.description ?? 'null clears it')];
  });
  return z.object(Object.fromEntries(fields) as z.ZodRawShape).strict();
}

export function resourceRoutes<Item, Detail, Input>(app: FastifyInstance, resource: Resource<Item, Detail, Input>): void {
  const { name, noun, item, detail } = resource;
  const tags = [name];
  const path = `/api/v1/${name}`;
  const bodyLimit = resource.mostBytes;
  const gone = z.null().describe('Deleted');
  const { input } = resource;
  const bodies = input instanceof z.ZodObject ? { create: input.strict(), edit: partialOf(input) } : input;

  const list = { tags, summary: `List ${name}, newest first`, querystring: pageQuery, response: { 200: page(item) } };
  app.get<{ Querystring: PageRequest }>(path, { schema: list }, (request) => resource.list(request.businessId, request.query));

  const make = resource.create?.bind(resource);
  if (make) {
    const create = { tags, summary: `Create: ${noun}`, body: bodies.create, response: { 201: detail } };
    app.post<{ Body: Input }>(path, { bodyLimit, schema: create }, async (request, reply) => {
      const made = await make(request.businessId, request.body as Input);
      resource.changed(request.businessId);
      return reply.code(201).send(made);
    });
  }

  const read = { tags, summary: `Read one: ${noun}`, params: idParams, response: { 200: detail } };
  app.get<{ Params: Id }>(`${path}/:id`, { schema: read }, (request) => resource.read(request.businessId, request.params.id));

  const edit = { tags, summary: `Edit: ${noun}`, params: idParams, body: bodies.edit, response: { 200: detail } };
  app.patch<{ Params: Id; Body: Partial<Input> }>(`${path}/:id`, { bodyLimit, schema: edit }, async (request) => {
    const made = await resource.update(request.businessId, request.params.id, request.body as Partial<Input>);
    resource.changed(request.businessId);
    return made;
  });

  const remove = { tags, summary: `Delete: ${noun}`, params: idParams, response: { 204: gone } };
  app.delete<{ Params: Id }>(`${path}/:id`, { schema: remove }, async (request, reply) => {
    await resource.remove(request.businessId, request.params.id);
    resource.changed(request.businessId);
    return reply.code(204).send(null);
  });
}

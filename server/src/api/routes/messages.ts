/** `/api/v1/messages` and `/api/v1/callbacks`: what callers left for people, and whether somebody has dealt with it. */
import { page, pageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import { listCallbacks, listMessages, markCallback, markMessage, readCallback, readMessage } from '#store/messages.ts';
import { idParams, shapes } from '../schemas.ts';

export interface MessageOptions {
  database: Database;
  kit: Kit;
}

const leftQuery = pageQuery.extend({ state: z.enum(['open', 'done']).optional().describe('still to be dealt with, or done') });
const mark = z.object({ done: z.boolean().optional().describe('true: somebody has dealt with it; false: open again') }).strict();

export function messageRoutes(plain: FastifyInstance, { database, kit }: MessageOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  const messages = { tags: ['messages'], params: idParams, response: { 200: shapes.message } };
  const messageList = {
    tags: ['messages'],
    summary: 'List messages, newest first',
    querystring: leftQuery,
    response: { 200: page(shapes.message) },
  };
  app.get('/api/v1/messages', { schema: messageList }, (request) => listMessages(database, request.businessId, request.query));
  app.get('/api/v1/messages/:id', { schema: { ...messages, summary: 'Read a message' } }, (request) =>
    readMessage(database, request.businessId, request.params.id),
  );
  app.patch('/api/v1/messages/:id', { schema: { ...messages, summary: 'Mark a message as done', body: mark } }, (request) => {
    const { params, body, businessId } = request;
    if (body.done === undefined) return readMessage(database, businessId, params.id);
    return markMessage(database, kit, businessId, params.id, body.done);
  });

  const callbacks = { tags: ['callbacks'], params: idParams, response: { 200: shapes.callback } };
  const callbackList = {
    tags: ['callbacks'],
    summary: 'List callbacks, newest first',
    querystring: leftQuery,
    response: { 200: page(shapes.callback) },
  };
  app.get('/api/v1/callbacks', { schema: callbackList }, (request) => listCallbacks(database, request.businessId, request.query));
  app.get('/api/v1/callbacks/:id', { schema: { ...callbacks, summary: 'Read a callback' } }, (request) =>
    readCallback(database, request.businessId, request.params.id),
  );
  app.patch('/api/v1/callbacks/:id', { schema: { ...callbacks, summary: 'Mark a callback as done', body: mark } }, (request) => {
    const { params, body, businessId } = request;
    if (body.done === undefined) return readCallback(database, businessId, params.id);
    return markCallback(database, kit, businessId, params.id, body.done);
  });
}

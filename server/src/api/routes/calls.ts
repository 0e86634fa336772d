/** `/api/v1/calls`: the list, one call, its events, words, turns and sound; placing and ending one. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { call, callEvent, callInput, callQuery, callTurn, page, transcriptLine } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { recordingPath } from '#calls/recording.ts';
import { TandemError } from '#kit/errors.ts';
import { readCallEvents } from '#store/call-events.ts';
import { listCalls, readCall, readTranscript, readTurns } from '#store/calls.ts';
import type { Database } from '#store/database.ts';
import type { CallThread } from '../call-thread-client.ts';
import { readRange } from '../range.ts';

export interface CallOptions {
  database: Database;
  callThread: CallThread;
  recordingsFolder: string;
}

const idParams = z.object({ id: z.string().regex(/^[a-z0-9_]{1,64}$/) });

export function callRoutes(plain: FastifyInstance, { database, callThread, recordingsFolder }: CallOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['calls'];

  app.get('/api/v1/calls', { schema: { tags, summary: 'List calls, newest first', querystring: callQuery, response: { 200: page(call.meta({ id: 'Call' })) } } }, (request) =>
    listCalls(database, request.businessId, request.query),
  );

  app.post(
    '/api/v1/calls',
    { schema: { tags, summary: 'Place a call', body: callInput.strict(), response: { 202: z.object({ id: z.string() }) } } },
    async (request, reply) => {
      const { to, assistantId, gateway } = request.body;
      const { callId } = await callThread.command('place-call', { businessId: request.businessId, assistantId, to, gateway });
      return reply.code(202).send({ id: callId });
    },
  );

  app.get('/api/v1/calls/:id', { schema: { tags, summary: 'Read a call', params: idParams, response: { 200: call } } }, (request) =>
    readCall(database, request.businessId, request.params.id),
  );

  app.post('/api/v1/calls/:id/hang-up', { schema: { tags, summary: 'End a live call', params: idParams, response: { 204: z.null() } } }, async (request, reply) => {
    const { found } = await callThread.command('hang-up', { businessId: request.businessId, callId: request.params.id });
    if (!found) {
      await readCall(database, request.businessId, request.params.id);
      throw new TandemError('call-ended');
    }
    return reply.code(204).send(null);
  });

  app.get(
    '/api/v1/calls/:id/events',
    {
      schema: {
        tags,
        summary: 'Every event of a call, in order',
        params: idParams,
        querystring: z.object({ after: z.coerce.number().int().min(-1).default(-1), limit: z.coerce.number().int().min(1).max(1000).default(1000) }),
        response: { 200: z.object({ items: z.array(callEvent), nextAfter: z.number().optional() }) },
      },
    },
    async (request) => {
      const { after, limit } = request.query;
      const items = await readCallEvents(database, request.businessId, request.params.id, { afterSeq: after, limit });
      const last = items.at(-1);
      return { items, ...(last && items.length === limit ? { nextAfter: last.seq } : {}) };
    },
  );

  app.get(
    '/api/v1/calls/:id/transcript',
    { schema: { tags, summary: 'What each party heard, in order', params: idParams, response: { 200: z.object({ items: z.array(transcriptLine) }) } } },
    async (request) => ({ items: await readTranscript(database, request.businessId, request.params.id) }),
  );

  app.get(
    '/api/v1/calls/:id/turns',
    { schema: { tags, summary: 'The latency of every turn, stage by stage', params: idParams, response: { 200: z.object({ items: z.array(callTurn) }) } } },
    async (request) => ({ items: await readTurns(database, request.businessId, request.params.id) }),
  );

  app.get('/api/v1/calls/:id/recording', { schema: { tags, summary: 'Stereo sound, caller left, assistant right (WAV, µ-law, 8 kHz); ranges are served', params: idParams } }, async (request, reply) => {
    const { hasRecording } = await readCall(database, request.businessId, request.params.id);
    const path = recordingPath(recordingsFolder, request.businessId, request.params.id);
    const size = hasRecording ? await stat(path).then((found) => found.size, () => 0) : 0;
    if (size === 0) throw new TandemError('not-found', 'This call was not recorded');
    const range = readRange(request.headers.range, size);
    reply.header('accept-ranges', 'bytes').header('cache-control', 'private, no-store').type('audio/wav');
    if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${size}`).send();
    const { first, last } = range ?? { first: 0, last: size - 1 };
    reply.header('content-length', last - first + 1);
    if (range) reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`);
    return reply.send(createReadStream(path, { start: first, end: last }));
  });
}

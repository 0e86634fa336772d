/** `/api/v1/calls`: the list, one call, its events, words and turns; placing and ending one. */
import { type CallExplanation, callInput, callQuery, page, type Page, pageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { explainCall } from '#calls/explain/explain.ts';
import { TandemError } from '#kit/errors.ts';
import { readCallEvents } from '#store/call-events.ts';
import { listCalls, readCall, readTranscript, readTurns } from '#store/calls.ts';
import type { Database } from '#store/database.ts';
import { readPlace, writePlace } from '#store/page.ts';
import type { CallThread } from '../call-thread-client.ts';
import { idParams, shapes } from '../schemas.ts';

export interface CallOptions {
  database: Database;
  callThread: CallThread;
}

const MOST_EVENTS = 1_000;
/** Lines or turns: more than an hour of a call. */
const MOST_PARTS = 1_000;
/** Events that an explanation is made of: more than three hours of a call. */
const MOST_EXPLAINED = 20_000;
const eventsQuery = z.object({
  after: z.coerce.number().int().min(-1).max(2_147_483_647).default(-1).describe('seq of the last event known'),
  limit: z.coerce.number().int().min(1).max(MOST_EVENTS).default(MOST_EVENTS),
});
const partQuery = pageQuery.extend({ limit: z.coerce.number().int().min(1).max(MOST_PARTS).default(MOST_PARTS) });
const turnsQuery = partQuery.extend({
  causes: z.stringbool().default(false).describe('add what was bad about each turn, and why'),
});
const eventsPage = z.object({
  items: z.array(shapes.callEvent),
  nextAfter: z.number().int().optional().describe('`after` of the next page; absent on the last'),
});

export function callRoutes(plain: FastifyInstance, { database, callThread }: CallOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['calls'];
  const path = '/api/v1/calls';
  const params = idParams;

  const list = { tags, summary: 'List calls, newest first', querystring: callQuery, response: { 200: page(shapes.call) } };
  app.get(path, { schema: list }, (request) => listCalls(database, request.businessId, request.query));

  const accepted = z.object({ id: z.string() }).describe('It is being placed; its row appears once it rings');
  const place = { tags, summary: 'Place a call', body: callInput.strict(), response: { 202: accepted } };
  app.post(path, { schema: place }, async (request, reply) => {
    const { to, assistantId, gateway } = request.body;
    const { callId } = await callThread.command('place-call', { businessId: request.businessId, assistantId, to, gateway });
    return reply.code(202).send({ id: callId });
  });

  app.get(`${path}/:id`, { schema: { tags, summary: 'Read a call', params, response: { 200: shapes.call } } }, (request) =>
    readCall(database, request.businessId, request.params.id),
  );

  const ended = z.null().describe('It is ending');
  const hangUp = { tags, summary: 'End a live call', params, response: { 204: ended } };
  app.post(`${path}/:id/hang-up`, { schema: hangUp }, async (request, reply) => {
    const { found } = await callThread.command('hang-up', { businessId: request.businessId, callId: request.params.id });
    if (!found) {
      await readCall(database, request.businessId, request.params.id);
      throw new TandemError('call-ended');
    }
    return reply.code(204).send(null);
  });

  const events = { tags, summary: 'Every event of a call, in order', params, querystring: eventsQuery, response: { 200: eventsPage } };
  app.get(`${path}/:id/events`, { schema: events }, async (request) => {
    const { after, limit } = request.query;
    // One more than asked tells whether another page follows.
    const found = await readCallEvents(database, request.businessId, request.params.id, { afterSeq: after, limit: limit + 1 });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, ...(last && found.length > limit && { nextAfter: last.seq }) };
  });

  const lines = { 200: page(shapes.transcriptLine) };
  const transcript = { tags, summary: 'What each party heard, in order', params, querystring: partQuery, response: lines };
  app.get(`${path}/:id/transcript`, { schema: transcript }, async (request) => {
    const { cursor, limit } = request.query;
    const [fromMs, seq] = cursor === undefined ? [] : readPlace(cursor, 2);
    const after = fromMs === undefined || seq === undefined ? undefined : { fromMs, seq };
    const found = await readTranscript(database, request.businessId, request.params.id, { after, limit: limit + 1 });
    return pageOfParts(found, limit, (line) => writePlace(line.fromMs, line.seq));
  });

  const rows = { 200: page(shapes.callTurn) };
  const turns = { tags, summary: 'The latency of every turn, stage by stage', params, querystring: turnsQuery, response: rows };
  app.get(`${path}/:id/turns`, { schema: turns }, async (request) => {
    const { cursor, limit, causes } = request.query;
    const { businessId, params } = request;
    const after = cursor === undefined ? undefined : readPlace(cursor, 1)[0];
    const found = await readTurns(database, businessId, params.id, { after, limit: limit + 1 });
    const page = pageOfParts(found, limit, ({ turn }) => writePlace(turn));
    if (!causes) return page;
    const { findings } = await explain(database, businessId, params.id);
    return { ...page, items: page.items.map((turn) => ({ ...turn, findings: findings.filter((finding) => finding.turn === turn.turn) })) };
  });

  const why = { tags, summary: 'Which turns were bad, and why', params, response: { 200: shapes.callExplanation } };
  app.get(`${path}/:id/explanation`, { schema: why }, (request) => explain(database, request.businessId, request.params.id));
}

/** One query. A call of more events than are read is explained as far as they go. */
async function explain(database: Database, businessId: string, callId: string): Promise<CallExplanation> {
  const events = await readCallEvents(database, businessId, callId, { limit: MOST_EXPLAINED + 1 });
  const explanation = explainCall(events.slice(0, MOST_EXPLAINED));
  return { ...explanation, callId, ...(events.length > MOST_EXPLAINED && { partial: true }) };
}

/** One more than asked tells whether another page follows. */
function pageOfParts<Part>(found: readonly Part[], limit: number, place: (part: Part) => string): Page<Part> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(last !== undefined && found.length > limit && { nextCursor: place(last) }) };
}

/** `/api/v1/reports/latency` and `/api/v1/usage`: how long callers waited, and what it cost, over a range of time. */
import { latencyQuery, usageQuery } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import { MOST_TURNS, type ReportRange, reportLatency, reportUsage } from '#store/reports.ts';
import { shapes } from '../schemas.ts';

export interface ReportOptions {
  database: Database;
  kit: Kit;
}

const DAY_MS = 86_400_000;
const USUAL_DAYS = 7;
const MOST_DAYS = 93;
const RANGE = `The last ${USUAL_DAYS} days unless \`from\` and \`to\` say otherwise; at most ${MOST_DAYS} days.`;

/** RFC 3339 with its offset; `2026-03-01` is midnight UTC. */
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

function instantOf(path: 'from' | 'to', text: string): Date {
  const at = new Date(text);
  if (!INSTANT.test(text) || Number.isNaN(at.getTime()))
    throw new TandemError('invalid-input', 'is not a time such as 2026-03-01T09:00:00Z', { path });
  return at;
}

/** Throws `invalid-input`. */
export function rangeOf(query: { from?: string; to?: string; assistantId?: string }, now: number): ReportRange {
  const to = query.to === undefined ? new Date(now) : instantOf('to', query.to);
  const from = query.from === undefined ? new Date(to.getTime() - USUAL_DAYS * DAY_MS) : instantOf('from', query.from);
  if (from >= to) throw new TandemError('invalid-input', 'must be before `to`', { path: 'from' });
  if (to.getTime() - from.getTime() > MOST_DAYS * DAY_MS)
    throw new TandemError('invalid-input', `is more than ${MOST_DAYS} days before \`to\``, { path: 'from' });
  return { from, to, assistantId: query.assistantId };
}

export function reportRoutes(plain: FastifyInstance, { database, kit }: ReportOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  const latency = {
    tags: ['reports'],
    summary: 'How long callers waited, stage by stage, as percentiles',
    description: `${RANGE} Of the newest ${MOST_TURNS} turns in it. A stage is one part of the wait; \`total\` is all of it. By provider, a turn counts for each that took part in it.`,
    querystring: latencyQuery,
    response: { 200: shapes.latencyReport },
  };
  app.get('/api/v1/reports/latency', { schema: latency }, (request) =>
    reportLatency(database, request.businessId, rangeOf(request.query, kit.clock.wall()), request.query.by),
  );

  const usage = {
    tags: ['usage'],
    summary: 'What was used and what it cost, by provider and by day',
    description: `${RANGE} Days are those of the business's time zone. Costs follow the price table; they are not a bill.`,
    querystring: usageQuery,
    response: { 200: shapes.usageReport },
  };
  app.get('/api/v1/usage', { schema: usage }, (request) =>
    reportUsage(database, request.businessId, rangeOf(request.query, kit.clock.wall())),
  );
}

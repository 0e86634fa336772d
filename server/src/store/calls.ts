/** Named queries on calls: what the projection wrote. */
import type { Call, CallTurn, Page, TranscriptLine } from '@tandem/contract';
import { and, asc, eq, ilike, isNotNull, isNull, or } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { callbacks, callEvents, calls, callTurns, messages, transcriptLines } from './schema.ts';

export interface CallQuery extends PageQuery {
  state?: 'live' | 'ended' | undefined;
  assistantId?: string | undefined;
  gateway?: string | undefined;
  reason?: string | undefined;
  /** Part of the caller's or the called number. */
  search?: string | undefined;
}

type Row = typeof calls.$inferSelect;

/** The API's shape of a call row. */
export const toCall = (row: Omit<Row, 'providerCallId' | 'usage'>): Call => ({
  id: row.id,
  businessId: row.businessId,
  direction: row.direction,
  gateway: row.gateway,
  from: row.from,
  to: row.to,
  assistantId: row.assistantId,
  assistantName: row.assistantName,
  startedAt: rfc3339(row.startedAt.getTime()),
  answeredAt: row.answeredAt && rfc3339(row.answeredAt.getTime()),
  endedAt: row.endedAt && rfc3339(row.endedAt.getTime()),
  durationMs: row.durationMs,
  ending: row.endedBy === null ? null : ({ by: row.endedBy, reason: row.endedReason } as Call['ending']),
  turns: row.turns,
  hasRecording: row.hasRecording,
  summary: row.summary,
  voiceToVoiceP50Ms: row.voiceToVoiceP50Ms,
  costMicros: row.costMicros,
});

/** Newest first; one query. */
export async function listCalls(database: Database, businessId: string, query: CallQuery): Promise<Page<Call>> {
  const page = pageOf(query, calls.startedAt, calls.id);
  const part = query.search && `%${query.search.replace(/[\\%_]/g, '\\$&')}%`;
  const rows = await ask(
    database.drizzle
      .select()
      .from(calls)
      .where(
        and(
          eq(calls.businessId, businessId),
          query.state === 'live' ? isNull(calls.endedAt) : undefined,
          query.state === 'ended' ? isNotNull(calls.endedAt) : undefined,
          query.assistantId === undefined ? undefined : eq(calls.assistantId, query.assistantId),
          query.gateway === undefined ? undefined : eq(calls.gateway, query.gateway),
          query.reason === undefined ? undefined : eq(calls.endedReason, query.reason),
          part ? or(ilike(calls.from, part), ilike(calls.to, part)) : undefined,
          page.after,
        ),
      )
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.startedAt, toCall);
}

/** Throws `not-found`. */
export async function readCall(database: Database, businessId: string, id: string): Promise<Call> {
  const rows = await ask(
    database.drizzle
      .select()
      .from(calls)
      .where(and(eq(calls.businessId, businessId), eq(calls.id, id))),
  );
  return toCall(found(rows));
}

/** The lines in the order they were begun. Throws `not-found` when there is no such call. */
export async function readTranscript(database: Database, businessId: string, callId: string): Promise<TranscriptLine[]> {
  const rows = await ask(
    database.drizzle
      .select()
      .from(transcriptLines)
      .where(and(eq(transcriptLines.businessId, businessId), eq(transcriptLines.callId, callId)))
      .orderBy(asc(transcriptLines.fromMs), asc(transcriptLines.seq)),
  );
  if (rows.length === 0) await readCall(database, businessId, callId);
  return rows.map(({ turn, party, text, fromMs, toMs, words, interrupted, confidence }) => ({
    turn,
    party,
    text,
    fromMs,
    toMs,
    words,
    interrupted,
    ...(confidence !== null && { confidence }),
  }));
}

/** The turns in order. Throws `not-found` when there is no such call. */
export async function readTurns(database: Database, businessId: string, callId: string): Promise<CallTurn[]> {
  const rows = await ask(
    database.drizzle
      .select()
      .from(callTurns)
      .where(and(eq(callTurns.businessId, businessId), eq(callTurns.callId, callId)))
      .orderBy(asc(callTurns.turn)),
  );
  if (rows.length === 0) await readCall(database, businessId, callId);
  return rows.map(({ callId: _callId, businessId: _businessId, waterfall: _waterfall, ...turn }) => turn);
}

/** Erases a call with its events, turns, words and what the caller left (its recording is the caller's to delete). Throws `not-found`. */
export async function deleteCall(database: Database, businessId: string, id: string): Promise<void> {
  await ask(
    database.transaction(async (queries) => {
      const own = and(eq(calls.businessId, businessId), eq(calls.id, id));
      found(await queries.delete(calls).where(own).returning({ id: calls.id }));
      for (const table of [callEvents, callTurns, transcriptLines, messages, callbacks])
        await queries.delete(table).where(eq(table.callId, id));
    }),
  );
}

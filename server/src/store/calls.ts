/** Named queries on calls: what the projection wrote. */
import type { Call, CallTurn, Page, TranscriptLine } from '@tandem/contract';
import { and, asc, eq, gt, ilike, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm';
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
  /** Only calls with a slow turn. */
  slow?: boolean | undefined;
}

type Row = typeof calls.$inferSelect;

/** Characters of a piece of a number in the index. */
const GRAM = 3;

/** Of a call's parts read at once where nothing else is asked for. */
export const MOST_PARTS = 10_000;

/** The API's shape of a call row. */
export const toCall = (row: Omit<Row, 'providerCallId' | 'usage' | 'turnProblems'> & Partial<Pick<Row, 'turnProblems'>>): Call => ({
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
  turnProblems: row.turnProblems ?? null,
});

/** Newest first; one query. */
export async function listCalls(database: Database, businessId: string, query: CallQuery): Promise<Page<Call>> {
  const page = pageOf(query, calls.startedAt, calls.id);
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
          query.search ? withParty(query.search) : undefined,
          query.slow ? sql`${calls.turnProblems} ->> 'slow' is not null` : undefined,
          page.after,
        ),
      )
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.startedAt, toCall);
}

/**
 * Calls whose caller's or called number has this part. `party_grams` (every three characters in a row) are indexed for
 * calls that have ended; a shorter part is in so many numbers that a page of the newest is soon full.
 */
function withParty(part: string): SQL | undefined {
  const pattern = `%${part.replace(/[\\%_]/g, '\\$&')}%`;
  const exactly = or(ilike(calls.from, pattern), ilike(calls.to, pattern));
  if (part.length < GRAM) return exactly;
  const grams = sql`party_grams(${calls.from}, ${calls.to}) @> party_grams(${part}, '')`;
  return and(or(isNull(calls.endedAt), and(isNotNull(calls.endedAt), grams)), exactly);
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

/** A part of a call that may be long: what follows `after`, at most `limit`. */
export interface PartQuery<Place> {
  after?: Place | undefined;
  limit?: number;
}

export type StoredLine = TranscriptLine & { seq: number };

const oneCall = (businessId: string, callId: string) => and(eq(calls.businessId, businessId), eq(calls.id, callId));

/** The lines in the order they were begun; one query. Throws `not-found` when there is no such call. */
export async function readTranscript(
  database: Database,
  businessId: string,
  callId: string,
  { after, limit = MOST_PARTS }: PartQuery<{ fromMs: number; seq: number }> = {},
): Promise<StoredLine[]> {
  const { fromMs, seq } = transcriptLines;
  const later = after && sql`(${fromMs}, ${seq}) > (${after.fromMs}::float8, ${after.seq}::integer)`;
  const rows = await ask(
    database.drizzle
      .select({ line: transcriptLines })
      .from(calls)
      .leftJoin(transcriptLines, and(eq(transcriptLines.callId, calls.id), later))
      .where(oneCall(businessId, callId))
      .orderBy(asc(fromMs), asc(seq))
      .limit(limit),
  );
  return partsOf(rows.map(({ line }) => line)).map(({ callId: _callId, businessId: _businessId, confidence, ...line }) => ({
    ...line,
    ...(confidence !== null && { confidence }),
  }));
}

/** The turns in order; one query. Throws `not-found` when there is no such call. */
export async function readTurns(
  database: Database,
  businessId: string,
  callId: string,
  { after, limit = MOST_PARTS }: PartQuery<number> = {},
): Promise<CallTurn[]> {
  const later = after === undefined ? undefined : gt(callTurns.turn, after);
  const rows = await ask(
    database.drizzle
      .select({ turn: callTurns })
      .from(calls)
      .leftJoin(callTurns, and(eq(callTurns.callId, calls.id), later))
      .where(oneCall(businessId, callId))
      .orderBy(asc(callTurns.turn))
      .limit(limit),
  );
  return partsOf(rows.map(({ turn }) => turn)).map(({ callId: _callId, businessId: _businessId, waterfall: _waterfall, ...turn }) => turn);
}

/** A call without parts is one row of nulls; no call is no row. Throws `not-found`. */
export function partsOf<Part>(rows: readonly (Part | null)[]): Part[] {
  return found(rows.length === 0 ? [] : [rows]).filter((part) => part !== null);
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

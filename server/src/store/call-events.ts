/** Call events as rows: read for the API, written in batches from the journal. */
import type { CallEvent } from '@tandem/contract';
import { and, asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm';
import { MOST_PARTS, partsOf } from './calls.ts';
import { ask, type Database, type Queries } from './database.ts';
import type { RowChanges } from './projection.ts';
import { callEvents, calls, journalCursor } from './schema.ts';

/** A place in a journal: a segment's number and the byte after the last line read. */
export interface CursorPosition {
  segment: number;
  offset: number;
}

type Row = typeof callEvents.$inferSelect;

const toEvent = ({ body, ...head }: Row): CallEvent => ({ ...head, ...body }) as CallEvent;

/** Events after `afterSeq` in order, at most `limit`; one query. Throws `not-found` when there is no such call. */
export async function readCallEvents(
  database: Database,
  businessId: string,
  callId: string,
  { afterSeq = -1, limit = MOST_PARTS }: { afterSeq?: number; limit?: number } = {},
): Promise<CallEvent[]> {
  const rows = await ask(
    database.drizzle
      .select({ event: callEvents })
      .from(calls)
      .leftJoin(callEvents, and(eq(callEvents.callId, calls.id), gt(callEvents.seq, afterSeq)))
      .where(and(eq(calls.businessId, businessId), eq(calls.id, callId)))
      .orderBy(asc(callEvents.seq))
      .limit(limit),
  );
  return partsOf(rows.map(({ event }) => event)).map(toEvent);
}

/** All events of several calls, whatever their business: what the writer needs to go on where a process before it stopped. */
export async function readEventsOfCalls(database: Database, callIds: readonly string[]): Promise<CallEvent[]> {
  if (callIds.length === 0) return [];
  const rows = await ask(
    database.drizzle
      .select()
      .from(callEvents)
      .where(inArray(callEvents.callId, [...callIds]))
      .orderBy(asc(callEvents.callId), asc(callEvents.seq)),
  );
  return rows.map(toEvent);
}

/** How far a journal has been written; undefined when never. */
export async function readCursor(database: Database, journal: string): Promise<CursorPosition | undefined> {
  const rows = await ask(database.drizzle.select().from(journalCursor).where(eq(journalCursor.journal, journal)));
  return rows[0] && { segment: rows[0].segment, offset: rows[0].byteOffset };
}

/**
 * One batch: events, the rows they changed, and the cursor, all or nothing. Events that are there already stay. One
 * statement whatever changed: as nine, each with its question and answer, a batch cost the office's thread a quarter more.
 */
export async function writeBatch(
  queries: Queries,
  batch: { events: readonly CallEvent[]; rows: RowChanges; journal: string; position: CursorPosition; now: Date },
): Promise<void> {
  const { events, rows } = batch;
  const parts: SQL[] = [];
  if (events.length > 0) parts.push(sql`events as (${insertEvents(events)})`);
  if (rows.calls.length > 0) parts.push(sql`calls_now as (${upsertCalls(rows.calls)})`);
  if (rows.turns.length > 0) parts.push(sql`turns_now as (${upsertTurns(rows.turns)})`);
  if (rows.lines.length > 0) parts.push(sql`lines_now as (${upsertLines(rows.lines)})`);
  if (rows.messages.length > 0) parts.push(sql`messages_now as (${insertMessages(rows.messages)})`);
  if (rows.callbacks.length > 0) parts.push(sql`callbacks_now as (${insertCallbacks(rows.callbacks)})`);
  const before = parts.length > 0 ? sql`with ${sql.join(parts, sql`, `)} ` : sql``;
  await queries.execute(sql`${before}${moveCursor(batch)}`);
}

function moveCursor({ journal, position, now }: { journal: string; position: CursorPosition; now: Date }) {
  return sql`insert into journal_cursor (journal, segment, byte_offset, updated_at)
    values (${journal}, ${position.segment}::integer, ${position.offset}::bigint, ${now.toISOString()}::timestamptz)
    on conflict (journal) do update set segment = excluded.segment, byte_offset = excluded.byte_offset, updated_at = excluded.updated_at`;
}

// A batch is one JSON parameter per table, whatever its size: no limit on parameters, and the same prepared text.
function insertEvents(events: readonly CallEvent[]) {
  const parameter = events.map(({ businessId, callId, seq, at, type, ...body }) => ({
    business_id: businessId,
    call_id: callId,
    seq,
    at,
    type,
    body,
  }));
  return sql`insert into call_events (call_id, seq, business_id, type, at, body)
    select call_id, seq, business_id, type, at, body
    from json_to_recordset(${jsonText(parameter)}::json)
      as e (call_id text, seq integer, business_id text, type text, at float8, body jsonb)
    on conflict (call_id, seq) do nothing`;
}

function upsertCalls(calls: RowChanges['calls']) {
  return sql`insert into calls (id, business_id, direction, gateway, from_address, to_address, assistant_id, assistant_name,
      provider_call_id, started_at, answered_at, ended_at, duration_ms, ended_by, ended_reason, turns, has_recording, summary,
      voice_to_voice_p50_ms, cost_micros, usage)
    select * from json_to_recordset(${jsonText(calls)}::json)
      as c (id text, "businessId" text, direction text, gateway text, "from" text, "to" text, "assistantId" text,
        "assistantName" text, "providerCallId" text, "startedAt" timestamptz, "answeredAt" timestamptz, "endedAt" timestamptz,
        "durationMs" float8, "endedBy" text, "endedReason" text, turns integer, "hasRecording" boolean, summary text,
        "voiceToVoiceP50Ms" float8, "costMicros" float8, usage jsonb)
    on conflict (id) do update set assistant_id = excluded.assistant_id, assistant_name = excluded.assistant_name,
      direction = excluded.direction, gateway = excluded.gateway, from_address = excluded.from_address,
      to_address = excluded.to_address, provider_call_id = excluded.provider_call_id, started_at = excluded.started_at,
      answered_at = excluded.answered_at, ended_at = excluded.ended_at, duration_ms = excluded.duration_ms,
      ended_by = excluded.ended_by, ended_reason = excluded.ended_reason, turns = excluded.turns,
      has_recording = excluded.has_recording, summary = excluded.summary,
      voice_to_voice_p50_ms = excluded.voice_to_voice_p50_ms, cost_micros = excluded.cost_micros, usage = excluded.usage`;
}

function upsertTurns(turns: RowChanges['turns']) {
  return sql`insert into call_turns (call_id, turn, business_id, caller_text, assistant_text, interrupted, stages,
      voice_to_voice_ms, passages, usage, waterfall)
    select * from json_to_recordset(${jsonText(turns)}::json)
      as t ("callId" text, turn integer, "businessId" text, "callerText" text, "assistantText" text, interrupted boolean,
        stages jsonb, "voiceToVoiceMs" float8, passages jsonb, usage jsonb, waterfall jsonb)
    on conflict (call_id, turn) do update set caller_text = excluded.caller_text, assistant_text = excluded.assistant_text,
      interrupted = excluded.interrupted, stages = excluded.stages, voice_to_voice_ms = excluded.voice_to_voice_ms,
      passages = excluded.passages, usage = excluded.usage, waterfall = excluded.waterfall`;
}

function upsertLines(lines: RowChanges['lines']) {
  return sql`insert into transcript_lines (call_id, seq, business_id, turn, party, text, from_ms, to_ms, words, interrupted,
      confidence)
    select * from json_to_recordset(${jsonText(lines)}::json)
      as l ("callId" text, seq integer, "businessId" text, turn integer, party text, text text, "fromMs" float8, "toMs" float8,
        words jsonb, interrupted boolean, confidence float8)
    on conflict (call_id, seq) do update set text = excluded.text, to_ms = excluded.to_ms, words = excluded.words,
      interrupted = excluded.interrupted`;
}

// What is there stays: a person may have marked it as done.
function insertMessages(messages: RowChanges['messages']) {
  return sql`insert into messages (business_id, id, call_id, name, number, text, urgent, taken_at)
    select * from json_to_recordset(${jsonText(messages)}::json)
      as m ("businessId" text, id text, "callId" text, name text, number text, text text, urgent boolean, "takenAt" timestamptz)
    on conflict (business_id, id) do nothing`;
}

function insertCallbacks(callbacks: RowChanges['callbacks']) {
  return sql`insert into callbacks (business_id, id, call_id, name, number, wanted_when, reason, scheduled_at)
    select * from json_to_recordset(${jsonText(callbacks)}::json)
      as c ("businessId" text, id text, "callId" text, name text, number text, "when" text, reason text, "scheduledAt" timestamptz)
    on conflict (business_id, id) do nothing`;
}

/** What PostgreSQL's text cannot hold (NUL, lone surrogates) becomes U+FFFD: a caller may type anything. */
function jsonText(rows: unknown): string {
  const text = JSON.stringify(rows);
  if (!text.includes('\\u')) return text; // the search below is slow on a megabyte
  // JSON.stringify writes exactly these as escapes; an even run of backslashes before one is the text "\u0000" itself.
  return text.replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1\ufffd');
}

/** Named queries on what was bad about calls that have ended. */
import type { CallEvent, TurnProblems } from '@tandem/contract';
import { and, asc, desc, eq, gt, isNotNull, isNull, notInArray, sql } from 'drizzle-orm';
import { ask, type Database } from './database.ts';
import { callEvents, calls } from './schema.ts';

/** What the floor took and decided, half of a call's bytes: explanations do not ask it. */
const UNASKED: CallEvent['type'][] = ['decisions-taken', 'conversation-began'];

/** Calls that ended after `since` and nobody has looked at, whatever their business, newest first, without those of `except`. */
export async function readUnreadCalls(database: Database, since: Date, limit: number, except: readonly string[] = []): Promise<string[]> {
  const left = except.length > 0 ? notInArray(calls.id, [...except]) : undefined;
  const rows = await ask(
    database.drizzle
      .select({ id: calls.id })
      .from(calls)
      .where(and(isNotNull(calls.endedAt), gt(calls.endedAt, since), isNull(calls.turnProblems), left))
      .orderBy(desc(calls.endedAt))
      .limit(limit),
  );
  return rows.map(({ id }) => id);
}

/** A call's events in order, as far as explanations ask for them; at most `limit`. */
export async function readExplainedEvents(database: Database, callId: string, limit: number): Promise<CallEvent[]> {
  const rows = await ask(
    database.drizzle
      .select()
      .from(callEvents)
      .where(and(eq(callEvents.callId, callId), notInArray(callEvents.type, UNASKED)))
      .orderBy(asc(callEvents.seq))
      .limit(limit),
  );
  return rows.map(({ body, ...head }) => ({ ...head, ...body }) as CallEvent);
}

/** One statement for all of them; a call that was deleted meanwhile is left out. */
export async function writeTurnProblems(database: Database, found: ReadonlyMap<string, TurnProblems>): Promise<void> {
  if (found.size === 0) return;
  const rows = JSON.stringify([...found].map(([id, problems]) => ({ id, problems })));
  await ask(
    database.drizzle.execute(
      sql`update calls set turn_problems = found.problems
        from json_to_recordset(${rows}::json) as found (id text, problems jsonb) where calls.id = found.id`,
    ),
  );
}

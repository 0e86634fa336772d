/** Named queries on what callers left: messages and callbacks. The journal fills them; a person marks them as done. */
import type { Callback, Message, Page } from '@tandem/contract';
import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { callbacks, messages } from './schema.ts';

/** `state`: only those still to be dealt with, or only those done. */
export interface LeftQuery extends PageQuery {
  state?: 'open' | 'done' | undefined;
}

const toMessage = (row: typeof messages.$inferSelect): Message => ({
  ...row,
  takenAt: rfc3339(row.takenAt.getTime()),
  doneAt: row.doneAt && rfc3339(row.doneAt.getTime()),
});

const toCallback = (row: typeof callbacks.$inferSelect): Callback => ({
  ...row,
  scheduledAt: rfc3339(row.scheduledAt.getTime()),
  doneAt: row.doneAt && rfc3339(row.doneAt.getTime()),
});

const inState = (table: typeof messages | typeof callbacks, { state }: LeftQuery) =>
  state === undefined ? undefined : state === 'open' ? isNull(table.doneAt) : isNotNull(table.doneAt);

const oneMessage = (businessId: string, id: string) => and(eq(messages.businessId, businessId), eq(messages.id, id));
const oneCallback = (businessId: string, id: string) => and(eq(callbacks.businessId, businessId), eq(callbacks.id, id));

export async function listMessages(database: Database, businessId: string, query: LeftQuery): Promise<Page<Message>> {
  const page = pageOf(query, messages.takenAt, messages.id);
  const own = and(eq(messages.businessId, businessId), inState(messages, query), page.after);
  const rows = await ask(
    database.drizzle
      .select()
      .from(messages)
      .where(own)
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.takenAt, toMessage);
}

/** Throws `not-found`. */
export async function readMessage(database: Database, businessId: string, id: string): Promise<Message> {
  return toMessage(found(await ask(database.drizzle.select().from(messages).where(oneMessage(businessId, id)))));
}

/** Marks it as done now, or as open again. Throws `not-found`. */
export async function markMessage(database: Database, kit: Kit, businessId: string, id: string, done: boolean): Promise<Message> {
  const doneAt = done ? new Date(kit.clock.wall()) : null;
  return toMessage(found(await ask(database.drizzle.update(messages).set({ doneAt }).where(oneMessage(businessId, id)).returning())));
}

export async function listCallbacks(database: Database, businessId: string, query: LeftQuery): Promise<Page<Callback>> {
  const page = pageOf(query, callbacks.scheduledAt, callbacks.id);
  const own = and(eq(callbacks.businessId, businessId), inState(callbacks, query), page.after);
  const rows = await ask(
    database.drizzle
      .select()
      .from(callbacks)
      .where(own)
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.scheduledAt, toCallback);
}

/** Throws `not-found`. */
export async function readCallback(database: Database, businessId: string, id: string): Promise<Callback> {
  return toCallback(found(await ask(database.drizzle.select().from(callbacks).where(oneCallback(businessId, id)))));
}

/** Marks it as done now, or as open again. Throws `not-found`. */
export async function markCallback(database: Database, kit: Kit, businessId: string, id: string, done: boolean): Promise<Callback> {
  const doneAt = done ? new Date(kit.clock.wall()) : null;
  return toCallback(found(await ask(database.drizzle.update(callbacks).set({ doneAt }).where(oneCallback(businessId, id)).returning())));
}

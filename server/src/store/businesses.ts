/** Named queries on businesses. */
import type { Business, Page } from '@tandem/contract';
import { and, eq, getTableName, sql } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { businesses, callbacks, callEvents, callTurns, messages, transcriptLines } from './schema.ts';

type Bound = 'dailyCostCeiling' | 'maxCalls' | 'overflowNumber';
/** Without a bound nothing is refused for it. */
export type BusinessInput = Omit<Business, 'id' | 'createdAt' | Bound> & Partial<Pick<Business, Bound>>;
type Row = typeof businesses.$inferSelect;

/** Some 5,000 events: a quarter of a second. */
const CALLS_AT_ONCE = 500;

export const toBusiness = (row: Row): Business => ({ ...row, createdAt: rfc3339(row.createdAt.getTime()) });

/** Every business, or only `businessId` where the reader may see no other. */
export async function listBusinesses(database: Database, query: PageQuery, businessId?: string): Promise<Page<Business>> {
  const page = pageOf(query, businesses.createdAt, businesses.id);
  const own = businessId === undefined ? undefined : eq(businesses.id, businessId);
  const rows = await ask(
    database.drizzle
      .select()
      .from(businesses)
      .where(and(own, page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toBusiness);
}

/** Throws `not-found`. */
export async function readBusiness(database: Database, id: string): Promise<Business> {
  return toBusiness(found(await ask(database.drizzle.select().from(businesses).where(eq(businesses.id, id)))));
}

export async function createBusiness(database: Database, kit: Kit, input: BusinessInput): Promise<Business> {
  const row: Row = { ...pick(input), id: kit.ids.make('business'), createdAt: new Date(kit.clock.wall()) };
  await ask(database.drizzle.insert(businesses).values(row));
  return toBusiness(row);
}

/** Changes what `input` names. Throws `not-found`. */
export async function updateBusiness(database: Database, id: string, input: Partial<BusinessInput>): Promise<Business> {
  // An update without a column is no SQL; the id set to itself makes an empty change valid.
  const changed = { ...input, id };
  return toBusiness(found(await ask(database.drizzle.update(businesses).set(changed).where(eq(businesses.id, id)).returning())));
}

/**
 * Deletes a business with all its rows, its calls first and in pieces: no statement is too long for its time limit, and
 * one that was cut off goes on when asked again. Throws `not-found`.
 */
export async function deleteBusiness(database: Database, id: string): Promise<void> {
  await deleteCallsOf(database, id);
  found(await ask(database.drizzle.delete(businesses).where(eq(businesses.id, id)).returning({ id: businesses.id })));
  // Those that came in meanwhile.
  await deleteCallsOf(database, id);
  for (const table of [messages, callbacks]) await ask(database.drizzle.delete(table).where(eq(table.businessId, id)));
}

async function deleteCallsOf(database: Database, businessId: string): Promise<void> {
  const piece = sql`
    with its as (
      delete from calls where id = any (array(select id from calls where business_id = ${businessId} limit ${CALLS_AT_ONCE})) returning id
    ), ${sql.join(
      [callEvents, callTurns, transcriptLines].map(
        (table) =>
          sql`${sql.identifier(`its_${getTableName(table)}`)} as (delete from ${table} where call_id = any (array(select id from its)))`,
      ),
      sql`, `,
    )} select count(*) as n from its`;
  for (;;) {
    const { rows } = await ask(database.drizzle.execute<{ n: string }>(piece));
    if (Number(rows[0]?.n ?? 0) < CALLS_AT_ONCE) return;
  }
}

const pick = ({ name, language, timeZone, dailyCostCeiling = null, maxCalls = null, overflowNumber = null }: BusinessInput) => ({
  name,
  language,
  timeZone,
  dailyCostCeiling,
  maxCalls,
  overflowNumber,
});

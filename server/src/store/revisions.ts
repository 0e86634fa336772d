/**
 * How often each business's knowledge has changed. Every change bumps it in its own transaction and tells whoever
 * listens on {@link CHANGES_CHANNEL}, so that another node neither misses a change nor sees it too early.
 */
import { inArray, sql } from 'drizzle-orm';
import { ask, type Database, type Queries } from './database.ts';
import { knowledgeRevisions } from './schema.ts';

/** PostgreSQL channel (`listen`) of business ids whose knowledge or configuration changed. */
export const CHANGES_CHANNEL = 'tandem_changes';

/** To be called last in a transaction: the row stays locked until it ends. */
export async function bumpRevision(queries: Queries, businessId: string): Promise<void> {
  await queries.execute(sql`
    with bumped as (
      insert into knowledge_revisions (business_id, revision) values (${businessId}, 1)
      on conflict (business_id) do update set revision = knowledge_revisions.revision + 1
      returning business_id)
    select pg_notify(${CHANGES_CHANNEL}, business_id) from bumped`);
}

/** Tells every node that something else of the business changed, such as an assistant. */
export async function notifyChange(database: Database, businessId: string): Promise<void> {
  await ask(database.drizzle.execute(sql`select pg_notify(${CHANGES_CHANNEL}, ${businessId})`));
}

/** By business, of all or of those named; a business that is absent stands at 0. */
export async function readRevisions(database: Database, businessIds?: readonly string[]): Promise<Map<string, number>> {
  const named = businessIds && inArray(knowledgeRevisions.businessId, [...businessIds]);
  const rows = await ask(database.drizzle.select().from(knowledgeRevisions).where(named));
  return new Map(rows.map(({ businessId, revision }) => [businessId, revision]));
}

/** What only one node may do at a time, such as filling an empty database. */
import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** Any number, the same in every version. */
const LOCK = 7_426_312;

/**
 * Nodes that start together wait for each other, one connection each. The embedded database has one node and one connection:
 * there `work` simply runs. Rejects as `work` does.
 */
export function oneAtATime<T>(database: Database, work: () => Promise<T>): Promise<T> {
  if (database.kind === 'pglite') return work();
  return database.transaction(async (queries) => {
    await queries.execute(sql`select pg_advisory_xact_lock(${LOCK})`);
    return work();
  });
}

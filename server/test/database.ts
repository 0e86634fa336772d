/**
 * A migrated database for tests, on each engine there is. The embedded one begins from a template: a fresh start takes
 * 3-8 s, from the template about 1 s.
 */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Kit } from '#kit/kit.ts';
import type { Database, QueryListener } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { openPglite } from '#store/pglite/pglite.ts';
import { postgres } from '#store/postgres/postgres.ts';
import { SecretBox } from '#store/secret-box.ts';
import { databaseKit, readTemplate } from './database-template.ts';
import { hasPostgres, type PostgresServer, startPostgres } from './postgres-server.ts';

export { databaseKit };

/** Always with the same key, so that any box of a test opens what another sealed. */
export const testBox = (kit: Kit): SecretBox => new SecretBox(new Uint8Array(32).fill(7), kit.random);

/** An embedded database in memory, migrated. Close it. */
export async function openTestPglite(onQuery?: QueryListener, dataFolder?: string): Promise<Database> {
  const kit = databaseKit();
  const database = await openPglite({ kit, dataFolder, onQuery }, await readTemplate());
  await migrate(database, kit);
  return database;
}

/** An own database on a PostgreSQL server, migrated. Close it. */
export async function openTestPostgres(server: PostgresServer, name: string, onQuery?: QueryListener): Promise<Database> {
  const kit = databaseKit();
  const url = await server.createDatabase(name);
  const database = await postgres.database({ url }, { kit, dataFolder: undefined, onQuery });
  await migrate(database, kit);
  return database;
}

/** Empties every table of data. */
export async function emptyDatabase(database: Database): Promise<void> {
  await database.drizzle.execute(
    sql`truncate businesses, assistants, numbers, trunks, api_keys, documents, document_files, document_file_parts, passages, embeddings, questions, sources, source_pages, gaps, gap_examples, knowledge_revisions, embedding_usage, tools, messages, callbacks, calls, call_events, call_turns, transcript_lines, journal_cursor`,
  );
}

/**
 * Declares the same tests once for each engine. `database` answers the open database inside a test; `queries` counts
 * the statements since the file began.
 */
export function describeOnEachDatabase(name: string, define: (its: { database: () => Database; queries: () => number }) => void): void {
  describe(`${name} on the embedded database`, () => {
    defineWith((onQuery) => openTestPglite(onQuery), define);
  });
  describe.skipIf(!hasPostgres())(`${name} on PostgreSQL`, () => {
    let server: PostgresServer | undefined;
    afterAll(() => server?.stop()); // runs last: the latest declared runs first
    defineWith(async (onQuery) => {
      server = await startPostgres();
      return openTestPostgres(server, `tandem_test_${process.pid}`, onQuery);
    }, define);
  });
}

function defineWith(
  open: (onQuery: QueryListener) => Promise<Database>,
  define: (its: { database: () => Database; queries: () => number }) => void,
): void {
  let database: Database | undefined;
  let queries = 0;
  beforeAll(async () => {
    database = await open(() => queries++);
  }, 90_000);
  afterAll(() => database?.close());
  define({
    database: () => {
      if (!database) throw new Error('the database is not open');
      return database;
    },
    queries: () => queries,
  });
}

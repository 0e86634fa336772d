/** Brings a database to this version's schema: numbered SQL files, in order, in one transaction, each once. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Database, Queries } from './database.ts';
import { ask } from './database.ts';

/** Any number, the same in every version: whoever holds this advisory lock is migrating. */
const MIGRATION_LOCK = 7_426_311;
const FOLDER = new URL('./migrations/', import.meta.url);

export interface Migration {
  /** `0001-businesses`, the file's name. */
  name: string;
  sql: string;
  /** SHA-256 of the file. */
  checksum: string;
}

/** The migrations of this version, in order. */
export async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, FOLDER), 'utf8');
      return { name: file.slice(0, -4), sql: text, checksum: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/**
 * Applies what is missing and answers the names applied. Processes that start together wait for each other.
 * Rejects with `schema-too-new` when the database knows a migration that this version does not (or that was edited
 * since), and with `database-unavailable`.
 */
export async function migrate(database: Database, kit: Kit, migrations?: readonly Migration[]): Promise<string[]> {
  const known = migrations ?? (await readMigrations());
  const applied = await ask(database.transaction((queries) => applyMissing(queries, known, new Date(kit.clock.wall()))));
  if (applied.length > 0) kit.log.info({ part: 'store', applied }, 'database migrated');
  return applied;
}

async function applyMissing(queries: Queries, known: readonly Migration[], now: Date): Promise<string[]> {
  await queries.execute(sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await queries.execute(
    sql`create table if not exists migrations (name text primary key, checksum text not null, applied_at timestamptz(3) not null)`,
  );
  const { rows } = await queries.execute<{ name: string; checksum: string }>(sql`select name, checksum from migrations order by name`);
  const byName = new Map(known.map((migration) => [migration.name, migration]));
  for (const row of rows) {
    const migration = byName.get(row.name);
    if (!migration)
      throw new TandemError('schema-too-new', `The database has migration ${row.name}, unknown to this version`, { migration: row.name });
    if (migration.checksum !== row.checksum) {
      throw new TandemError('schema-too-new', `Migration ${row.name} differs from the one the database was made with`, {
        migration: row.name,
      });
    }
  }
  const done = new Set(rows.map((row) => row.name));
  const applied: string[] = [];
  for (const migration of known) {
    if (done.has(migration.name)) continue;
    await queries.execute(sql.raw(migration.sql));
    await queries.execute(
      sql`insert into migrations (name, checksum, applied_at) values (${migration.name}, ${migration.checksum}, ${now.toISOString()})`,
    );
    applied.push(migration.name);
  }
  return applied;
}

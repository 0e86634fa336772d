import { assistantInput } from '@tandem/contract';
import { sql } from 'drizzle-orm';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { databaseKit, describeOnEachDatabase } from '../../test/database.ts';
import { dumpSchema } from '../../test/schema-dump.ts';
import { readAssistant } from './assistants.ts';
import { readBusiness } from './businesses.ts';
import { migrate, readMigrations } from './migrate.ts';
import { openPglite } from './pglite/pglite.ts';
import * as schema from './schema.ts';

describeOnEachDatabase('migrations', ({ database }) => {
  test('are applied once', async () => {
    expect(await migrate(database(), databaseKit())).toEqual([]);
  });

  test('make the schema that is written down (vitest -u writes it anew)', async () => {
    await expect(await dumpSchema(database())).toMatchFileSnapshot('./schema.sql');
  });

  test('make the tables that the typed schema describes', async () => {
    for (const table of Object.values(schema) as PgTable[]) {
      const { name, columns } = getTableConfig(table);
      const { rows } = await database().drizzle.execute(sql`
        select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull" from pg_attribute
        where attrelid = ${name}::regclass and attnum > 0 order by attname`);
      const described = columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().replace(/^timestamp \((\d)\)/, 'timestamp($1)'),
        notNull: column.notNull,
      }));
      expect(rows).toEqual(described.sort((a, b) => (a.name < b.name ? -1 : 1)));
    }
  });

  test('all or nothing: a migration that fails leaves no trace', async () => {
    const known = await readMigrations();
    const bad = { name: '9999-bad', checksum: 'x', sql: 'create table half (id text); create table half (id text);' };
    await expect(migrate(database(), databaseKit(), [...known, bad])).rejects.toMatchObject({ code: 'database-unavailable' });
    const { rows } = await database().drizzle.execute(sql`select to_regclass('half') as half`);
    expect(rows).toEqual([{ half: null }]);
  });

  test('a database of a newer version is refused', async () => {
    const older = (await readMigrations()).slice(0, -1);
    await expect(migrate(database(), databaseKit(), older)).rejects.toMatchObject({
      code: 'schema-too-new',
      detail: { migration: '0010-turn-problems' },
    });
  });

  test('an edited migration is refused', async () => {
    const edited = (await readMigrations()).map((migration) => ({ ...migration, checksum: 'edited' }));
    await expect(migrate(database(), databaseKit(), edited)).rejects.toMatchObject({ code: 'schema-too-new' });
  });
});

test('an assistant of an older version gets the manners that new ones have', async () => {
  const database = await openPglite({ kit: databaseKit(), dataFolder: undefined });
  try {
    await migrate(database, databaseKit(), (await readMigrations()).slice(0, 3));
    await database.drizzle.execute(sql`insert into businesses values ('b', 'Old', 'en', 'UTC', now())`);
    await database.drizzle.execute(sql`
      insert into assistants values ('b', 'a', 'Desk', 'desk', 'Hello.', '', 'Bye.', 'en', 'slt', null, 'extractive', null, 'medium', 8000, 60000, true, now(), now())`);
    expect(await migrate(database, databaseKit())).toEqual([
      '0004-conversation',
      '0005-actions',
      '0006-library',
      '0007-lookups',
      '0008-embedding-usage',
      '0009-capacity',
      '0010-turn-problems',
    ]);
    const old = await readAssistant(database, 'b', 'a');
    const fresh = assistantInput.parse({
      name: 'Desk',
      slug: 'desk',
      greeting: 'Hello.',
      goodbye: 'Bye.',
      languageModel: 'extractive',
      maxDurationMs: 60_000,
    });
    expect(old).toMatchObject(fresh);
    expect((await readBusiness(database, 'b')).dailyCostCeiling).toBeNull();
  } finally {
    await database.close();
  }
}, 60_000);

describe('names', () => {
  test('are numbered without a gap', async () => {
    const names = (await readMigrations()).map((migration) => migration.name);
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
  });
});

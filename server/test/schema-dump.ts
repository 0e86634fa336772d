/** The schema of a database as text, from its catalogue: the same for the same tables, whichever engine they are in. */
import { sql } from 'drizzle-orm';
import type { Database } from '#store/database.ts';

export async function dumpSchema(database: Database): Promise<string> {
  const { rows: columns } = await database.drizzle.execute<Record<string, string | null>>(sql`
    select c.table_name, c.column_name, c.is_nullable,
      format_type(a.atttypid, a.atttypmod) as type
    from information_schema.columns c
    join pg_attribute a on a.attrelid = format('public.%I', c.table_name)::regclass and a.attname = c.column_name
    where c.table_schema = 'public' order by c.table_name, c.ordinal_position`);
  const { rows: indexes } = await database.drizzle.execute<Record<string, string>>(
    sql`select tablename, indexdef from pg_indexes where schemaname = 'public' order by tablename, indexname`,
  );
  const { rows: references } = await database.drizzle.execute<Record<string, string>>(sql`
    select conrelid::regclass::text as tablename, pg_get_constraintdef(oid) as definition from pg_constraint
    where contype = 'f' and connamespace = 'public'::regnamespace order by 1, 2`);
  const tables = [...new Set(columns.map((column) => column.table_name))];
  const parts = tables.map((table) => {
    const lines = columns
      .filter((column) => column.table_name === table)
      .map((column) => `  ${column.column_name} ${column.type}${column.is_nullable === 'NO' ? ' not null' : ''}`);
    const keys = references.filter((row) => row.tablename === table).map((row) => `  ${row.definition}`);
    const its = indexes.filter((row) => row.tablename === table).map((row) => `${row.indexdef};`);
    return `create table ${table} (\n${[...lines, ...keys].join(',\n')}\n);\n${its.join('\n')}`;
  });
  return `-- Made from the migrations by the test beside this file; not run.\n\n${parts.join('\n\n')}\n`;
}

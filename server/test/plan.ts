/** What the database would do for a statement (`explain`), and whether that means reading a large table from end to end. */
import type { Database } from '#store/database.ts';

/** A node of `explain (format json)`, as far as it is looked at. */
interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

/** Statements that ask for rows; the rest (begin, commit, set) has no plan. */
export const hasPlan = (text: string): boolean => /^\s*(select|insert|update|delete|with)\b/i.test(text);

/** Tables that the statement reads whole: row by row, or by all of an index with nothing to stop it. */
export async function scannedTables(database: Database, text: string, values: readonly unknown[]): Promise<string[]> {
  const answer = await database.query(`explain (format json) ${text}`, values);
  const [row] = (answer as { rows: { 'QUERY PLAN': { Plan: PlanNode }[] }[] }).rows;
  const scanned: string[] = [];
  const visit = (node: PlanNode, stopped: boolean): void => {
    const type = node['Node Type'];
    const table = node['Relation Name'];
    if (table !== undefined) {
      const wholeIndex = /^Index (Only )?Scan$/.test(type) && node['Index Cond'] === undefined && !stopped;
      if (type === 'Seq Scan' || wholeIndex) scanned.push(table);
    }
    // A sort must have seen everything before it hands on the first row.
    const stops = type === 'Limit' || (stopped && type !== 'Sort' && type !== 'Aggregate' && type !== 'Hash');
    for (const part of node.Plans ?? []) visit(part, stops);
  };
  if (row?.['QUERY PLAN'][0]) visit(row['QUERY PLAN'][0].Plan, false);
  return scanned;
}

/** Tables of more than `rows` rows, as the planner counts them. */
export async function largeTables(database: Database, rows: number): Promise<Set<string>> {
  const answer = await database.query(
    `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples > ${rows}`,
  );
  return new Set((answer as { rows: { relname: string }[] }).rows.map(({ relname }) => relname));
}

/** References that no index of the referring table begins with: each deletion of what is referred to reads it whole. */
export async function unindexedReferences(database: Database): Promise<string[]> {
  const answer = await database.query(`
    select conrelid::regclass || ' ' || pg_get_constraintdef(c.oid) as reference from pg_constraint c
    where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
      select from pg_index i where i.indrelid = c.conrelid
        and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey and (i.indpred is null))`);
  return (answer as { rows: { reference: string }[] }).rows.map(({ reference }) => reference);
}

/**
 * Everything a business's calls are answered from, read in one statement: at start, when it changed, or when a number
 * rings that is not known yet. Calls themselves never ask the database.
 */
import type { Assistant, Business, PhoneNumber, Question } from '@tandem/contract';
import { asc, getTableColumns, getTableName, type InferSelectModel, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { toAssistant } from './assistants.ts';
import { toBusiness } from './businesses.ts';
import { ask, type Database } from './database.ts';
import { toNumber } from './numbers.ts';
import { toQuestion } from './questions.ts';
import { assistants, businesses, calls, documents, numbers, passages, questions, tools, trunks } from './schema.ts';
import type { SecretBox } from './secret-box.ts';
import { openTool, type ToolWithSecrets } from './tools.ts';
import { toCredentials, type TrunkCredentials } from './trunks.ts';

export interface BusinessSnapshot {
  business: Business;
  /** Differs whenever a row of the business did. */
  revision: string;
  /** Each list: oldest first. */
  assistants: Assistant[];
  numbers: PhoneNumber[];
  trunks: TrunkCredentials[];
  /** Empty when they were not wanted. */
  documents: InferSelectModel<typeof documents>[];
  questions: Question[];
  /** Titles of the passages that are searched: what a caller may say in a closed grammar. The first 500. */
  headings: string[];
  /** Those switched on whose secrets could be opened. */
  tools: ToolWithSecrets[];
  /** Ids of the tools whose secrets were sealed with another key. */
  shutTools: string[];
}

export interface SnapshotOptions {
  /** Opens the tools' secrets. */
  box: SecretBox;
  /** The documents with their texts, which may be megabytes. */
  documents: boolean;
}

const MOST_HEADINGS = 500;

const parts = [assistants, numbers, trunks, tools, questions, documents] as const;

/**
 * One statement sees one state of the database, so that no number leads to an assistant that is missing. By id, so that
 * the oldest come first. Businesses that are not there are left out.
 */
export async function readSnapshots(
  database: Database,
  businessIds: readonly string[],
  options: SnapshotOptions,
): Promise<BusinessSnapshot[]> {
  if (businessIds.length === 0) return [];
  const lists = parts
    .filter((table) => table !== documents || options.documents)
    .map(
      (table) =>
        sql`(select coalesce(json_agg(t order by t.created_at, t.id), '[]') from ${table} t where t.business_id = b.id) as ${sql.identifier(getTableName(table))}`,
    );
  const statement = sql`select row_to_json(b) as business, ${revision} as revision, ${headings} as headings, ${sql.join(lists, sql`, `)}
    from businesses b where b.id in ${[...businessIds]} order by b.id`;
  const { rows } = await ask(database.drizzle.execute(statement));
  return rows.map((row) => toSnapshot(row, options.box));
}

/** Which businesses there are, `limit` at a time and by id, after the id `after`; and at which revision each stands. */
export async function readStates(database: Database, after: string, limit: number): Promise<{ id: string; revision: string }[]> {
  const statement = sql`select b.id, ${revision} as revision from businesses b where b.id > ${after} order by b.id limit ${limit}`;
  const { rows } = await ask(database.drizzle.execute(statement));
  return rows as { id: string; revision: string }[];
}

/** The oldest business, if there is any. */
export async function readFirstBusinessId(database: Database): Promise<string | undefined> {
  const rows = await ask(database.drizzle.select({ id: businesses.id }).from(businesses).orderBy(asc(businesses.id)).limit(1));
  return rows[0]?.id;
}

/** With the hour that a clock goes back. Named as a time, it tells the database how few calls are meant. */
const LONGEST_DAY_MS = 25 * 3_600_000;

/** What the calls cost that began today, in each business's own time zone; absent is nothing. Millionths of a US dollar. */
export async function readSpentToday(database: Database, businessIds: readonly string[], now: Date): Promise<Map<string, number>> {
  if (businessIds.length === 0) return new Map();
  const statement = sql`select c.business_id as id, sum(c.cost_micros) as micros from ${calls} c join ${businesses} b on b.id = c.business_id
    where b.id in ${[...businessIds]} and c.started_at >= date_trunc('day', ${now.toISOString()}::timestamptz, b.time_zone)
      and c.started_at >= ${new Date(now.getTime() - LONGEST_DAY_MS).toISOString()}::timestamptz
    group by c.business_id`;
  const { rows } = await ask(database.drizzle.execute(statement));
  return new Map((rows as { id: string; micros: number | null }[]).map(({ id, micros }) => [id, micros ?? 0]));
}

/**
 * Every insert, update and deletion changes the count or the transaction numbers (`xmin`) of the rows; so does a restored
 * backup. It reads no text of a document.
 */
const revision: SQL = sql`md5(concat_ws('/', b.xmin, ${sql.join(
  parts.map(
    (table) =>
      sql`(select concat_ws('.', count(*), sum(t.xmin::text::bigint), max(t.xmin::text::bigint)) from ${table} t where t.business_id = b.id)`,
  ),
  sql`, `,
)}))`;

const headings: SQL = sql`(select coalesce(json_agg(h.title), '[]') from (select distinct p.title from ${passages} p
  join ${documents} d on d.business_id = p.business_id and d.id = p.document_id and d.live_version = p.version
  where p.business_id = b.id order by p.title limit ${MOST_HEADINGS}) h)`;

function toSnapshot(row: Record<string, unknown>, box: SecretBox): BusinessSnapshot {
  const list = <Table extends PgTable>(table: Table) => ((row[getTableName(table)] ?? []) as Json[]).map((json) => fromJson(table, json));
  return {
    business: toBusiness(fromJson(businesses, row.business as Json)),
    revision: row.revision as string,
    assistants: list(assistants).map(toAssistant),
    numbers: list(numbers).map(toNumber),
    trunks: list(trunks).map(toCredentials),
    documents: list(documents),
    questions: list(questions).map(toQuestion),
    headings: row.headings as string[],
    ...openTools(
      list(tools).filter(({ enabled }) => enabled),
      box,
    ),
  };
}

type Json = Record<string, unknown>;

/** A row as `row_to_json` writes it, as Drizzle would have read it. */
function fromJson<Table extends PgTable>(table: Table, json: Json): InferSelectModel<Table> {
  const fields = Object.entries(getTableColumns(table)).map(([field, column]) => {
    const value = json[column.name];
    return [field, column.dataType === 'date' && typeof value === 'string' ? new Date(value) : value];
  });
  return Object.fromEntries(fields) as InferSelectModel<Table>;
}

/** A lost key costs the tools that need it, not the calls. */
function openTools(rows: InferSelectModel<typeof tools>[], box: SecretBox): Pick<BusinessSnapshot, 'tools' | 'shutTools'> {
  const opened: ToolWithSecrets[] = [];
  const shutTools: string[] = [];
  for (const row of rows) {
    try {
      opened.push(openTool(row, box));
    } catch {
      shutTools.push(row.id);
    }
  }
  return { tools: opened, shutTools };
}

/** Businesses that list `address` among their numbers; `slug` instead looks for the assistant that is called so. */
export async function findOwners(database: Database, wanted: { address: string } | { slug: string }, limit: number): Promise<string[]> {
  // The literal condition lets the unique index of E.164 numbers serve.
  const e164 = 'address' in wanted && wanted.address.startsWith('+') ? sql` and address like '+%'` : sql``;
  const condition =
    'slug' in wanted ? sql`${assistants} where slug = ${wanted.slug}` : sql`${numbers} where address = ${wanted.address}${e164}`;
  const { rows } = await ask(database.drizzle.execute(sql`select distinct business_id as id from ${condition} order by 1 limit ${limit}`));
  return rows.map(({ id }) => id as string);
}

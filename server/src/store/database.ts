/**
 * The door of the store: one code path (`pg` + Drizzle) over whichever database a room opened. Nothing on the sound
 * path comes here; a database that is down costs the office its answers, never a call.
 */
import { errorCatalogue } from '@tandem/contract';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Vendor } from '#kit/vendor.ts';
import type * as schema from './schema.ts';

/** What named queries are written against: the pool, or one connection inside a transaction. */
export type Queries = NodePgDatabase<typeof schema>;

export interface Database {
  readonly kind: 'pglite' | 'postgres';
  /** Each statement on its own connection. Never used inside `transaction`: the embedded database has one connection. */
  readonly drizzle: Queries;
  /** Runs `work` in one transaction; a connection that failed in it is thrown away. Rejects as `work` does. */
  transaction<T>(work: (queries: Queries) => Promise<T>, isolation?: 'read committed' | 'repeatable read'): Promise<T>;
  /** One statement (or, without values, several) as it stands, for a library that writes its own SQL. Rejects as the driver does. */
  query(text: string, values?: readonly unknown[]): Promise<StatementResult | StatementResult[]>;
  /**
   * Hears of changes made by any node: `changed` is told the business, or undefined when some may have been missed. The
   * embedded database has one node and tells nothing. Never rejects: a listener that is cut off comes back by itself.
   */
  listenChanges(changed: (businessId: string | undefined) => void): Promise<Listening>;
  /** Resolves false when the database does not answer a trivial question within 2 s. Never rejects. */
  ready(): Promise<boolean>;
  /** Waits for what runs, then lets go. Safe to call twice. */
  close(): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- rows are the reader's to know
export type StatementResult = { rows: any[]; rowCount: number | null };

export interface Listening {
  /** Nothing is told afterwards. Safe to call twice. */
  close(): Promise<void>;
}

/** Called once per statement that reached the database. Must not throw. */
export type QueryListener = (query: RanQuery) => void;

export interface RanQuery {
  tookMs: number;
  failed: boolean;
  /** SQL with its placeholders. */
  text: string;
  /** What the placeholders stood for: people's data and secrets among them, never to be logged. */
  values: readonly unknown[];
}

/** What a room is given. */
export interface DatabaseContext {
  kit: Kit;
  /** Data folder of the process, already locked; undefined keeps an embedded database in memory. */
  dataFolder: string | undefined;
  onQuery?: QueryListener;
}

export interface DatabaseVendor extends Vendor {
  /** Rejects with `database-unavailable` when it cannot be opened. */
  // oxlint-disable-next-line typescript/no-explicit-any -- settings are checked by the vendor's own schema
  database: (settings: any, context: DatabaseContext) => Promise<Database>;
}

/** SQLSTATE and message of a database failure, dug out of the driver's and Drizzle's wrappings. */
export function faultOf(thrown: unknown): { sqlState: string | undefined; constraint: string | undefined; message: string } {
  let error = thrown;
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    const { code, constraint } = error as { code?: unknown; constraint?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE') {
      return { sqlState: code, constraint: typeof constraint === 'string' ? constraint : undefined, message: error.message };
    }
    if (!(error.cause instanceof Error)) break;
    error = error.cause;
  }
  return { sqlState: undefined, constraint: undefined, message: error instanceof Error ? error.message : String(error) };
}

/** True when the statement itself can never succeed (SQLSTATE classes 22 and 23: its data is not acceptable). */
export function isDataFault(thrown: unknown): boolean {
  return /^2[23]/.test(faultOf(thrown).sqlState ?? '');
}

/**
 * Runs a query and says its failure in the catalogue's words: `conflict` for a unique violation, `invalid-input` for a
 * reference to nothing (a deletion says `conflict`: something still refers to it) or text the database cannot hold,
 * `database-unavailable` for the rest.
 */
export async function ask<T>(query: Promise<T>, badReference: 'invalid-input' | 'conflict' = 'invalid-input'): Promise<T> {
  try {
    return await query;
  } catch (thrown) {
    if (thrown instanceof TandemError) throw thrown;
    const { sqlState, constraint, message } = faultOf(thrown);
    const detail = constraint ? { constraint } : {};
    if (sqlState === '23505') throw new TandemError('conflict', undefined, detail, thrown);
    if (sqlState === '23503') {
      const what = badReference === 'conflict' ? 'Something still refers to it' : 'It refers to something that does not exist';
      throw new TandemError(badReference, what, detail, thrown);
    }
    if (isDataFault(thrown)) throw new TandemError('invalid-input', undefined, { ...detail, reason: message }, thrown);
    throw new TandemError('database-unavailable', undefined, { reason: message }, thrown);
  }
}

/** The one row a query must have answered. Throws `not-found`. */
export function found<Row>(rows: readonly Row[]): Row {
  const row = rows[0];
  if (row === undefined) throw new TandemError('not-found', errorCatalogue['not-found'].title);
  return row;
}

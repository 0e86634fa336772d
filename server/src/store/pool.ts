/** A {@link Database} over a `pg` pool: what both rooms share once they know where their server listens. */
import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import type { Clock } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type Database, faultOf, type Listening, type Queries, type QueryListener, type RanQuery } from './database.ts';
import * as schema from './schema.ts';

const READY_WITHIN_MS = 2_000;

export interface PoolOptions {
  kind: Database['kind'];
  connection: PoolConfig;
  kit: Kit;
  onQuery: QueryListener | undefined;
  /** How changes made by other nodes are heard; absent where there are none. */
  listen?: Database['listenChanges'];
  /** Runs after the pool has closed: the embedded server's own stop. */
  onClose?: () => Promise<void>;
}

const NOTHING_TO_HEAR: Listening = { close: () => Promise.resolve() };

export function poolDatabase({ kind, connection, kit, onQuery, listen, onClose }: PoolOptions): Database {
  const log = kit.log.with({ part: 'store' });
  const pool = new Pool(connection);
  // An idle connection that dies is replaced by the next query; unheard, the event would end the process.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'an idle database connection was lost'));
  pool.on('connect', (client) => {
    client.on('error', (error) => log.warn({ reason: error.message }, 'a database connection was lost'));
    if (onQuery) watchQueries(client, kit.clock, onQuery);
  });
  let closing: Promise<void> | undefined;

  return {
    kind,
    drizzle: drizzle({ client: pool, schema }),
    transaction: (work, isolation = 'read committed') => runTransaction(pool, work, isolation),
    query: (text, values) => pool.query(text, values && [...values]),
    listenChanges: (changed) => (listen ? listen(changed) : Promise.resolve(NOTHING_TO_HEAR)),
    ready: () => answersWithin(pool, kit.clock),
    close: () => {
      closing ??= (async () => {
        await pool.end();
        await onClose?.();
      })();
      return closing;
    },
  };
}

async function runTransaction<T>(pool: Pool, work: (queries: Queries) => Promise<T>, isolation: string): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`begin isolation level ${isolation}`);
    const result = await work(drizzle({ client, schema }));
    await client.query('commit');
    return result;
  } catch (thrown) {
    // Without an SQLSTATE the server never answered (lost, timed out): the connection is in an unknown state.
    if (faultOf(thrown).sqlState === undefined) broken = new Error(messageOf(thrown));
    await client.query('rollback').catch((error: unknown) => {
      broken = new Error(messageOf(error));
    });
    throw thrown;
  } finally {
    client.release(broken);
  }
}

async function answersWithin(pool: Pool, clock: Clock): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = clock.after(READY_WITHIN_MS, () => late.resolve(false));
  try {
    const answer = pool.query('select 1').then(
      () => true,
      () => false,
    );
    return await Promise.race([answer, late.promise]);
  } finally {
    timer.cancel();
  }
}

/** Replaces the client's `query` by one that reports how long each statement took. */
function watchQueries(client: PoolClient, clock: Clock, onQuery: QueryListener): void {
  const ask = client.query.bind(client) as (...args: unknown[]) => unknown;
  const watched = (...args: unknown[]): unknown => {
    const began = clock.now();
    const statement = statementOf(args);
    const report = (failed: boolean) => onQuery({ tookMs: clock.now() - began, failed, ...statement });
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      args[args.length - 1] = (error: unknown, ...rest: unknown[]) => {
        report(error !== null && error !== undefined);
        (callback as (...answer: unknown[]) => void)(error, ...rest);
      };
      return ask(...args);
    }
    const answer = ask(...args);
    if (answer instanceof Promise) {
      answer.then(
        () => report(false),
        () => report(true),
      );
    }
    return answer;
  };
  Object.assign(client, { query: watched });
}

/** `query` takes a text or an object that has one, and the values in either place. */
function statementOf([query, given]: readonly unknown[]): Pick<RanQuery, 'text' | 'values'> {
  const its: { text?: string; values?: unknown[] } = typeof query === 'string' ? { text: query } : (query as object);
  return { text: its.text ?? '', values: Array.isArray(given) ? given : (its.values ?? []) };
}

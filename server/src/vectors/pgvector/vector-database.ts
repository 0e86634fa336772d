/** The little of PostgreSQL that the room needs, and a pool of its own for it. */
import { Pool, type PoolClient } from 'pg';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';

const CONNECTIONS = 6;
const CONNECT_WITHIN_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

export type Ask = <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

export interface VectorDatabase {
  ask: Ask;
  /** Rolls back when `work` rejects. */
  transaction<T>(work: (ask: Ask) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function openPool(url: string, kit: Kit): VectorDatabase {
  const log = kit.log.with({ part: 'vectors' });
  const pool = new Pool({
    connectionString: url,
    application_name: 'tandem-vectors',
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    idleTimeoutMillis: 60_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 2_000,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Unheard, the event of a connection that dies would end the process.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'an idle connection for vectors was lost'));
  pool.on('connect', (client) => client.on('error', (error) => log.warn({ reason: error.message }, 'a connection for vectors was lost')));
  const askOn =
    (to: Pool | PoolClient): Ask =>
    async <Row>(text: string, values: readonly unknown[] = []) =>
      (await to.query(text, [...values])).rows as Row[];
  return {
    ask: askOn(pool),
    transaction: async (work) => {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query('begin');
        const result = await work(askOn(client));
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch((fault: unknown) => {
          broken = new Error(messageOf(fault));
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

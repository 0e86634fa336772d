/**
 * The door of background jobs, kept by pg-boss in the store's own database (schema `pgboss`) and through its own pool, the
 * embedded one's single connection included. A job is done at least once: what it does must bear doing twice.
 *
 * ```
 *  send ─▶ created ─▶ active ─▶ completed
 *             ▲          ├────▶ retry (backoff) ─▶ active …   failed, heartbeat lost (its process died), out of time
 *             └──────────┘      └─▶ failed                    no tries left: kept with its error
 *          given back: the process stops
 * ```
 * Fetching is ours, not pg-boss's workers: one poll serves all slots of a job, and a job sent here starts at once.
 */
import { sql } from 'drizzle-orm';
import { PgBoss } from 'pg-boss';
import type { Kit } from '#kit/kit.ts';
import type { Database } from './database.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { bossClock } from './queue-clock.ts';
import { QueueWorker } from './queue-worker.ts';
import type { JobHandler, JobName, JobPayloads, SendOptions, WorkOptions } from './job.ts';

export type { Attempt, JobHandler, JobName, JobPayloads, SendOptions, WorkOptions } from './job.ts';

/** A job that failed for good. */
export interface FailedJob<N extends JobName> {
  id: string;
  payload: JobPayloads[N];
  error: string;
}

/** What whoever only sends needs. */
export interface JobSender {
  /** True when a job was added; false when one with its key waits already. Rejects with `database-unavailable`. */
  send<N extends JobName>(name: N, payload: JobPayloads[N], options?: SendOptions): Promise<boolean>;
}

export interface JobQueue extends JobSender {
  /** Begins to do jobs of this name here. Once per name. */
  work<N extends JobName>(name: N, options: WorkOptions, handler: JobHandler<N>): void;
  /** Sends it again and again; `cron` has five fields, in UTC. What was missed is not made up for. */
  schedule<N extends JobName>(name: N, cron: string, payload: JobPayloads[N]): Promise<void>;
  /** Newest first. */
  failed<N extends JobName>(name: N): Promise<FailedJob<N>[]>;
  /** No new job; those that run get `withinMs` to end after their signals abort, and are given back. Safe to call twice. */
  close(options: { withinMs: number }): Promise<void>;
}

/** A process that has not told for this long that it works is taken for dead. */
const HEARTBEAT_S = 30;
const SUPERVISE_MS = 15_000;
const EXPIRE_S = 20 * 60;
const RETRY_DELAY_S = 2;
const RETRY_DELAY_MOST_S = 300;
const POLL_MS = 1_500;
/** Jobs that are only ever sent by the clock. */
const POLL_RARELY_MS = 20_000;

/** `retryLimit`: tries after the first. */
const JOBS: Record<JobName, { retryLimit: number; pollMs: number }> = {
  'ingest-document': { retryLimit: 4, pollMs: POLL_MS },
  'crawl-source': { retryLimit: 2, pollMs: POLL_MS },
  'crawl-due-sources': { retryLimit: 0, pollMs: POLL_RARELY_MS },
  'sweep-knowledge': { retryLimit: 2, pollMs: POLL_RARELY_MS },
};

export interface QueueOptions {
  /** How often jobs of processes that died are looked for, at least 1 s; 15 s when absent. */
  superviseMs?: number;
}

/** Rejects with the driver's error when the database is away. Makes or updates pg-boss's own tables. */
export async function openQueue(database: Database, kit: Kit, { superviseMs = SUPERVISE_MS }: QueueOptions = {}): Promise<JobQueue> {
  const log = kit.log.with({ part: 'queue' });
  const boss = new PgBoss({
    db: { executeSql: (text, values) => database.query(text, values) as Promise<{ rows: unknown[] }> },
    backend: database.kind,
    clock: bossClock(kit.clock),
    superviseIntervalSeconds: superviseMs / 1_000,
    monitorIntervalSeconds: superviseMs / 1_000,
    // Jobs that wait for jobs, and index work: nothing here needs them often.
    flowIntervalSeconds: 3_600,
    bamIntervalSeconds: 3_600,
    reindex: false,
    monitorVacuum: false,
    registerInstance: false,
    openTelemetry: { enabled: false },
  });
  boss.on('error', (error) => log.warn({ reason: error.message }, 'the queue had trouble'));
  const workers = new Map<JobName, QueueWorker>();
  let closing: Promise<void> | undefined;

  /** pg-boss makes its own tables; its check whether they are there is not made for two that look at once. */
  async function start(): Promise<void> {
    await boss.start();
    for (const [name, { retryLimit }] of Object.entries(JOBS)) {
      await boss.createQueue(name, {
        policy: 'stately',
        retryLimit,
        retryBackoff: true,
        retryDelay: RETRY_DELAY_S,
        retryDelayMax: RETRY_DELAY_MOST_S,
        expireInSeconds: EXPIRE_S,
        heartbeatSeconds: HEARTBEAT_S,
      });
    }
  }

  try {
    await oneAtATime(database, start);
    // The data folder is locked: whatever the embedded database says is under way, no process does it any more.
    if (database.kind === 'pglite') await failOrphans(database, boss);
  } catch (thrown) {
    await boss.stop({ graceful: false, close: false }).catch(() => {});
    throw thrown;
  }

  async function close(withinMs: number): Promise<void> {
    await Promise.all([...workers.values()].map((worker) => worker.close(withinMs)));
    await boss.stop({ graceful: false, close: false });
  }

  return {
    send: async (name, payload, { singletonKey, runAt, retryLimit, expireMs } = {}) => {
      const id = await boss.send(name, payload, {
        // Without one, pg-boss takes all jobs of the name for twins.
        singletonKey: singletonKey ?? kit.ids.make('job'),
        ...(runAt !== undefined && { startAfter: runAt }),
        ...(retryLimit !== undefined && { retryLimit }),
        ...(expireMs !== undefined && { expireInSeconds: Math.max(1, Math.ceil(expireMs / 1_000)) }),
      });
      workers.get(name)?.nudge();
      return id !== null;
    },
    work: (name, options, handler) => {
      if (closing || workers.has(name)) throw new Error(`${name} is worked already, or the queue is closed`);
      const { pollMs } = JOBS[name];
      const rhythm = { pollMs, heartbeatMs: (HEARTBEAT_S * 1_000) / 3 };
      workers.set(
        name,
        new QueueWorker({ name, boss, database, clock: kit.clock, log, ...rhythm, ...options }, handler as JobHandler<JobName>),
      );
    },
    schedule: async (name, cron, payload) => {
      await boss.schedule(name, cron, payload, { tz: 'UTC' });
    },
    failed: async (name) => {
      const { rows } = await database.drizzle.execute<{
        id: string;
        data: never;
        output: { message?: string; value?: { message?: string } };
      }>(sql`select id, data, output from pgboss.job where name = ${name} and state = 'failed' order by completed_on desc limit 100`);
      return rows.map(({ id, data, output }) => ({ id, payload: data, error: output?.message ?? output?.value?.message ?? '' }));
    },
    close: ({ withinMs }) => (closing ??= close(withinMs)),
  };
}

async function failOrphans(database: Database, boss: PgBoss): Promise<void> {
  const names = sql.param(Object.keys(JOBS));
  const { rows } = await database.drizzle.execute<{ id: string; name: string }>(
    sql`select id, name from pgboss.job where state = 'active' and name = any (${names}::text[])`,
  );
  for (const { id, name } of rows) await boss.fail(name, id, { message: 'the process that did it died' });
}

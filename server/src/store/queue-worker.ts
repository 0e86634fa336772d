/** Does the jobs of one name in this process: fetches, runs within a deadline, tells that it lives, and settles each. */
import { sql } from 'drizzle-orm';
import type { PgBoss } from 'pg-boss';
import { Cancelled, untilAborted } from '#kit/abort.ts';
import type { Clock, Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';
import { type Database, faultOf } from './database.ts';
import type { JobHandler, JobName, JobPayloads, WorkOptions } from './job.ts';

/** A handler that does not end this long after its signal is left behind. */
const GRACE_MS = 10_000;
/** A database that is away when a job is done: the job would be done again, so it is worth waiting for. */
const SETTLE_TRIES = 3;
const SETTLE_AGAIN_MS = 1_000;
const UNIQUE_VIOLATION = '23505';

export interface QueueWorkerOptions extends WorkOptions {
  name: JobName;
  boss: PgBoss;
  database: Database;
  clock: Clock;
  log: Log;
  pollMs: number;
  heartbeatMs: number;
}

interface Claim {
  id: string;
  retryCount: number;
  retryLimit: number;
  data: JobPayloads[JobName];
}

interface Running {
  stop: AbortController;
  done: Promise<void>;
}

export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #handler: JobHandler<JobName>;
  readonly #running = new Map<string, Running>();
  #timer: Timer | undefined;
  #fetching: Promise<void> | undefined;
  /** Something came while a fetch was under way. */
  #again = false;
  #closed = false;

  constructor(options: QueueWorkerOptions, handler: JobHandler<JobName>) {
    this.#options = options;
    this.#handler = handler;
    this.nudge();
  }

  /** Looks for jobs now instead of at the next poll. */
  nudge(): void {
    if (this.#closed) return;
    if (this.#fetching) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
      if (this.#closed) return;
      if (this.#again) this.nudge();
      else this.#timer = this.#options.clock.after(this.#options.pollMs, () => this.nudge());
    });
  }

  /** Aborts what runs and gives it back; resolves when nothing runs here, or after `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { stop } of this.#running.values()) stop.abort(new Cancelled('shutdown'));
    const late = new AbortController();
    const timer = this.#options.clock.after(withinMs, () => late.abort(new Cancelled('deadline')));
    const all = (async () => {
      await this.#fetching;
      await Promise.all([...this.#running.values()].map(({ done }) => done));
    })();
    await untilAborted(all, late.signal).catch(() => {});
    timer.cancel();
  }

  async #fetch(): Promise<void> {
    const { name, boss, concurrency, log } = this.#options;
    this.#again = false;
    const free = concurrency - this.#running.size;
    if (free <= 0) return;
    try {
      const jobs = await boss.fetch<JobPayloads[JobName]>(name, { batchSize: free, includeMetadata: true });
      for (const job of jobs) {
        const stop = new AbortController();
        if (this.#closed) stop.abort(new Cancelled('shutdown'));
        const done = this.#run(job, stop).finally(() => {
          this.#running.delete(job.id);
          this.nudge();
        });
        this.#running.set(job.id, { stop, done });
      }
    } catch (thrown) {
      log.warn({ job: name, reason: messageOf(thrown) }, 'jobs could not be fetched');
    }
  }

  /** Never rejects. */
  async #run(job: Claim, stop: AbortController): Promise<void> {
    const { name, boss, clock, log, deadlineMs } = this.#options;
    const deadline = clock.after(deadlineMs, () => stop.abort(new Cancelled('deadline')));
    const heartbeat = this.#beat(job, stop);
    let error: unknown;
    try {
      if (!stop.signal.aborted) await this.#handle(job, stop.signal);
    } catch (thrown) {
      error = thrown;
    }
    deadline.cancel();
    heartbeat.cancel();
    const why = stop.signal.reason instanceof Cancelled ? stop.signal.reason.why : undefined;
    if (why === 'taken-away') return;
    // Also when the handler resolved: it may have stopped half way, and bears being done twice.
    if (why === 'shutdown') return this.#settle(job, () => this.#giveBack(job));
    if (error === undefined) return this.#settle(job, () => boss.complete(name, job));
    const reason = why === 'deadline' ? `it took longer than ${deadlineMs} ms` : messageOf(error);
    const tries = `${job.retryCount + 1} of ${job.retryLimit + 1}`;
    log.warn({ job: name, id: job.id, tries, reason }, 'a job failed');
    return this.#settle(job, () => boss.fail(name, job, { message: reason }));
  }

  /** Settles as the handler does, or rejects when it goes on after its signal. */
  async #handle({ data, retryCount, retryLimit }: Claim, signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    let timer: Timer | undefined;
    const onAbort = () => {
      timer = this.#options.clock.after(GRACE_MS, () => {
        this.#options.log.error({ job: this.#options.name }, 'a job does not stop and is left behind');
        lost.abort(signal.reason);
      });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const work = (async () => this.#handler(data, { signal, attempt: retryCount + 1, attempts: retryLimit + 1 }))();
      await untilAborted(work, lost.signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      timer?.cancel();
    }
  }

  /** Tells that the job is being done; one that was taken away (its lease ran out) is stopped. */
  #beat(job: Claim, stop: AbortController): Timer {
    const { name, boss, clock, heartbeatMs } = this.#options;
    let timer: Timer;
    let over = false;
    const arm = () => {
      timer = clock.after(heartbeatMs, () => {
        boss.touch(name, job).then(
          (answer) => {
            if (over) return;
            // pg-boss answers it, though its types do not say so.
            if ((answer as { affected?: number }).affected === 0) stop.abort(new Cancelled('taken-away'));
            else arm();
          },
          () => {
            if (!over) arm();
          },
        );
      });
    };
    arm();
    return {
      cancel: () => {
        over = true;
        timer.cancel();
      },
    };
  }

  /** Waiting again, at once, and this try does not count; a twin that waits already does the work instead. */
  async #giveBack(job: Claim): Promise<void> {
    const { name, boss, database } = this.#options;
    try {
      await database.drizzle.execute(sql`
        update pgboss.job set state = 'created', started_on = null, heartbeat_on = null
        where name = ${name} and id = ${job.id}::uuid and state = 'active' and retry_count = ${job.retryCount}`);
    } catch (thrown) {
      if (faultOf(thrown).sqlState !== UNIQUE_VIOLATION) throw thrown;
      await boss.cancel(name, job);
    }
  }

  async #settle(job: Claim, settle: () => Promise<unknown>): Promise<void> {
    const { name, clock, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await settle();
        return;
      } catch (thrown) {
        if (attempt === SETTLE_TRIES || this.#closed) {
          log.warn(
            { job: name, id: job.id, reason: messageOf(thrown) },
            'what became of a job could not be written: it will be done again',
          );
          return;
        }
        await clock.sleep(SETTLE_AGAIN_MS);
      }
    }
  }
}

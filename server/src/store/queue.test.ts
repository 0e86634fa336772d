import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { databaseKit, describeOnEachDatabase, openTestPglite } from '../../test/database.ts';
import type { Attempt, JobQueue } from './queue.ts';
import { openQueue } from './queue.ts';

const kit = databaseKit();
const ref = { businessId: 'b', documentId: 'd', version: 1 };
const manners = { concurrency: 2, deadlineMs: 5_000 };
const within = { timeout: 8_000, interval: 5 };

describeOnEachDatabase('the queue', ({ database }) => {
  const queues: JobQueue[] = [];
  const open = async (options?: { superviseMs: number }) => {
    const queue = await openQueue(database(), kit, options);
    queues.push(queue);
    return queue;
  };
  const states = async () => {
    const { rows } = await database().drizzle.execute<{ state: string }>(
      sql`select state::text from pgboss.job where name in ('ingest-document', 'crawl-source') order by created_on`,
    );
    return rows.map(({ state }) => state);
  };
  /** Retries become due at once. */
  const hurry = () => database().drizzle.execute(sql`update pgboss.job set start_after = now() where state = 'retry'`);

  beforeEach(async () => {
    await (await openQueue(database(), kit)).close({ withinMs: 100 });
    await database().drizzle.execute(sql`delete from pgboss.job`);
  });
  afterEach(async () => {
    for (const queue of queues.splice(0)) await queue.close({ withinMs: 1_000 });
  });

  test('a job sent here begins at once, and is done once', async () => {
    const queue = await open();
    const done: unknown[] = [];
    let beganAt = 0;
    queue.work('ingest-document', manners, async (payload, { attempt, attempts }) => {
      beganAt = performance.now();
      done.push([payload, attempt, attempts]);
    });
    const sentAt = performance.now();
    expect(await queue.send('ingest-document', ref)).toBe(true);
    await vi.waitFor(() => expect(done).toEqual([[ref, 1, 5]]), within);
    expect(beganAt - sentAt).toBeLessThan(500);
    await vi.waitFor(async () => expect(await states()).toEqual(['completed']), within);
  });

  test('what waits with the same key is not added twice; what is not yet due waits', async () => {
    const queue = await open();
    expect(await queue.send('ingest-document', ref, { singletonKey: 'd:1' })).toBe(true);
    expect(await queue.send('ingest-document', ref, { singletonKey: 'd:1' })).toBe(false);
    expect(await queue.send('ingest-document', ref, { singletonKey: 'd:2' })).toBe(true);
    await queue.send('crawl-source', { businessId: 'b', sourceId: 's' }, { runAt: new Date(Date.now() + 60_000) });
    const seen: string[] = [];
    queue.work('ingest-document', manners, async () => void seen.push('ingest'));
    queue.work('crawl-source', manners, async () => void seen.push('crawl'));
    await vi.waitFor(async () => expect((await states()).toSorted()).toEqual(['completed', 'completed', 'created']), within);
    expect(seen).toEqual(['ingest', 'ingest']);
  });

  test('no more run at once than there is room for, and never two of one key', async () => {
    const queue = await open();
    let [running, most, ofOneKey, mostOfOneKey, done] = [0, 0, 0, 0, 0];
    queue.work('ingest-document', { concurrency: 3, deadlineMs: 5_000 }, async ({ documentId }) => {
      most = Math.max(most, ++running);
      if (documentId === 'same') mostOfOneKey = Math.max(mostOfOneKey, ++ofOneKey);
      await kit.clock.sleep(20);
      if (documentId === 'same') ofOneKey--;
      running--;
      done++;
    });
    for (let i = 0; i < 12; i++) {
      const documentId = i % 3 === 0 ? 'same' : `d${i}`;
      while (!(await queue.send('ingest-document', { ...ref, documentId }, { singletonKey: documentId }))) await kit.clock.sleep(5);
    }
    await vi.waitFor(() => expect(done).toBe(12), within);
    expect([most, mostOfOneKey]).toEqual([3, 1]);
  });

  test('a failure is tried again, and kept with its error when no try is left', async () => {
    const queue = await open();
    const attempts: number[] = [];
    queue.work('crawl-source', manners, async (_payload, { attempt }) => {
      attempts.push(attempt);
      throw new Error(`away ${attempt}`);
    });
    await queue.send('crawl-source', { businessId: 'b', sourceId: 's' });
    for (const count of [1, 2, 3]) {
      await vi.waitFor(async () => {
        await hurry();
        expect(attempts.length).toBe(count);
      }, within);
    }
    await vi.waitFor(async () => {
      expect(await queue.failed('crawl-source')).toMatchObject([{ payload: { sourceId: 's' }, error: 'away 3' }]);
    }, within);
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('a handler is stopped at its deadline', async () => {
    const queue = await open();
    let why: unknown;
    queue.work('crawl-source', { concurrency: 1, deadlineMs: 50 }, async (_payload, { signal }) => {
      await kit.clock.sleep(60_000, signal).catch((reason: unknown) => {
        why = reason;
        throw reason;
      });
    });
    await queue.send('crawl-source', { businessId: 'b', sourceId: 's' }, { retryLimit: 0 });
    await vi.waitFor(async () => {
      expect(await queue.failed('crawl-source')).toMatchObject([{ error: 'it took longer than 50 ms' }]);
    }, within);
    expect(why).toMatchObject({ why: 'deadline' });
  });

  test('closing gives back what runs, at no cost of tries, and another process does it', async () => {
    const first = await open();
    const began = Promise.withResolvers<Attempt>();
    first.work('ingest-document', manners, async (_payload, attempt) => {
      began.resolve(attempt);
      await kit.clock.sleep(60_000, attempt.signal);
    });
    await first.send('ingest-document', ref, { singletonKey: 'd:1' });
    const { signal } = await began.promise;
    await first.close({ withinMs: 1_000 });
    await first.close({ withinMs: 1_000 });
    expect(signal.reason).toMatchObject({ why: 'shutdown' });
    expect(await states()).toEqual(['created']);
    expect(() => first.work('crawl-source', manners, async () => {})).toThrow();

    const second = await open();
    const done = Promise.withResolvers<number>();
    second.work('ingest-document', manners, async (_payload, { attempt }) => done.resolve(attempt));
    expect(await done.promise).toBe(1);
  });

  test('what a process that died was doing is done again', async () => {
    const dead = await open({ superviseMs: 600_000 });
    const began = Promise.withResolvers<Attempt>();
    dead.work('ingest-document', { concurrency: 1, deadlineMs: 60_000 }, (_payload, attempt) => {
      began.resolve(attempt);
      return kit.clock.sleep(60_000, attempt.signal);
    });
    await dead.send('ingest-document', ref);
    await began.promise;
    // It has not told that it lives for two minutes.
    await database().drizzle.execute(sql`update pgboss.job set heartbeat_on = now() - interval '2 minutes' where state = 'active'`);
    await database().drizzle.execute(sql`update pgboss.queue set monitor_on = null`);
    const other = await open({ superviseMs: 1_000 });
    const done = Promise.withResolvers<number>();
    other.work('ingest-document', manners, async (_payload, { attempt }) => done.resolve(attempt));
    const hurrying = setInterval(() => void hurry(), 50);
    expect(await done.promise).toBe(2);
    clearInterval(hurrying);
    await vi.waitFor(async () => expect(await states()).toEqual(['completed']), within);
    await dead.close({ withinMs: 100 });
    expect(await states()).toEqual(['completed']);
  });

  test('requests and transactions go on beside it, over one connection', async () => {
    const queue = await open();
    let done = 0;
    queue.work('ingest-document', { concurrency: 4, deadlineMs: 5_000 }, async () => {
      await database().transaction(async (queries) => {
        await queries.execute(sql`select 1`);
        await queries.execute(sql`select 2`);
      });
      done++;
    });
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await queue.send('ingest-document', { ...ref, documentId: `d${i}` });
        await database().transaction((queries) => queries.execute(sql`select 3`));
      }),
    );
    await vi.waitFor(() => expect(done).toBe(40), within);
  });

  test('a schedule is kept once, whoever makes it', async () => {
    const [first, second] = [await open(), await open()];
    await first.schedule('sweep-knowledge', '20 3 * * *', {});
    await second.schedule('sweep-knowledge', '20 3 * * *', {});
    const { rows } = await database().drizzle.execute(sql`select name, cron, timezone from pgboss.schedule`);
    expect(rows).toEqual([{ name: 'sweep-knowledge', cron: '20 3 * * *', timezone: 'UTC' }]);
  });
});

describe('the end of the queue', () => {
  test('leaves no timer, and the embedded database is told of jobs whose process died', { timeout: 60_000 }, async () => {
    const database = await openTestPglite();
    let pending = 0;
    const clock = {
      now: () => kit.clock.now(),
      wall: () => kit.clock.wall(),
      after: (delayMs: number, run: () => void) => {
        let over = false;
        pending++;
        const end = () => {
          if (!over) pending--;
          over = true;
        };
        const timer = kit.clock.after(delayMs, () => {
          end();
          run();
        });
        return {
          cancel: () => {
            end();
            timer.cancel();
          },
        };
      },
      sleep: (delayMs: number, signal?: AbortSignal) => kit.clock.sleep(delayMs, signal),
    };
    const queue = await openQueue(database, { ...kit, clock });
    queue.work('ingest-document', manners, async () => {});
    await queue.send('ingest-document', ref);
    await vi.waitFor(async () => {
      const { rows } = await database.drizzle.execute(sql`select state::text from pgboss.job where name = 'ingest-document'`);
      expect(rows).toEqual([{ state: 'completed' }]);
    }, within);
    expect(pending).toBeGreaterThan(0);
    await queue.close({ withinMs: 1_000 });
    expect(pending).toBe(0);

    await database.drizzle.execute(sql`update pgboss.job set state = 'active', completed_on = null where name = 'ingest-document'`);
    const next = await openQueue(database, kit);
    const { rows } = await database.drizzle.execute(sql`select state::text from pgboss.job where name = 'ingest-document'`);
    expect(rows).toEqual([{ state: 'retry' }]);
    await next.close({ withinMs: 100 });
    await database.close();
  });
});

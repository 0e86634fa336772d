/** The background jobs of what a business knows, each with its handler, and the clock that sends the regular ones. */
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import { readUnfinishedDocuments } from '#store/document-versions.ts';
import type { JobHandler, JobName, JobQueue, WorkOptions } from '#store/queue.ts';
import type { Crawler } from './crawl/crawl-source.ts';
import { type IngestionOptions, ingestDocument } from './ingestion/ingest-document.ts';
import { sweepKnowledge } from './sweep-knowledge.ts';

/** Extraction runs in children of its own, at most two at once. */
const INGEST_AT_ONCE = 2;
const CRAWL_AT_ONCE = 2;
/** More than the parts of each job take at most, less than the queue's own limit. */
const INGEST_WITHIN_MS = 17 * 60_000;
const CRAWL_WITHIN_MS = 18 * 60_000;
const SWEEP_WITHIN_MS = 10 * 60_000;
/** Documents sent again at start. */
const MAX_RESUMED = 10_000;

export interface KnowledgeJobsOptions {
  kit: Kit;
  database: Database;
  queue: JobQueue;
  ingestion: IngestionOptions;
  crawler: Crawler;
  /** Names of the embedders in use. */
  embedders: () => readonly string[];
  /** A try of a job ended here. Must not throw. */
  onJob?: (job: JobName, outcome: JobOutcome) => void;
}

/** `stopped`: given back, or out of time. */
export type JobOutcome = 'done' | 'failed' | 'stopped';

/**
 * Begins to do the jobs here, and sends again what was left half way: documents of before there were jobs, and those whose
 * job was lost between two writes. Rejects with `database-unavailable`.
 */
export async function startKnowledgeJobs(its: KnowledgeJobsOptions): Promise<void> {
  const { kit, database, queue, ingestion, crawler, embedders, onJob } = its;
  const work = <N extends JobName>(name: N, options: WorkOptions, handler: JobHandler<N>) =>
    queue.work(name, options, async (payload, attempt) => {
      let outcome: JobOutcome = 'failed';
      try {
        await handler(payload, attempt);
        outcome = 'done';
      } finally {
        onJob?.(name, attempt.signal.aborted ? 'stopped' : outcome);
      }
    });
  work('ingest-document', { concurrency: INGEST_AT_ONCE, deadlineMs: INGEST_WITHIN_MS }, (ref, attempt) =>
    ingestDocument(ingestion, ref, attempt),
  );
  work('crawl-source', { concurrency: CRAWL_AT_ONCE, deadlineMs: CRAWL_WITHIN_MS }, (ref, attempt) => crawler.crawlSource(ref, attempt));
  work('crawl-due-sources', { concurrency: 1, deadlineMs: SWEEP_WITHIN_MS }, async () => {
    await crawler.sendDue();
  });
  work('sweep-knowledge', { concurrency: 1, deadlineMs: SWEEP_WITHIN_MS }, async (_payload, { signal }) => {
    await sweepKnowledge({ kit, database, embedders }, signal);
  });
  await queue.schedule('crawl-due-sources', '*/10 * * * *', {});
  await queue.schedule('sweep-knowledge', '17 3 * * *', {});
  for (const ref of await readUnfinishedDocuments(database, MAX_RESUMED)) {
    await queue.send('ingest-document', ref, { singletonKey: `${ref.documentId}:${ref.version}` });
  }
}

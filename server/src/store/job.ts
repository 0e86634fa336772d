/** The terms of background jobs: which there are, how one is sent and done. */

/** Every job there is, with what it is told. */
export interface JobPayloads {
  'ingest-document': { businessId: string; documentId: string; version: number };
  'crawl-source': { businessId: string; sourceId: string };
  /** Sends `crawl-source` for every source that is due. */
  'crawl-due-sources': Record<string, never>;
  'sweep-knowledge': Record<string, never>;
}
export type JobName = keyof JobPayloads;

export interface SendOptions {
  /** While a job with this key waits, another is not added; jobs with the same key never run at once. */
  singletonKey?: string;
  /** Not before. */
  runAt?: Date;
  /** Tries after the first; the job's own when absent. */
  retryLimit?: number;
  /** One try is given up for lost after this long. At least 1 s. */
  expireMs?: number;
}

export interface Attempt {
  /** Aborts at the deadline, when the queue closes, and when the job was taken away. */
  signal: AbortSignal;
  /** From 1. */
  attempt: number;
  /** How often it is tried in all. */
  attempts: number;
}

/** Resolving is done; rejecting is tried again while there are tries left. */
export type JobHandler<N extends JobName> = (payload: JobPayloads[N], attempt: Attempt) => Promise<void>;

export interface WorkOptions {
  /** Jobs of this name at once in this process. */
  concurrency: number;
  /** The handler's signal aborts after this long. */
  deadlineMs: number;
}

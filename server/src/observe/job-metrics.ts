/** Background jobs that this process did, and what making vectors took. A business is never a label. */
import { Counter, type Registry } from 'prom-client';
import type { EmbeddingCounts } from '#knowledge/desk-link.ts';

/** Registers the counter of jobs, and answers how to count one. */
export function watchJobs(registry: Registry): (job: string, outcome: string) => void {
  const jobs = new Counter({
    name: 'tandem_jobs_total',
    help: 'Tries of background jobs that ended in this process: done, failed or stopped',
    labelNames: ['job', 'outcome'],
    registers: [registry],
  });
  return (job, outcome) => jobs.inc({ job, outcome });
}

/** Of one embedder; undefined before it has told. */
export type EmbeddingSource = () => { embedder: string; counts: EmbeddingCounts } | undefined;

/** The embedder counts by itself: at a scrape its sums replace what was said before. */
export function watchEmbedding(registry: Registry, source: EmbeddingSource): void {
  const counter = (name: string, help: string, read: (counts: EmbeddingCounts) => number) =>
    registry.registerMetric(
      new Counter({
        name: `tandem_embedding_${name}`,
        help,
        labelNames: ['embedder'],
        registers: [],
        collect() {
          this.reset();
          const told = source();
          if (told) this.inc({ embedder: told.embedder }, read(told.counts));
        },
      }),
    );
  counter('requests_total', 'Requests to the embedder', ({ requests }) => requests);
  counter('texts_total', 'Texts it was asked for, of documents and of questions', ({ texts }) => texts);
  counter('texts_shared_total', 'Texts that were being asked for already', ({ shared }) => shared);
  counter('texts_refused_total', 'Texts turned away: too many waited, or it was paused', ({ refused }) => refused);
  counter('failures_total', 'Requests that failed', ({ failures }) => failures);
  counter('pauses_total', 'Times it was left alone for a while: limited, or failing', ({ pauses }) => pauses);
  counter('tokens_total', 'Tokens as it counted them; 0 for those that count none', ({ tokens }) => tokens);
  counter('cost_usd_total', 'What that cost by the price table, US dollars', ({ costMicros }) => costMicros / 1_000_000);
}

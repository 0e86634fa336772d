import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { watchEmbedding, watchJobs } from './job-metrics.ts';

const linesOf = async (registry: Registry) =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.endsWith(' 0'));

test('tries of jobs are counted by how they ended', async () => {
  const registry = new Registry();
  const count = watchJobs(registry);
  count('ingest-document', 'done');
  count('ingest-document', 'done');
  count('crawl-source', 'failed');
  expect(await linesOf(registry)).toEqual([
    'tandem_jobs_total{job="ingest-document",outcome="done"} 2',
    'tandem_jobs_total{job="crawl-source",outcome="failed"} 1',
  ]);
});

test('the embedder says what it took; before it has, nothing is said', async () => {
  const registry = new Registry();
  const counts = { requests: 3, texts: 40, shared: 2, refused: 0, failures: 1, pauses: 0, tokens: 1_000, costMicros: 20 };
  let told: { embedder: string; counts: typeof counts } | undefined;
  watchEmbedding(registry, () => told);
  expect(await linesOf(registry)).toEqual([]);
  told = { embedder: 'openai/text-embedding-3-small', counts };
  const lines = [
    'tandem_embedding_requests_total{embedder="openai/text-embedding-3-small"} 3',
    'tandem_embedding_texts_total{embedder="openai/text-embedding-3-small"} 40',
    'tandem_embedding_texts_shared_total{embedder="openai/text-embedding-3-small"} 2',
    'tandem_embedding_failures_total{embedder="openai/text-embedding-3-small"} 1',
    'tandem_embedding_tokens_total{embedder="openai/text-embedding-3-small"} 1000',
    'tandem_embedding_cost_usd_total{embedder="openai/text-embedding-3-small"} 0.00002',
  ];
  expect(await linesOf(registry)).toEqual(lines);
  expect(await linesOf(registry)).toEqual(lines);
});

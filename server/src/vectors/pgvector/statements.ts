/** The room's SQL. One table per number of dimensions, since a column `vector(n)` and its index have one. */
import type { Partition, VectorFilter } from '../vector-index.ts';

/** An index of pgvector holds vectors of up to 2,000 dimensions; larger ones are scanned exactly. */
export const MOST_INDEXED_DIMENSIONS = 2_000;

/** Not the product's own schema: these tables are this room's, made by it and rebuilt from the product's rows. */
export const SCHEMA = 'tandem_vectors';
/** Of `pg_advisory_xact_lock`: two processes that start together do not both make a table. */
const LOCK = 7_264_110;

export const tableOf = ({ dimensions }: Pick<Partition, 'dimensions'>) => `${SCHEMA}.points_${dimensions}`;

/** Run in one transaction, in order. */
export function definition(partition: Pick<Partition, 'dimensions'>): string[] {
  const { dimensions } = partition;
  const table = tableOf(partition);
  return [
    `select pg_advisory_xact_lock(${LOCK})`,
    `create schema if not exists ${SCHEMA}`,
    `create table if not exists ${table} (
       business_id text not null, base text not null, embedder text not null, id text collate "C" not null,
       document_id text not null, language text not null, audience text not null, tags text[] not null,
       embedding vector(${dimensions}) not null,
       primary key (business_id, base, embedder, id)
     )`,
    ...(dimensions <= MOST_INDEXED_DIMENSIONS
      ? [
          `create index if not exists points_${dimensions}_embedding on ${table}
             using hnsw (embedding vector_ip_ops) with (m = 16, ef_construction = 96)`,
        ]
      : []),
    `create index if not exists points_${dimensions}_document on ${table} (business_id, base, embedder, document_id)`,
  ];
}

/** `$1` to `$3` of every statement below. */
export const partitionValues = ({ businessId, base, embedder }: Partition): unknown[] => [businessId, base, embedder];
const inPartition = 'business_id = $1 and base = $2 and embedder = $3';

/** `$4` to `$9`: arrays of ids, documents, languages, audiences, tags (each a JSON list) and vectors, of one length; no id twice. A row that stays as it was is not written. */
export const upsert = (partition: Partition) => `
  insert into ${tableOf(partition)} as known (business_id, base, embedder, id, document_id, language, audience, tags, embedding)
  select $1, $2, $3, id, document_id, language, audience, array(select jsonb_array_elements_text(tags::jsonb)), embedding::vector
  from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    as new (id, document_id, language, audience, tags, embedding)
  on conflict (business_id, base, embedder, id) do update set document_id = excluded.document_id, language = excluded.language,
    audience = excluded.audience, tags = excluded.tags, embedding = excluded.embedding
  where (known.document_id, known.language, known.audience, known.tags, known.embedding)
    is distinct from (excluded.document_id, excluded.language, excluded.audience, excluded.tags, excluded.embedding)`;

/** `$4`: ids. */
export const remove = (partition: Partition) => `delete from ${tableOf(partition)} where ${inPartition} and id = any($4::text[])`;

/** `$4`: ids. An anti-join is hashed by every version of PostgreSQL; `not in` a long list is not. */
export const retain = (partition: Partition) => `
  delete from ${tableOf(partition)} as point
  where ${inPartition} and not exists (select from unnest($4::text[]) as named (id) where named.id = point.id)`;

/** `$1` business, `$2` embedder. */
export const bases = (of: Pick<Partition, 'dimensions'>) =>
  `select distinct base from ${tableOf(of)} where business_id = $1 and embedder = $2`;

export const drop = (partition: Partition) => `delete from ${tableOf(partition)} where ${inPartition}`;

/** At most `most`, so that it never counts for long. */
export function count(partition: Partition, filter: VectorFilter, most: number): { text: string; values: unknown[] } {
  const { where, values } = conditions(partition, filter);
  const text = `select count(*)::int as count from (select 1 from ${tableOf(partition)} where ${where} limit ${most}) as passing`;
  return { text, values };
}

/**
 * The nearest by inner product (`<#>` is its negative). `exact`: adding 0 makes an expression that no index answers, so
 * that all rows that pass are compared.
 */
export function nearest(
  partition: Partition,
  filter: VectorFilter,
  query: { vector: Float32Array; limit: number; exact: boolean },
): { text: string; values: unknown[] } {
  const { where, values } = conditions(partition, filter);
  const vector = values.push(vectorText(query.vector));
  const limit = values.push(query.limit);
  const distance = `embedding <#> $${vector}::vector(${partition.dimensions})`;
  // An order by a second column would keep the index out, too: equals are put in order by whoever asks.
  const order = query.exact ? `(${distance}) + 0, id` : distance;
  const text = `select id, -(${distance}) as score from ${tableOf(partition)} where ${where} order by ${order} limit $${limit}`;
  return { text, values };
}

/** An iterative scan (pgvector 0.8) goes on until enough rows have passed the filter. */
export const scanSettings = [
  'set local hnsw.ef_search = 200',
  "set local hnsw.iterative_scan = 'strict_order'",
  'set local hnsw.max_scan_tuples = 200000',
  'set local hnsw.scan_mem_multiplier = 4',
];

export const vectorText = (vector: Float32Array): string => `[${vector.join(',')}]`;

function conditions(partition: Partition, filter: VectorFilter): { where: string; values: unknown[] } {
  const values = partitionValues(partition);
  const terms = [inPartition];
  const among = (list: readonly string[] | undefined, term: (parameter: string) => string) => {
    if (list === undefined || list.length === 0) return;
    terms.push(term(`$${values.push([...list])}::text[]`));
  };
  among(filter.documentIds, (list) => `document_id = any(${list})`);
  among(filter.languages, (list) => `language = any(${list})`);
  among(filter.audiences, (list) => `audience = any(${list})`);
  among(filter.tags, (list) => `tags && ${list}`);
  return { where: terms.join(' and '), values };
}

/** The tables of documents' files and passages, vectors, crawled sites and gaps, as Drizzle sees them. */
import type { DocumentFault, Gap, KnowledgeSite, Verdict } from '@tandem/contract';
import { bigint, customType, date, doublePrecision, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const businessId = () => text('business_id').notNull();
const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({
  dataType: () => 'bytea',
  // A view, not a copy: uploads are large.
  toDriver: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
});

export const documentFiles = pgTable(
  'document_files',
  {
    businessId: businessId(),
    documentId: text('document_id').notNull(),
    version: integer('version').notNull(),
    fileName: text('file_name').notNull(),
    mediaType: text('media_type').notNull(),
    /** SHA-256 of the bytes. */
    digest: text('digest').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.documentId, table.version] })],
);

export const documentFileParts = pgTable(
  'document_file_parts',
  {
    businessId: businessId(),
    documentId: text('document_id').notNull(),
    version: integer('version').notNull(),
    part: integer('part').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.documentId, table.version, table.part] })],
);

export const passages = pgTable(
  'passages',
  {
    businessId: businessId(),
    documentId: text('document_id').notNull(),
    version: integer('version').notNull(),
    position: integer('position').notNull(),
    title: text('title').notNull(),
    text: text('text').notNull(),
    /** Of what is embedded; `embeddings` holds its vector. */
    digest: text('digest').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.documentId, table.version, table.position] })],
);

export const embeddings = pgTable(
  'embeddings',
  {
    businessId: businessId(),
    embedder: text('embedder').notNull(),
    digest: text('digest').notNull(),
    /** float32, little endian. */
    vector: bytea('vector').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.embedder, table.digest] })],
);

export const embeddingUsage = pgTable(
  'embedding_usage',
  {
    businessId: businessId(),
    /** Where the business is. */
    day: date('day').notNull(),
    embedder: text('embedder').notNull(),
    texts: bigint('texts', { mode: 'number' }).notNull(),
    /** Shares of requests that several businesses had are fractions. */
    tokens: doublePrecision('tokens').notNull(),
    costMicros: doublePrecision('cost_micros').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.day, table.embedder] })],
);

export const sources = pgTable(
  'sources',
  {
    businessId: businessId(),
    id: text('id').notNull(),
    url: text('url').notNull(),
    maxDepth: integer('max_depth').notNull(),
    maxPages: integer('max_pages').notNull(),
    everyHours: integer('every_hours'),
    base: text('base').notNull(),
    language: text('language').notNull(),
    tags: jsonb('tags').$type<string[]>().notNull(),
    audience: text('audience').notNull(),
    state: text('state').$type<KnowledgeSite['state']>().notNull(),
    fault: text('fault').$type<DocumentFault>(),
    detail: text('detail'),
    found: integer('found').notNull(),
    read: integer('read').notNull(),
    changed: integer('changed').notNull(),
    refused: integer('refused').notNull(),
    crawledAt: instant('crawled_at'),
    nextAt: instant('next_at'),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const sourcePages = pgTable(
  'source_pages',
  {
    businessId: businessId(),
    sourceId: text('source_id').notNull(),
    url: text('url').notNull(),
    /** Null when a person deleted the page's document. */
    documentId: text('document_id'),
    etag: text('etag'),
    lastModified: text('last_modified'),
    digest: text('digest').notNull(),
    seenAt: instant('seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.sourceId, table.url] })],
);

export const gaps = pgTable(
  'gaps',
  {
    businessId: businessId(),
    id: text('id').notNull(),
    question: text('question').notNull(),
    terms: jsonb('terms').$type<string[]>().notNull(),
    count: integer('count').notNull(),
    calls: integer('calls').notNull(),
    state: text('state').$type<Gap['state']>().notNull(),
    questionId: text('question_id'),
    firstAt: instant('first_at').notNull(),
    lastAt: instant('last_at').notNull(),
    closedAt: instant('closed_at'),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const gapExamples = pgTable(
  'gap_examples',
  {
    businessId: businessId(),
    gapId: text('gap_id').notNull(),
    callId: text('call_id').notNull(),
    turn: integer('turn').notNull(),
    text: text('text').notNull(),
    verdict: text('verdict').$type<Verdict>().notNull(),
    at: instant('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.callId, table.turn] })],
);

export const knowledgeRevisions = pgTable('knowledge_revisions', {
  businessId: text('business_id').primaryKey(),
  revision: bigint('revision', { mode: 'number' }).notNull(),
});

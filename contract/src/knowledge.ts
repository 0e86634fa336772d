/**
 * What a business knows, as REST shapes: documents, the sites they are crawled from, questions with approved answers, and
 * the gaps that callers found. Every one belongs to a business and to one of its knowledge bases, which are names.
 */
import { z } from 'zod';
import { id, language, text, time } from './shapes.ts';

/** A knowledge base of the business, such as `sales`; `main` is there without being made. */
export const knowledgeBaseName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'is not a name such as main or spare-parts');
const tag = z.string().trim().min(1).max(60);
/** Who may hear it: `everyone`, or a word of the business's own such as `dealers`. */
const audience = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/);

/** Metadata that every passage of a document, and every question, carries; searches filter by it before they look. */
const metadata = {
  base: knowledgeBaseName.default('main'),
  language: language.default('en'),
  tags: z.array(tag).max(50).default([]),
  audience: audience.default('everyone'),
};

/** A list that is empty allows everything. `tags`: at least one of them. `audiences` always allow `everyone`. */
export const knowledgeScope = z.object({
  bases: z.array(knowledgeBaseName).max(20).default([]),
  documentIds: z.array(id).max(200).default([]),
  tags: z.array(tag).max(50).default([]),
  languages: z.array(language).max(20).default([]),
  audiences: z.array(audience).max(20).default([]).describe('besides everyone'),
});
export type KnowledgeScope = z.infer<typeof knowledgeScope>;

export const documentFormat = z.enum(['text', 'markdown', 'html', 'pdf', 'docx', 'pptx', 'xlsx', 'csv']);
export type DocumentFormat = z.infer<typeof documentFormat>;

/** Where a document stands on its way in. A version that fails leaves the one before it in use. */
export const documentState = z.enum(['waiting', 'extracting', 'cutting', 'embedding', 'ready', 'failed']);
export type DocumentState = z.infer<typeof documentState>;

/** Why a document could not be read. */
export const documentFault = z.enum([
  'format-unknown',
  'file-damaged',
  'file-encrypted',
  'no-text',
  'too-large',
  'too-many-pages',
  'too-many-entries',
  'expands-too-much',
  'too-slow',
  'too-much-memory',
  'unreachable',
  'forbidden',
  'embedding-failed',
  'internal-error',
]);
export type DocumentFault = z.infer<typeof documentFault>;

export const documentInput = z.object({ title: text(300), text: text(1_000_000), ...metadata });
export const document = documentInput.omit({ text: true }).extend({
  id,
  businessId: id,
  format: documentFormat,
  state: documentState,
  fault: documentFault.optional(),
  detail: z.string().optional().describe('what is wrong with it, for a person'),
  progress: z.number().min(0).max(1).describe('of the present state; 1 when ready'),
  version: z.number().int().describe('counts uploads; passages of one version only are ever searched'),
  passages: z.number().int(),
  pages: z.number().int().optional(),
  bytes: z.number().int(),
  fileName: z.string().optional(),
  sourceId: id.optional().describe('the site it was crawled from'),
  url: z.string().optional(),
  createdAt: time,
  updatedAt: time,
});
export const documentWithText = document.extend({ text: z.string() });
export type KnowledgeDocument = z.infer<typeof document>;
export type DocumentWithText = z.infer<typeof documentWithText>;

/** A site that is crawled: same host only, as its robots.txt allows. */
export const sourceInput = z.object({
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  maxDepth: z.number().int().min(0).max(10).default(3),
  maxPages: z.number().int().min(1).max(2_000).default(200),
  everyHours: z.number().int().min(1).max(8_760).nullable().default(null).describe('crawled again so often; never by itself when null'),
  ...metadata,
});
export const source = sourceInput.extend({
  id,
  businessId: id,
  state: z.enum(['waiting', 'crawling', 'ready', 'failed']),
  fault: documentFault.optional(),
  detail: z.string().optional(),
  found: z.number().int().describe('pages found so far'),
  read: z.number().int().describe('pages read or found unchanged in the present or last crawl'),
  changed: z.number().int().describe('pages that were new or different'),
  refused: z.number().int().describe('pages that robots.txt, their type or an error kept out'),
  crawledAt: time.optional(),
  createdAt: time,
  updatedAt: time,
});
export type SourceInput = z.infer<typeof sourceInput>;
export type KnowledgeSite = z.infer<typeof source>;

export const questionInput = z.object({
  phrasings: z.array(text(300)).min(1).max(50).describe('ways to ask it; the first is its title'),
  answer: text(1_000).describe('spoken as it stands'),
  ...metadata,
});
export const question = questionInput.extend({ id, businessId: id, createdAt: time, updatedAt: time });
export type Question = z.infer<typeof question>;

/**
 * What a search is worth: `answer` from the passages, `clarify` (something is near: ask once what is meant), `unknown`
 * (say so, and take a message or transfer).
 */
export const verdict = z.enum(['answer', 'clarify', 'unknown']);
export type Verdict = z.infer<typeof verdict>;

/** What the verdict was made of, each 0 to 1. */
export const confidence = z.object({
  score: z.number().describe('of the best passage'),
  margin: z.number().describe('between the best and the next different one'),
  coverage: z.number().describe("share of the query's information that the best passage holds"),
});
export type Confidence = z.infer<typeof confidence>;

/** For trying out what a caller would get. */
export const knowledgeSearchInput = z.object({
  query: text(1_000),
  scope: knowledgeScope.prefault({}),
  limit: z.number().int().min(1).max(20).default(5),
});
export const knowledgeSearch = z.object({
  passages: z.array(
    z.object({
      id: z.string(),
      documentId: z.string(),
      title: z.string(),
      text: z.string(),
      answer: z.string().optional(),
      score: z.number(),
    }),
  ),
  verdict,
  confidence,
  tookMs: z.number(),
});
export type KnowledgeSearch = z.infer<typeof knowledgeSearch>;

/** Questions of callers that mean the same and that the assistant could not answer well. */
export const gap = z.object({
  id,
  businessId: id,
  question: z.string().describe('the clearest of them'),
  examples: z.array(z.object({ text: z.string(), callId: z.string(), turn: z.number().int(), at: time, verdict })).max(20),
  count: z.number().int(),
  calls: z.number().int(),
  state: z.enum(['open', 'answered', 'dismissed']),
  questionId: id.optional().describe('the approved question that closed it'),
  firstAt: time,
  lastAt: time,
});
export type Gap = z.infer<typeof gap>;
/** One click: the gap becomes an approved question, with the phrasings of its examples unless others are named. */
export const gapAnswer = z.object({ answer: text(1_000), phrasings: z.array(text(300)).min(1).max(50).optional() });

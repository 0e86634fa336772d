/** What a crawl reads and writes: its progress, the pages it has seen, and the documents made of them. */
import type { DocumentFault, KnowledgeSite } from '@tandem/contract';
import { and, asc, eq, inArray, lte, ne } from 'drizzle-orm';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database } from './database.ts';
import { createUploadedDocument, deleteDocument, type DocumentMetadata, replaceDocumentFile, type Upload } from './documents.ts';
import { documents, sourcePages, sources } from './schema.ts';
import { oneSource, toSource } from './sources.ts';

/** One site of one business. */
export interface SourceRef {
  businessId: string;
  sourceId: string;
}

export type CrawlCounts = Pick<KnowledgeSite, 'found' | 'read' | 'changed' | 'refused'>;

export interface FinishedCrawl extends CrawlCounts {
  state: 'ready' | 'failed';
  fault?: DocumentFault;
  detail?: string;
  crawledAt: Date;
  /** When it is crawled again by itself. */
  nextAt: Date | null;
}

/** What is remembered of a page between crawls. */
export interface SourcePage {
  url: string;
  /** Null when a person deleted the page's document: it is not made again. */
  documentId: string | null;
  etag: string | null;
  lastModified: string | null;
  digest: string;
  seenAt: Date;
}

/** A page as a document's upload. */
export type PageUpload = Upload & { title: string };

/** Undefined when the source is gone. */
export async function readSourceToCrawl(database: Database, { businessId, sourceId }: SourceRef): Promise<KnowledgeSite | undefined> {
  const [row] = await ask(database.drizzle.select().from(sources).where(oneSource(businessId, sourceId)));
  return row && toSource(row);
}

/** `crawling`, with the counts so far. False when the source is gone. */
export function tellCrawlProgress(database: Database, kit: Kit, ref: SourceRef, counts: CrawlCounts): Promise<boolean> {
  return change(database, kit, ref, { ...counts, state: 'crawling', fault: null, detail: null });
}

/** False when the source is gone. */
export function finishCrawl(database: Database, kit: Kit, ref: SourceRef, finished: FinishedCrawl): Promise<boolean> {
  return change(database, kit, ref, { ...finished, fault: finished.fault ?? null, detail: finished.detail ?? null });
}

async function change(database: Database, kit: Kit, ref: SourceRef, changed: Partial<typeof sources.$inferInsert>): Promise<boolean> {
  const values = { ...changed, updatedAt: new Date(kit.clock.wall()) };
  const one = oneSource(ref.businessId, ref.sourceId);
  return (await ask(database.drizzle.update(sources).set(values).where(one).returning({ id: sources.id }))).length > 0;
}

/** Sources whose time has come and that are not being crawled, the longest due first. */
export async function readDueSources(database: Database, now: Date, limit: number): Promise<SourceRef[]> {
  return ask(
    database.drizzle
      .select({ businessId: sources.businessId, sourceId: sources.id })
      .from(sources)
      .where(and(lte(sources.nextAt, now), ne(sources.state, 'crawling')))
      .orderBy(asc(sources.nextAt))
      .limit(limit),
  );
}

const ofSource = ({ businessId, sourceId }: SourceRef) => and(eq(sourcePages.businessId, businessId), eq(sourcePages.sourceId, sourceId));

/** Everything that the last crawls saw of the site. */
export async function readSourcePages(database: Database, ref: SourceRef): Promise<SourcePage[]> {
  const { url, documentId, etag, lastModified, digest, seenAt } = sourcePages;
  return ask(
    database.drizzle.select({ url, documentId, etag, lastModified, digest, seenAt }).from(sourcePages).where(ofSource(ref)).orderBy(url),
  );
}

/** Inserts or replaces. */
export async function saveSourcePage(database: Database, { businessId, sourceId }: SourceRef, page: SourcePage): Promise<void> {
  const { url: _url, ...rest } = page;
  const target = [sourcePages.businessId, sourcePages.sourceId, sourcePages.url];
  await ask(
    database.drizzle
      .insert(sourcePages)
      .values({ businessId, sourceId, ...page })
      .onConflictDoUpdate({ target, set: rest }),
  );
}

export async function deleteSourcePages(database: Database, ref: SourceRef, urls: readonly string[]): Promise<void> {
  if (urls.length === 0) return;
  await ask(database.drizzle.delete(sourcePages).where(and(ofSource(ref), inArray(sourcePages.url, [...urls]))));
}

/** A new document of the page; one that a crawl cut short made of the same page gets a new version instead. */
export async function createPageDocument(
  database: Database,
  kit: Kit,
  { businessId, sourceId }: SourceRef,
  url: string,
  upload: PageUpload,
  metadata: Omit<DocumentMetadata, 'title'>,
): Promise<{ documentId: string; version: number }> {
  const same = and(eq(documents.businessId, businessId), eq(documents.sourceId, sourceId), eq(documents.url, url));
  const [known] = await ask(database.drizzle.select({ id: documents.id }).from(documents).where(same).limit(1));
  const replaced = known && (await replacePageDocument(database, kit, businessId, known.id, upload));
  if (replaced) return { documentId: replaced.documentId, version: replaced.version };
  const { base, language, tags, audience } = metadata;
  const input = { title: upload.title, base, language, tags, audience, sourceId, url };
  const { id, version } = await createUploadedDocument(database, kit, businessId, input, upload);
  return { documentId: id, version };
}

/** The next version. `fresh` is false when there is nothing to read anew; undefined when the document is gone. */
export async function replacePageDocument(
  database: Database,
  kit: Kit,
  businessId: string,
  documentId: string,
  upload: PageUpload,
): Promise<{ documentId: string; version: number; fresh: boolean } | undefined> {
  const { document, fresh } =
    (await unlessGone(replaceDocumentFile(database, kit, businessId, documentId, upload, { title: upload.title }))) ?? {};
  return document && { documentId, version: document.version, fresh: fresh === true };
}

/** With its passages and files. A document that is not there is no error. */
export async function deletePageDocument(database: Database, businessId: string, documentId: string): Promise<void> {
  await unlessGone(deleteDocument(database, businessId, documentId));
}

function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((thrown: unknown) => {
    if (thrown instanceof TandemError && thrown.code === 'not-found') return undefined;
    throw thrown;
  });
}

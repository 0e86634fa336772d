/** What crawling asks of the store. */
import type { KnowledgeSite } from '@tandem/contract';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import { readDocumentFile } from '#store/documents.ts';
import {
  type CrawlCounts,
  createPageDocument,
  deletePageDocument,
  deleteSourcePages,
  type FinishedCrawl,
  finishCrawl,
  type PageUpload,
  readDueSources,
  readSourcePages,
  readSourceToCrawl,
  replacePageDocument,
  type SourcePage,
  type SourceRef,
  saveSourcePage,
  tellCrawlProgress,
} from '#store/source-pages.ts';

export type { CrawlCounts, FinishedCrawl, PageUpload, SourcePage, SourceRef } from '#store/source-pages.ts';

/** What to crawl, and what the documents made of it carry. */
export type SourcePlan = Pick<KnowledgeSite, 'url' | 'maxDepth' | 'maxPages' | 'everyHours' | 'base' | 'language' | 'tags' | 'audience'>;

export interface CrawlStore {
  /** Undefined when the source is gone. */
  readSource(ref: SourceRef): Promise<SourcePlan | undefined>;
  /** `crawling`, with the counts so far. False when the source is gone. */
  tellProgress(ref: SourceRef, counts: CrawlCounts): Promise<boolean>;
  /** False when the source is gone. */
  finishCrawl(ref: SourceRef, finished: FinishedCrawl): Promise<boolean>;
  readPages(ref: SourceRef): Promise<SourcePage[]>;
  /** Inserts or replaces. */
  savePage(ref: SourceRef, page: SourcePage): Promise<void>;
  removePages(ref: SourceRef, urls: readonly string[]): Promise<void>;
  /** A new document of the page, with the source's metadata; one that a crawl cut short made of the same page is used again. */
  createPageDocument(ref: SourceRef, plan: SourcePlan, url: string, upload: PageUpload): Promise<{ documentId: string; version: number }>;
  /** The next version. `fresh` is false when there is nothing to read anew; undefined when the document is gone. */
  replacePageDocument(
    businessId: string,
    documentId: string,
    upload: PageUpload,
  ): Promise<{ documentId: string; version: number; fresh: boolean } | undefined>;
  /** The page as it was last read, where its file is still kept. */
  readPageFile(businessId: string, documentId: string): Promise<{ mediaType: string; bytes: Uint8Array } | undefined>;
  /** With its passages and files. A document that is not there is no error. */
  deleteDocument(businessId: string, documentId: string): Promise<void>;
  /** Sources whose `next_at` has come and that are not being crawled, the longest due first. */
  dueSources(now: Date, limit: number): Promise<SourceRef[]>;
}

export function crawlStoreOf(database: Database, kit: Kit): CrawlStore {
  return {
    readSource: (ref) => readSourceToCrawl(database, ref),
    tellProgress: (ref, counts) => tellCrawlProgress(database, kit, ref, counts),
    finishCrawl: (ref, finished) => finishCrawl(database, kit, ref, finished),
    readPages: (ref) => readSourcePages(database, ref),
    savePage: (ref, page) => saveSourcePage(database, ref, page),
    removePages: (ref, urls) => deleteSourcePages(database, ref, urls),
    createPageDocument: (ref, plan, url, upload) => createPageDocument(database, kit, ref, url, upload, plan),
    replacePageDocument: (businessId, documentId, upload) => replacePageDocument(database, kit, businessId, documentId, upload),
    readPageFile: (businessId, documentId) => readDocumentFile(database, businessId, documentId),
    deleteDocument: (businessId, documentId) => deletePageDocument(database, businessId, documentId),
    dueSources: (now, limit) => readDueSources(database, now, limit),
  };
}

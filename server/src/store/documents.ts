/**
 * Named queries on documents as people see them: metadata, text, uploads, where each stands on its way in. What the job
 * that reads them writes is in `document-versions.ts`.
 */
import type { DocumentWithText, KnowledgeDocument, Page } from '@tandem/contract';
import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { deleteOtherFiles, hasSameFile, keepFile, moveFile, type Upload } from './document-files.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { bumpRevision } from './revisions.ts';
import { documents, sourcePages } from './schema.ts';

export type { DocumentWithText } from '@tandem/contract';
export { readDocumentFile, type Upload } from './document-files.ts';

/** What a person says about a document; absent is the base `main`, English, no tag, everyone. */
export type DocumentMetadata = Pick<KnowledgeDocument, 'title'> &
  Partial<Pick<KnowledgeDocument, 'base' | 'language' | 'tags' | 'audience'>>;
export type TextDocumentInput = DocumentMetadata & { text: string };
/** Where a page of a crawled site comes from. */
export interface CrawledFrom {
  sourceId: string;
  url: string;
}
type Row = typeof documents.$inferSelect;
type Head = Omit<Row, 'text'>;

const toDocument = ({ liveVersion: _live, ...row }: Head): KnowledgeDocument => ({
  ...row,
  fault: row.fault ?? undefined,
  detail: row.detail ?? undefined,
  pages: row.pages ?? undefined,
  fileName: row.fileName ?? undefined,
  sourceId: row.sourceId ?? undefined,
  url: row.url ?? undefined,
  createdAt: rfc3339(row.createdAt.getTime()),
  updatedAt: rfc3339(row.updatedAt.getTime()),
});
export const toDocumentWithText = ({ text, ...head }: Row): DocumentWithText => ({ ...toDocument(head), text });

const { text: _text, ...head } = getTableColumns(documents);
export const oneDocument = (businessId: string, id: string): SQL | undefined =>
  and(eq(documents.businessId, businessId), eq(documents.id, id));

/** A version has arrived: it is read by a job, while the one before it stays in use. */
const nextVersion = { version: sql`${documents.version} + 1`, state: 'waiting' as const, fault: null, detail: null, progress: 0 };

/** A page of documents without their texts. */
export async function listDocuments(database: Database, businessId: string, query: PageQuery): Promise<Page<KnowledgeDocument>> {
  const page = pageOf(query, documents.createdAt, documents.id);
  const rows = await ask(
    database.drizzle
      .select(head)
      .from(documents)
      .where(and(eq(documents.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage<Head, KnowledgeDocument>(rows, query, (row) => row.createdAt, toDocument);
}

/** Throws `not-found`. */
export async function readDocument(database: Database, businessId: string, id: string): Promise<DocumentWithText> {
  return toDocumentWithText(found(await ask(database.drizzle.select().from(documents).where(oneDocument(businessId, id)))));
}

function freshRow(kit: Kit, businessId: string, input: DocumentMetadata): Row {
  const { title, base = 'main', language = 'en', tags = [], audience = 'everyone' } = input;
  const now = new Date(kit.clock.wall());
  const about = { title, base, language, tags, audience, businessId, id: kit.ids.make('document') };
  const reading = { state: 'waiting', fault: null, detail: null, progress: 0, version: 1, liveVersion: 0 } as const;
  const content = { text: '', format: 'markdown', passages: 0, pages: null, bytes: 0, fileName: null, sourceId: null, url: null } as const;
  return { ...about, ...reading, ...content, createdAt: now, updatedAt: now };
}

/** Its version 1 waits to be cut into passages. Throws `invalid-input` for text that holds NUL. */
export async function createDocument(
  database: Database,
  kit: Kit,
  businessId: string,
  input: TextDocumentInput,
): Promise<DocumentWithText> {
  const row: Row = { ...freshRow(kit, businessId, input), text: input.text, bytes: Buffer.byteLength(input.text) };
  await ask(database.drizzle.insert(documents).values(row));
  return toDocumentWithText(row);
}

/** Keeps the file as it came; its version 1 waits to be read. */
export async function createUploadedDocument(
  database: Database,
  kit: Kit,
  businessId: string,
  input: DocumentMetadata & Partial<CrawledFrom>,
  upload: Upload,
): Promise<DocumentWithText> {
  const { sourceId = null, url = null } = input;
  const row: Row = { ...freshRow(kit, businessId, input), bytes: upload.bytes.length, fileName: upload.fileName, sourceId, url };
  await ask(
    database.transaction(async (queries) => {
      await queries.insert(documents).values(row);
      await keepFile(queries, { businessId, documentId: row.id, version: row.version }, upload, row.updatedAt);
    }),
  );
  return toDocumentWithText(row);
}

/**
 * A new version from a file. The same file again changes nothing, unless reading it failed. `fresh` tells whether there
 * is something to read. Throws `not-found`.
 */
export async function replaceDocumentFile(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  upload: Upload,
  input: Partial<DocumentMetadata> = {},
): Promise<{ document: DocumentWithText; fresh: boolean }> {
  return ask(
    database.transaction(async (queries) => {
      const before = found(await queries.select().from(documents).where(oneDocument(businessId, id)).for('update'));
      const same = await hasSameFile(queries, { businessId, documentId: id, version: before.version }, upload.bytes);
      const renamed = input.title !== undefined && input.title !== before.title;
      if (same && before.state !== 'failed' && !renamed) {
        if (Object.keys(input).length === 0) return { document: toDocumentWithText(before), fresh: false };
        const [row] = await queries
          .update(documents)
          .set({ ...input, updatedAt: new Date(kit.clock.wall()) })
          .where(oneDocument(businessId, id))
          .returning();
        await bumpRevision(queries, businessId);
        return { document: toDocumentWithText(row), fresh: false };
      }
      const changed = {
        ...input,
        ...nextVersion,
        bytes: upload.bytes.length,
        fileName: upload.fileName,
        updatedAt: new Date(kit.clock.wall()),
      };
      const row = found(await queries.update(documents).set(changed).where(oneDocument(businessId, id)).returning());
      await deleteOtherFiles(queries, { businessId, documentId: id, version: row.liveVersion });
      await keepFile(queries, { businessId, documentId: row.id, version: row.version }, upload, row.updatedAt);
      return { document: toDocumentWithText(row), fresh: true };
    }),
  );
}

/**
 * Changes what `input` names. A new text or title is a new version, since passages carry both; the rest holds at once.
 * `fresh` tells whether there is something to read. Throws `not-found`, `invalid-input`.
 */
export async function updateDocument(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  input: Partial<TextDocumentInput>,
): Promise<{ document: DocumentWithText; fresh: boolean }> {
  return ask(
    database.transaction(async (queries) => {
      const before = found(await queries.select().from(documents).where(oneDocument(businessId, id)).for('update'));
      const rewritten = input.text !== undefined && (input.text !== before.text || before.fileName !== null);
      const fresh = rewritten || (input.title !== undefined && input.title !== before.title);
      const changed = {
        ...input,
        ...(rewritten && { format: 'markdown' as const, fileName: null, pages: null, bytes: Buffer.byteLength(input.text ?? '') }),
        ...(fresh && nextVersion),
        updatedAt: new Date(kit.clock.wall()),
      };
      const row = found(await queries.update(documents).set(changed).where(oneDocument(businessId, id)).returning());
      if (fresh && !rewritten) await moveFile(queries, { businessId, documentId: id, version: before.version }, row.version);
      await bumpRevision(queries, businessId);
      return { document: toDocumentWithText(row), fresh };
    }),
  );
}

/** A version that failed waits again. Throws `not-found`, and `conflict` when it has not failed. */
export async function retryDocument(database: Database, kit: Kit, businessId: string, id: string): Promise<DocumentWithText> {
  const changed = { state: 'waiting' as const, fault: null, detail: null, progress: 0, updatedAt: new Date(kit.clock.wall()) };
  const failed = and(oneDocument(businessId, id), eq(documents.state, 'failed'));
  const [row] = await ask(database.drizzle.update(documents).set(changed).where(failed).returning());
  if (row) return toDocumentWithText(row);
  const { state } = await readDocument(database, businessId, id);
  throw new TandemError('conflict', `The document has not failed: it is ${state}`);
}

/** Its passages and files go with it; a page of a crawled site is remembered as deleted. Throws `not-found`. */
export async function deleteDocument(database: Database, businessId: string, id: string): Promise<void> {
  await ask(
    database.transaction(async (queries) => {
      found(await queries.delete(documents).where(oneDocument(businessId, id)).returning({ id: documents.id }));
      const page = and(eq(sourcePages.businessId, businessId), eq(sourcePages.documentId, id));
      await queries.update(sourcePages).set({ documentId: null }).where(page);
      await bumpRevision(queries, businessId);
    }),
  );
}

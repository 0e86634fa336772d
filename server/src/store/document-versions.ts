/**
 * A document's version on its way in, as the job that reads it writes it. Each function names the version it works for
 * and answers false when that one is no longer wanted: a newer one has arrived, or the document is gone.
 */
import type { DocumentFault, DocumentFormat, DocumentState } from '@tandem/contract';
import { and, asc, eq, notInArray, sql } from 'drizzle-orm';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, type Queries } from './database.ts';
import { deleteOtherFiles, readDocumentFile, type Upload } from './document-files.ts';
import { oneDocument } from './documents.ts';
import { bumpRevision } from './revisions.ts';
import { documents } from './schema.ts';

/** One upload of one document. */
export interface VersionRef {
  businessId: string;
  documentId: string;
  /** Counts uploads, from 1. */
  version: number;
}

/** A document as it waits to be read. */
export interface WaitingVersion {
  title: string;
  /** Of the latest upload. */
  version: number;
  /** Of the passages that are searched; 0 when there are none. */
  liveVersion: number;
  state: DocumentState;
  fault?: DocumentFault;
  /** A file, or text that came as it is: nothing to extract. */
  content: Upload | { text: string; format: DocumentFormat };
}

/** A piece of a document's text, in order. `digest` is of what is embedded (`digestOf` in `embeddings.ts`). */
export interface PassageInput {
  title: string;
  text: string;
  digest: string;
}

export interface ReadVersion {
  /** Markdown. */
  text: string;
  format: DocumentFormat;
  pages?: number;
  passages: readonly PassageInput[];
  /** What is not as it should be with a version that is in use all the same, such as vectors that are missing. */
  fault?: DocumentFault;
  detail?: string;
}

const one = ({ businessId, documentId, version }: VersionRef) => and(oneDocument(businessId, documentId), eq(documents.version, version));

/** The latest upload of a document, with its file where it has one; undefined when the document is gone. */
export async function readWaitingVersion(
  database: Database,
  { businessId, documentId }: Omit<VersionRef, 'version'>,
): Promise<WaitingVersion | undefined> {
  const { title, text, format, version, liveVersion, state, fault } = documents;
  const columns = { title, text, format, version, liveVersion, state, fault };
  const [row] = await ask(database.drizzle.select(columns).from(documents).where(oneDocument(businessId, documentId)));
  if (!row) return undefined;
  const file = await readDocumentFile(database, businessId, documentId, row.version);
  const content = file ? { fileName: file.fileName, mediaType: file.mediaType, bytes: file.bytes } : { text: row.text, format: row.format };
  return { title: row.title, version: row.version, liveVersion: row.liveVersion, state: row.state, fault: row.fault ?? undefined, content };
}

/** `progress` is of the state, 0…1. */
export async function tellDocumentState(
  database: Database,
  kit: Kit,
  ref: VersionRef,
  { state, progress, detail }: { state: DocumentState; progress: number; detail?: string },
): Promise<boolean> {
  const changed = { state, progress, fault: null, detail: detail ?? null, updatedAt: new Date(kit.clock.wall()) };
  const rows = await ask(database.drizzle.update(documents).set(changed).where(one(ref)).returning({ id: documents.id }));
  return rows.length > 0;
}

/** The version before it, if any, stays in use. */
export async function failDocument(database: Database, kit: Kit, ref: VersionRef, fault: DocumentFault, detail: string): Promise<boolean> {
  const changed = { state: 'failed' as const, progress: 0, fault, detail, updatedAt: new Date(kit.clock.wall()) };
  const rows = await ask(database.drizzle.update(documents).set(changed).where(one(ref)).returning({ id: documents.id }));
  return rows.length > 0;
}

/**
 * Puts a version's passages in use and removes those, and the files, of every other one: all or nothing, so that a search
 * finds one version whole. Doing it again with the same version replaces what it wrote. Throws `invalid-input` for text
 * that holds NUL.
 */
export async function putDocumentInUse(database: Database, kit: Kit, ref: VersionRef, read: ReadVersion): Promise<boolean> {
  const { text, format, pages, passages, fault, detail } = read;
  const changed = {
    text,
    format,
    pages: pages ?? null,
    passages: passages.length,
    liveVersion: ref.version,
    state: 'ready' as const,
    progress: 1,
    fault: fault ?? null,
    detail: detail ?? null,
    updatedAt: new Date(kit.clock.wall()),
  };
  return ask(
    database.transaction(async (queries) => {
      const rows = await queries.update(documents).set(changed).where(one(ref)).returning({ id: documents.id });
      if (rows.length === 0) return false;
      await replacePassages(queries, ref, passages);
      await bumpRevision(queries, ref.businessId);
      return true;
    }),
  );
}

async function replacePassages(queries: Queries, { businessId, documentId, version }: VersionRef, passages: readonly PassageInput[]) {
  const others = sql`business_id = ${businessId} and document_id = ${documentId}`;
  await queries.execute(sql`delete from passages where ${others}`);
  await deleteOtherFiles(queries, { businessId, documentId, version });
  if (passages.length === 0) return;
  await queries.execute(sql`
    insert into passages (business_id, document_id, version, position, title, text, digest)
    select ${businessId}, ${documentId}, ${version}::integer, position - 1, title, text, digest
    from unnest(${sql.param(passages.map(({ title }) => title))}::text[], ${sql.param(passages.map(({ text }) => text))}::text[],
      ${sql.param(passages.map(({ digest }) => digest))}::text[]) with ordinality as given (title, text, digest, position)`);
}

/** Versions that wait or were left half way, oldest first: what a process that starts sends to its queue again. */
export async function readUnfinishedDocuments(database: Database, limit: number): Promise<VersionRef[]> {
  return ask(
    database.drizzle
      .select({ businessId: documents.businessId, documentId: documents.id, version: documents.version })
      .from(documents)
      .where(notInArray(documents.state, ['ready', 'failed']))
      .orderBy(asc(documents.createdAt))
      .limit(limit),
  );
}

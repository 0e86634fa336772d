/** Uploads as they came, kept in parts of a megabyte: no statement carries a whole file. */
import { createHash } from 'node:crypto';
import { and, asc, desc, eq, ne } from 'drizzle-orm';
import { ask, type Database, type Queries } from './database.ts';
import { documentFileParts, documentFiles } from './schema.ts';

/** A file as it came. */
export interface Upload {
  fileName: string;
  mediaType: string;
  bytes: Uint8Array;
}

const PART_BYTES = 1024 * 1024;

const digestOfBytes = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');

const ofDocument = (businessId: string, documentId: string) =>
  and(eq(documentFiles.businessId, businessId), eq(documentFiles.documentId, documentId));

export interface FileRef {
  businessId: string;
  documentId: string;
  version: number;
}

const one = ({ businessId, documentId, version }: FileRef) => and(ofDocument(businessId, documentId), eq(documentFiles.version, version));

/** Within the transaction that makes its version. */
export async function keepFile(queries: Queries, ref: FileRef, { fileName, mediaType, bytes }: Upload, createdAt: Date): Promise<void> {
  const { businessId, documentId, version } = ref;
  const digest = digestOfBytes(bytes);
  await queries.insert(documentFiles).values({ businessId, documentId, version, fileName, mediaType, digest, createdAt });
  for (let part = 0; part * PART_BYTES < bytes.length; part++) {
    const own = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
    await queries.insert(documentFileParts).values({ businessId, documentId, version, part, bytes: own });
  }
}

/** True when the file of this version has the very same bytes. */
export async function hasSameFile(queries: Queries, ref: FileRef, bytes: Uint8Array): Promise<boolean> {
  const same = and(one(ref), eq(documentFiles.digest, digestOfBytes(bytes)));
  return (await queries.select({ version: documentFiles.version }).from(documentFiles).where(same)).length > 0;
}

/** The file becomes that of the next version: only the title is another one. */
export async function moveFile(queries: Queries, ref: FileRef, version: number): Promise<void> {
  await queries.update(documentFiles).set({ version }).where(one(ref));
}

/** Deletes a document's files but that of one version. */
export async function deleteOtherFiles(queries: Queries, { businessId, documentId, version }: FileRef): Promise<void> {
  await queries.delete(documentFiles).where(and(ofDocument(businessId, documentId), ne(documentFiles.version, version)));
}

/** The newest upload, or the one of `version`; undefined where that version was written as text. */
export async function readDocumentFile(
  database: Database,
  businessId: string,
  documentId: string,
  version?: number,
): Promise<(Upload & { version: number }) | undefined> {
  const wanted = version === undefined ? undefined : eq(documentFiles.version, version);
  const [row] = await ask(
    database.drizzle
      .select()
      .from(documentFiles)
      .where(and(ofDocument(businessId, documentId), wanted))
      .orderBy(desc(documentFiles.version))
      .limit(1),
  );
  if (!row) return undefined;
  const ofFile = and(
    eq(documentFileParts.businessId, businessId),
    eq(documentFileParts.documentId, documentId),
    eq(documentFileParts.version, row.version),
  );
  const parts = await ask(
    database.drizzle.select({ bytes: documentFileParts.bytes }).from(documentFileParts).where(ofFile).orderBy(asc(documentFileParts.part)),
  );
  return { fileName: row.fileName, mediaType: row.mediaType, version: row.version, bytes: Buffer.concat(parts.map(({ bytes }) => bytes)) };
}

/** Reads what searches are made of: the passages of live versions, with their vectors where there are any. */
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { ask, type Database } from './database.ts';
import { unpackVector } from './embeddings.ts';
import { documents, embeddings, passages } from './schema.ts';

export interface StoredPassage {
  /** `<documentId>#<position>`. */
  id: string;
  documentId: string;
  version: number;
  position: number;
  title: string;
  text: string;
  digest: string;
  base: string;
  language: string;
  tags: string[];
  audience: string;
  /** Of the embedder that was asked for; undefined until there is one. */
  vector?: Float32Array;
}

/** A document as a searching node must know it: what differs is read anew. */
export interface LiveDocument {
  documentId: string;
  version: number;
  base: string;
  language: string;
  tags: string[];
  audience: string;
}

const DOCUMENTS_AT_ONCE = 2_000;

const metadata = { base: documents.base, language: documents.language, tags: documents.tags, audience: documents.audience };

async function select(database: Database, embedder: string | undefined, where: SQL | undefined, limit?: number): Promise<StoredPassage[]> {
  const { documentId, version, position, title, text, digest } = passages;
  const query = database.drizzle
    .select({ documentId, version, position, title, text, digest, ...metadata, vector: embeddings.vector })
    .from(passages)
    .innerJoin(
      documents,
      and(eq(documents.businessId, passages.businessId), eq(documents.id, documentId), eq(documents.liveVersion, version)),
    )
    .leftJoin(
      embeddings,
      embedder === undefined
        ? sql`false`
        : and(eq(embeddings.businessId, passages.businessId), eq(embeddings.embedder, embedder), eq(embeddings.digest, digest)),
    )
    .where(where)
    .orderBy(asc(documentId), asc(version), asc(position));
  const rows = await ask(limit === undefined ? query : query.limit(limit));
  return rows.map(({ vector, ...row }) => ({
    ...row,
    id: `${row.documentId}#${row.position}`,
    ...(vector && { vector: unpackVector(vector) }),
  }));
}

export interface PassagePage {
  /** The last of the page before. */
  after?: Pick<StoredPassage, 'documentId' | 'version' | 'position'>;
  limit: number;
  /** Whose vectors come along; none when absent. */
  embedder?: string;
}

/** A page of everything that is searched of a business, in the order of (document, position); a short page is the last. */
export function readPassages(database: Database, businessId: string, { after, limit, embedder }: PassagePage): Promise<StoredPassage[]> {
  const { documentId, version, position } = passages;
  const later = after && sql`(${documentId}, ${version}, ${position}) > (${after.documentId}, ${after.version}, ${after.position})`;
  return select(database, embedder, and(eq(passages.businessId, businessId), later), limit);
}

/** All passages of one document's live version. */
export function readPassagesOfDocument(database: Database, businessId: string, id: string, embedder?: string): Promise<StoredPassage[]> {
  return select(database, embedder, and(eq(passages.businessId, businessId), eq(passages.documentId, id)));
}

/** Passages of the live versions of these documents. */
export function readLivePassages(
  database: Database,
  businessId: string,
  ids: readonly string[],
  embedder?: string,
): Promise<StoredPassage[]> {
  const named = sql`${passages.documentId} = any (${sql.param([...ids])}::text[])`;
  return select(database, embedder, and(eq(passages.businessId, businessId), named));
}

/** Every document of a business that is searched, by id: what differs from before has changed. One query per {@link DOCUMENTS_AT_ONCE}. */
export async function readLiveDocuments(database: Database, businessId: string): Promise<LiveDocument[]> {
  const all: LiveDocument[] = [];
  for (let last = ''; ; last = all.at(-1)?.documentId ?? '') {
    const page = await ask(
      database.drizzle
        .select({ documentId: documents.id, version: documents.liveVersion, ...metadata })
        .from(documents)
        .where(and(eq(documents.businessId, businessId), gt(documents.id, last), gt(documents.liveVersion, 0)))
        .orderBy(asc(documents.id))
        .limit(DOCUMENTS_AT_ONCE),
    );
    all.push(...page);
    if (page.length < DOCUMENTS_AT_ONCE) return all;
  }
}

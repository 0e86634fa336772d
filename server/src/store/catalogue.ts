/** What a library reads of a business: which version of everything is searched, and the passages of what it does not have. */
import { createHash } from 'node:crypto';
import { and, asc, eq, sql } from 'drizzle-orm';
import { ask, type Database } from './database.ts';
import { digestOf, readEmbeddings } from './embeddings.ts';
import { readLiveDocuments, readLivePassages, type StoredPassage } from './passages.ts';
import { readRevisions } from './revisions.ts';
import { questions } from './schema.ts';

/** A document or an approved question; `version` differs whenever its text or its metadata does. */
export interface StoredItem {
  id: string;
  version: string;
}

/** One phrasing of an approved question, or a passage of a document. */
export type SearchedPassage = Pick<
  StoredPassage,
  'id' | 'documentId' | 'title' | 'text' | 'base' | 'language' | 'tags' | 'audience' | 'vector'
> & {
  answer?: string;
};

const versionOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);

/** The revision is read first: what changes meanwhile is read again. */
export async function readCatalogue(database: Database, businessId: string): Promise<{ revision: number; items: StoredItem[] }> {
  const revision = (await readRevisions(database, [businessId])).get(businessId) ?? 0;
  const documents = await readLiveDocuments(database, businessId);
  const asked = await ask(
    database.drizzle
      .select({ id: questions.id, updatedAt: questions.updatedAt })
      .from(questions)
      .where(eq(questions.businessId, businessId))
      .orderBy(asc(questions.id)),
  );
  return {
    revision,
    items: [
      ...documents.map(({ documentId, ...rest }) => ({ id: documentId, version: versionOf(rest) })),
      ...asked.map(({ id, updatedAt }) => ({ id, version: String(updatedAt.getTime()) })),
    ],
  };
}

/** In two or three queries however many items are named. */
export async function readSearched(
  database: Database,
  businessId: string,
  itemIds: readonly string[],
  embedder: string,
): Promise<SearchedPassage[]> {
  const passages = await readLivePassages(database, businessId, itemIds, embedder);
  const rows = await ask(
    database.drizzle
      .select()
      .from(questions)
      .where(and(eq(questions.businessId, businessId), sql`${questions.id} = any (${sql.param([...itemIds])}::text[])`)),
  );
  const digests = rows.flatMap(({ phrasings }) => phrasings.map(digestOf));
  const vectors = await readEmbeddings(database, businessId, embedder, digests);
  const phrasings = rows.flatMap(({ id, phrasings: texts, answer, base, language, tags, audience }) =>
    texts.map((text, i): SearchedPassage => {
      const vector = vectors.get(digestOf(text));
      return { id: `${id}#${i}`, documentId: id, title: texts[0], text, answer, base, language, tags, audience, ...(vector && { vector }) };
    }),
  );
  return [...passages, ...phrasings];
}

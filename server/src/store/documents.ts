/** Named queries on documents. The text is kept whole; passages are cut from it where retrieval runs. */
import type { KnowledgeDocument, Page } from '@tandem/contract';
import { and, eq, getTableColumns } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { documents } from './schema.ts';

export type DocumentWithText = KnowledgeDocument & { text: string };
/** `passages` is how many pieces retrieval cuts the text into: counted by whoever cuts. */
export type DocumentInput = Pick<DocumentWithText, 'title' | 'text' | 'language' | 'tags' | 'passages'>;
type Row = typeof documents.$inferSelect;
type Head = Omit<Row, 'text'>;

const toDocument = <R extends Head>(row: R) => ({
  ...row,
  createdAt: rfc3339(row.createdAt.getTime()),
  updatedAt: rfc3339(row.updatedAt.getTime()),
});
export const toDocumentWithText = (row: Row): DocumentWithText => toDocument(row);

const one = (businessId: string, id: string) => and(eq(documents.businessId, businessId), eq(documents.id, id));

/** A page of documents without their texts. */
export async function listDocuments(database: Database, businessId: string, query: PageQuery): Promise<Page<KnowledgeDocument>> {
  const page = pageOf(query, documents.createdAt, documents.id);
  const { text: _text, ...head } = getTableColumns(documents);
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
  return toDocumentWithText(found(await ask(database.drizzle.select().from(documents).where(one(businessId, id)))));
}

/** Throws `invalid-input` for text that holds NUL. */
export async function createDocument(database: Database, kit: Kit, businessId: string, input: DocumentInput): Promise<DocumentWithText> {
  const now = new Date(kit.clock.wall());
  const { title, text, language, tags, passages } = input;
  const row: Row = { title, text, language, tags, passages, businessId, id: kit.ids.make('document'), createdAt: now, updatedAt: now };
  await ask(database.drizzle.insert(documents).values(row));
  return toDocumentWithText(row);
}

/** Changes what `input` names; a new text brings its own count of passages. Throws `not-found`, `invalid-input`. */
export async function updateDocument(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  input: Partial<DocumentInput>,
): Promise<DocumentWithText> {
  const changed = { ...input, updatedAt: new Date(kit.clock.wall()) };
  return toDocumentWithText(found(await ask(database.drizzle.update(documents).set(changed).where(one(businessId, id)).returning())));
}

/** Throws `not-found`. */
export async function deleteDocument(database: Database, businessId: string, id: string): Promise<void> {
  found(await ask(database.drizzle.delete(documents).where(one(businessId, id)).returning({ id: documents.id })));
}

/** Named queries on approved questions and their answers. */
import type { Page, Question } from '@tandem/contract';
import { and, asc, eq } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found, type Queries } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { bumpRevision } from './revisions.ts';
import { gaps, questions } from './schema.ts';

/** Absent is the base `main`, English, no tag, everyone. */
export type QuestionInput = Pick<Question, 'phrasings' | 'answer'> & Partial<Pick<Question, 'base' | 'language' | 'tags' | 'audience'>>;
type Row = typeof questions.$inferSelect;

export const toQuestion = (row: Row): Question => ({
  ...row,
  createdAt: rfc3339(row.createdAt.getTime()),
  updatedAt: rfc3339(row.updatedAt.getTime()),
});

const one = (businessId: string, id: string) => and(eq(questions.businessId, businessId), eq(questions.id, id));

export async function listQuestions(database: Database, businessId: string, query: PageQuery): Promise<Page<Question>> {
  const page = pageOf(query, questions.createdAt, questions.id);
  const rows = await ask(
    database.drizzle
      .select()
      .from(questions)
      .where(and(eq(questions.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toQuestion);
}

/** Every question of a business, oldest first: what searches are made of. */
export async function readQuestions(database: Database, businessId: string): Promise<Question[]> {
  const own = eq(questions.businessId, businessId);
  const rows = await ask(database.drizzle.select().from(questions).where(own).orderBy(asc(questions.createdAt), asc(questions.id)));
  return rows.map(toQuestion);
}

/** Throws `not-found`. */
export async function readQuestion(database: Database, businessId: string, id: string): Promise<Question> {
  return toQuestion(found(await ask(database.drizzle.select().from(questions).where(one(businessId, id)))));
}

export async function createQuestion(database: Database, kit: Kit, businessId: string, input: QuestionInput): Promise<Question> {
  return ask(database.transaction((queries) => insertQuestion(queries, kit, businessId, input)));
}

/** {@link createQuestion} as part of a larger transaction. */
export async function insertQuestion(queries: Queries, kit: Kit, businessId: string, input: QuestionInput): Promise<Question> {
  const now = new Date(kit.clock.wall());
  const { phrasings, answer, base = 'main', language = 'en', tags = [], audience = 'everyone' } = input;
  const id = kit.ids.make('question');
  const row: Row = { phrasings, answer, base, language, tags, audience, businessId, id, createdAt: now, updatedAt: now };
  await queries.insert(questions).values(row);
  await bumpRevision(queries, businessId);
  return toQuestion(row);
}

/** Changes what `input` names. Throws `not-found`. */
export async function updateQuestion(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  input: Partial<QuestionInput>,
): Promise<Question> {
  const changed = { ...input, updatedAt: new Date(kit.clock.wall()) };
  return ask(
    database.transaction(async (queries) => {
      const row = found(await queries.update(questions).set(changed).where(one(businessId, id)).returning());
      await bumpRevision(queries, businessId);
      return toQuestion(row);
    }),
  );
}

/** A gap that it closed is open again. Throws `not-found`. */
export async function deleteQuestion(database: Database, businessId: string, id: string): Promise<void> {
  await ask(
    database.transaction(async (queries) => {
      found(await queries.delete(questions).where(one(businessId, id)).returning({ id: questions.id }));
      const unanswered = and(eq(gaps.businessId, businessId), eq(gaps.questionId, id));
      await queries.update(gaps).set({ state: 'open', questionId: null, closedAt: null }).where(unanswered);
      await bumpRevision(queries, businessId);
    }),
  );
}

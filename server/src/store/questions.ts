/** Named queries on approved questions and their answers. */
import type { Page, Question } from '@tandem/contract';
import { and, eq } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { questions } from './schema.ts';

export type QuestionInput = Pick<Question, 'phrasings' | 'answer'>;
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

/** Throws `not-found`. */
export async function readQuestion(database: Database, businessId: string, id: string): Promise<Question> {
  return toQuestion(found(await ask(database.drizzle.select().from(questions).where(one(businessId, id)))));
}

export async function createQuestion(database: Database, kit: Kit, businessId: string, input: QuestionInput): Promise<Question> {
  const now = new Date(kit.clock.wall());
  const { phrasings, answer } = input;
  const row: Row = { phrasings, answer, businessId, id: kit.ids.make('question'), createdAt: now, updatedAt: now };
  await ask(database.drizzle.insert(questions).values(row));
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
  return toQuestion(found(await ask(database.drizzle.update(questions).set(changed).where(one(businessId, id)).returning())));
}

/** Throws `not-found`. */
export async function deleteQuestion(database: Database, businessId: string, id: string): Promise<void> {
  found(await ask(database.drizzle.delete(questions).where(one(businessId, id)).returning({ id: questions.id })));
}

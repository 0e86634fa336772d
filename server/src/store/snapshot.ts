/** Everything a call is answered from, read at start and after a change: calls themselves never ask the database. */
import type { Assistant, Business, PhoneNumber, Question } from '@tandem/contract';
import { asc } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import { toAssistant } from './assistants.ts';
import { ask, type Database } from './database.ts';
import { type DocumentWithText, toDocumentWithText } from './documents.ts';
import { toNumber } from './numbers.ts';
import { toQuestion } from './questions.ts';
import { assistants, businesses, documents, numbers, questions, trunks } from './schema.ts';
import { toCredentials, type TrunkCredentials } from './trunks.ts';

export interface Snapshot {
  businesses: Business[];
  assistants: Assistant[];
  numbers: PhoneNumber[];
  trunks: TrunkCredentials[];
  documents: DocumentWithText[];
  questions: Question[];
}

/** Six queries in one transaction, so that no number leads to an assistant that is missing. Oldest first. */
export function readSnapshot(database: Database): Promise<Snapshot> {
  return ask(
    database.transaction(async (queries) => {
      const businessRows = await queries.select().from(businesses).orderBy(asc(businesses.createdAt), asc(businesses.id));
      const assistantRows = await queries.select().from(assistants).orderBy(asc(assistants.createdAt), asc(assistants.id));
      const numberRows = await queries.select().from(numbers).orderBy(asc(numbers.createdAt), asc(numbers.id));
      const trunkRows = await queries.select().from(trunks).orderBy(asc(trunks.createdAt), asc(trunks.id));
      const documentRows = await queries.select().from(documents).orderBy(asc(documents.createdAt), asc(documents.id));
      const questionRows = await queries.select().from(questions).orderBy(asc(questions.createdAt), asc(questions.id));
      return {
        businesses: businessRows.map((row) => ({ ...row, createdAt: rfc3339(row.createdAt.getTime()) })),
        assistants: assistantRows.map(toAssistant),
        numbers: numberRows.map(toNumber),
        trunks: trunkRows.map(toCredentials),
        documents: documentRows.map(toDocumentWithText),
        questions: questionRows.map(toQuestion),
      };
    }, 'repeatable read'),
  );
}

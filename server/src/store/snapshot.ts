/** Everything a call is answered from, read at start and after a change: calls themselves never ask the database. */
import type { Assistant, Business, PhoneNumber, Question } from '@tandem/contract';
import { asc, eq, gte, sql } from 'drizzle-orm';
import { toAssistant } from './assistants.ts';
import { toBusiness } from './businesses.ts';
import { ask, type Database } from './database.ts';
import { type DocumentWithText, toDocumentWithText } from './documents.ts';
import { toNumber } from './numbers.ts';
import { toQuestion } from './questions.ts';
import { assistants, businesses, calls, documents, numbers, questions, tools, trunks } from './schema.ts';
import type { SecretBox } from './secret-box.ts';
import { openTool, type ToolWithSecrets } from './tools.ts';
import { toCredentials, type TrunkCredentials } from './trunks.ts';

export interface Snapshot {
  businesses: Business[];
  assistants: Assistant[];
  numbers: PhoneNumber[];
  trunks: TrunkCredentials[];
  documents: DocumentWithText[];
  questions: Question[];
  /** Those switched on whose secrets could be opened. */
  tools: ToolWithSecrets[];
  /** Ids of the tools whose secrets were sealed with another key. */
  shutTools: string[];
  /** By business: what its calls cost that began today, in its own time zone; absent is nothing. Millionths of a US dollar. */
  spentToday: Map<string, number>;
}

export interface SnapshotOptions {
  /** Opens the tools' secrets. */
  box: SecretBox;
  /** Decides which day it is where each business is. */
  now: Date;
}

/** Eight queries in one transaction, so that no number leads to an assistant that is missing. Oldest first. */
export function readSnapshot(database: Database, { box, now }: SnapshotOptions): Promise<Snapshot> {
  return ask(
    database.transaction(async (queries) => {
      const businessRows = await queries.select().from(businesses).orderBy(asc(businesses.createdAt), asc(businesses.id));
      const assistantRows = await queries.select().from(assistants).orderBy(asc(assistants.createdAt), asc(assistants.id));
      const numberRows = await queries.select().from(numbers).orderBy(asc(numbers.createdAt), asc(numbers.id));
      const trunkRows = await queries.select().from(trunks).orderBy(asc(trunks.createdAt), asc(trunks.id));
      const documentRows = await queries.select().from(documents).orderBy(asc(documents.createdAt), asc(documents.id));
      const questionRows = await queries.select().from(questions).orderBy(asc(questions.createdAt), asc(questions.id));
      const toolRows = await queries.select().from(tools).where(eq(tools.enabled, true)).orderBy(asc(tools.createdAt), asc(tools.id));
      const spent = await queries
        .select({ businessId: calls.businessId, micros: sql<number>`sum(${calls.costMicros})` })
        .from(calls)
        .innerJoin(businesses, eq(businesses.id, calls.businessId))
        .where(gte(calls.startedAt, sql`date_trunc('day', ${now.toISOString()}::timestamptz, ${businesses.timeZone})`))
        .groupBy(calls.businessId);
      return {
        businesses: businessRows.map(toBusiness),
        assistants: assistantRows.map(toAssistant),
        numbers: numberRows.map(toNumber),
        trunks: trunkRows.map(toCredentials),
        documents: documentRows.map(toDocumentWithText),
        questions: questionRows.map(toQuestion),
        ...openTools(toolRows, box),
        spentToday: new Map(spent.map(({ businessId, micros }) => [businessId, micros ?? 0])),
      };
    }, 'repeatable read'),
  );
}

/** A lost key costs the tools that need it, not the calls. */
function openTools(rows: (typeof tools.$inferSelect)[], box: SecretBox): Pick<Snapshot, 'tools' | 'shutTools'> {
  const opened: ToolWithSecrets[] = [];
  const shutTools: string[] = [];
  for (const row of rows) {
    try {
      opened.push(openTool(row, box));
    } catch {
      shutTools.push(row.id);
    }
  }
  return { tools: opened, shutTools };
}

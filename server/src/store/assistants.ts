/** Named queries on assistants. */
import type { Assistant, AssistantInput, Page } from '@tandem/contract';
import { and, type Column, eq, sql } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { assistants } from './schema.ts';

type Row = typeof assistants.$inferSelect;

export const toAssistant = (row: Row): Assistant => ({
  ...row,
  transcriber: row.transcriber ?? undefined,
  languageModel: row.languageModel ?? undefined,
  synthesizer: row.synthesizer ?? undefined,
  speechToSpeech: row.speechToSpeech ?? undefined,
  createdAt: rfc3339(row.createdAt.getTime()),
  updatedAt: rfc3339(row.updatedAt.getTime()),
});

const one = (businessId: string, id: string) => and(eq(assistants.businessId, businessId), eq(assistants.id, id));

export async function listAssistants(database: Database, businessId: string, query: PageQuery): Promise<Page<Assistant>> {
  const page = pageOf(query, assistants.createdAt, assistants.id);
  const rows = await ask(
    database.drizzle
      .select()
      .from(assistants)
      .where(and(eq(assistants.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toAssistant);
}

/** Throws `not-found`. */
export async function readAssistant(database: Database, businessId: string, id: string): Promise<Assistant> {
  return toAssistant(found(await ask(database.drizzle.select().from(assistants).where(one(businessId, id)))));
}

/** Throws `conflict` when the slug is taken (slugs are unique in the installation: they are the path of a page). */
export async function createAssistant(database: Database, kit: Kit, businessId: string, input: AssistantInput): Promise<Assistant> {
  const now = new Date(kit.clock.wall());
  const row = { ...input, businessId, id: kit.ids.make('assistant'), createdAt: now, updatedAt: now };
  return toAssistant(found(await ask(database.drizzle.insert(assistants).values(row).returning())));
}

/** What an edit may name: within `fallbacks`, `turnTaking` and `knowledge` too only what changes. */
export type AssistantChange = Partial<Omit<AssistantInput, 'fallbacks' | 'turnTaking' | 'knowledge'>> & {
  fallbacks?: Partial<AssistantInput['fallbacks']>;
  turnTaking?: Partial<AssistantInput['turnTaking']>;
  knowledge?: Partial<AssistantInput['knowledge']>;
};

const merged = (column: Column, change: object | undefined) => (change ? sql`${column} || ${JSON.stringify(change)}::jsonb` : undefined);

/** Changes what `input` names; an optional vendor named as undefined is cleared. Throws `not-found`, `conflict`. */
export async function updateAssistant(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  input: AssistantChange,
): Promise<Assistant> {
  const changed = {
    ...input,
    ...('transcriber' in input && { transcriber: input.transcriber ?? null }),
    ...('languageModel' in input && { languageModel: input.languageModel ?? null }),
    ...('synthesizer' in input && { synthesizer: input.synthesizer ?? null }),
    ...('speechToSpeech' in input && { speechToSpeech: input.speechToSpeech ?? null }),
    fallbacks: merged(assistants.fallbacks, input.fallbacks),
    turnTaking: merged(assistants.turnTaking, input.turnTaking),
    knowledge: merged(assistants.knowledge, input.knowledge),
    updatedAt: new Date(kit.clock.wall()),
  };
  return toAssistant(found(await ask(database.drizzle.update(assistants).set(changed).where(one(businessId, id)).returning())));
}

/** Throws `not-found`, or `conflict` while a number still leads to it. */
export async function deleteAssistant(database: Database, businessId: string, id: string): Promise<void> {
  found(await ask(database.drizzle.delete(assistants).where(one(businessId, id)).returning({ id: assistants.id }), 'conflict'));
}

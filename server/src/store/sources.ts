/** Named queries on crawled sites, as people see and edit them. What a crawl writes is in `source-pages.ts`. */
import type { KnowledgeSite, Page, SourceInput } from '@tandem/contract';
import { and, eq } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { bumpRevision } from './revisions.ts';
import { documents, sources } from './schema.ts';

type Row = typeof sources.$inferSelect;

const HOUR_MS = 3_600_000;

export const toSource = ({ nextAt: _nextAt, ...row }: Row): KnowledgeSite => ({
  ...row,
  fault: row.fault ?? undefined,
  detail: row.detail ?? undefined,
  crawledAt: row.crawledAt ? rfc3339(row.crawledAt.getTime()) : undefined,
  createdAt: rfc3339(row.createdAt.getTime()),
  updatedAt: rfc3339(row.updatedAt.getTime()),
});

export const oneSource = (businessId: string, id: string) => and(eq(sources.businessId, businessId), eq(sources.id, id));

export async function listSources(database: Database, businessId: string, query: PageQuery): Promise<Page<KnowledgeSite>> {
  const page = pageOf(query, sources.createdAt, sources.id);
  const rows = await ask(
    database.drizzle
      .select()
      .from(sources)
      .where(and(eq(sources.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toSource);
}

/** Throws `not-found`. */
export async function readSource(database: Database, businessId: string, id: string): Promise<KnowledgeSite> {
  return toSource(found(await ask(database.drizzle.select().from(sources).where(oneSource(businessId, id)))));
}

/** It waits to be crawled. */
export async function createSource(database: Database, kit: Kit, businessId: string, input: SourceInput): Promise<KnowledgeSite> {
  const now = new Date(kit.clock.wall());
  const { url, maxDepth, maxPages, everyHours, base, language, tags, audience } = input;
  const about = { url, maxDepth, maxPages, everyHours, base, language, tags, audience, businessId, id: kit.ids.make('source') };
  const counts = { found: 0, read: 0, changed: 0, refused: 0, crawledAt: null, nextAt: null };
  const row: Row = { ...about, ...counts, state: 'waiting', fault: null, detail: null, createdAt: now, updatedAt: now };
  await ask(database.drizzle.insert(sources).values(row));
  return toSource(row);
}

/**
 * Changes what `input` names; base, language, tags and audience hold at once for the documents made of its pages. `fresh`
 * tells whether the site is another one and must be crawled. Throws `not-found`.
 */
export async function updateSource(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  input: Partial<SourceInput>,
): Promise<{ source: KnowledgeSite; fresh: boolean }> {
  const updatedAt = new Date(kit.clock.wall());
  return ask(
    database.transaction(async (queries) => {
      const before = found(await queries.select().from(sources).where(oneSource(businessId, id)).for('update'));
      const fresh = input.url !== undefined && input.url !== before.url;
      const again = input.everyHours === undefined ? undefined : nextCrawl(before.crawledAt, input.everyHours);
      const changed = { ...input, nextAt: again, ...(fresh && { state: 'waiting' as const, fault: null, detail: null }), updatedAt };
      const row = found(await queries.update(sources).set(changed).where(oneSource(businessId, id)).returning());
      const { base, language, tags, audience } = input;
      if ([base, language, tags, audience].some((value) => value !== undefined)) {
        const own = and(eq(documents.businessId, businessId), eq(documents.sourceId, id));
        await queries.update(documents).set({ base, language, tags, audience, updatedAt }).where(own);
        await bumpRevision(queries, businessId);
      }
      return { source: toSource(row), fresh };
    }),
  );
}

const nextCrawl = (crawledAt: Date | null, everyHours: number | null): Date | null =>
  crawledAt && everyHours !== null ? new Date(crawledAt.getTime() + everyHours * HOUR_MS) : null;

/** A crawl is about to be asked for; one that runs stays as it is. Throws `not-found`. */
export async function awaitCrawl(database: Database, kit: Kit, businessId: string, id: string): Promise<KnowledgeSite> {
  const before = await readSource(database, businessId, id);
  if (before.state === 'crawling' || before.state === 'waiting') return before;
  const changed = { state: 'waiting' as const, fault: null, detail: null, updatedAt: new Date(kit.clock.wall()) };
  return toSource(found(await ask(database.drizzle.update(sources).set(changed).where(oneSource(businessId, id)).returning())));
}

/** Every document made of its pages goes with it. Throws `not-found`. */
export async function deleteSource(database: Database, businessId: string, id: string): Promise<void> {
  await ask(
    database.transaction(async (queries) => {
      found(await queries.delete(sources).where(oneSource(businessId, id)).returning({ id: sources.id }));
      await queries.delete(documents).where(and(eq(documents.businessId, businessId), eq(documents.sourceId, id)));
      await bumpRevision(queries, businessId);
    }),
  );
}

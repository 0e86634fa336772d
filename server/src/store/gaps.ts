/** Named queries on gaps: questions of callers that mean the same and were not answered well. */
import type { Gap, Page, Question, Verdict } from '@tandem/contract';
import { and, desc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found, type Queries } from './database.ts';
import { type PageQuery, pageByCount, toPage } from './page.ts';
import { insertQuestion } from './questions.ts';
import { businesses, gaps } from './schema.ts';

/** A cluster as far as finding it again needs. */
export type KnownGap = Pick<Gap, 'id' | 'question' | 'state'>;

/** One caller's question that was not answered well. */
export interface GapExample {
  callId: string;
  turn: number;
  text: string;
  verdict: Verdict;
  at: Date;
}

/** Examples that belong to one cluster, new or known. */
export interface GapFinding {
  gapId: string;
  /** The clearest of its questions. */
  question: string;
  terms: readonly string[];
  examples: readonly GapExample[];
}

/** As many as a person is shown. */
const EXAMPLES_SHOWN = 20;
/** As many phrasings as a question may have, each as long as it may be. */
const MOST_PHRASINGS = 50;
const MOST_CHARACTERS = 300;

type Row = typeof gaps.$inferSelect & { examples: { text: string; callId: string; turn: number; at: string; verdict: Verdict }[] };

const toGap = ({ terms: _terms, closedAt: _closedAt, ...row }: Row): Gap => ({
  ...row,
  examples: row.examples.map((example) => ({ ...example, at: rfc3339(Date.parse(example.at)) })),
  questionId: row.questionId ?? undefined,
  firstAt: rfc3339(row.firstAt.getTime()),
  lastAt: rfc3339(row.lastAt.getTime()),
});

const one = (businessId: string, id: string) => and(eq(gaps.businessId, businessId), eq(gaps.id, id));

/** Gaps with their newest examples, in one query. Columns are spelled out: Drizzle would leave out their tables, and each has a `business_id`. */
const select = (queries: Queries, where: SQL | undefined) =>
  queries
    .select({
      ...getTableColumns(gaps),
      examples: sql<Row['examples']>`(
        select coalesce(json_agg(json_build_object('text', e.text, 'callId', e.call_id, 'turn', e.turn, 'at', e.at, 'verdict', e.verdict)
          order by e.at desc, e.turn desc), '[]')
        from (select * from gap_examples where gap_examples.business_id = gaps.business_id and gap_examples.gap_id = gaps.id
          order by at desc limit ${EXAMPLES_SHOWN}) as e)`,
    })
    .from(gaps)
    .where(where);

/** Those asked most come first. */
export async function listGaps(
  database: Database,
  businessId: string,
  query: PageQuery & { state?: Gap['state'] | undefined },
): Promise<Page<Gap>> {
  const page = pageByCount(query, gaps.count, gaps.id);
  const state = query.state === undefined ? undefined : eq(gaps.state, query.state);
  const rows = await ask(
    select(database.drizzle, and(eq(gaps.businessId, businessId), state, page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.count, toGap);
}

/** Throws `not-found`. */
export async function readGap(database: Database, businessId: string, id: string): Promise<Gap> {
  return toGap(found(await ask(select(database.drizzle, one(businessId, id)))));
}

/** The clusters asked for last, newest first. */
export async function readKnownGaps(database: Database, businessId: string, limit: number): Promise<KnownGap[]> {
  const { id, question, state } = gaps;
  const own = eq(gaps.businessId, businessId);
  return ask(database.drizzle.select({ id, question, state }).from(gaps).where(own).orderBy(desc(gaps.lastAt)).limit(limit));
}

/**
 * Adds the examples and counts them, all or none; an example (call, turn) that is there already counts no more. A cluster
 * that was answered and is asked for again opens again; one that was dismissed stays so. Of a business that is gone nothing
 * is kept.
 */
export async function recordGaps(database: Database, businessId: string, findings: readonly GapFinding[]): Promise<void> {
  if (findings.length === 0) return;
  await ask(
    database.transaction(async (queries) => {
      for (const finding of findings) await recordGap(queries, businessId, finding);
    }),
  );
}

async function recordGap(queries: Queries, businessId: string, { gapId, question, terms, examples }: GapFinding): Promise<void> {
  if (examples.length === 0) return;
  const given = JSON.stringify(examples.map((example) => ({ ...example, at: example.at.toISOString() })));
  await queries.execute(sql`
    with fresh as (
      insert into gap_examples (business_id, gap_id, call_id, turn, text, verdict, at)
      select ${businessId}, ${gapId}, "callId", turn, text, verdict, at
      from jsonb_to_recordset(${given}::jsonb) as given ("callId" text, turn integer, text text, verdict text, at timestamptz(3))
      where exists (select from businesses where id = ${businessId})
      on conflict do nothing
      returning call_id, at
    ), counted as (
      select count(*) as examples, min(at) as first_at, max(at) as last_at,
        count(distinct call_id) filter (where not exists (
          select from gap_examples e where e.business_id = ${businessId} and e.gap_id = ${gapId} and e.call_id = fresh.call_id)) as calls
      from fresh
    )
    insert into gaps (business_id, id, question, terms, count, calls, state, first_at, last_at)
    select ${businessId}, ${gapId}, ${question}, ${JSON.stringify(terms)}::jsonb, examples, calls, 'open', first_at, last_at
    from counted where examples > 0
    on conflict (business_id, id) do update set
      question = excluded.question,
      terms = excluded.terms,
      count = gaps.count + excluded.count,
      calls = gaps.calls + excluded.calls,
      first_at = least(gaps.first_at, excluded.first_at),
      last_at = greatest(gaps.last_at, excluded.last_at),
      state = case when gaps.state = 'answered' and excluded.last_at > gaps.closed_at then 'open' else gaps.state end`);
}

export interface GapClosing {
  answer: string;
  /** The texts of its examples when absent. */
  phrasings?: readonly string[] | undefined;
}

/** Makes an approved question of it and closes it, both or neither. Throws `not-found`, and `conflict` when it is answered. */
export async function answerGap(
  database: Database,
  kit: Kit,
  businessId: string,
  id: string,
  { answer, phrasings }: GapClosing,
): Promise<{ gap: Gap; question: Question }> {
  return ask(
    database.transaction(async (queries) => {
      const locked = await queries.select({ state: gaps.state }).from(gaps).where(one(businessId, id)).for('update');
      if (found(locked).state === 'answered') throw new TandemError('conflict', 'It is answered already');
      const gap = found(await select(queries, one(businessId, id)));
      const own = eq(businesses.id, businessId);
      const { language } = found(await queries.select({ language: businesses.language }).from(businesses).where(own));
      const question = await insertQuestion(queries, kit, businessId, {
        answer,
        language,
        phrasings: [...(phrasings ?? phrasingsOf(gap))],
      });
      const closed = { state: 'answered' as const, questionId: question.id, closedAt: new Date(kit.clock.wall()) };
      await queries.update(gaps).set(closed).where(one(businessId, id));
      return { gap: toGap({ ...gap, ...closed }), question };
    }),
  );
}

/** The clearest first; each once, whatever its capitals and punctuation. */
function phrasingsOf({ question, examples }: Row): string[] {
  const byWords = new Map<string, string>();
  for (const text of [question, ...examples.map((example) => example.text)]) {
    const phrasing = text.trim().slice(0, MOST_CHARACTERS);
    const words = phrasing
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim();
    if (words && !byWords.has(words)) byWords.set(words, phrasing);
  }
  return [...byWords.values()].slice(0, MOST_PHRASINGS);
}

/** Nobody shall be told of it again. Throws `not-found`, and `conflict` when it is answered. */
export async function dismissGap(database: Database, kit: Kit, businessId: string, id: string): Promise<Gap> {
  return ask(
    database.transaction(async (queries) => {
      const gap = found(await select(queries, one(businessId, id)));
      if (gap.state === 'answered') throw new TandemError('conflict', 'It is answered already');
      const closed = { state: 'dismissed' as const, closedAt: new Date(kit.clock.wall()) };
      await queries.update(gaps).set(closed).where(one(businessId, id));
      return toGap({ ...gap, ...closed });
    }),
  );
}

/** Deletes all but the newest `keep` examples of each gap, and answers how many. Their counts stay. */
export async function sweepGapExamples(database: Database, keep: number): Promise<number> {
  // Business by business: only gaps that were asked more often than `keep` are looked at. The fence (`offset 0`) keeps it so.
  const { rowCount } = await ask(
    database.drizzle.execute(sql`
      delete from gap_examples where (business_id, call_id, turn) in (
        select extra.business_id, extra.call_id, extra.turn from businesses b
        cross join lateral (select id from gaps where business_id = b.id and count > ${keep} offset 0) g
        cross join lateral (select business_id, call_id, turn from gap_examples
          where business_id = b.id and gap_id = g.id order by at desc offset ${keep}) extra)`),
  );
  return rowCount ?? 0;
}

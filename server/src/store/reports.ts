/** Named queries that look over many calls: how long callers waited, and what it cost. Times are of the calls' beginning. */
import { type LatencyReport, type UsageReport, waterfallStages } from '@tandem/contract';
import { type SQL, sql } from 'drizzle-orm';
import { ask, type Database, found } from './database.ts';

export interface ReportRange {
  from: Date;
  /** Not included. */
  to: Date;
  assistantId?: string | undefined;
}

export type LatencyBy = 'business' | 'assistant' | 'provider';

const within = (businessId: string, { from, to, assistantId }: ReportRange): SQL => sql`
  c.business_id = ${businessId} and c.started_at >= ${from.toISOString()}::timestamptz and c.started_at < ${to.toISOString()}::timestamptz
  ${assistantId === undefined ? sql`` : sql`and c.assistant_id = ${assistantId}`}`;

/** What turns are grouped by. A turn counts for every provider that took part in it. */
const GROUPS: Record<LatencyBy, { key: SQL; label: SQL; join: SQL }> = {
  business: { key: sql`s.business_id`, label: sql`max(b.name)`, join: sql`join businesses b on b.id = s.business_id` },
  assistant: { key: sql`coalesce(s.assistant_id, '')`, label: sql`coalesce(max(s.assistant_name), '')`, join: sql`` },
  provider: {
    key: sql`p.stage || '/' || p.provider`,
    label: sql`max(p.provider)`,
    join: sql`cross join lateral (select distinct u->>'stage' as stage, u->>'provider' as provider from jsonb_array_elements(s.usage) u) p`,
  },
};

/** `total` is the whole wait; the others are its parts, in the order they happen. */
const ORDER = new Map<string, number>([...waterfallStages, 'total'].map((stage, place) => [stage, place]));

/**
 * More turns make no percentile truer, only the query longer: 90,000 took the embedded database 3 to 14 s, and it has one
 * connection.
 */
export const MOST_TURNS = 10_000;

/** P50, P95 and P99 of every stage over the newest {@link MOST_TURNS} turns of the range, one query. Groups with the most turns first. */
export async function reportLatency(database: Database, businessId: string, range: ReportRange, by: LatencyBy): Promise<LatencyReport> {
  const { key, label, join } = GROUPS[by];
  const { rows } = await ask(
    database.drizzle.execute<{ key: string; label: string; stage: string; n: string; times: number[] }>(sql`
      select ${key} as key, ${label} as label, w.stage, count(*) as n,
        percentile_cont(array[0.5, 0.95, 0.99]) within group (order by w.ms::float8) as times
      from (
        select c.business_id, c.assistant_id, c.assistant_name, t.usage, t.waterfall
        from calls c cross join lateral (
          -- Fenced: the newest calls one after the other until there are turns enough, never all turns there are.
          select usage, waterfall from call_turns where call_id = c.id and waterfall is not null offset 0
        ) t
        where ${within(businessId, range)}
        order by c.started_at desc, c.id desc limit ${MOST_TURNS}
      ) s ${join}
      cross join lateral jsonb_each_text(s.waterfall) w (stage, ms)
      group by 1, w.stage`),
  );
  const groups = new Map<string, LatencyReport['groups'][number]>();
  for (const { key: id, label: name, stage, n, times } of rows) {
    const group = groups.get(id) ?? { key: id, label: name, turns: 0, stages: [] };
    const [p50Ms = 0, p95Ms = 0, p99Ms = 0] = times;
    group.stages.push({ stage, n: Number(n), p50Ms, p95Ms, p99Ms });
    if (stage === 'total') group.turns = Number(n);
    groups.set(id, group);
  }
  for (const { stages } of groups.values()) stages.sort((a, b) => (ORDER.get(a.stage) ?? 0) - (ORDER.get(b.stage) ?? 0));
  return { groups: [...groups.values()].sort((a, b) => b.turns - a.turns || (a.key < b.key ? -1 : 1)) };
}

type Totals = { days: { day: string; calls: number; costMicros: number }[]; lines: UsageReport['lines'] };

/** Days that the range touches, each as a whole. Vectors belong to no assistant. */
const embeddedWithin = (businessId: string, { from, to, assistantId }: ReportRange): SQL => sql`
  e.business_id = ${businessId} and ${assistantId === undefined ? sql`true` : sql`false`}
  and e.day >= (${from.toISOString()}::timestamptz at time zone b.time_zone)::date
  and e.day <= ((${to.toISOString()}::timestamptz - interval '1 millisecond') at time zone b.time_zone)::date`;

/**
 * What was used and what it cost, by provider and by day of the business's own time zone, vectors included. One query.
 * Throws `not-found`.
 */
export async function reportUsage(database: Database, businessId: string, range: ReportRange): Promise<UsageReport> {
  const { rows } = await ask(
    database.drizzle.execute<Totals>(sql`
      with c as materialized (
        select c.started_at, c.cost_micros, c.usage from calls c where ${within(businessId, range)}
      ), e as materialized (
        select e.day, e.embedder, e.texts, e.tokens, e.cost_micros
        from businesses b join embedding_usage e on e.business_id = b.id where ${embeddedWithin(businessId, range)}
      ), days as (
        select d.day, sum(d.calls) as calls, sum(d."costMicros") as "costMicros" from (
          select to_char(c.started_at at time zone b.time_zone, 'YYYY-MM-DD') as day, count(*) as calls,
            coalesce(sum(c.cost_micros), 0) as "costMicros"
          from businesses b cross join c where b.id = ${businessId} group by 1
          union all
          select to_char(e.day, 'YYYY-MM-DD'), 0, sum(e.cost_micros) from e where e.cost_micros > 0 group by 1
        ) d group by 1
      ), lines as (
        select u.stage, u.provider, u.model, u.unit, sum(u.quantity) as quantity, sum(u."costMicros") as "costMicros"
        from c cross join lateral jsonb_to_recordset(c.usage)
          as u (stage text, provider text, model text, unit text, quantity float8, "costMicros" float8)
        group by 1, 2, 3, 4
        union all
        select 'embedder', split_part(e.embedder, '/', 1), substr(e.embedder, length(split_part(e.embedder, '/', 1)) + 2), u.unit,
          sum(u.quantity), sum(u.cost)
        from e cross join lateral (values ('texts', e.texts::float8, 0::float8), ('input-tokens', e.tokens, e.cost_micros))
          as u (unit, quantity, cost)
        where u.quantity > 0 group by e.embedder, u.unit
      )
      select (select coalesce(json_agg(d order by d.day), '[]') from days d) as days,
        (select coalesce(json_agg(l order by l."costMicros" desc, l.stage, l.provider, l.model, l.unit), '[]') from lines l) as lines
      from businesses where id = ${businessId}`),
  );
  const { days, lines } = found(rows);
  const embedded = lines.filter(({ stage }) => stage === 'embedder');
  return {
    ...(embedded.length > 0 && { embeddingCostMicros: embedded.reduce((sum, { costMicros }) => sum + costMicros, 0) }),
    totalCostMicros: days.reduce((sum, { costMicros }) => sum + costMicros, 0),
    calls: days.reduce((sum, { calls }) => sum + calls, 0),
    lines,
    days,
  };
}

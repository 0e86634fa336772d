/** What making vectors took and cost, by business and day. */
import { sql } from 'drizzle-orm';
import { ask, type Database } from './database.ts';

export interface EmbeddingUse {
  businessId: string;
  embedder: string;
  texts: number;
  tokens: number;
  /** Millionths of a US dollar. */
  costMicros: number;
}

/**
 * Adds to the day that `at` is where each business is, all of them in one statement; those of a business that is gone are
 * dropped. Rejects with `database-unavailable`, nothing added.
 */
export async function addEmbeddingUsage(database: Database, uses: readonly EmbeddingUse[], at: Date): Promise<void> {
  if (uses.length === 0) return;
  // In one order on every node: two that add to the same days wait for each other instead of dying in a deadlock.
  await ask(
    database.drizzle.execute(sql`
      insert into embedding_usage as e (business_id, day, embedder, texts, tokens, cost_micros)
      select b.id, (${at.toISOString()}::timestamptz at time zone b.time_zone)::date, u.embedder,
        sum(u.texts), sum(u.tokens), sum(u."costMicros")
      from jsonb_to_recordset(${JSON.stringify(uses)}::jsonb)
        as u ("businessId" text, embedder text, texts bigint, tokens float8, "costMicros" float8)
      join businesses b on b.id = u."businessId"
      group by 1, 2, 3 order by 1, 2, 3
      on conflict (business_id, day, embedder) do update
        set texts = e.texts + excluded.texts, tokens = e.tokens + excluded.tokens, cost_micros = e.cost_micros + excluded.cost_micros`),
  );
}

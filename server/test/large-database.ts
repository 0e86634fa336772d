/**
 * A database as large as that of a busy installation, made by SQL alone: 100,000 calls of a year with their million
 * events, and what 300 businesses know. One business has a fifth of everything, as large customers do.
 */
import { toolInput } from '@tandem/contract';
import { Client } from 'pg';

export const CALLS = 100_000;
/** The large one. Its rows are those whose number is divisible by five: `call_5`, `document_10`, … */
export const LARGE_BUSINESS = 'business_1';

const BUSINESSES = 300;
/** Of everything that has no number of its own in the list below. */
const ROWS = 15_000;
const DOCUMENTS = 20_000;

/** The business of row `i`. */
const OWNER = `'business_' || case when i % 5 = 0 then 1 else 1 + i % ${BUSINESSES} end`;
/** When row `i` came about: newest last, over the year before now. */
const CREATED = (rows: number) => `date_trunc('second', now()) - interval '365 days' * (1 - i / ${rows}::float8)`;
const from = (rows: number) => `from generate_series(1, ${rows}) i`;
const sha = (text: string) => `md5(${text})`;

const {
  name: _name,
  enabled: _enabled,
  secrets: _secrets,
  ...definition
} = toolInput.parse({
  kind: 'http',
  name: 'look',
  description: 'Looks.',
  url: 'https://example.com/',
});

const STATEMENTS = [
  `insert into businesses (id, name, language, time_zone, created_at)
    select 'business_' || i, 'Business ' || i, 'en', 'Europe/Lisbon', ${CREATED(BUSINESSES)} ${from(BUSINESSES)}`,
  `insert into assistants (business_id, id, name, slug, greeting, instructions, goodbye, language, voice, eagerness, idle_ms, max_duration_ms, recording, created_at, updated_at)
    select ${OWNER}, 'assistant_' || i, 'Desk', 'desk-' || i, 'Hello.', '', 'Bye.', 'en', 'slt', 'medium', 8000, 60000, true, ${CREATED(ROWS)}, now() ${from(ROWS)}`,
  `insert into numbers (business_id, id, address, assistant_id, label, created_at)
    select ${OWNER}, 'number_' || i, case when i % 2 = 0 then '+1555' || 1000000 + i else 'desk' || i end, 'assistant_' || i, '', ${CREATED(ROWS)} ${from(ROWS)}`,
  `insert into trunks (business_id, id, name, sources, username, created_at)
    select ${OWNER}, 'trunk_' || i, 'Trunk', '[]', 'user' || i, ${CREATED(ROWS)} ${from(ROWS)}`,
  `insert into tools (business_id, id, name, definition, secret_names, enabled, created_at, updated_at)
    select ${OWNER}, 'tool_' || i, 'tool_' || i,
      '${JSON.stringify(definition)}', '[]', true, ${CREATED(ROWS)}, now() ${from(ROWS)}`,
  `insert into api_keys (id, business_id, name, prefix, hash, scopes, created_at)
    select 'key_' || i, ${OWNER}, 'Key', 'tandem_', ${sha("'key' || i")}, '["read"]', ${CREATED(ROWS)} ${from(ROWS)}`,
  `insert into sources (business_id, id, url, max_depth, max_pages, base, language, tags, audience, state, found, read, changed, refused, next_at, created_at, updated_at)
    select ${OWNER}, 'source_' || i, 'https://example.com/' || i, 3, 100, 'main', 'en', '[]', 'everyone', 'ready', 1, 1, 1, 0,
      case when i % 3 = 0 then now() + i * interval '1 minute' end, ${CREATED(ROWS)}, now() ${from(ROWS)}`,
  `insert into documents (business_id, id, title, text, language, tags, passages, state, live_version, source_id, url, created_at, updated_at)
    select ${OWNER}, 'document_' || i, 'Document ' || i, repeat('Some words. ', 40), 'en', '[]', 10,
      case when i % 2000 = 0 then 'waiting' when i % 2000 = 5 then 'failed' else 'ready' end, 1,
      case when i % 2 = 0 then 'source_' || 10 * (i % 100 + 1) end, case when i % 2 = 0 then 'https://example.com/' || i end, ${CREATED(DOCUMENTS)}, now() ${from(DOCUMENTS)}`,
  `insert into source_pages (business_id, source_id, url, document_id, digest, seen_at)
    select ${OWNER}, 'source_' || 10 * (i % 100 + 1), 'https://example.com/' || i, 'document_' || i, 'd', now() ${from(DOCUMENTS)}`,
  `insert into document_files (business_id, document_id, version, file_name, media_type, digest, created_at)
    select ${OWNER}, 'document_' || i, 1, 'a.txt', 'text/plain', 'd', now() ${from(DOCUMENTS)}`,
  `insert into document_file_parts (business_id, document_id, version, part, bytes)
    select ${OWNER}, 'document_' || i, 1, 0, 'abc' ${from(DOCUMENTS)}`,
  `insert into passages (business_id, document_id, version, position, title, text, digest)
    select ${OWNER}, 'document_' || i, 1, p, 'Title ' || p, repeat('Some words. ', 20), ${sha("i || '/' || p")} ${from(DOCUMENTS)}, generate_series(0, 4) p`,
  `insert into embeddings (business_id, embedder, digest, vector, created_at)
    select ${OWNER}, 'built-in', ${sha("i || '/' || p")}, decode(repeat('00', 64), 'hex'), now() - interval '2 days' ${from(DOCUMENTS)}, generate_series(0, 4) p`,
  `insert into questions (business_id, id, phrasings, answer, created_at, updated_at)
    select ${OWNER}, 'question_' || i, '["Why?"]', 'So.', ${CREATED(ROWS)}, now() ${from(ROWS)}`,
  `insert into gaps (business_id, id, question, terms, count, calls, state, question_id, first_at, last_at, closed_at)
    select ${OWNER}, 'gap_' || i, 'Why ' || i || '?', '[]', 1 + 100000 / (i * 10 % ${ROWS} + 1), 1,
      case when i % 7 = 0 then 'answered' when i % 11 = 0 then 'dismissed' else 'open' end, case when i % 7 = 0 then 'question_' || i end, now(), ${CREATED(ROWS)},
      case when i % 7 = 0 then now() end ${from(ROWS)}`,
  `insert into gap_examples (business_id, gap_id, call_id, turn, text, verdict, at)
    select ${OWNER}, 'gap_' || i, 'call_' || i, e, 'Why?', 'unknown', now() ${from(ROWS)}, generate_series(1, 3) e`,
  `insert into knowledge_revisions select id, 1 from businesses`,
  `insert into calls (id, business_id, direction, gateway, from_address, to_address, assistant_id, assistant_name, started_at, answered_at, ended_at,
      duration_ms, ended_by, ended_reason, turns, has_recording, cost_micros, usage, turn_problems)
    select 'call_' || i, ${OWNER}, 'inbound', case when i % 1000 = 0 then 'browser' else 'sip' end,
      '+1' || 2000000000 + (i * 7919::bigint) % 1000000007, '+1555' || 1000000 + i % 200, 'assistant_' || i % 97 * 5, 'Desk', ${CREATED(CALLS)}, ${CREATED(CALLS)},
      case when i % 5000 > 0 then ${CREATED(CALLS)} end, 60000, 'caller', case when i % 50 = 0 then 'failed' else 'hung-up' end, 3, true, 100,
      '[{"stage":"language-model","provider":"p","model":"m","unit":"output-tokens","quantity":3,"costMicros":5}]',
      case when i % 30 = 0 then '{"slow":1}' when i % 500 > 0 then '{}' end::jsonb ${from(CALLS)}`,
  `insert into call_events (call_id, seq, business_id, type, at, body)
    select 'call_' || i, e, ${OWNER}, 'speech-started', e * 100, '{"turn":1}' ${from(CALLS)}, generate_series(0, 9) e`,
  `insert into call_turns (call_id, turn, business_id, caller_text, interrupted, stages, passages, usage, waterfall)
    select 'call_' || i, t, ${OWNER}, 'Why?', false, '{}', '[]', '[]', '{"total":900}' ${from(CALLS)}, generate_series(1, 2) t`,
  `insert into transcript_lines (call_id, seq, business_id, turn, party, text, from_ms, to_ms, words, interrupted)
    select 'call_' || i, l, ${OWNER}, l / 2, 'caller', 'Why?', l * 1000, l * 1000 + 500, '[]', false ${from(CALLS)}, generate_series(1, 3) l`,
  `insert into messages (business_id, id, call_id, name, number, text, urgent, taken_at, done_at)
    select ${OWNER}, 'message_' || i, 'call_' || i, 'Ann', '+1', 'Ring me.', false, ${CREATED(ROWS)}, case when i % 10 > 0 then now() end ${from(ROWS)}`,
  `insert into callbacks (business_id, id, call_id, name, number, wanted_when, reason, scheduled_at, done_at)
    select ${OWNER}, 'callback_' || i, 'call_' || i, 'Ann', '+1', 'soon', 'Price', ${CREATED(ROWS)}, case when i % 10 > 0 then now() end ${from(ROWS)}`,
];

/** Keys and indexes are made after the rows, and nothing is logged: four times as fast. Nothing refers to these tables. */
const LONG = { calls: 'id', call_events: 'call_id, seq', call_turns: 'call_id, turn', transcript_lines: 'call_id, seq' };

/** Fills the empty, migrated database at `url`, as its owner and superuser, and analyses it. */
export async function fillLargeDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // References are true by construction; checking each costs more than all the rest.
    await client.query('set session_replication_role = replica');
    await client.query("set maintenance_work_mem = '128MB'");
    for (const table of Object.keys(LONG)) await client.query(`alter table ${table} drop constraint ${table}_pkey`);
    for (const table of Object.keys(LONG)) await client.query(`alter table ${table} set unlogged`);
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(`
      select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = 'public'::regnamespace and not exists (select from pg_constraint where conindid = i.indexrelid)`);
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    for (const statement of STATEMENTS) await client.query(statement);
    for (const [table, key] of Object.entries(LONG)) await client.query(`alter table ${table} add primary key (${key})`);
    for (const { definition } of indexes) await client.query(definition);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

/**
 * A fleet of two: whole servers on one PostgreSQL, with a Redis between them and with the database's notifications alone.
 * What is done at one is so at the other. Needs the packages `postgresql` and `redis-server`.
 */
import type { Assistant, Call, CallEvent, KnowledgeDocument, KnowledgeSearch, Page, UsageReport } from '@tandem/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { speech } from '../../../bench/load/voice.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../postgres-server.ts';
import { hasRedis, type RedisServer, startRedis } from '../redis-server.ts';
import { SipCaller } from '../sip-caller.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../tandem-server.ts';

const QUESTION = 'How long is the warranty on a gearbox?';
const SEARCH_PATH = '/api/v1/knowledge/search';
/** What was done at one node is so at the other within this. */
const WITHIN_MS = 2_000;
const warranty = (months: string) => `# Gearboxes\n\nThe warranty on a gearbox is ${months} months from the day of delivery.\n`;

const until = <T>(read: () => T | Promise<T>, timeout = WITHIN_MS) => expect.poll(read, { timeout, interval: 100 });

let postgres: PostgresServer | undefined;
beforeAll(async () => {
  postgres = hasPostgres() ? await startPostgres() : undefined;
});
afterAll(() => postgres?.stop());

/** Two nodes that started in the same moment on an empty database. */
interface Fleet {
  a: TandemServer;
  b: TandemServer;
  close(): Promise<void>;
}

async function startFleet(name: string, redisUrl: string | undefined): Promise<Fleet> {
  const env = {
    DATABASE_URL: (await postgres?.createDatabase(name)) ?? '',
    ENCRYPTION_KEY: '5a'.repeat(32),
    TANDEM_SEED: 'demo',
    TANDEM_EMBEDDER: 'hashing',
    TANDEM_SCRIPTED: 'true',
    TANDEM_SCRIPTED_LINES: QUESTION,
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
  };
  const started = await Promise.allSettled([startTandem({ env }), startTandem({ env })]);
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async () => void (await Promise.all(nodes.map((node) => node.stop())));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  return { a: nodes[0], b: nodes[1], close };
}

async function send(node: TandemServer, path: string, text: string, method: 'POST' | 'PUT' = 'POST'): Promise<KnowledgeDocument> {
  const form = new FormData();
  form.set('file', new Blob([text]), 'gearboxes.md');
  const response = await fetch(`${node.url}${path}`, { method, headers: { authorization: `Bearer ${ADMIN_KEY}` }, body: form });
  expect(response.status, await response.clone().text()).toBeLessThan(300);
  return (await response.json()) as KnowledgeDocument;
}

const settled = (node: TandemServer, id: string, version: number, withinMs = 20_000) =>
  node.until<KnowledgeDocument, KnowledgeDocument>(
    `/api/v1/documents/${id}`,
    (one) => one.version === version && one.state === 'ready' && one,
    withinMs,
  );

async function found(node: TandemServer, query = QUESTION): Promise<string> {
  const { passages } = await node.api<KnowledgeSearch>(SEARCH_PATH, { method: 'POST', body: { query } });
  return passages.map(({ text }) => text).join('\n');
}

async function metric(node: TandemServer, line: string): Promise<number> {
  const response = await fetch(`${node.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  const text = await response.text();
  return Number(
    text
      .split('\n')
      .find((one) => one.startsWith(`${line} `))
      ?.split(' ')[1] ?? 0,
  );
}

const documentsRead = (node: TandemServer) => metric(node, 'tandem_jobs_total{job="ingest-document",outcome="done"}');

/** Rings at the node and listens until the assistant has greeted, and answered the question when there is one. */
async function callAt(node: TandemServer, number: string, asks = false): Promise<void> {
  const caller = await SipCaller.call({ server: `127.0.0.1:${node.sipPort}`, number, user: 'caller' });
  try {
    expect(await caller.untilQuiet(400)).toBe(true);
    if (asks) {
      await caller.says(speech(1_200, 150));
      expect(await caller.untilQuiet(700)).toBe(true);
    }
  } finally {
    await caller.hangUp();
  }
}

/** What the newest caller of the number heard, as any node tells it. */
async function heardAt(node: TandemServer, number: string): Promise<string> {
  const { id } = await node.until<Page<Call>, Call>(`/api/v1/calls?limit=1&search=${number}`, ({ items }) => items[0]);
  const events = await node.until<{ items: CallEvent[] }, CallEvent[]>(
    `/api/v1/calls/${id}/events`,
    ({ items }) => items.some(({ type }) => type === 'call-ended') && items,
  );
  return events.flatMap((event) => (event.type === 'speech-played' ? [event.text] : [])).join(' ');
}

/** A number at one node's API, answered with `greeting`. */
async function assistantAt(node: TandemServer, slug: string, greeting: string): Promise<Assistant> {
  const models = { transcriber: 'scripted', languageModel: 'extractive', synthesizer: 'scripted' };
  const body = { name: slug, slug, greeting, instructions: 'You answer for the workshop.', idleMs: 30_000, recording: false, ...models };
  const assistant = await node.api<Assistant>('/api/v1/assistants', { method: 'POST', body });
  await node.api('/api/v1/numbers', { method: 'POST', body: { address: slug, assistantId: assistant.id } });
  return assistant;
}

const refusalOf = (node: TandemServer, number: string) =>
  SipCaller.call({ server: `127.0.0.1:${node.sipPort}`, number, user: 'stranger' }).then(
    (caller) => caller.hangUp().then(() => 'answered'),
    (error: Error) => error.message,
  );

interface Between {
  name: string;
  redis: boolean;
}
const kinds: Between[] = [
  { name: 'with Redis', redis: true },
  { name: "with the database's notifications alone", redis: false },
];

describe.each(kinds)('two nodes $name', ({ redis: shared }) => {
  const missing = hasPostgres() ? (shared && !hasRedis() ? 'redis-server' : undefined) : 'postgresql';
  const skip = missing === undefined ? '' : ` (skipped: the package ${missing} is not installed)`;
  const run = test.skipIf(missing !== undefined);
  let redis: RedisServer | undefined;
  let fleet: Fleet;
  let a: TandemServer;
  let b: TandemServer;

  beforeAll(async () => {
    if (missing !== undefined) return;
    redis = shared ? await startRedis() : undefined;
    fleet = await startFleet(shared ? 'with_redis' : 'without_redis', redis?.url);
    ({ a, b } = fleet);
  });
  afterAll(async () => {
    await fleet?.close();
    await redis?.stop();
  });

  run(`started at once on an empty database, they are one installation${skip}`, async () => {
    const both = await Promise.all([a, b].map((node) => node.api<Page<{ id: string; name: string }>>('/api/v1/businesses')));
    expect(both[0].items).toHaveLength(1);
    expect(both[0]).toEqual(both[1]);
    expect((await a.api<Page<unknown>>('/api/v1/keys').catch(() => ({ items: [] }))).items.length).toBeLessThan(2);
  });

  run(`what is uploaded, corrected and deleted at one is so at the other${skip}`, async () => {
    expect(await found(b)).not.toContain('gearbox is');
    const { id } = await send(a, '/api/v1/documents', warranty('thirty'));
    await settled(a, id, 1);
    await until(() => found(b)).toContain('thirty months');

    // A number that the other node has already said nobody has.
    expect(await refusalOf(b, 'workshop')).toContain('refused');
    const assistant = await assistantAt(a, 'workshop', 'Workshop, good day.');
    await until(() => refusalOf(b, 'workshop')).toBe('answered');
    await callAt(b, 'workshop', true);
    const told = await heardAt(a, 'workshop');
    expect(told).toContain('Workshop, good day.');
    expect(told).toContain('thirty months');

    await send(a, `/api/v1/documents/${id}/file`, warranty('sixty'), 'PUT');
    await a.api(`/api/v1/assistants/${assistant.id}`, { method: 'PATCH', body: { greeting: 'The workshop, welcome.' } });
    await settled(a, id, 2);
    await until(() => found(b)).toContain('sixty months');
    expect(await found(b)).not.toContain('thirty');
    await callAt(b, 'workshop');
    expect(await heardAt(a, 'workshop')).toBe('The workshop, welcome.');

    await a.api(`/api/v1/documents/${id}`, { method: 'DELETE' });
    await until(() => found(b)).not.toContain('gearbox is');
  });

  run(`jobs sent at one are done by both${skip}`, async () => {
    const text = (n: number) => `# Part ${n}\n\n${`Part number ${n} is kept in the cellar next to the boiler. `.repeat(400)}`;
    const done = () => Promise.all([a, b].map(documentsRead));
    const before = await done();
    const sent = await Promise.all(Array.from({ length: 20 }, (_, n) => send(a, '/api/v1/documents', text(n))));
    const ids = new Set(sent.map(({ id }) => id));
    await b.until<Page<KnowledgeDocument>, boolean>(
      '/api/v1/documents?limit=50',
      ({ items }) => items.filter(({ id, state }) => ids.has(id) && state === 'ready').length === ids.size,
      20_000,
    );
    await until(async () => (await done()).reduce((sum, one) => sum + one, 0)).toBe(before[0] + before[1] + sent.length);
    const after = await done();
    expect(after[0]).toBeGreaterThan(before[0]);
    expect(after[1]).toBeGreaterThan(before[1]);
    // What both have used is one account of the business; what they remember is each one's own.
    await a.until<UsageReport, boolean>('/api/v1/usage', ({ lines }) =>
      lines.some(({ stage, unit, quantity }) => stage === 'embedder' && unit === 'texts' && quantity >= sent.length),
    );
    for (const cache of ['query-embeddings', 'search-results', 'speech', 'entry'])
      await until(() => metric(b, `tandem_cache_entries{cache="${cache}"}`), 8_000).toBeGreaterThan(0);
  });

  if (shared)
    run(`Redis dies in mid-use: both go on, and still hear of each other${skip}`, async () => {
      const assistant = await assistantAt(a, 'yard', 'The yard, good day.');
      await until(() => refusalOf(b, 'yard')).toBe('answered');
      await redis?.kill();
      const { id } = await send(a, '/api/v1/documents', warranty('ninety'));
      await a.api(`/api/v1/assistants/${assistant.id}`, { method: 'PATCH', body: { greeting: 'The yard, welcome.' } });
      await settled(a, id, 1);
      await until(() => found(b)).toContain('ninety months');
      await callAt(b, 'yard');
      expect(await heardAt(a, 'yard')).toBe('The yard, welcome.');
      await redis?.restart();
      await a.api(`/api/v1/documents/${id}`, { method: 'DELETE' });
      await until(() => found(b)).not.toContain('ninety months');
    });

  run(`a node that stops in the middle of a document leaves it to the other${skip}`, async () => {
    const long = Array.from(
      { length: 2_500 },
      (_, n) => `## Shelf ${n}\n\nShelf number ${n} holds the screws of size ${n * 7}, in boxes of ten.\n`,
    );
    const { id } = await send(a, '/api/v1/documents', `${long.join('\n')}\n${warranty('eleven')}`);
    const before = await documentsRead(b);
    const state = await b.until<KnowledgeDocument, string>(`/api/v1/documents/${id}`, (one) => one.state !== 'waiting' && one.state);
    expect(state).not.toBe('ready');
    expect(await a.stop()).toBe(0);
    await settled(b, id, 1);
    await until(() => documentsRead(b)).toBe(before + 1);
    // Some hundred passages more than a correction has.
    await until(() => found(b), 10_000).toContain('eleven months');
  });
});

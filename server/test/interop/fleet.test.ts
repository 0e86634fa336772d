/**
 * A fleet of two: whole servers on one PostgreSQL, with a Redis between them and with the database's notifications alone.
 * What is done at one is so at the other. Needs the packages `postgresql` and `redis-server`.
 */
import type { Assistant, Call, CallEvent, KnowledgeDocument, KnowledgeSearch, Page } from '@tandem/contract';
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

const until = <T>(read: () => T | Promise<T>, timeout = WITHIN_MS) => expect.poll(read, { timeout, interval: 25 });

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

async function send(node: TandemServer, path: string, text: string, method = 'POST'): Promise<KnowledgeDocument> {
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
  return Number(text.split('\n').find((one) => one.startsWith(`${line} `))?.split(' ')[1] ?? 0);
}

/** Rings at the node; what the assistant said until it fell silent, to the caller's question too when there is one. */
async function callAt(node: TandemServer, number: string, user: string, asks = false): Promise<string> {
  const caller = await SipCaller.call({ server: `127.0.0.1:${node.sipPort}`, number, user });
  try {
    expect(await caller.untilQuiet(400)).toBe(true);
    if (asks) {
      await caller.says(speech(1_200, 150));
      expect(await caller.untilQuiet(700)).toBe(true);
    }
  } finally {
    await caller.hangUp();
  }
  return user;
}

/** What the caller heard, as any node tells it. */
async function heardBy(node: TandemServer, user: string): Promise<string> {
  const { id } = await node.until<Page<Call>, Call>(`/api/v1/calls?limit=1&search=${user}`, ({ items }) => items[0]);
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

describe.each(kinds)('two nodes $name', ({ name, redis: shared }) => {
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
    const asking = await callAt(b, 'workshop', 'asking', true);
    const told = await heardBy(a, asking);
    expect(told).toContain('Workshop, good day.');
    expect(told).toContain('thirty months');

    await send(a, `/api/v1/documents/${id}/file`, warranty('sixty'), 'PUT');
    await a.api(`/api/v1/assistants/${assistant.id}`, { method: 'PATCH', body: { greeting: 'The workshop, welcome.' } });
    await settled(a, id, 2);
    await until(() => found(b)).toContain('sixty months');
    expect(await found(b)).not.toContain('thirty');
    const greeted = await callAt(b, 'workshop', 'greeted');
    expect(await heardBy(a, greeted)).toBe('The workshop, welcome.');

    await a.api(`/api/v1/documents/${id}`, { method: 'DELETE' });
    await until(() => found(b)).not.toContain('gearbox is');
  });

  run(`jobs sent at one are done by both${skip}`, async () => {
    const text = (n: number) => `# Part ${n}\n\n${`Part number ${n} is kept in the cellar next to the boiler. `.repeat(400)}`;
    const done = () => Promise.all([a, b].map((node) => metric(node, 'tandem_jobs_total{job="ingest-document",outcome="done"}')));
    const before = await done();
    const sent = await Promise.all(Array.from({ length: 24 }, (_, n) => send(a, '/api/v1/documents', text(n))));
    await Promise.all(sent.map(({ id }) => settled(b, id, 1)));
    await until(async () => (await done()).reduce((sum, one) => sum + one, 0)).toBe(before[0] + before[1] + sent.length);
    const after = await done();
    expect(after[0]).toBeGreaterThan(before[0]);
    expect(after[1]).toBeGreaterThan(before[1]);
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
      expect(await heardBy(a, await callAt(b, 'yard', 'without'))).toBe('The yard, welcome.');
      await redis?.restart();
      await a.api(`/api/v1/documents/${id}`, { method: 'DELETE' });
      await until(() => found(b)).not.toContain('ninety months');
    });

  run(`a node that stops in the middle of a document leaves it to the other${skip}`, async () => {
    const long = Array.from({ length: 4_000 }, (_, n) => `## Shelf ${n}\n\nShelf number ${n} holds the screws of size ${n * 7}, in boxes of ten.\n`);
    const { id } = await send(a, '/api/v1/documents', `${long.join('\n')}\n${warranty('eleven')}`);
    const state = await b.until<KnowledgeDocument, string>(`/api/v1/documents/${id}`, (one) => one.state !== 'waiting' && one.state);
    expect(state).not.toBe('ready');
    expect(await a.stop()).toBe(0);
    expect((await b.api<KnowledgeDocument>(`/api/v1/documents/${id}`)).state).not.toBe('ready');
    await settled(b, id, 1);
    await until(() => found(b)).toContain('eleven months');
  });
});

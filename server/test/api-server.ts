/** The HTTP API over a real embedded database, with two businesses, five keys, and a call thread that only takes notes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Business, CallEvent, CallFact, Problem } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import type { CallThread } from '#api/call-thread-client.ts';
import { StoredKeyRing } from '#api/key-ring.ts';
import { buildServer, type ServerOptions } from '#api/server.ts';
import { Sessions } from '#api/sessions.ts';
import type { CommandName } from '#calls/office-link.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { createApiKey } from '#store/api-keys.ts';
import { createBusiness } from '#store/businesses.ts';
import { writeBatch } from '#store/call-events.ts';
import type { Database } from '#store/database.ts';
import { projectCalls } from '#store/projection.ts';
import type { JobName, SendOptions } from '#store/queue.ts';
import { databaseKit, openTestPglite, testBox } from './database.ts';

export interface Answer<T> {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  bytes: Buffer;
  body: T;
}

export interface Ask {
  /** null asks without a key. Alpha's own key unless named. */
  key?: string | null;
  /** Text and bytes go as they are, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface ApiServer {
  app: FastifyInstance;
  database: Database;
  kit: Kit;
  recordingsFolder: string;
  alpha: Business;
  beta: Business;
  keys: { admin: string; alpha: string; alphaReader: string; alphaWriter: string; beta: string };
  /** Commands that reached the call thread, in order. */
  commands: { name: CommandName; input: unknown }[];
  /** What the call thread answers next, by command. */
  answers: Partial<Record<CommandName, () => unknown>>;
  /** Businesses whose directory entry went stale. */
  changed: string[];
  /** Jobs that were sent, in order. */
  sent: { name: JobName; payload: unknown; options: SendOptions | undefined }[];
  /** Statements that reached the database since the start. */
  queries(): number;
  ask<T = Problem>(method: string, path: string, ask?: Ask): Promise<Answer<T>>;
  /** Writes a call's events as the journal's writer does. */
  write(events: readonly CallEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** A call in a script of `[at, fact]`; seq counts by itself. */
export function eventsOf(businessId: string, callId: string, script: readonly (readonly [number, CallFact])[]): CallEvent[] {
  return script.map(([at, fact], seq) => ({ businessId, callId, seq, at, ...fact }));
}

export async function startApi(own: Partial<ServerOptions> = {}): Promise<ApiServer> {
  const kit = databaseKit();
  let queries = 0;
  const database = await openTestPglite(() => queries++);
  const folder = await mkdtemp(join(tmpdir(), 'tandem-api-'));
  const alpha = await createBusiness(database, kit, { name: 'Alpha', language: 'en', timeZone: 'UTC' });
  const beta = await createBusiness(database, kit, { name: 'Beta', language: 'en', timeZone: 'UTC' });
  const keyOf = async (businessId: string | null, scopes: string[]) =>
    (await createApiKey(database, kit, { businessId, name: 'test', scopes })).key;
  const keys = {
    admin: await keyOf(null, ['read', 'write']),
    alpha: await keyOf(alpha.id, ['read', 'write']),
    alphaReader: await keyOf(alpha.id, ['read']),
    alphaWriter: await keyOf(alpha.id, ['write']),
    beta: await keyOf(beta.id, ['read', 'write']),
  };
  const commands: ApiServer['commands'] = [];
  const answers: ApiServer['answers'] = {};
  const changed: string[] = [];
  const sent: ApiServer['sent'] = [];
  const callThread: CallThread = {
    command: async (name, input) => {
      commands.push({ name, input });
      const answer = answers[name];
      if (!answer) throw new Error(`no answer to ${name} was prepared`);
      return answer() as never;
    },
  };
  const recordingsFolder = join(folder, 'recordings');
  const app = await buildServer({
    kit,
    media: { host: '127.0.0.1', port: 1 },
    publicUrl: 'http://127.0.0.1:3000',
    mediaUrl: 'ws://127.0.0.1:3001',
    database,
    box: testBox(kit),
    keys: new StoredKeyRing(database, kit.clock),
    sessions: new Sessions(kit.random.bytes(32), kit),
    callThread,
    registry: new Registry(),
    readiness: async () => ({ ready: true, reasons: [], degraded: [] }),
    observeRequest: () => {},
    changed: (businessId) => changed.push(businessId),
    queue: {
      send: async (name, payload, options) => {
        sent.push({ name, payload, options });
        return true;
      },
    },
    searchKnowledge: async () => {
      throw new TandemError('unavailable', 'There is no knowledge thread');
    },
    recordingsFolder,
    consoleFolder: join(folder, 'no-console'),
    version: '0.0.0',
    ...own,
  });
  await app.ready();

  return {
    app,
    database,
    kit,
    recordingsFolder,
    alpha,
    beta,
    keys,
    commands,
    answers,
    changed,
    sent,
    queries: () => queries,
    async ask(method, path, { key = keys.alpha, body, headers = {} } = {}) {
      const response = await app.inject({
        method: method as 'GET',
        url: path,
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
      });
      const isJson = /json/.test(String(response.headers['content-type']));
      return {
        status: response.statusCode,
        headers: response.headers as Record<string, string>,
        text: response.body,
        bytes: response.rawPayload,
        body: (isJson && response.body !== '' ? response.json() : undefined) as never,
      };
    },
    async write(events) {
      const { rows } = projectCalls(new Map(), events);
      const position = { segment: 1, offset: 0 };
      await database.transaction((sql) => writeBatch(sql, { events, rows, journal: 'test', position, now: new Date() }));
    },
    async close() {
      await app.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The office: database, API, live feed, jobs and metrics, and the call thread they command. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { type AuthOptions, authenticate, businessOf, SESSION_COOKIE, Sessions } from '#api/auth.ts';
import { CallThreadClient } from '#api/call-thread-client.ts';
import { StoredKeyRing } from '#api/key-ring.ts';
import { buildServer, listen } from '#api/server.ts';
import type { FromCallThread, ToCallThread, Vitals } from '#calls/office-link.ts';
import { CallWriter } from '#jobs/call-writer.ts';
import { DirectoryPublisher } from '#jobs/directory-publisher.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { cutPassages } from '#knowledge/passages.ts';
import { LiveFeed } from '#live/feed.ts';
import { CallMetrics } from '#observe/call-metrics.ts';
import { ProcessMetrics } from '#observe/process-metrics.ts';
import { judgeReadiness } from '#observe/readiness.ts';
import { createApiKey, findApiKey } from '#store/api-keys.ts';
import type { Database } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { seed } from '#store/seed.ts';
import type { CallThreadSettings } from './call-thread.ts';
import { databaseVendors } from './catalog.ts';
import type { Config } from './config.ts';

const VERSION = '0.1.0';
const CONSOLE = fileURLToPath(new URL('../../web/dist', import.meta.url));
const DRAIN_MS = 30_000;

export interface Office {
  /** The port the console is served on. */
  port: number;
  /** The admin key, when this start made it: shown once. */
  newKey: string | undefined;
  /** Drains, then stops every part in the reverse order of its start. Never rejects. */
  stop(reason: string): Promise<void>;
}

/** Steps that undo the start so far, last first. */
export type Undo = (() => Promise<void>)[];

async function unwind(undo: Undo, kit: Kit): Promise<void> {
  for (const step of undo.splice(0).toReversed()) await step().catch((error: unknown) => kit.log.warn({ error }, 'a part did not stop cleanly'));
}

async function openDatabase(config: Config, kit: Kit, metrics: ProcessMetrics): Promise<Database> {
  const wanted = config.vendors.postgres?.url === undefined ? 'pglite' : 'postgres';
  const vendor = databaseVendors.find(({ name }) => name === wanted);
  if (!vendor) throw new TandemError('database-unavailable', `The database vendor ${wanted} is not installed`);
  return vendor.database(config.vendors[vendor.name], {
    kit,
    dataFolder: config.house.dataFolder,
    onQuery: ({ tookMs, failed }) => metrics.query(tookMs / 1000, failed),
  });
}

/** The secret that signs sessions: made once, kept in the data folder, readable by this user only. */
async function sessionSecret(folder: string, kit: Kit): Promise<Uint8Array> {
  const path = join(folder, 'session-secret');
  const known = await readFile(path).catch(() => undefined);
  if (known && known.length >= 32) return known;
  const secret = kit.random.bytes(32);
  await writeFile(path, secret, { mode: 0o600 });
  return secret;
}

/** The first key: from the setting, else made at first start, kept in the data folder (0600) and shown once. */
async function adminKey(config: Config, database: Database, kit: Kit): Promise<string | undefined> {
  const path = join(config.house.dataFolder, 'admin-key');
  const given = config.house.adminKey ?? (await readFile(path, 'utf8').catch(() => undefined))?.trim();
  if (given) {
    if (!(await findApiKey(database, given))) await createApiKey(database, kit, { businessId: null, name: 'admin', scopes: ['read', 'write'] }, given);
    return undefined;
  }
  const { key } = await createApiKey(database, kit, { businessId: null, name: 'admin', scopes: ['read', 'write'] });
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  await chmod(path, 0o600);
  return key;
}

/** Starts the call thread; resolves when it takes calls. Rejects with its own error (`port-taken`, …). */
function startCallThread(settings: CallThreadSettings, onMessage: (message: FromCallThread) => void): Promise<Worker> {
  const worker = new Worker(new URL('./call-thread.ts', import.meta.url), { workerData: settings, name: 'calls' });
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromCallThread) => {
      if (message.type === 'ready') resolve(worker);
      else if (message.type === 'failed') reject(new TandemError(message.code, message.message));
      onMessage(message);
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new TandemError('internal-error', 'The call thread ended while starting')));
  });
}

/** A console's socket is let in by the same key or session as its requests. */
async function authenticateSocket(
  app: FastifyInstance,
  options: AuthOptions,
  handshake: { cookie: string | undefined; authorization: string | undefined; business: string | undefined },
): Promise<{ businessId: string } | undefined> {
  const session = app.parseCookie(handshake.cookie ?? '')[SESSION_COOKIE];
  const principal = await authenticate(options, { authorization: handshake.authorization, session });
  return principal && { businessId: await businessOf(options.keys, principal, handshake.business) };
}

/**
 * Opens the office and the call thread. `onLost` is told when the call thread dies. Whatever fails undoes what was
 * started; `undo` already holds what the caller wants undone last.
 */
export async function openOffice(config: Config, kit: Kit, undo: Undo, onLost: (error: Error) => void): Promise<Office> {
  try {
    return await open(config, kit, undo, onLost);
  } catch (error) {
    await unwind(undo, kit);
    throw error;
  }
}

async function open(config: Config, kit: Kit, undo: Undo, onLost: (error: Error) => void): Promise<Office> {
  const { house } = config;
  const registry = new Registry();
  const processMetrics = new ProcessMetrics(registry);
  const callMetrics = new CallMetrics(registry);
  const database = await openDatabase(config, kit, processMetrics);
  undo.push(() => database.close());
  await migrate(database, kit);
  if (house.seed === 'demo') await seed(database, kit, { countPassages: (text) => cutPassages({ id: '', title: '', text }).length });
  const newKey = await adminKey(config, database, kit);

  const state = { started: false, draining: false, vitals: undefined as Vitals | undefined, vitalsAt: kit.clock.now() };
  let feed: LiveFeed | undefined;
  let writer: CallWriter | undefined;
  const take = (message: FromCallThread) => {
    client.take(message);
    if (message.type === 'events') {
      writer?.push(message.events, message.position);
      for (const event of message.events) callMetrics.take(event);
      feed?.take(message.events);
    } else if (message.type === 'ready') {
      const journal = { folder: join(house.dataFolder, 'journal'), name: message.journal };
      writer = new CallWriter({ kit, database, journal, onSegmentDone: (position) => worker?.postMessage({ type: 'stored', position }) });
      writer.start(message.end);
    } else if (message.type === 'vitals') {
      state.vitals = message.vitals;
      state.vitalsAt = kit.clock.now();
      processMetrics.vitals(message.vitals);
    }
  };
  let worker: Worker | undefined;
  const client = new CallThreadClient((message: ToCallThread) => worker?.postMessage(message), kit.clock);
  const { host, mediaPort, publicUrl, mediaUrl, dataFolder, logLevel, maxCalls } = house;
  worker = await startCallThread({ host, mediaPort, publicUrl, mediaUrl, dataFolder, logLevel, maxCalls, vendors: config.vendors }, take);
  undo.push(async () => {
    await client.command('stop', {}, 10_000).catch(() => {});
    client.close();
    await worker?.terminate();
    await writer?.stop();
  });

  const publisher = new DirectoryPublisher({ kit, database, publish: (entries, removed) => worker?.postMessage({ type: 'publish', entries, removed }) });
  await publisher.publish();
  const keys = new StoredKeyRing(database, kit.clock);
  const sessions = new Sessions(await sessionSecret(dataFolder, kit), kit.clock);
  const app = await buildServer({
    kit,
    host,
    port: house.port,
    media: { host, port: mediaPort },
    publicUrl,
    database,
    keys,
    sessions,
    callThread: client,
    registry,
    readiness: async () =>
      judgeReadiness({ ...state, databaseAnswers: await database.ready(), vitalsAgeMs: kit.clock.now() - state.vitalsAt }),
    observeRequest: (method, route, status, seconds) => processMetrics.request(method, route, status, seconds),
    changed: () => publisher.changed(),
    recordingsFolder: join(dataFolder, 'recordings'),
    consoleFolder: CONSOLE,
    version: VERSION,
  });
  feed = new LiveFeed({ kit, http: app.server, authenticate: (handshake) => authenticateSocket(app, { keys, sessions }, handshake) });
  const port = await listen(app, host, house.port);
  undo.push(async () => {
    publisher.close();
    await feed?.close();
    await app.close();
  });
  state.started = true;
  worker.on('exit', (code) => {
    if (!state.draining) onLost(new Error(`the call thread ended with code ${code}`));
  });
  return {
    port,
    newKey,
    async stop(reason) {
      state.draining = true;
      kit.log.info({ reason, liveCalls: state.vitals?.liveCalls }, 'stopping');
      await client.command('drain', { withinMs: DRAIN_MS }, DRAIN_MS + 5_000).catch(() => {});
      await unwind(undo, kit);
      processMetrics.close();
    },
  };
}

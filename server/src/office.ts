/** The office: database, API, live feed, jobs and metrics, and the call thread they command. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { authenticate, businessOf, isOurOrigin, SESSION_COOKIE } from '#api/auth.ts';
import { CallThreadClient } from '#api/call-thread-client.ts';
import { encryptionKey, ensureAdminKey, sessionSecret } from '#api/first-key.ts';
import { StoredKeyRing } from '#api/key-ring.ts';
import { buildServer, listen } from '#api/server.ts';
import { Sessions } from '#api/sessions.ts';
import type { BusinessEntry } from '#calls/directory.ts';
import type { FromCallThread, ToCallThread, Vitals } from '#calls/office-link.ts';
import { CallProblems, problemStoreOf } from '#jobs/call-problems.ts';
import { CallWriter } from '#jobs/call-writer.ts';
import { knowledgeHeads } from '#jobs/directory-entries.ts';
import { DirectoryPublisher } from '#jobs/directory-publisher.ts';
import type { Clock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import { FaultNet } from '#kit/fault-net.ts';
import type { Kit } from '#kit/kit.ts';
import { threadOpened } from '#kit/thread-opened.ts';
import { embeddedText } from '#knowledge/feed.ts';
import { cutPassages } from '#knowledge/passages.ts';
import { type Handshake, LiveFeed } from '#live/feed.ts';
import { ApprovedAnswers } from '#observe/approved-answers.ts';
import { countersOf, watchCaches } from '#observe/cache-metrics.ts';
import { CallMetrics } from '#observe/call-metrics.ts';
import { watchEmbedding, watchJobs } from '#observe/job-metrics.ts';
import { ProcessMetrics } from '#observe/process-metrics.ts';
import { judgeReadiness } from '#observe/readiness.ts';
import { type Cache, changedBusiness, EVERYTHING } from '#store/cache.ts';
import { databaseFeed, everyFeed } from '#store/cache-feeds.ts';
import { LayeredCache } from '#store/cache-layered.ts';
import type { Database } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { oneAtATime } from '#store/one-at-a-time.ts';
import { SecretBox } from '#store/secret-box.ts';
import { digestOf } from '#store/embeddings.ts';
import { seed } from '#store/seed.ts';
import type { CallThreadSettings } from './call-thread.ts';
import { databaseVendors, sharedMemoryVendors } from './catalog.ts';
import type { Config } from './config.ts';
import { KnowledgeOffice } from './knowledge-office.ts';

const VERSION = '0.1.0';
const CONSOLE = fileURLToPath(new URL('../../web/dist', import.meta.url));
const DRAIN_MS = 30_000;
/** For the call thread to end its calls and close its files, after draining. */
const OPEN_WITHIN_MS = 15_000;
/** With the journals of a crash to read, and models from a slow disk. */
const START_WITHIN_MS = 300_000;
const STOP_WITHIN_MS = 10_000;

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
  for (const step of undo.splice(0).toReversed())
    await step().catch((error: unknown) => kit.log.warn({ error }, 'a part did not stop cleanly'));
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

/** Process memory, and what nodes share: Redis where it is named. They hear of each other through it and through a database server. */
async function openCache(config: Config, database: Database, kit: Kit): Promise<{ cache: Cache; close: () => Promise<void> }> {
  const [vendor] = sharedMemoryVendors;
  const memory = await vendor?.sharedMemory(config.vendors[vendor.name], kit);
  const notified = database.kind === 'pglite' ? undefined : await databaseFeed(database);
  const feeds = [memory?.feed, notified].filter((feed) => feed !== undefined);
  const feed = feeds.length > 0 ? everyFeed(feeds) : undefined;
  const cache = new LayeredCache({ kit, entries: config.house.cacheEntries, shared: memory?.layer, feed });
  const close = async () => {
    await cache.close();
    await Promise.all([memory?.close(), notified?.close()]);
  };
  return { cache, close };
}

/**
 * Starts the call thread; resolves when its journal and models are there. Rejects with its own error, the thread gone.
 * `onMessage` sees every message, those before that too.
 */
async function startCallThread(settings: CallThreadSettings, clock: Clock, onMessage: (message: FromCallThread) => void): Promise<Worker> {
  const worker = new Worker(new URL('./call-thread.ts', import.meta.url), { workerData: settings, name: 'calls' });
  worker.on('message', onMessage);
  await threadOpened(worker, { clock, name: 'call', withinMs: START_WITHIN_MS });
  return worker;
}

/** A console's socket is let in by the same key or session as its requests. */
async function authenticateSocket(
  app: FastifyInstance,
  options: { keys: StoredKeyRing; sessions: Sessions },
  { cookie, authorization, business }: Handshake,
): Promise<{ businessId: string } | undefined> {
  const session = app.parseCookie(cookie ?? '')[SESSION_COOKIE];
  const principal = await authenticate(options, { authorization, session });
  if (!principal?.scopes.includes('read')) return undefined;
  return { businessId: await businessOf(options.keys, principal, business) };
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

/** The call thread's word that its journal and models are there. */
type Ready = Extract<FromCallThread, { type: 'ready' }>;

async function open(config: Config, kit: Kit, undo: Undo, onLost: (error: Error) => void): Promise<Office> {
  const { host, port, mediaPort, publicUrl, mediaUrl, dataFolder, logLevel, maxCalls, providerCalls, egressAllow, prices } = config.house;
  const registry = new Registry();
  const processMetrics = new ProcessMetrics(registry);
  undo.push(async () => processMetrics.close());
  const callMetrics = new CallMetrics(registry);
  const approved = new ApprovedAnswers();
  const state = {
    started: false,
    draining: false,
    vitals: undefined as Vitals | undefined,
    vitalsAt: kit.clock.now(),
    journal: undefined as Ready | undefined,
  };
  let feed: LiveFeed | undefined;
  let writer: CallWriter | undefined;
  let problems: CallProblems | undefined;
  let publisher: DirectoryPublisher | undefined;
  let knowledge: KnowledgeOffice | undefined;
  let thread: Worker | undefined;
  const client = new CallThreadClient((message: ToCallThread) => thread?.postMessage(message), kit.clock);
  const take = (message: FromCallThread) => {
    client.take(message);
    if (message.type === 'events') {
      // Before there is a writer these are the endings of calls that a crash cut off: it reads them from the journal.
      writer?.push(message.events, message.position);
      for (const event of message.events) {
        callMetrics.take(event);
        approved.take(event);
      }
      feed?.take(message.events);
      problems?.push(message.events);
      knowledge?.take(message.events);
    } else if (message.type === 'resolve') {
      const answered = () => thread?.postMessage({ type: 'resolved', id: message.id });
      // Who asks has a deadline of his own.
      (publisher?.resolveNumber(message.address) ?? Promise.resolve([])).then(answered, answered);
    } else if (message.type === 'ready') {
      state.journal = message;
    } else if (message.type === 'vitals') {
      state.vitals = message.vitals;
      state.vitalsAt = kit.clock.now();
      processMetrics.vitals(message.vitals);
    }
  };
  const settings: CallThreadSettings = {
    host,
    mediaPort,
    publicUrl,
    mediaUrl,
    dataFolder,
    logLevel,
    maxCalls,
    providerCalls,
    egressAllow,
    prices,
    vendors: config.vendors,
  };
  // The database and the thread open side by side: each takes seconds on a small machine.
  const opening = openDatabase(config, kit, processMetrics);
  opening.catch(() => {});
  undo.push(async () => (await opening.catch(() => undefined))?.close());
  const starting = startCallThread(settings, kit.clock, take);
  starting.catch(() => {});
  undo.push(async () => {
    state.draining = true;
    const worker = await starting.catch(() => undefined);
    if (!worker) return;
    thread = worker;
    await client
      .command('stop', {}, STOP_WITHIN_MS)
      .catch((error: unknown) => kit.log.warn({ error }, 'the call thread did not stop by itself'));
    client.close();
    await worker.terminate();
    await writer?.stop();
  });
  const box = new SecretBox(await encryptionKey(dataFolder, config.house.encryptionKey, kit), kit.random);
  const database = await opening;
  await migrate(database, kit);
  const newKey = await oneAtATime(database, async () => {
    if (config.house.seed === 'demo') {
      await seed(database, kit, {
        cutPassages: (document) => cutPassages(document).map((passage) => ({ ...passage, digest: digestOf(embeddedText(passage)) })),
      });
    }
    return ensureAdminKey(dataFolder, config.house.adminKey, database, kit);
  });
  const worker = await starting;
  thread = worker;
  if (state.journal) {
    const journal = { folder: join(dataFolder, 'journal'), name: state.journal.journal };
    writer = new CallWriter({ kit, database, journal, onSegmentDone: (position) => worker.postMessage({ type: 'stored', position }) });
    writer.start(state.journal.end);
  }
  const looking = new CallProblems({ kit, store: problemStoreOf(database) });
  problems = looking;
  looking.start();
  undo.push(() => looking.close());
  worker.on('exit', (code) => {
    client.close();
    if (!state.draining) onLost(new Error(`the call thread ended with code ${code}`));
  });

  const publish = (entries: BusinessEntry[], removed: string[]) => worker.postMessage({ type: 'publish', entries, removed });
  const { cache, close: closeCache } = await openCache(config, database, kit);
  undo.push(closeCache);
  const directory = new DirectoryPublisher({ kit, database, box, cache, publish, knowledge: { of: knowledgeHeads, documents: false } });
  publisher = directory;
  undo.push(() => directory.close());
  const changed = (businessId: string) => {
    directory.changed(businessId);
    knowledge?.changed(businessId);
  };
  knowledge = await KnowledgeOffice.open({
    kit,
    database,
    thread: { dataFolder, logLevel, vectors: config.house.vectors, embedder: config.house.embedder, prices, vendors: config.vendors },
    egressAllow,
    version: VERSION,
    about: publicUrl,
    onDesk: (port) => worker.postMessage({ type: 'library', port }, [port]),
    changed,
    onJob: watchJobs(registry),
  });
  const library = knowledge;
  undo.push(() => library.close());
  // Changes made on other nodes.
  cache.onChange((change) => {
    const businessId = changedBusiness(change);
    if (change === EVERYTHING || businessId !== undefined) library.changed(businessId);
  });
  const keys = new StoredKeyRing(database, kit.clock, cache);
  const sessions = new Sessions(await sessionSecret(dataFolder, kit), kit);
  const app = await buildServer({
    kit,
    media: { host, port: mediaPort },
    publicUrl,
    mediaUrl,
    database,
    box,
    keys,
    sessions,
    callThread: client,
    registry,
    readiness: async () => {
      const [databaseAnswers, vitalsAgeMs] = [await database.ready(), kit.clock.now() - state.vitalsAt];
      return judgeReadiness({ ...state, databaseAnswers, writerLagMs: writer?.lagMs ?? 0, vitalsAgeMs, maxCalls });
    },
    models: () => state.vitals && { speechToSpeech: [], ...state.vitals.models },
    observeRequest: (method, route, status, seconds) => processMetrics.request(method, route, status, seconds),
    queue: library.queue,
    searchKnowledge: library.search,
    changed,
    recordingsFolder: join(dataFolder, 'recordings'),
    consoleFolder: CONSOLE,
    version: VERSION,
  });
  const live = new LiveFeed({
    kit,
    http: app.server,
    authenticate: (handshake) => authenticateSocket(app, { keys, sessions }, handshake),
    allowOrigin: (headers) => isOurOrigin(headers, publicUrl),
  });
  feed = live;
  undo.push(async () => {
    await live.close();
    await app.close();
  });
  processMetrics.watch('tandem_live_sockets', 'Open sockets of the live feed', () => live.sockets);
  processMetrics.watch('tandem_live_sockets_cut', 'Live screens cut off because they did not keep up', () => live.cut);
  const watchCache = watchCaches(registry);
  watchCache(() => cache.counters());
  watchCache(() => Object.entries(library.stats?.caches ?? {}).map(([name, counts]) => countersOf(name, counts)));
  watchCache(() => (state.vitals ? [state.vitals.keptSpeech] : []));
  watchCache(() => [approved.counters(library.stats?.phrasings ?? 0)]);
  watchEmbedding(registry, () => library.stats?.embedding && { embedder: library.embedder, counts: library.stats.embedding });
  processMetrics.watch('tandem_knowledge_thread_restarts', 'Times the knowledge thread was opened anew', () => library.restarts);
  processMetrics.watch('tandem_knowledge_passages', 'Passages loaded for search', () => library.stats?.passages ?? 0);
  processMetrics.watch('tandem_knowledge_vectors', 'Vectors loaded for search', () => library.stats?.vectors ?? 0);
  processMetrics.watch(
    'tandem_knowledge_searches_without_vector',
    'Searches answered by words alone',
    () => library.stats?.withoutVector ?? 0,
  );
  processMetrics.watch('tandem_call_writer_lag_seconds', 'Wait of the oldest event for the database', () => (writer?.lagMs ?? 0) / 1000);
  processMetrics.watch('tandem_call_writer_rejected_events', 'Events the database would never take', () => writer?.rejected ?? 0);
  // A fault in one request or job must not take the calls down with the process; nothing here is anybody's alone.
  const net = new FaultNet({ clock: kit.clock, log: kit.log, blame: () => false, giveUp: () => process.exit(1) });
  processMetrics.watch('tandem_office_faults', 'Exceptions in the office that nobody caught', () => net.count);
  await directory.publish();
  await client.command('open', {}, OPEN_WITHIN_MS);
  const listening = await listen(app, host, port);
  state.started = true;
  const gather = net.spread();
  undo.push(async () => gather());
  return {
    port: listening,
    newKey,
    async stop(reason) {
      state.draining = true;
      kit.log.info({ reason, liveCalls: state.vitals?.liveCalls }, 'stopping');
      await client.command('drain', { withinMs: DRAIN_MS }, DRAIN_MS + 5_000).catch(() => {});
      await unwind(undo, kit);
    },
  };
}

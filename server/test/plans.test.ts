/**
 * The plan of every query that the product makes, on 100,000 calls and 1,000,000 events: none may read a large table
 * from end to end. Each named query of `store/` is run here as it is in use; one that is not listed fails the test.
 */
import { readdir } from 'node:fs/promises';
import { assistantInput, sourceInput, toolInput } from '@tandem/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as apiKeys from '#store/api-keys.ts';
import * as assistants from '#store/assistants.ts';
import * as businesses from '#store/businesses.ts';
import * as callEvents from '#store/call-events.ts';
import * as callProblems from '#store/call-problems.ts';
import * as calls from '#store/calls.ts';
import * as catalogue from '#store/catalogue.ts';
import type { Database, RanQuery, StatementResult } from '#store/database.ts';
import * as files from '#store/document-files.ts';
import * as versions from '#store/document-versions.ts';
import * as documents from '#store/documents.ts';
import * as embeddingUsage from '#store/embedding-usage.ts';
import * as embeddings from '#store/embeddings.ts';
import * as gaps from '#store/gaps.ts';
import * as messages from '#store/messages.ts';
import * as numbers from '#store/numbers.ts';
import { writeCursor } from '#store/page.ts';
import * as passages from '#store/passages.ts';
import { projectCalls } from '#store/projection.ts';
import * as questions from '#store/questions.ts';
import { openQueue } from '#store/queue.ts';
import * as reports from '#store/reports.ts';
import * as revisions from '#store/revisions.ts';
import * as snapshot from '#store/snapshot.ts';
import * as pages from '#store/source-pages.ts';
import * as sources from '#store/sources.ts';
import * as tools from '#store/tools.ts';
import * as trunks from '#store/trunks.ts';
import { databaseKit, openTestPostgres, testBox } from './database.ts';
import { CALLS, fillLargeDatabase, LARGE_BUSINESS as own } from './large-database.ts';
import { hasPlan, largeTables, scannedTables, unindexedReferences } from './plan.ts';
import { hasPostgres, type PostgresServer, startPostgres } from './postgres-server.ts';

const LARGE_ROWS = 10_000;
const DAY_MS = 86_400_000;

const kit = databaseKit();
const box = testBox(kit);
const now = (): Date => new Date(kit.clock.wall());
const someIds = (kind: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${kind}_${(i + 1) * 5}`);
/** In the middle of the year, so that a page's start has to be found. */
const cursor = (kind: string) => writeCursor(new Date(kit.clock.wall() - 180 * DAY_MS), `${kind}_7`);
const pagesOf = (kind: string) => [{ limit: 50 }, { limit: 200, cursor: cursor(kind) }];
const month = () => ({ from: new Date(kit.clock.wall() - 93 * DAY_MS), to: now() });
const week = () => ({ from: new Date(kit.clock.wall() - 7 * DAY_MS), to: now() });
const upload = { fileName: 'a.txt', mediaType: 'text/plain', bytes: Buffer.from('abc') };
const versionOf = (n: number) => ({ businessId: own, documentId: `document_${n}`, version: 1 });
const ref = { businessId: own, sourceId: 'source_10' };
const counts = { found: 1, read: 1, changed: 0, refused: 0 };
const seen = { url: 'https://example.com/new', documentId: null, etag: null, lastModified: null, digest: 'd', seenAt: new Date(0) };
const assistant = assistantInput.parse({ name: 'A', slug: 'plans', greeting: 'Hello.', goodbye: 'Bye.' });
const tool = toolInput.parse({ kind: 'http', name: 'look', description: 'Looks.', url: 'https://example.com/' });
const site = sourceInput.parse({ url: 'https://example.com/' });
const filters: Partial<calls.CallQuery>[] = [
  {},
  { state: 'live' },
  { state: 'ended' },
  { assistantId: 'assistant_5' },
  { gateway: 'browser' },
  { gateway: 'none' },
  { reason: 'failed' },
  { reason: 'none' },
  { assistantId: 'assistant_5', reason: 'failed' },
  { slow: true },
  { slow: true, state: 'ended' },
  { search: '9' },
  { search: '+1555' },
  { search: '123456' },
  { search: 'nobody' },
  { search: 'nobody', state: 'live' },
  { search: '123456', state: 'ended' },
];

type Run = (database: Database) => Promise<unknown>;
const each = <T>(cases: readonly T[], work: (database: Database, one: T) => Promise<unknown>): Run => {
  return async (database) => {
    for (const one of cases) await work(database, one);
  };
};

/** By the name of the store's function: how the product calls it. */
const runs: Record<string, Run> = {
  listCalls: each(
    filters.flatMap((filter) => pagesOf('call').map((page) => ({ ...page, ...filter }))),
    (database, query) => calls.listCalls(database, own, query),
  ),
  readCall: (database) => calls.readCall(database, own, 'call_50000'),
  readTranscript: each([undefined, { fromMs: 2_000, seq: 2 }], (database, after) =>
    calls.readTranscript(database, own, 'call_50000', { after, limit: 201 }),
  ),
  readTurns: each([undefined, 1], (database, after) => calls.readTurns(database, own, 'call_50000', { after, limit: 201 })),
  readUnreadCalls: (database) => callProblems.readUnreadCalls(database, new Date(kit.clock.wall() - DAY_MS), 20),
  readExplainedEvents: (database) => callProblems.readExplainedEvents(database, 'call_50000', 20_000),
  writeTurnProblems: (database) => callProblems.writeTurnProblems(database, new Map(someIds('call', 20).map((id) => [id, { slow: 1 }]))),
  deleteCall: (database) => calls.deleteCall(database, own, 'call_10'),
  readCallEvents: (database) => callEvents.readCallEvents(database, own, 'call_50000', { afterSeq: 3, limit: 1_001 }),
  readEventsOfCalls: each([1, 50, 500], (database, n) => callEvents.readEventsOfCalls(database, someIds('call', n))),
  readCursor: (database) => callEvents.readCursor(database, 'journal'),

  listBusinesses: each([...pagesOf('business'), { limit: 1 }], (database, query) => businesses.listBusinesses(database, query)),
  readBusiness: (database) => businesses.readBusiness(database, own),
  createBusiness: (database) => businesses.createBusiness(database, kit, { name: 'New', language: 'en', timeZone: 'UTC' }),
  updateBusiness: (database) => businesses.updateBusiness(database, own, { name: 'Large' }),
  deleteBusiness: (database) => businesses.deleteBusiness(database, 'business_7'),

  listAssistants: each(pagesOf('assistant'), (database, query) => assistants.listAssistants(database, own, query)),
  readAssistant: (database) => assistants.readAssistant(database, own, 'assistant_5'),
  createAssistant: (database) => assistants.createAssistant(database, kit, own, assistant),
  updateAssistant: (database) =>
    assistants.updateAssistant(database, kit, own, 'assistant_5', { name: 'B', turnTaking: { fillers: false } }),
  deleteAssistant: async (database) => {
    const { id } = await assistants.createAssistant(database, kit, own, { ...assistant, slug: 'gone' });
    await assistants.deleteAssistant(database, own, id);
  },

  listNumbers: each(pagesOf('number'), (database, query) => numbers.listNumbers(database, own, query)),
  readNumber: (database) => numbers.readNumber(database, own, 'number_5'),
  createNumber: (database) => numbers.createNumber(database, kit, own, { address: 'plans', assistantId: 'assistant_5', label: '' }),
  updateNumber: (database) => numbers.updateNumber(database, own, 'number_5', { label: 'B' }),
  deleteNumber: (database) => numbers.deleteNumber(database, own, 'number_10'),

  listTrunks: each(pagesOf('trunk'), (database, query) => trunks.listTrunks(database, own, query)),
  readTrunk: (database) => trunks.readTrunk(database, own, 'trunk_5'),
  createTrunk: (database) => trunks.createTrunk(database, kit, own, { name: 'T', sources: [], username: 'plans' }),
  updateTrunk: (database) => trunks.updateTrunk(database, own, 'trunk_5', { name: 'B' }),
  deleteTrunk: (database) => trunks.deleteTrunk(database, own, 'trunk_10'),

  listTools: each(pagesOf('tool'), (database, query) => tools.listTools(database, own, query)),
  readTool: (database) => tools.readTool(database, own, 'tool_5'),
  createTool: (database) => tools.createTool(database, kit, box, own, tool),
  updateTool: (database) => tools.updateTool(database, kit, box, { businessId: own, id: 'tool_5' }, { enabled: false }, () => {}),
  deleteTool: (database) => tools.deleteTool(database, own, 'tool_10'),

  listApiKeys: each(
    pagesOf('key').flatMap((page) => [own, undefined].map((id) => ({ page, id }))),
    (database, { page, id }) => apiKeys.listApiKeys(database, id, page),
  ),
  findApiKey: (database) => apiKeys.findApiKey(database, 'some key'),
  readApiKey: (database) => apiKeys.readApiKey(database, 'key_5'),
  createApiKey: (database) => apiKeys.createApiKey(database, kit, { businessId: own, name: 'K', scopes: ['read'] }),
  deleteApiKey: (database) => apiKeys.deleteApiKey(database, own, 'key_10'),

  listMessages: each(
    pagesOf('message').flatMap((page) =>
      [{}, { state: 'open' }, { state: 'done' }].map((state) => ({ ...page, ...state }) as messages.LeftQuery),
    ),
    (database, query) => messages.listMessages(database, own, query),
  ),
  readMessage: (database) => messages.readMessage(database, own, 'message_5'),
  markMessage: (database) => messages.markMessage(database, kit, own, 'message_5', true),
  listCallbacks: each(
    pagesOf('callback').flatMap((page) =>
      [{}, { state: 'open' }, { state: 'done' }].map((state) => ({ ...page, ...state }) as messages.LeftQuery),
    ),
    (database, query) => messages.listCallbacks(database, own, query),
  ),
  readCallback: (database) => messages.readCallback(database, own, 'callback_5'),
  markCallback: (database) => messages.markCallback(database, kit, own, 'callback_5', true),

  reportLatency: each(
    (['business', 'assistant', 'provider'] as const).flatMap((by) =>
      [week(), month(), { ...month(), assistantId: 'assistant_5' }].map((range) => ({ by, range })),
    ),
    (database, { by, range }) => reports.reportLatency(database, own, range, by),
  ),
  reportUsage: each([week(), month(), { ...month(), assistantId: 'assistant_5' }], (database, range) =>
    reports.reportUsage(database, own, range),
  ),
  addEmbeddingUsage: (database) =>
    embeddingUsage.addEmbeddingUsage(database, [{ businessId: own, embedder: 'e', texts: 1, tokens: 2, costMicros: 3 }], now()),

  listDocuments: each(pagesOf('document'), (database, query) => documents.listDocuments(database, own, query)),
  readDocument: (database) => documents.readDocument(database, own, 'document_15'),
  createDocument: (database) => documents.createDocument(database, kit, own, { title: 'D', text: 'x' }),
  createUploadedDocument: (database) => documents.createUploadedDocument(database, kit, own, { title: 'D' }, upload),
  replaceDocumentFile: (database) => documents.replaceDocumentFile(database, kit, own, 'document_15', upload),
  updateDocument: each([{ title: 'New' }, { text: 'New' }, { tags: ['a'] }], (database, input) =>
    documents.updateDocument(database, kit, own, 'document_25', input),
  ),
  retryDocument: (database) => documents.retryDocument(database, kit, own, 'document_5'),
  deleteDocument: (database) => documents.deleteDocument(database, own, 'document_35'),
  readDocumentFile: (database) => files.readDocumentFile(database, own, 'document_45'),
  readWaitingVersion: (database) => versions.readWaitingVersion(database, versionOf(45)),
  tellDocumentState: (database) => versions.tellDocumentState(database, kit, versionOf(55), { state: 'extracting', progress: 0.5 }),
  failDocument: (database) => versions.failDocument(database, kit, versionOf(65), 'no-text', 'nothing to read'),
  putDocumentInUse: (database) =>
    versions.putDocumentInUse(database, kit, versionOf(75), {
      text: 'x',
      format: 'markdown',
      passages: Array.from({ length: 30 }, (_, n) => ({ title: 'T', text: `${n}`, digest: `${n}` })),
    }),
  readUnfinishedDocuments: (database) => versions.readUnfinishedDocuments(database, 10_000),

  readPassages: each([undefined, { documentId: 'document_15005', version: 1, position: 2 }], (database, after) =>
    passages.readPassages(database, own, { after, limit: 1_000, embedder: 'built-in' }),
  ),
  readPassagesOfDocument: (database) => passages.readPassagesOfDocument(database, own, 'document_85', 'built-in'),
  readLivePassages: each([1, 50, 200], (database, n) => passages.readLivePassages(database, own, someIds('document', n), 'built-in')),
  readLiveDocuments: (database) => passages.readLiveDocuments(database, own),
  readCatalogue: (database) => catalogue.readCatalogue(database, own),
  readSearched: (database) => catalogue.readSearched(database, own, [...someIds('document', 50), ...someIds('question', 50)], 'built-in'),
  readEmbeddings: each([1, 500, 2_000], (database, n) => embeddings.readEmbeddings(database, own, 'built-in', someIds('x', n))),
  readStoredDigests: each([1, 500, 2_000], (database, n) => embeddings.readStoredDigests(database, own, 'built-in', someIds('x', n))),
  saveEmbeddings: (database) => embeddings.saveEmbeddings(database, kit, own, 'e', [{ digest: 'd', vector: new Float32Array(3) }]),
  sweepEmbeddings: (database) =>
    embeddings.sweepEmbeddings(database, own, { embedders: ['built-in'], keep: someIds('x', 500), before: now() }),

  listQuestions: each(pagesOf('question'), (database, query) => questions.listQuestions(database, own, query)),
  readQuestions: (database) => questions.readQuestions(database, own),
  readQuestion: (database) => questions.readQuestion(database, own, 'question_5'),
  createQuestion: (database) => questions.createQuestion(database, kit, own, { phrasings: ['Why?'], answer: 'So.' }),
  updateQuestion: (database) => questions.updateQuestion(database, kit, own, 'question_5', { answer: 'So!' }),
  deleteQuestion: (database) => questions.deleteQuestion(database, own, 'question_70'),

  listGaps: each(
    [{ limit: 50 }, { limit: 200, cursor: writeCursor(new Date(20), 'gap_7') }].flatMap((page) =>
      ([undefined, 'open', 'answered'] as const).map((state) => ({ ...page, state })),
    ),
    (database, query) => gaps.listGaps(database, own, query),
  ),
  readGap: (database) => gaps.readGap(database, own, 'gap_5'),
  readKnownGaps: (database) => gaps.readKnownGaps(database, own, 1_000),
  recordGaps: (database) =>
    gaps.recordGaps(database, own, [
      {
        gapId: 'gap_10',
        question: 'Why?',
        terms: [],
        examples: [{ callId: 'call_5', turn: 9, text: 'Why?', verdict: 'unknown', at: now() }],
      },
    ]),
  answerGap: (database) => gaps.answerGap(database, kit, own, 'gap_15', { answer: 'So.' }),
  dismissGap: (database) => gaps.dismissGap(database, kit, own, 'gap_20'),
  sweepGapExamples: (database) => gaps.sweepGapExamples(database, 50),

  listSources: each(pagesOf('source'), (database, query) => sources.listSources(database, own, query)),
  readSource: (database) => sources.readSource(database, own, 'source_10'),
  createSource: (database) => sources.createSource(database, kit, own, site),
  updateSource: (database) => sources.updateSource(database, kit, own, 'source_20', { tags: ['a'], everyHours: 1 }),
  awaitCrawl: (database) => sources.awaitCrawl(database, kit, own, 'source_30'),
  deleteSource: (database) => sources.deleteSource(database, own, 'source_40'),
  readSourceToCrawl: (database) => pages.readSourceToCrawl(database, ref),
  tellCrawlProgress: (database) => pages.tellCrawlProgress(database, kit, ref, counts),
  finishCrawl: (database) => pages.finishCrawl(database, kit, ref, { ...counts, state: 'ready', crawledAt: now(), nextAt: null }),
  readDueSources: (database) => pages.readDueSources(database, new Date(kit.clock.wall() + DAY_MS), 100),
  readSourcePages: (database) => pages.readSourcePages(database, ref),
  saveSourcePage: (database) => pages.saveSourcePage(database, ref, seen),
  deleteSourcePages: (database) => pages.deleteSourcePages(database, ref, [seen.url]),
  createPageDocument: (database) => pages.createPageDocument(database, kit, ref, seen.url, { ...upload, title: 'P' }, {}),
  replacePageDocument: (database) => pages.replacePageDocument(database, kit, own, 'document_95', { ...upload, title: 'P' }),
  deletePageDocument: (database) => pages.deletePageDocument(database, own, 'document_105'),

  readRevisions: each([undefined, [own]], (database, ids) => revisions.readRevisions(database, ids)),
  notifyChange: (database) => revisions.notifyChange(database, own),
  readSnapshots: each([1, 100], (database, n) =>
    snapshot.readSnapshots(
      database,
      Array.from({ length: n }, (_, i) => `business_${i + 1}`),
      { box, documents: false },
    ),
  ),
  readStates: (database) => snapshot.readStates(database, 'business_1', 100),
  readFirstBusinessId: (database) => snapshot.readFirstBusinessId(database),
  readSpentToday: each([1, 100], (database, n) =>
    snapshot.readSpentToday(
      database,
      Array.from({ length: n }, (_, i) => `business_${i + 1}`),
      now(),
    ),
  ),
  findOwners: each([{ address: '+15551000010' }, { address: 'desk15' }, { slug: 'desk-20' }], (database, wanted) =>
    snapshot.findOwners(database, wanted, 10),
  ),

  // Not named queries, but what the product writes and asks all the same.
  writeBatch: async (database) => {
    const head = { businessId: own, callId: 'call_new', at: 0 };
    const received = { direction: 'inbound', gateway: 'sip', from: '+1', to: '+2', startedAt: now().toISOString() } as const;
    const events = [
      { ...head, seq: 0, type: 'call-received', ...received },
      { ...head, seq: 1, type: 'turn-committed', turn: 1, text: 'Why?', source: 'speech', stages: {} },
      { ...head, seq: 2, type: 'message-taken', messageId: 'm', name: 'Ann', number: '+1', text: 'x', urgent: false },
      { ...head, seq: 3, type: 'callback-scheduled', callbackId: 'c', name: 'Ann', number: '+1', when: 'soon', reason: 'x' },
    ] as const;
    const { rows } = projectCalls(new Map(), events);
    const batch = { events, rows, journal: 'test', position: { segment: 1, offset: 1 }, now: now() };
    await database.transaction((queries) => callEvents.writeBatch(queries, batch));
  },
  queue: async (database) => {
    const queue = await openQueue(database, kit);
    try {
      await queue.send('ingest-document', versionOf(5), { singletonKey: 'one' });
      await queue.failed('ingest-document');
    } finally {
      await queue.close({ withinMs: 1_000 });
    }
  },
};

/** Opened by others, run once at start, or for nobody to wait for. */
const NOT_ASKED = new Set(['migrate', 'seed', 'oneAtATime', 'openQueue', 'databaseFeed', 'poolDatabase']);

test('every named query of the store has its plan read', async () => {
  const folder = new URL('../src/store/', import.meta.url);
  const names: string[] = [];
  for (const file of (await readdir(folder)).filter((name) => /^[a-z-]+\.ts$/.test(name))) {
    const exported = (await import(new URL(file, folder).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exported))
      if (typeof value === 'function' && /^(async )?function \w+\(\s*database\b/.test(value.toString())) names.push(name);
  }
  expect(names.length).toBeGreaterThan(90);
  expect(names.filter((name) => !NOT_ASKED.has(name) && !(name in runs))).toEqual([]);
});

describe.skipIf(!hasPostgres())(`plans on PostgreSQL with ${CALLS} calls`, () => {
  let server: PostgresServer;
  let database: Database;
  let large: Set<string>;
  let asked: RanQuery[] = [];
  beforeAll(async () => {
    server = await startPostgres();
    const name = `tandem_plans_${process.pid}`;
    database = await openTestPostgres(server, name, (query) => asked.push(query));
    await fillLargeDatabase(server.urlOf(name));
    large = await largeTables(database, LARGE_ROWS);
  }, 120_000);
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  test('the tables that grow are large', () => {
    for (const table of [
      'calls',
      'call_events',
      'call_turns',
      'transcript_lines',
      'documents',
      'passages',
      'embeddings',
      'messages',
      'gaps',
    ])
      expect([...large]).toContain(table);
  });

  test('a plan that reads a large table from end to end is seen, in the open and behind an index', async () => {
    expect(await scannedTables(database, 'select * from calls where summary = $1', ['x'])).toEqual(['calls']);
    expect(await scannedTables(database, 'select count(*) from call_events', [])).toEqual(['call_events']);
    expect(await scannedTables(database, 'select id from calls order by id', [])).toEqual(['calls']);
    expect(await scannedTables(database, 'select id from calls order by id limit 5', [])).toEqual([]);
    expect(await scannedTables(database, 'select * from calls where id = $1', ['call_1'])).toEqual([]);
  });

  test('what refers to another row is found by an index when that row goes', async () => {
    expect(await unindexedReferences(database)).toEqual([]);
  });

  test('what is read in pieces comes whole, each once and in order', async () => {
    const { rows } = (await database.query(
      `select id from documents where business_id = '${own}' and live_version > 0 order by id`,
    )) as StatementResult;
    const read = (await passages.readLiveDocuments(database, own)).map(({ documentId }) => documentId);
    expect(read.length).toBeGreaterThan(2 * 2_000 - 100);
    expect(read).toEqual((rows as { id: string }[]).map(({ id }) => id));
  });

  test.each(Object.entries(runs))('%s reads no large table from end to end', async (_name, run) => {
    asked = [];
    await run(database);
    const statements = asked.filter(({ text }) => hasPlan(text));
    expect(asked.some(({ failed }) => failed)).toBe(false);
    expect(statements.length).toBeGreaterThan(0);
    const bad: string[] = [];
    for (const { text, values } of statements) {
      const scanned = (await scannedTables(database, text, values)).filter((table) => large.has(table));
      if (scanned.length > 0)
        bad.push(`${scanned.join(', ')}: ${text.replace(/\s+/g, ' ').slice(0, 300)} ${JSON.stringify(values).slice(0, 200)}`);
    }
    expect(bad).toEqual([]);
  });
});

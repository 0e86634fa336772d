/** The jobs on a real embedded database: a crawled site becomes passages that searches read. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { testKit } from '#kit/testing.ts';
import { createBusiness } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import { createDocument, listDocuments, readDocument } from '#store/documents.ts';
import { digestOf, readStoredDigests, saveEmbeddings } from '#store/embeddings.ts';
import { listGaps } from '#store/gaps.ts';
import { readPassages } from '#store/passages.ts';
import { createQuestion } from '#store/questions.ts';
import { openQueue } from '#store/queue.ts';
import { createSource, readSource } from '#store/sources.ts';
import { sourceInput } from '@tandem/contract';
import { emptyDatabase, openTestPglite } from '../../test/database.ts';
import { Crawler } from './crawl/crawl-source.ts';
import { crawlStoreOf } from './crawl/crawl-store.ts';
import { page, WebSite } from './crawl/testing.ts';
import { GapCollector, gapStoreOf } from './gaps/collect-gaps.ts';
import { ingestionStoreOf } from './ingestion/ingestion-store.ts';
import { startKnowledgeJobs } from './knowledge-jobs.ts';
import { sweepKnowledge } from './sweep-knowledge.ts';

let database: Database;
const clock = new SystemClock();
const kit: Kit = { ...testKit(), clock };
beforeAll(async () => {
  database = await openTestPglite();
}, 60_000);
afterAll(() => database.close());
beforeEach(() => emptyDatabase(database));

const until = async (done: () => Promise<boolean>): Promise<void> => {
  for (let n = 0; n < 300; n++) {
    if (await done()) return;
    await clock.sleep(50);
  }
  throw new Error('it did not come to that');
};
const textIn = (html: string): string => html.replace(/<title>.*?<\/title>/, '').replace(/<[^>]+>/g, ' ');

test('a site is crawled, its pages are read and found; deleted pages go; what was left half way is done at start', async () => {
  const { id: businessId } = await createBusiness(database, kit, { name: 'A', language: 'en', timeZone: 'UTC' });
  const waiting = await createDocument(database, kit, businessId, { title: 'Hours', text: '# Hours\n\nWe open at nine.' });
  const site = await WebSite.open({ '/': page('Home', ['/prices', '/gone']), '/prices': page('Prices'), '/gone': page('Gone') });
  const egress = site.egress();
  const queue = await openQueue(database, kit);
  let changes = 0;
  const changed = () => void changes++;
  const embedder = {
    name: 'test',
    embed: async (_b: string, texts: readonly string[]) => texts.map((text) => Float32Array.of(text.length, 1)),
  };
  const extract = async ({ bytes }: { bytes: Uint8Array }) => ({ format: 'html' as const, text: textIn(Buffer.from(bytes).toString()) });
  const crawler = new Crawler({ kit, store: crawlStoreOf(database, kit), queue, egress, version: '1', about: 'x', changed, gapMs: 0 });
  try {
    const ingestion = { kit, store: ingestionStoreOf(database, kit), extract, embedder, changed };
    await startKnowledgeJobs({ kit, database, queue, ingestion, crawler, embedders: () => ['test'] });
    await until(async () => (await readDocument(database, businessId, waiting.id)).state === 'ready');
    const plan = sourceInput.parse({ url: `${site.url}/`, tags: ['web'], everyHours: 24 });
    const source = await createSource(database, kit, businessId, plan);
    const crawl = async () => {
      await queue.send('crawl-source', { businessId, sourceId: source.id }, { singletonKey: source.id });
      await until(async () => (await readSource(database, businessId, source.id)).state === 'ready');
      await until(async () => (await listDocuments(database, businessId, { limit: 50 })).items.every(({ state }) => state === 'ready'));
    };
    await crawl();
    const passages = await readPassages(database, businessId, { limit: 100, embedder: 'test' });
    expect(passages.map(({ title }) => title.split(' – ')[0]).sort()).toEqual(['Gone', 'Home', 'Hours', 'Prices']);
    expect(passages.map(({ title, vector }) => [title, vector?.length])).toEqual(passages.map(({ title }) => [title, 2]));
    expect(passages.find(({ title }) => title === 'Prices')?.tags).toEqual(['web']);
    expect(await readSource(database, businessId, source.id)).toMatchObject({ found: 3, read: 3, changed: 3, refused: 0 });

    delete site.pages['/gone'];
    site.pages['/prices'] = page('Prices anew');
    await clock.sleep(5);
    await crawler.crawlSource({ businessId, sourceId: source.id }, { signal: new AbortController().signal, attempt: 1, attempts: 1 });
    await until(async () =>
      (await readPassages(database, businessId, { limit: 100 })).some(({ title }) => title.startsWith('Prices anew')),
    );
    const titles = (await readPassages(database, businessId, { limit: 100 })).map(({ title }) => title.split(' – ')[0]);
    expect(titles.sort()).toEqual(['Home', 'Hours', 'Prices anew']);
    expect(changes).toBeGreaterThanOrEqual(6);
  } finally {
    await queue.close({ withinMs: 1_000 });
    egress.close();
    await site.close();
  }
}, 60_000);

test('the sweep deletes vectors that nothing uses, and spares those of passages, questions and the last day', async () => {
  const { id } = await createBusiness(database, kit, { name: 'A', language: 'en', timeZone: 'UTC' });
  await createQuestion(database, kit, id, { phrasings: ['When do you open?'], answer: 'At nine.' });
  const kept = digestOf('When do you open?');
  const old = { ...kit, clock: Object.assign(new SystemClock(), { wall: () => clock.wall() - 3 * 24 * 3_600_000 }) };
  const vector = Float32Array.of(1, 0);
  await saveEmbeddings(
    database,
    old,
    id,
    'test',
    [kept, digestOf('unused')].map((digest) => ({ digest, vector })),
  );
  await saveEmbeddings(database, old, id, 'another', [{ digest: kept, vector }]);
  await saveEmbeddings(database, kit, id, 'test', [{ digest: digestOf('new'), vector }]);
  const signal = new AbortController().signal;
  expect(await sweepKnowledge({ kit, database, embedders: () => ['test'] }, signal)).toEqual({ embeddings: 2, gapExamples: 0 });
  const left = await readStoredDigests(database, id, 'test', [kept, digestOf('unused'), digestOf('new')]);
  expect([...left].sort()).toEqual([kept, digestOf('new')].sort());
});

test('gaps are written once, however often they are told', async () => {
  const { id: businessId } = await createBusiness(database, kit, { name: 'A', language: 'en', timeZone: 'UTC' });
  const head = { businessId, callId: 'call_1', at: 1, turn: 1 };
  const tell = async () => {
    const collector = new GapCollector({ kit, store: gapStoreOf(database), sameQuestion: (a, b) => (a === b ? 1 : 0) });
    collector.push([
      { ...head, seq: 0, type: 'turn-committed', text: 'Do you repair violins?', source: 'speech', stages: {} },
      { ...head, seq: 1, type: 'retrieval-done', query: 'x', passages: [], answerable: false, verdict: 'unknown', tookMs: 1 },
      { ...head, seq: 2, type: 'turn-completed', heard: '', interrupted: false, stages: {} },
    ]);
    await collector.close();
  };
  await tell();
  await tell();
  expect((await listGaps(database, businessId, { limit: 10 })).items).toMatchObject([
    { question: 'Do you repair violins?', count: 1, calls: 1, state: 'open', examples: [{ callId: 'call_1', turn: 1 }] },
  ]);
});

/** What a business uploads is what callers hear: files and a crawled site, each answered on the phone. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gap, KnowledgeDocument, KnowledgeSearch, KnowledgeSite, Page } from '@tandem/contract';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeDocx, makePdf } from '#knowledge/extraction/testing.ts';
import { defaultScenario } from '../../../providers/scenario.ts';
import { ask, assistantAt, envOf, eventsOf, only, playedIn, ProviderCalls } from '../provider-calls.ts';
import { ADMIN_KEY, type TandemServer } from '../tandem-server.ts';

const warranty = (months: string) =>
  makePdf([
    [
      { heading: 1, text: 'Gearboxes' },
      `The warranty on a gearbox is ${months} months from the day of delivery. It covers parts and labour, and the carriage both ways.`,
    ],
    [{ heading: 1, text: 'Oil' }, 'Use the green oil only. The brown oil attacks the seals and ends the warranty at once.'],
  ]);
const RETURNS = makeDocx([
  { heading: 1, text: 'Returns' },
  'A bicycle may be returned within forty days when it was not ridden. Bring the receipt and the keys of the lock.',
]);
const PAGES: Record<string, string> = {
  '/': '<html><title>Harbour Cafe</title><main><h1>Harbour Cafe</h1><p>Welcome to the cafe by the harbour, open all year for sailors and their guests.</p><a href="/parking">Parking</a></main></html>',
  '/parking':
    '<html><title>Parking</title><main><h1>Parking</h1><p>Guests park in the yard behind the lighthouse, where the first two hours cost nothing at all.</p></main></html>',
};

let calls: ProviderCalls;
let server: TandemServer;
let site: Server;

beforeAll(async () => {
  site = createServer((request, response) => {
    const page = PAGES[request.url ?? ''];
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8', etag: '"1"' });
    response.end(page);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  calls = await ProviderCalls.open();
  const egress = `127.0.0.1:${(site.address() as AddressInfo).port}`;
  server = await calls.server({ ...envOf(calls.providers), TANDEM_EGRESS_ALLOW: egress, TANDEM_EMBEDDER: 'hashing' });
  await assistantAt(server, 'desk', { transcriber: 'deepgram', languageModel: 'extractive', synthesizer: 'cartesia' });
});
afterEach(() => calls.reset());
afterAll(async () => {
  await calls.close();
  site.closeAllConnections();
  site.close();
});

async function upload(file: Buffer, name: string, path = '/api/v1/documents', method: 'POST' | 'PUT' = 'POST'): Promise<KnowledgeDocument> {
  const form = new FormData();
  form.set('title', name);
  form.set('file', new Blob([new Uint8Array(file)]), name);
  const request = new Request(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${ADMIN_KEY}` }, body: form });
  const response = await fetch(request);
  expect(response.status, await response.clone().text()).toBeLessThan(300);
  return (await response.json()) as KnowledgeDocument;
}

/** The version is searched, or cannot be. */
const settled = (id: string, version: number) =>
  server.until<KnowledgeDocument, KnowledgeDocument>(
    `/api/v1/documents/${id}`,
    (one) => one.version === version && (one.state === 'ready' || one.state === 'failed') && one,
    20_000,
  );

/** What the caller hears when the transcriber hears `question`. */
async function answerTo(question: string): Promise<string> {
  calls.providers.tell({ ...defaultScenario, heard: [{ text: question }], msPerCharacter: 30 });
  const caller = await calls.ring(server, 'desk');
  expect(await caller.untilQuiet(600)).toBe(true);
  await ask(caller);
  await caller.hangUp();
  const events = await eventsOf(server, 'desk');
  const [found] = only(events, 'retrieval-done').filter(({ turn }) => turn === 1);
  expect(found.passages.length).toBeGreaterThan(0);
  return playedIn(events, 1);
}

test('a PDF is answered from, and its correction in the next call', async () => {
  const document = await upload(warranty('thirty'), 'gearboxes.pdf');
  expect(await settled(document.id, 1)).toMatchObject({ state: 'ready', format: 'pdf', pages: 2, passages: 2 });
  expect(await answerTo('How long is the warranty on a gearbox?')).toContain('thirty months');
  await upload(warranty('sixty'), 'gearboxes.pdf', `/api/v1/documents/${document.id}/file`, 'PUT');
  expect(await settled(document.id, 2)).toMatchObject({ state: 'ready' });
  const corrected = await answerTo('How long is the warranty on a gearbox?');
  expect(corrected).toContain('sixty months');
  expect(corrected).not.toContain('thirty');
});

test('a DOCX is answered from', async () => {
  const { id } = await upload(RETURNS, 'returns.docx');
  expect(await settled(id, 1)).toMatchObject({ state: 'ready', format: 'docx', passages: 1 });
  expect(await answerTo('When may a bicycle be returned?')).toContain('forty days');
});

test('a crawled site is answered from', async () => {
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  const source = await server.api<KnowledgeSite>('/api/v1/sources', { method: 'POST', body: { url } });
  await server.until<KnowledgeSite, boolean>(`/api/v1/sources/${source.id}`, ({ state, read }) => state === 'ready' && read === 2, 30_000);
  await server.until<Page<KnowledgeDocument>, boolean>(
    '/api/v1/documents?limit=50',
    ({ items }) => items.filter(({ sourceId, state }) => sourceId === source.id && state === 'ready').length === 2,
    20_000,
  );
  expect(await answerTo('Where can guests park?')).toContain('behind the lighthouse');
});

test('a damaged file says what is wrong, and the rest goes on', async () => {
  const { id } = await upload(Buffer.from('%PDF-1.7 and then nothing of the kind'), 'broken.pdf');
  const failed = await server.until<KnowledgeDocument, KnowledgeDocument>(
    `/api/v1/documents/${id}`,
    (one) => one.state === 'failed' && one,
    20_000,
  );
  expect(failed.fault).toBe('file-damaged');
  expect(failed.detail).toMatch(/\w+/);
});

test('what nobody knows becomes a gap, and one click an approved answer', async () => {
  const question = 'Do you sell umbrellas for dogs?';
  calls.providers.tell({ ...defaultScenario, heard: [{ text: question }], msPerCharacter: 30 });
  const caller = await calls.ring(server, 'desk');
  expect(await caller.untilQuiet(600)).toBe(true);
  await ask(caller);
  await caller.hangUp();
  const gap = await server.until<Page<Gap>, Gap>(
    '/api/v1/gaps?state=open',
    ({ items }) => items.find((one) => one.question.includes('umbrellas')),
    20_000,
  );
  await server.api(`/api/v1/gaps/${gap.id}/answer`, { method: 'POST', body: { answer: 'Yes, in four sizes, at the counter.' } });
  const search = () => server.api<KnowledgeSearch>('/api/v1/knowledge/search', { method: 'POST', body: { query: question } });
  await expect.poll(async () => (await search()).passages[0]?.answer, { timeout: 10_000 }).toBe('Yes, in four sizes, at the counter.');
  expect(await answerTo(question)).toBe('Yes, in four sizes, at the counter.');
});

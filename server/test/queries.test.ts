/**
 * How many statements each route of the API costs the database: a list page or a look-up one, each part of a call one,
 * a change as many as its transaction needs. The routes are those of the API's own description; a new one fails here
 * until it says what it costs. Knowing who asks is counted apart.
 */
import type { CallFact } from '@tandem/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey } from '#store/api-keys.ts';
import { recordGaps } from '#store/gaps.ts';
import { type ApiServer, type Ask, eventsOf, startApi } from './api-server.ts';

let api: ApiServer;
/** By kind, one of each that is there. */
const ids: Record<string, string> = {};

const received: CallFact = {
  type: 'call-received',
  startedAt: '2026-03-02T09:00:00.000Z',
  direction: 'inbound',
  gateway: 'sip',
  from: '+15550111',
  to: '+15550100',
};
const script: (readonly [number, CallFact])[] = [
  [0, received],
  [10, { type: 'turn-committed', turn: 1, text: 'Why?', source: 'speech', stages: {} }],
  [20, { type: 'message-taken', messageId: 'message_1', name: 'Ann', number: '+1', text: 'Ring me.', urgent: true }],
  [30, { type: 'callback-scheduled', callbackId: 'callback_1', name: 'Ann', number: '+1', when: 'soon', reason: 'Price' }],
];

const tool = (name: string) => ({ kind: 'http', name, description: 'Looks.', url: 'https://example.com/' });
const bodies: Record<string, (name: string) => object> = {
  assistants: (name) => ({ name, slug: name, greeting: 'Hello.' }),
  numbers: (name) => ({ address: name, assistantId: ids.assistants }),
  questions: (name) => ({ phrasings: [`${name}?`], answer: 'So.' }),
  trunks: (name) => ({ name, sources: ['192.0.2.0/24'] }),
  documents: (name) => ({ title: name, text: 'Open from nine.' }),
  sources: (name) => ({ url: `https://${name}.example.com/` }),
  tools: tool,
};

const form = (text: string): Pick<Ask, 'body' | 'headers'> => ({
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
  body: `--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n${text}\r\n--x--\r\n`,
});

beforeAll(async () => {
  api = await startApi({
    models: () => ({ transcribers: [], languageModels: [], synthesizers: [], speechToSpeech: [] }),
  });
  api.answers['place-call'] = () => ({ callId: 'call_placed' });
  api.answers['hang-up'] = () => ({ found: true });
  for (const kind of ['assistants', 'numbers', 'questions', 'trunks', 'documents', 'sources', 'tools'])
    ids[kind] = (await api.ask<{ id: string }>('POST', `/api/v1/${kind}`, { body: bodies[kind]?.('first') })).body.id;
  const uploaded = await api.ask<{ id: string }>('POST', '/api/v1/documents', form('We open at nine.'));
  ids.file = uploaded.body.id;
  ids.businesses = api.alpha.id;
  ids.messages = 'message_1';
  ids.callbacks = 'callback_1';
  ids.calls = 'call_1';
  await api.write(eventsOf(api.alpha.id, 'call_1', script));
  await api.write(eventsOf(api.alpha.id, 'call_empty', [[0, received]]));
  const at = new Date('2026-03-02T09:00:00Z');
  for (const gapId of ['gap_1', 'gap_2', 'gap_3']) {
    const examples = Array.from({ length: 5 }, (_, turn) => ({
      callId: `call_${gapId}`,
      turn,
      text: 'Why?',
      verdict: 'unknown' as const,
      at,
    }));
    await recordGaps(api.database, api.alpha.id, [{ gapId, question: 'Why?', terms: [], examples }]);
  }
  ids.gaps = 'gap_1';
}, 90_000);
afterAll(() => api.close());

interface Case extends Ask {
  /** Statements at most, `begin` and `commit` among them. */
  most: number;
  path?: string;
  method?: string;
  status?: number;
}

const byPath = (path: string) => path.replace('{id}', ids[path.split('/')[3] ?? ''] ?? 'none');

async function costOf(method: string, path: string, { most: _most, status = 200, ...ask }: Case): Promise<number> {
  // Whoever asks is known for some seconds.
  const { key, headers } = ask;
  await api.ask('GET', '/api/v1/models', key === null ? {} : { key, headers: { 'tandem-business': headers?.['tandem-business'] ?? '' } });
  const before = api.queries();
  const answer = await api.ask(method, path, ask);
  expect(answer.status, `${method} ${path}: ${answer.text.slice(0, 200)}`).toBe(status);
  return api.queries() - before;
}

/** One of its own to delete. */
async function fresh(kind: string): Promise<string> {
  const { body } = await api.ask<{ id: string }>('POST', `/api/v1/${kind}`, { body: bodies[kind]?.(`gone${kind}`) });
  return `/api/v1/${kind}/${body.id}`;
}

/** begin, commit, and what is between them. */
const transaction = (statements: number): number => statements + 2;

const changes: Record<string, () => Case | Promise<Case>> = {
  'POST /api/v1/businesses': () => ({ most: 1, status: 201, key: api.keys.admin, body: { name: 'New' } }),
  'PATCH /api/v1/businesses/{id}': () => ({ most: 1, body: { name: 'Alpha' } }),
  // Its calls in pieces before and after it, its messages, its callbacks.
  'DELETE /api/v1/businesses/{id}': async () => {
    const { body } = await api.ask<{ id: string }>('POST', '/api/v1/businesses', { key: api.keys.admin, body: { name: 'Gone' } });
    return { most: 6, status: 204, key: api.keys.admin, path: `/api/v1/businesses/${body.id}` };
  },
  'POST /api/v1/assistants': () => ({ most: 1, status: 201, body: bodies.assistants?.('second') }),
  'PATCH /api/v1/assistants/{id}': () => ({ most: 1, body: { name: 'Desk' } }),
  'DELETE /api/v1/assistants/{id}': async () => ({ most: 1, status: 204, path: await fresh('assistants') }),
  'POST /api/v1/numbers': () => ({ most: 1, status: 201, body: bodies.numbers?.('second') }),
  'PATCH /api/v1/numbers/{id}': () => ({ most: 1, body: { label: 'Desk' } }),
  'DELETE /api/v1/numbers/{id}': async () => ({ most: 1, status: 204, path: await fresh('numbers') }),
  'POST /api/v1/trunks': () => ({ most: 1, status: 201, body: bodies.trunks?.('second') }),
  'PATCH /api/v1/trunks/{id}': () => ({ most: 1, body: { name: 'Line' } }),
  'DELETE /api/v1/trunks/{id}': async () => ({ most: 1, status: 204, path: await fresh('trunks') }),
  'POST /api/v1/tools': () => ({ most: 1, status: 201, body: tool('second') }),
  'PATCH /api/v1/tools/{id}': () => ({ most: transaction(2), body: { enabled: false } }),
  'DELETE /api/v1/tools/{id}': async () => ({ most: 1, status: 204, path: await fresh('tools') }),
  // Each change of knowledge counts the business's revision up.
  'POST /api/v1/questions': () => ({ most: transaction(2), status: 201, body: bodies.questions?.('second') }),
  'PATCH /api/v1/questions/{id}': () => ({ most: transaction(2), body: { answer: 'So!' } }),
  'DELETE /api/v1/questions/{id}': async () => ({ most: transaction(3), status: 204, path: await fresh('questions') }),
  'POST /api/v1/documents': () => ({ most: 1, status: 201, body: bodies.documents?.('second') }),
  'PATCH /api/v1/documents/{id}': () => ({ most: transaction(4), body: { title: 'Hours' } }),
  'DELETE /api/v1/documents/{id}': async () => ({ most: transaction(3), status: 204, path: await fresh('documents') }),
  // Whether it is there, before a large file is read; then the row, its file's digest, the change, other files, a part.
  'PUT /api/v1/documents/{id}/file': () => ({ most: 1 + transaction(6), ...form('We open at ten.') }),
  'POST /api/v1/documents/{id}/retry': async () => {
    await api.database.query(`update documents set state = 'failed' where id = $1`, [ids.documents]);
    return { most: 1, status: 202 };
  },
  'POST /api/v1/sources': () => ({ most: 1, status: 201, body: bodies.sources?.('second') }),
  'PATCH /api/v1/sources/{id}': () => ({ most: transaction(4), body: { tags: ['a'] } }),
  'DELETE /api/v1/sources/{id}': async () => ({ most: transaction(3), status: 204, path: await fresh('sources') }),
  'POST /api/v1/sources/{id}/crawl': () => ({ most: 2, status: 202 }),
  // The lock, the gap, the business's language, the question, the revision, the gap closed.
  'POST /api/v1/gaps/{id}/answer': () => ({ most: transaction(6), path: '/api/v1/gaps/gap_2/answer', body: { answer: 'So.' } }),
  'POST /api/v1/gaps/{id}/dismiss': () => ({ most: transaction(2), path: '/api/v1/gaps/gap_3/dismiss' }),
  'PATCH /api/v1/messages/{id}': () => ({ most: 1, body: { done: true } }),
  'PATCH /api/v1/callbacks/{id}': () => ({ most: 1, body: { done: true } }),
  'POST /api/v1/knowledge/search': () => ({ most: 0, status: 503, body: { query: 'When do you open?' } }),
  'POST /api/v1/calls': () => ({ most: 0, status: 202, body: { to: '+15550123', assistantId: ids.assistants } }),
  'POST /api/v1/calls/{id}/hang-up': () => ({ most: 0, status: 204 }),
  'POST /api/v1/session': () => ({ most: 1, key: null, body: { key: api.keys.alpha } }),
  'DELETE /api/v1/session': () => ({ most: 0, key: null, status: 204 }),
};

/** Reads that are not simply one. */
const reads: Record<string, () => Case> = {
  'GET /api/v1/models': () => ({ most: 0 }),
  'GET /api/v1/calls/{id}/recording': () => ({ most: 1, status: 404 }),
  // The file's row, then its parts: megabytes that a join would repeat the row for.
  'GET /api/v1/documents/{id}/file': () => ({ most: 2, path: `/api/v1/documents/${ids.file}/file` }),
};

test('each route costs what it says, and every route says it', async () => {
  const { body } = await api.ask<{ paths: Record<string, object> }>('GET', '/openapi.json', { key: null });
  const seen: string[] = [];
  const dearer: string[] = [];
  for (const [path, methods] of Object.entries(body.paths).filter(([path]) => path.startsWith('/api/'))) {
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      const route = `${method} ${path}`;
      seen.push(route);
      const its = method === 'GET' ? (reads[route]?.() ?? { most: 1 }) : await changes[route]?.();
      if (!its) {
        dearer.push(`${route} does not say what it costs`);
        continue;
      }
      const cost = await costOf(method, its.path ?? byPath(path), its);
      if (cost > its.most) dearer.push(`${route}: ${cost} statements, not ${its.most}`);
    }
  }
  expect(dearer).toEqual([]);
  expect(seen.length).toBeGreaterThan(55);
  expect([...Object.keys(changes), ...Object.keys(reads)].filter((route) => !seen.includes(route))).toEqual([]);
}, 60_000);

test('a page costs one statement however many rows, filters and pages there are', async () => {
  for (let n = 0; n < 12; n++) await api.ask('POST', '/api/v1/questions', { body: bodies.questions?.(`page-${n}`) });
  const one = { most: 1 };
  for (const path of [
    '/api/v1/questions?limit=200',
    '/api/v1/calls?state=live&gateway=sip&search=0111',
    '/api/v1/calls?search=1',
    '/api/v1/calls?slow=true',
    '/api/v1/gaps?state=open',
    '/api/v1/messages?state=done',
    '/api/v1/reports/latency?by=provider',
    '/api/v1/usage?assistantId=nobody',
  ])
    expect(await costOf('GET', path, one), path).toBe(1);
  let cursor: string | undefined;
  let pages = 0;
  do {
    const before = api.queries();
    const { body } = await api.ask<{ nextCursor?: string }>('GET', `/api/v1/questions?limit=5${cursor ? `&cursor=${cursor}` : ''}`);
    expect(api.queries() - before).toBe(1);
    cursor = body.nextCursor;
    pages++;
  } while (cursor !== undefined);
  expect(pages).toBeGreaterThan(2);
});

test('a call page costs one statement for each part, whether there is anything in it or not, or no call at all', async () => {
  for (const part of ['', '/events', '/transcript', '/turns', '/transcript?limit=1', '/turns?limit=1', '/events?after=1000']) {
    expect(await costOf('GET', `/api/v1/calls/call_1${part}`, { most: 1 }), part).toBe(1);
    expect(await costOf('GET', `/api/v1/calls/call_empty${part}`, { most: 1 }), part).toBe(1);
    expect(await costOf('GET', `/api/v1/calls/call_none${part}`, { most: 1, status: 404 }), part).toBe(1);
    expect(await costOf('GET', `/api/v1/calls/call_1${part}`, { most: 1, status: 404, key: api.keys.beta }), part).toBe(1);
  }
});

test('the lines and turns of a long call come in pages, each once and in order', async () => {
  const turns = Array.from({ length: 7 }, (_, i): readonly [number, CallFact] => [
    (i + 1) * 100,
    { type: 'turn-committed', turn: i + 1, text: `Question ${i + 1}`, source: 'typed', stages: {} },
  ]);
  await api.write(eventsOf(api.alpha.id, 'call_long', [[0, received], ...turns]));
  for (const part of ['transcript', 'turns']) {
    const got: number[] = [];
    let cursor: string | undefined;
    do {
      const query: string = `limit=3${cursor ? `&cursor=${cursor}` : ''}`;
      const { body } = await api.ask<{ items: { turn: number }[]; nextCursor?: string }>('GET', `/api/v1/calls/call_long/${part}?${query}`);
      got.push(...body.items.map(({ turn }) => turn));
      cursor = body.nextCursor;
    } while (cursor !== undefined);
    expect(got, part).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const wrong of ['nonsense', Buffer.from('1_2_3').toString('base64url'), Buffer.from("1';_2").toString('base64url')])
      expect((await api.ask('GET', `/api/v1/calls/call_long/${part}?cursor=${wrong}`)).status, wrong).toBe(422);
  }
});

test('who asks costs one statement at first, then none', async () => {
  const { key } = await createApiKey(api.database, api.kit, { businessId: null, name: 'New', scopes: ['read'] });
  const cost = async (business: string) => {
    const before = api.queries();
    expect((await api.ask('GET', '/api/v1/models', { key, headers: { 'tandem-business': business } })).status).toBe(200);
    return api.queries() - before;
  };
  const { body } = await api.ask<{ id: string }>('POST', '/api/v1/businesses', { key: api.keys.admin, body: { name: 'Other' } });
  expect(await cost(body.id)).toBe(2); // the key, and whether there is such a business
  expect(await cost(body.id)).toBe(0);
});

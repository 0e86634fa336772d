import type { Gap, KnowledgeDocument, KnowledgeSite, Page, Question } from '@tandem/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiServer, startApi } from '../../test/api-server.ts';
import { failDocument, putDocumentInUse } from '#store/document-versions.ts';
import { readDocumentFile } from '#store/documents.ts';
import { recordGaps } from '#store/gaps.ts';
import { readQuestions } from '#store/questions.ts';
import { readRevisions } from '#store/revisions.ts';

let api: ApiServer;
const searched: unknown[] = [];
const found = {
  passages: [{ id: 'd#0', documentId: 'd', title: 'Hours', text: 'We open at nine.', score: 0.9 }],
  verdict: 'answer' as const,
  confidence: { score: 0.9, margin: 0.5, coverage: 1 },
  tookMs: 1,
};
beforeAll(async () => {
  api = await startApi({
    searchKnowledge: async (businessId, input) => {
      searched.push([businessId, input]);
      return found;
    },
  });
}, 60_000);
afterAll(() => api.close());

type Parts = [name: string, value: string | { name: string; type: string; bytes: Buffer }][];

/** A form as a browser sends it. */
async function form(parts: Parts) {
  const data = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new Blob([new Uint8Array(value.bytes)], { type: value.type }), value.name);
  }
  const response = new Response(data);
  return { body: Buffer.from(await response.arrayBuffer()), headers: { 'content-type': response.headers.get('content-type') ?? '' } };
}
const file = (text: string, name = 'Opening hours.md', type = 'text/markdown') => ({ name, type, bytes: Buffer.from(text) });
const upload = async (method: string, path: string, parts: Parts, key?: string) =>
  api.ask<KnowledgeDocument & { errors?: { path: string }[]; code?: string }>(method, path, { ...(await form(parts)), key });
const path = '/api/v1/documents';
const lastJob = () => api.sent.at(-1);
const inUse = (document: KnowledgeDocument, text: string) =>
  putDocumentInUse(
    api.database,
    api.kit,
    { businessId: document.businessId, documentId: document.id, version: document.version },
    { text, format: 'markdown', passages: [{ title: document.title, text, digest: text }] },
  );

test('a text waits to be read, and its job is sent once for each version', async () => {
  const before = api.sent.length;
  const made = await api.ask<KnowledgeDocument>('POST', path, { body: { title: 'Hours', text: 'We open at nine.', base: 'sales' } });
  expect(made).toMatchObject({
    status: 201,
    body: { state: 'waiting', version: 1, passages: 0, base: 'sales', audience: 'everyone', format: 'markdown', bytes: 16 },
  });
  const { id } = made.body;
  const payload = { businessId: api.alpha.id, documentId: id, version: 1 };
  expect(api.sent.slice(before)).toEqual([{ name: 'ingest-document', payload, options: { singletonKey: `${id}:1` } }]);
  const titled = await api.ask<KnowledgeDocument>('PATCH', `${path}/${id}`, { body: { title: 'Times' } });
  expect(titled.body).toMatchObject({ version: 2, title: 'Times', state: 'waiting' });
  const tagged = await api.ask<KnowledgeDocument>('PATCH', `${path}/${id}`, { body: { tags: ['a'], text: 'We open at nine.' } });
  expect(tagged.body).toMatchObject({ version: 2, tags: ['a'] });
  expect(api.sent.slice(before).map(({ payload: sent }) => (sent as { version: number }).version)).toEqual([1, 2]);
  expect((await api.ask('GET', `${path}/${id}/file`)).status).toBe(404);
});

test('a file is kept as it came, and can be had back as an attachment', async () => {
  const fields: Parts = [
    ['tags', 'hours, doors'],
    ['tags', 'front'],
    ['file', file('# Hours\n\nNine to five.')],
    ['audience', 'dealers'],
    ['language', 'de'],
  ];
  const made = await upload('POST', path, fields);
  expect(made, made.text).toMatchObject({
    status: 201,
    body: {
      title: 'Opening hours',
      tags: ['hours', 'doors', 'front'],
      audience: 'dealers',
      language: 'de',
      base: 'main',
      state: 'waiting',
      bytes: 22,
    },
  });
  expect(lastJob()).toMatchObject({ name: 'ingest-document', payload: { documentId: made.body.id, version: 1 } });
  const back = await api.ask('GET', `${path}/${made.body.id}/file`);
  expect([back.status, back.text]).toEqual([200, '# Hours\n\nNine to five.']);
  expect(back.headers).toMatchObject({
    'content-disposition': "attachment; filename*=UTF-8''Opening%20hours.md",
    'x-content-type-options': 'nosniff',
    'content-type': 'application/octet-stream',
    'content-security-policy': "default-src 'none'; sandbox",
  });
});

test('a new file is a new version; the same one again changes nothing; what fails can be tried again', async () => {
  const { body: made } = await upload('POST', path, [['file', file('First.')]]);
  await inUse(made, 'First.');
  const one = `${path}/${made.id}`;
  const before = api.sent.length;
  const same = await upload('PUT', `${one}/file`, [['file', file('First.')]]);
  expect(same.body).toMatchObject({ version: 1, state: 'ready', passages: 1 });
  expect(api.sent).toHaveLength(before);
  const { body: second } = await upload('PUT', `${one}/file`, [
    ['file', file('Second.', 'Times.txt')],
    ['tags', 'new'],
  ]);
  expect(second).toMatchObject({ version: 2, state: 'waiting', passages: 1, fileName: 'Times.txt', title: 'Opening hours', tags: ['new'] });
  expect(lastJob()).toMatchObject({ payload: { documentId: made.id, version: 2 }, options: { singletonKey: `${made.id}:2` } });
  expect(await api.ask('POST', `${one}/retry`)).toMatchObject({ status: 409, body: { code: 'conflict' } });

  const ref = { businessId: api.alpha.id, documentId: made.id, version: 2 };
  await failDocument(api.database, api.kit, ref, 'file-damaged', 'It ends in the middle.');
  const failed = await api.ask<KnowledgeDocument & { text: string }>('GET', one);
  expect(failed.body).toMatchObject({
    state: 'failed',
    fault: 'file-damaged',
    detail: 'It ends in the middle.',
    text: 'First.',
    passages: 1,
  });
  expect(await api.ask('POST', `${one}/retry`)).toMatchObject({ status: 202, body: { state: 'waiting', version: 2 } });
  expect(lastJob()).toMatchObject({ payload: ref });
  await inUse(second, 'Second.');
  expect((await readDocumentFile(api.database, api.alpha.id, made.id, 1))?.bytes).toBeUndefined();
  expect((await api.ask('DELETE', one)).status).toBe(204);
  expect(await readDocumentFile(api.database, api.alpha.id, made.id)).toBeUndefined();
});

test('plain text is no document: it has neither title nor shape', async () => {
  for (const type of ['text/plain', 'text/plain; charset=utf-8']) {
    const answer = await api.ask('POST', path, { body: 'We open at nine.', headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  }
});

test('what cannot be taken is refused with its reason', async () => {
  const gif = { name: 'x.pdf', type: 'application/pdf', bytes: Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old office', 'latin1') };
  const tries: [Parts, number, string, string?][] = [
    [[['title', 'No file']], 422, 'invalid-input', '/file'],
    [[['file', file('')]], 422, 'invalid-input', '/file'],
    [[['upload', file('x')]], 422, 'invalid-input', '/upload'],
    [
      [
        ['file', file('x')],
        ['colour', 'red'],
      ],
      422,
      'invalid-input',
      '/colour',
    ],
    [
      [
        ['file', file('x')],
        ['base', 'Not A Name'],
      ],
      422,
      'invalid-input',
      '/base',
    ],
    [
      [
        ['file', file('x')],
        ['title', 'x'.repeat(301)],
      ],
      422,
      'invalid-input',
      '/title',
    ],
    [
      [
        ['file', file('x')],
        ['title', 'x'.repeat(9_000)],
      ],
      422,
      'invalid-input',
      '/title',
    ],
    [
      [
        ['file', file('x')],
        ['file', file('y')],
      ],
      413,
      'too-large',
    ],
    [[['file', gif]], 415, 'format-unknown', '/file'],
    [[['file', { ...gif, bytes: Buffer.alloc(25 * 1024 * 1024 + 1) }]], 413, 'too-large'],
  ];
  const before = api.sent.length;
  for (const [parts, status, code, field] of tries) {
    const answer = await upload('POST', path, parts);
    expect([answer.status, answer.body.code], JSON.stringify(parts).slice(0, 80)).toEqual([status, code]);
    if (field) expect(answer.body.errors?.[0].path).toBe(field);
  }
  const whole = await form([['file', file('whole')]]);
  expect(await api.ask('POST', path, { ...whole, body: whole.body.subarray(0, whole.body.length - 30) })).toMatchObject({
    status: 400,
    body: { code: 'bad-request' },
  });
  expect(await api.ask('PUT', `${path}/x/file`, { body: {} })).toMatchObject({ status: 404 });
  expect((await upload('POST', path, [['file', file('x')]], api.keys.alphaReader)).status).toBe(403);
  expect(api.sent).toHaveLength(before);
  const { body: made } = await api.ask<KnowledgeDocument>('POST', path, { body: { title: 'T', text: 'x' } });
  expect(await api.ask('PUT', `${path}/${made.id}/file`, { body: {} })).toMatchObject({ status: 400, body: { code: 'bad-request' } });
});

test('names from outside lead nowhere', async () => {
  for (const [name, kept] of [
    ['../../etc/passwd', 'passwd'],
    ['C:\\Temp\\a b.txt', 'a b.txt'],
    ['line\r\nx: y.txt', expect.not.stringMatching(/[\r\n]/)],
    [`${'é'.repeat(300)}.txt`, expect.stringMatching(/^é{196}\.txt$/)],
  ] as const) {
    const { body, status } = await upload('POST', path, [['file', file('text', name)]]);
    expect([status, body.fileName], name).toEqual([201, kept]);
    const { headers } = await api.ask('GET', `${path}/${body.id}/file`);
    expect(headers['content-disposition']).toMatch(/^attachment; filename\*=UTF-8''[\w.%~!-]+$/);
  }
});

test('the largest file goes in and comes out', async () => {
  const line = 'Spare part 4711 costs twelve euros and is sent on the same day.\n';
  const text = line.repeat(Math.floor((25 * 1024 * 1024) / line.length));
  const { body, status } = await upload('POST', path, [['file', file(text, 'parts.txt', 'text/plain')]]);
  expect([status, body.bytes]).toEqual([201, text.length]);
  const back = await api.ask('GET', `${path}/${body.id}/file`);
  expect(back.bytes.equals(Buffer.from(text))).toBe(true);
}, 60_000);

test('a source is crawled when it is made, moved, or somebody says so', async () => {
  const before = api.sent.length;
  const { body: made } = await api.ask<KnowledgeSite>('POST', '/api/v1/sources', { body: { url: 'https://www.example.com/' } });
  expect(made).toMatchObject({ state: 'waiting', maxDepth: 3, maxPages: 200, everyHours: null, found: 0 });
  const one = `/api/v1/sources/${made.id}`;
  await api.ask('PATCH', one, { body: { maxPages: 50, tags: ['site'] } });
  expect((await api.ask('PATCH', one, { body: { url: 'https://shop.example.com/' } })).body).toMatchObject({
    maxPages: 50,
    state: 'waiting',
  });
  expect(await api.ask('POST', `${one}/crawl`)).toMatchObject({ status: 202, body: { state: 'waiting' } });
  const job = { name: 'crawl-source', payload: { businessId: api.alpha.id, sourceId: made.id }, options: { singletonKey: made.id } };
  expect(api.sent.slice(before)).toEqual([job, job, job]);
});

test('a gap becomes an approved question with one click, once', async () => {
  const example = (turn: number, text: string) => ({
    callId: 'call_1',
    turn,
    text,
    verdict: 'unknown' as const,
    at: new Date(1_000 * turn),
  });
  await recordGaps(api.database, api.alpha.id, [
    {
      gapId: 'gap_1',
      question: 'Do you sell gift cards?',
      terms: ['gift', 'card'],
      examples: [example(1, 'do you sell gift cards'), example(2, 'Can I get a gift card?')],
    },
    { gapId: 'gap_2', question: 'Is there a pool?', terms: ['pool'], examples: [example(3, 'is there a pool')] },
  ]);
  const list = await api.ask<Page<Gap>>('GET', '/api/v1/gaps?state=open&limit=1');
  expect(list.body.items).toMatchObject([
    {
      id: 'gap_1',
      count: 2,
      calls: 1,
      question: 'Do you sell gift cards?',
      examples: [{ turn: 2, text: 'Can I get a gift card?' }, { turn: 1 }],
    },
  ]);
  const next = await api.ask<Page<Gap>>('GET', `/api/v1/gaps?state=open&limit=1&cursor=${list.body.nextCursor}`);
  expect(next.body.items.map(({ id }) => id)).toEqual(['gap_2']);
  expect(next.body.nextCursor).toBeUndefined();

  const revision = (await readRevisions(api.database, [api.alpha.id])).get(api.alpha.id) ?? 0;
  const changed = api.changed.length;
  const closed = await api.ask<Gap>('POST', '/api/v1/gaps/gap_1/answer', { body: { answer: 'Yes, at the reception.' } });
  expect(closed).toMatchObject({ status: 200, body: { state: 'answered', questionId: expect.stringMatching(/^question_/) } });
  expect(api.changed.slice(changed)).toEqual([api.alpha.id]);
  expect((await readRevisions(api.database)).get(api.alpha.id)).toBe(revision + 1);
  const { body: question } = await api.ask<Question>('GET', `/api/v1/questions/${closed.body.questionId}`);
  expect(question).toMatchObject({
    answer: 'Yes, at the reception.',
    phrasings: ['Do you sell gift cards?', 'Can I get a gift card?'],
    language: 'en',
  });
  for (const [gapPath, body] of [
    ['/api/v1/gaps/gap_1/answer', { answer: 'Again.' }],
    ['/api/v1/gaps/gap_1/dismiss', undefined],
  ] as const) {
    expect(await api.ask('POST', gapPath, { body })).toMatchObject({ status: 409, body: { code: 'conflict' } });
  }
  expect((await readQuestions(api.database, api.alpha.id)).filter(({ answer }) => answer === 'Again.')).toEqual([]);
  expect((await api.ask<Gap>('POST', '/api/v1/gaps/gap_2/dismiss')).body).toMatchObject({ state: 'dismissed' });
  expect((await api.ask<Page<Gap>>('GET', '/api/v1/gaps?state=open')).body.items).toEqual([]);
  for (const query of ['state=closed', 'cursor=x']) expect((await api.ask('GET', `/api/v1/gaps?${query}`)).status).toBe(422);
  const written = await api.ask('POST', '/api/v1/gaps/gap_2/answer', { body: { answer: '', phrasings: [] } });
  expect(written.status).toBe(422);
});

test('a search is tried out within the own business, with a key that only reads', async () => {
  const body = { query: 'When do you open?', scope: { tags: ['hours'] } };
  const answer = await api.ask('POST', '/api/v1/knowledge/search', { key: api.keys.alphaReader, body });
  expect(answer).toMatchObject({ status: 200, body: found });
  const scope = { bases: [], documentIds: [], tags: ['hours'], languages: [], audiences: [] };
  expect(searched).toEqual([[api.alpha.id, { query: body.query, limit: 5, scope }]]);
  expect((await api.ask('POST', '/api/v1/knowledge/search', { key: api.keys.alphaWriter, body })).status).toBe(403);
  expect((await api.ask('POST', '/api/v1/knowledge/search', { body: { query: '' } })).status).toBe(422);
});

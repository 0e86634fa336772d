import type { Assistant, Business, Page, PhoneNumber, ToolDefinition, Trunk } from '@tandem/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ApiServer, startApi } from '../../test/api-server.ts';
import { partialOf } from './resource.ts';

let api: ApiServer;
let assistantOf: { alpha: string; beta: string };
beforeAll(async () => {
  api = await startApi();
  const make = async (key: string, slug: string) =>
    (await api.ask<Assistant>('POST', '/api/v1/assistants', { key, body: { name: 'A', slug, greeting: 'Hello.' } })).body.id;
  assistantOf = { alpha: await make(api.keys.alpha, 'alpha'), beta: await make(api.keys.beta, 'beta') };
}, 60_000);
afterAll(() => api.close());

let count = 0;
/** A valid body of each kind, different at each call. */
const samples: Record<string, () => Record<string, unknown>> = {
  assistants: () => ({ name: 'Reception', slug: `desk-${++count}`, greeting: 'Hello.', transcriber: 'acme' }),
  numbers: () => ({ address: `+1555${1_000_000 + ++count}`, assistantId: assistantOf.alpha, label: 'Front' }),
  documents: () => ({ title: 'Hours', text: 'We open at nine. We close at five.', tags: ['hours'] }),
  questions: () => ({ phrasings: ['When are you open?'], answer: 'From nine to five.' }),
  sources: () => ({ url: `https://www.example.com/${++count}`, maxDepth: 2, everyHours: 24, tags: ['site'] }),
  trunks: () => ({
    name: 'PBX',
    sources: ['203.0.113.0/24', '2001:db8::/32', '192.0.2.7'],
    username: `pbx-${++count}`,
    password: 'hush hush hush',
  }),
  tools: () => ({ kind: 'http', name: `look_up_${++count}`, description: 'Finds an order.', url: 'https://api.example.com/orders' }),
};
const kinds = Object.keys(samples);

describe.each(kinds)('/api/v1/%s', (kind) => {
  const path = `/api/v1/${kind}`;

  test('create, read, list, edit, delete', async () => {
    const made = await api.ask<Assistant>('POST', path, { body: samples[kind]() });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ businessId: api.alpha.id });
    const read = await api.ask<Assistant>('GET', `${path}/${made.body.id}`);
    expect(read.body).toEqual(made.body);
    const list = await api.ask<Page<Assistant>>('GET', path);
    expect(list.body.items.map(({ id }) => id)).toContain(made.body.id);
    const before = api.changed.length;
    const same = await api.ask<Assistant>('PATCH', `${path}/${made.body.id}`, { body: {} });
    expect(same.status).toBe(200);
    expect({ ...same.body, updatedAt: '' }).toEqual({ ...made.body, updatedAt: '' });
    expect((await api.ask('DELETE', `${path}/${made.body.id}`)).status).toBe(204);
    expect(api.changed.slice(before)).toEqual([api.alpha.id, api.alpha.id]);
    expect((await api.ask('GET', `${path}/${made.body.id}`)).status).toBe(404);
  });

  test('an id nobody has is a 404 problem', async () => {
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      for (const id of ['nothing', '../../etc', '%00', 'é']) {
        const body = method === 'PATCH' ? {} : undefined;
        const { status, body: problem, headers } = await api.ask(method, `${path}/${encodeURIComponent(id)}`, { body });
        expect([404, 422], `${method} ${id}`).toContain(status);
        expect(headers['content-type']).toContain('application/problem+json');
        expect(problem).toMatchObject({
          status,
          code: status === 404 ? 'not-found' : 'invalid-input',
          instance: expect.stringMatching(/^request_/),
        });
      }
    }
  });

  test('an unknown field, no body, and a body that is no JSON', async () => {
    const unknown = await api.ask('POST', path, { body: { ...samples[kind](), colour: 'red' } });
    expect(unknown.status).toBe(422);
    expect(unknown.body.code).toBe('invalid-input');
    expect((await api.ask('POST', path)).status).toBe(422);
    const broken = await api.ask('POST', path, { body: '{"name":' });
    expect(broken).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    const form = await api.ask('POST', path, { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expect(form).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  });
});

const wrong: [kind: string, field: string, values: unknown[]][] = [
  ['assistants', 'name', ['', '  ', 7, null, 'x'.repeat(121)]],
  ['assistants', 'slug', ['', 'Up', '-a', 'a b', 'a/b', 'x'.repeat(64)]],
  ['assistants', 'greeting', ['', 'x'.repeat(601)]],
  ['assistants', 'instructions', [null, 'x'.repeat(20_001)]],
  ['assistants', 'goodbye', ['', 'x'.repeat(401)]],
  ['assistants', 'language', ['', 'english!', 'x'.repeat(80)]],
  ['assistants', 'voice', ['', 'x'.repeat(121)]],
  ['assistants', 'transcriber', ['', 5, 'x'.repeat(61)]],
  ['assistants', 'languageModel', ['', 5]],
  ['assistants', 'synthesizer', ['', 5]],
  ['assistants', 'eagerness', ['soon', '', null]],
  ['assistants', 'idleMs', [0, 1_999, 60_001, 2_000.5, '8000']],
  ['assistants', 'maxDurationMs', [9_999, 14_400_001]],
  ['assistants', 'recording', ['yes', 1, null]],
  ['assistants', 'speechToSpeech', ['', 5]],
  ['assistants', 'fallbacks', [7, { transcribers: 'x' }, { languageModels: [''] }, { synthesizers: ['a', 'b', 'c', 'd', 'e', 'f'] }]],
  ['assistants', 'voices', ['x', { flite: '' }]],
  ['assistants', 'turnTaking', [null, { speculation: 'yes' }, { fillers: 1 }]],
  ['assistants', 'builtInTools', [['dance'], 'collect']],
  ['assistants', 'transferTargets', [[{ name: '', to: '+1' }], [{ name: 'x' }], 'x']],
  ['assistants', 'costCeiling', [0, -1, 1_001, '1']],
  ['tools', 'name', ['', 'Look up', '1a', 'x'.repeat(61), 'end_call', null]],
  ['tools', 'description', ['', 'x'.repeat(1_001)]],
  [
    'tools',
    'url',
    ['ftp://x', 'example.com', 'https://', 'https://{{host}}/x', 'https://a:b@example.com/', 'https://example.com/{{order}}'],
  ],
  ['tools', 'reconcileUrl', ['ftp://x', 'https://{{host}}/x', 'https://example.com/{{secret:NONE}}']],
  ['tools', 'method', ['get', 'TRACE']],
  ['tools', 'headers', [{ 'a b': 'x' }, { a: 7 }, { authorization: '{{secret:NONE}}' }]],
  ['tools', 'body', ['{{what}}', 'x'.repeat(20_001)]],
  ['tools', 'secrets', [{ '1': 'x' }, { A: '' }, { A: 'x'.repeat(4_001) }]],
  [
    'tools',
    'parameters',
    [
      null,
      { type: 'array' },
      { type: 'object', properties: 7 },
      { type: 'object', properties: { a: { $ref: 'https://example.com/schema' } } },
      { type: 'object', properties: { a: { $ref: '#/nowhere' } } },
      { type: 'object', properties: {}, description: 'x'.repeat(20_001) },
    ],
  ],
  ['tools', 'timeoutMs', [99, 30_001]],
  ['tools', 'assistantIds', ['x', ['']]],
  ['tools', 'enabled', ['yes']],
  ['numbers', 'address', ['', '+0123456', '+1', '15 55', '+1555010012345678', '@', 'x'.repeat(64)]],
  ['numbers', 'assistantId', ['', 'assistant_nobody', null, 'x'.repeat(65)]],
  ['numbers', 'label', ['x'.repeat(121), null]],
  ['documents', 'title', ['', 'x'.repeat(301)]],
  ['documents', 'text', ['', ' ', 'x'.repeat(1_000_001)]],
  ['documents', 'language', ['']],
  ['documents', 'tags', ['hours', ['x'.repeat(61)], Array.from({ length: 51 }, () => 'x')]],
  ['questions', 'phrasings', [[], [''], 'When?', Array.from({ length: 51 }, () => 'x'), ['x'.repeat(301)]]],
  ['documents', 'base', ['', 'Main', 'a b', null]],
  ['documents', 'audience', ['', 'All of us', 7]],
  ['questions', 'answer', ['', 'x'.repeat(1_001)]],
  ['questions', 'base', ['', '-x', 'x'.repeat(41)]],
  ['questions', 'tags', [[''], 'x']],
  ['sources', 'url', ['', 'www.example.com', 'ftp://example.com/', 'javascript:alert(1)', null]],
  ['sources', 'maxDepth', [-1, 11, 1.5, '3']],
  ['sources', 'maxPages', [0, 2_001]],
  ['sources', 'everyHours', [0, 8_761, 'daily']],
  ['sources', 'base', ['Up']],
  ['assistants', 'knowledge', [null, { bases: ['Up'] }, { tags: 'x' }]],
  ['trunks', 'name', ['', 'x'.repeat(121)]],
  ['trunks', 'sources', [['banana'], ['203.0.113.0/33'], ['203.0.113.300'], '203.0.113.0/24', ['']]],
  ['trunks', 'username', ['', 'x'.repeat(121)]],
  ['trunks', 'password', ['short', 'x'.repeat(201)]],
  ['trunks', 'registrar', ['pbx.example.com', 'http://pbx', 'sip:']],
  ['trunks', 'registerUser', ['x'.repeat(121), 3]],
  ['trunks', 'registerPassword', ['', 'x'.repeat(201)]],
  ['trunks', 'outboundProxy', ['', 'tel:+1', 'sip:a b']],
];

test.each(wrong)('%s.%s: a value that is not acceptable is named', async (kind, field, values) => {
  const made = await api.ask<Assistant>('POST', `/api/v1/${kind}`, { body: samples[kind]() });
  for (const value of values) {
    const tries: [string, string, unknown][] = [
      ['POST', `/api/v1/${kind}`, { ...samples[kind](), [field]: value }],
      ['PATCH', `/api/v1/${kind}/${made.body.id}`, { [field]: value }],
    ];
    for (const [method, path, body] of tries) {
      const { status, body: problem } = await api.ask(method, path, { body });
      expect(status, `${method} ${field}=${JSON.stringify(value)?.slice(0, 40)}`).toBe(422);
      expect(problem.code).toBe('invalid-input');
      expect(problem.errors?.some((error) => error.path.startsWith(`/${field}`) && error.message !== '')).toBe(true);
    }
  }
  await api.ask('DELETE', `/api/v1/${kind}/${made.body.id}`);
});

test('what exists already is a conflict that names its field', async () => {
  const tool = samples.tools();
  expect((await api.ask('POST', '/api/v1/tools', { body: tool })).status).toBe(201);
  const sameTool = await api.ask('POST', '/api/v1/tools', { body: tool });
  expect(sameTool).toMatchObject({ status: 409, body: { code: 'conflict', errors: [{ path: '/name' }] } });
  expect((await api.ask('POST', '/api/v1/tools', { key: api.keys.beta, body: tool })).status).toBe(201);
  const slug = await api.ask('POST', '/api/v1/assistants', { body: { name: 'B', slug: 'beta', greeting: 'Hi.' } });
  expect(slug).toMatchObject({ status: 409, body: { code: 'conflict', errors: [{ path: '/slug' }] } });
  const body = { address: '+15559990001', assistantId: assistantOf.alpha };
  expect((await api.ask('POST', '/api/v1/numbers', { body })).status).toBe(201);
  const again = await api.ask('POST', '/api/v1/numbers', { key: api.keys.beta, body: { ...body, assistantId: assistantOf.beta } });
  expect(again).toMatchObject({ status: 409, body: { code: 'conflict', errors: [{ path: '/address' }] } });
  const used = await api.ask('DELETE', `/api/v1/assistants/${assistantOf.alpha}`);
  expect(used).toMatchObject({ status: 409, body: { code: 'conflict' } });
});

test('an edit keeps what it does not name, and null clears an optional field', async () => {
  const { body: made } = await api.ask<Assistant>('POST', '/api/v1/assistants', { body: { ...samples.assistants(), idleMs: 12_000 } });
  const { body: renamed } = await api.ask<Assistant>('PATCH', `/api/v1/assistants/${made.id}`, { body: { name: 'Night desk' } });
  expect(renamed).toMatchObject({ name: 'Night desk', idleMs: 12_000, transcriber: 'acme', recording: true });
  const { body: cleared } = await api.ask<Assistant>('PATCH', `/api/v1/assistants/${made.id}`, { body: { transcriber: null } });
  expect(cleared.transcriber).toBeUndefined();
});

test('an edit within turn taking keeps the rest of it, and creating fills the defaults in', async () => {
  const { body: made } = await api.ask<Assistant>('POST', '/api/v1/assistants', {
    body: { ...samples.assistants(), turnTaking: { hedging: true }, fallbacks: { synthesizers: ['flite'] } },
  });
  expect(made.turnTaking).toEqual({
    speculation: 'speech',
    adaptive: true,
    fillers: true,
    hedging: true,
    greetingProtected: false,
    rules: {},
  });
  expect(made.fallbacks).toEqual({ transcribers: [], languageModels: [], synthesizers: ['flite'] });
  const change = { turnTaking: { fillers: false }, fallbacks: { transcribers: ['x'] }, costCeiling: 2 };
  const { body: edited } = await api.ask<Assistant>('PATCH', `/api/v1/assistants/${made.id}`, { body: change });
  expect(edited.turnTaking).toEqual({ ...made.turnTaking, fillers: false });
  expect(edited.fallbacks).toEqual({ transcribers: ['x'], languageModels: [], synthesizers: ['flite'] });
  const { body: cleared } = await api.ask<Assistant>('PATCH', `/api/v1/assistants/${made.id}`, { body: { costCeiling: null } });
  expect(cleared).toMatchObject({ costCeiling: null, turnTaking: edited.turnTaking });
});

test("a trunk's passwords appear in no answer", async () => {
  const secrets = { password: 'correct horse battery', registerPassword: 'staple stapler' };
  const made = await api.ask<Trunk>('POST', '/api/v1/trunks', { body: { ...samples.trunks(), ...secrets } });
  const path = `/api/v1/trunks/${made.body.id}`;
  const texts = [made, await api.ask('GET', path), await api.ask('GET', '/api/v1/trunks'), await api.ask('PATCH', path, { body: secrets })];
  for (const { text, status } of texts) {
    expect(status).toBeLessThan(300);
    expect(text).not.toMatch(/assword|horse|staple/);
  }
});

test("a tool's secrets appear in no answer, and its templates must name what there is", async () => {
  const path = '/api/v1/tools';
  const body = {
    ...samples.tools(),
    method: 'POST',
    url: 'https://api.example.com/orders/{{order}}?k={{idempotencyKey}}',
    headers: { authorization: 'Bearer {{secret:KEY}}' },
    body: '{"order":"{{order}}"}',
    parameters: { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] },
    secrets: { KEY: 'sk-horse-staple', SPARE: 'sk-battery' },
  };
  const made = await api.ask<ToolDefinition>('POST', path, { body });
  expect(made, made.text).toMatchObject({ status: 201, body: { secretNames: ['KEY', 'SPARE'] } });
  const one = `${path}/${made.body.id}`;
  const spared = await api.ask<ToolDefinition>('PATCH', one, { body: { secrets: { SPARE: null } } });
  expect(spared.body).toMatchObject({ secretNames: ['KEY'], headers: body.headers, parameters: body.parameters });
  const needed = await api.ask('PATCH', one, { body: { secrets: { KEY: null } } });
  expect(needed).toMatchObject({ status: 422, body: { errors: [{ path: '/headers/authorization' }] } });
  const wrong = await api.ask('PATCH', one, { body: { allow: ['x'], secrets: { KEY: 'sk-horse-two' } } });
  expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: '/allow' }] } });
  for (const { text } of [
    made,
    spared,
    needed,
    wrong,
    await api.ask('GET', one),
    await api.ask('GET', path),
    await api.ask('PATCH', one, { body: {} }),
  ])
    expect(text).not.toMatch(/sk-horse|sk-battery|"secrets"/);
  const server = {
    kind: 'mcp',
    name: 'bookings',
    url: 'https://mcp.example.com/mcp',
    headers: { 'x-key': '{{secret:KEY}}' },
    secrets: { KEY: 'k' },
  };
  const mcp = await api.ask<ToolDefinition>('POST', path, { body: server });
  expect(mcp, mcp.text).toMatchObject({ status: 201, body: { kind: 'mcp', allow: [], description: '' } });
  expect((await api.ask('PATCH', `${path}/${mcp.body.id}`, { body: { allow: ['book'] } })).body).toMatchObject({ allow: ['book'] });
  expect((await api.ask('PATCH', `${path}/${mcp.body.id}`, { body: { kind: 'http' } })).status).toBe(422);
});

test('a body beyond the limit is 413, a document of a million characters is not', async () => {
  const large = await api.ask('POST', '/api/v1/questions', { body: { phrasings: ['x'], answer: 'x'.repeat(300_000) } });
  expect(large).toMatchObject({ status: 413, body: { code: 'too-large' } });
  const text = `${'é'.repeat(998)}. `.repeat(1_000).slice(0, 999_999);
  expect((await api.ask('POST', '/api/v1/documents', { body: { title: 'Long', text } })).status).toBe(201);
  const over = await api.ask('POST', '/api/v1/documents', { body: { title: 'Long', text: 'x'.repeat(4_300_000) } });
  expect(over.status).toBe(413);
});

test('pages by cursor are complete and without repeats', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 23; n++) {
    const body = { address: `desk-${n}`, assistantId: assistantOf.beta };
    ids.push((await api.ask<PhoneNumber>('POST', '/api/v1/numbers', { key: api.keys.beta, body })).body.id);
  }
  for (const limit of [1, 5, 23, 24]) {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(limit), ...(cursor && { cursor }) });
      const { body, status } = await api.ask<Page<PhoneNumber>>('GET', `/api/v1/numbers?${query.toString()}`, { key: api.keys.beta });
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(limit);
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor;
    } while (cursor !== undefined);
    expect(seen.toSorted()).toEqual(ids.toSorted());
  }
  for (const query of ['limit=0', 'limit=201', 'limit=x', 'cursor=!!!', `cursor=${'x'.repeat(401)}`]) {
    const { status, body } = await api.ask('GET', `/api/v1/numbers?${query}`);
    expect(status, query).toBe(422);
    expect(body.errors?.[0]?.path).toBe(`/${query.split('=')[0]}`);
  }
});

test('businesses: the admin makes, edits and deletes them, everybody else sees only the own', async () => {
  const admin = api.keys.admin;
  const made = await api.ask<Business>('POST', '/api/v1/businesses', { key: admin, body: { name: 'Gamma', timeZone: 'Europe/Lisbon' } });
  expect(made).toMatchObject({ status: 201, body: { name: 'Gamma', language: 'en', timeZone: 'Europe/Lisbon' } });
  const path = `/api/v1/businesses/${made.body.id}`;
  const edit = await api.ask<Business>('PATCH', path, { key: admin, body: { name: 'Delta' } });
  expect(edit.body).toMatchObject({ name: 'Delta', timeZone: 'Europe/Lisbon' });
  const named = { key: admin, headers: { 'tandem-business': made.body.id } };
  expect((await api.ask('POST', '/api/v1/documents', { ...named, body: samples.documents() })).status).toBe(201);
  expect((await api.ask<Page<Business>>('GET', '/api/v1/businesses', { key: admin })).body.items).toHaveLength(3);
  expect((await api.ask<Page<Business>>('GET', '/api/v1/businesses')).body.items.map(({ name }) => name)).toEqual(['Alpha']);
  for (const body of [{ name: '' }, { name: 'x', timeZone: 'Mars/Olympus' }, { name: 'x', language: '?' }, { name: 'x', id: 'mine' }]) {
    expect((await api.ask('POST', '/api/v1/businesses', { key: admin, body })).status).toBe(422);
  }
  for (const [method, target] of [
    ['POST', '/api/v1/businesses'],
    ['DELETE', `/api/v1/businesses/${api.alpha.id}`],
  ]) {
    const { status, body } = await api.ask(method, target, { body: method === 'POST' ? { name: 'Mine' } : undefined });
    expect([status, body.code]).toEqual([403, 'forbidden']);
  }
  expect((await api.ask('DELETE', path, { key: admin })).status).toBe(204);
  expect((await api.ask('GET', path, { key: admin })).status).toBe(404);
  expect((await api.ask('GET', '/api/v1/documents', named)).status).toBe(404);
});

test('the body of an edit has no defaults', () => {
  const schema = partialOf(z.object({ a: z.string().default('x'), b: z.string().optional(), c: z.number() }));
  expect(schema.parse({})).toEqual({});
  expect('b' in (schema.parse({ b: null }) as object)).toBe(true);
  expect(schema.safeParse({ c: null }).success).toBe(false);
});

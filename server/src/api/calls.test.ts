import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type {
  Assistant,
  Call,
  CallEvent,
  CallFact,
  CallTurn,
  LatencyReport,
  Message,
  Page,
  TranscriptLine,
  UsageReport,
} from '@tandem/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordingPath } from '#calls/recording.ts';
import { TandemError } from '#kit/errors.ts';
import { recordGaps } from '#store/gaps.ts';
import { type ApiServer, eventsOf, startApi } from '../../test/api-server.ts';
import { readRange } from './range.ts';

const received = (from: string): CallFact => ({
  type: 'call-received',
  startedAt: '2026-01-05T09:00:00.000Z',
  direction: 'inbound',
  gateway: 'sip',
  from,
  to: '+15550100',
  assistantId: 'assistant_1',
  assistantName: 'Reception',
  providerCallId: 'abc@sip',
});
const played: CallFact = { type: 'speech-played', turn: 0, text: 'Hello.', fromAt: 1_100, toAt: 1_800, words: [] };
const ended: CallFact = { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 9_000 };

const talk = (from: string): [number, CallFact][] => [
  [0, received(from)],
  [1_000, { type: 'call-answered', ringMs: 1_000 }],
  [1_010, { type: 'recording-started', channels: 2, rate: 8_000 }],
  [1_900, played],
  [1_950, { type: 'turn-completed', turn: 0, heard: 'Hello.', interrupted: false, stages: { firstPacketAt: 1_100 } }],
  [8_900, { type: 'recording-stopped', reason: 'call-ended', durationMs: 7_900 }],
  [9_000, ended],
];

const sound = Buffer.from(Array.from({ length: 1_000 }, (_, n) => n % 251));
let api: ApiServer;
beforeAll(async () => {
  api = await startApi();
  await api.write(eventsOf(api.alpha.id, 'call_alpha', talk('+15550111')));
  await api.write(eventsOf(api.alpha.id, 'call_live', talk('+15550112').slice(0, 2)));
  await api.write(eventsOf(api.beta.id, 'call_beta', talk('+15550113')));
  for (const [business, call] of [
    [api.alpha.id, 'call_alpha'],
    [api.beta.id, 'call_beta'],
  ]) {
    const path = recordingPath(api.recordingsFolder, business, call);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, sound);
  }
}, 60_000);
afterAll(() => api.close());

test('a call and its parts', async () => {
  const { body: call } = await api.ask<Call>('GET', '/api/v1/calls/call_alpha');
  expect(call).toMatchObject({ from: '+15550111', ending: { by: 'caller', reason: 'hung-up' }, hasRecording: true, durationMs: 9_000 });
  const transcript = await api.ask<{ items: TranscriptLine[] }>('GET', '/api/v1/calls/call_alpha/transcript');
  expect(transcript.body.items).toMatchObject([{ turn: 0, party: 'assistant', text: 'Hello.' }]);
  const turns = await api.ask<{ items: CallTurn[] }>('GET', '/api/v1/calls/call_alpha/turns');
  expect(turns.body.items).toMatchObject([{ turn: 0, assistantText: 'Hello.', stages: { firstPacketAt: 1_100 } }]);
});

test('events come in order, page by page', async () => {
  type Events = { items: CallEvent[]; nextAfter?: number };
  const all = await api.ask<Events>('GET', '/api/v1/calls/call_alpha/events');
  expect(all.body.items).toEqual(eventsOf(api.alpha.id, 'call_alpha', talk('+15550111')));
  expect(all.body.nextAfter).toBeUndefined();
  const seen: number[] = [];
  for (let after: number | undefined = -1; after !== undefined; ) {
    const { body }: { body: Events } = await api.ask<Events>('GET', `/api/v1/calls/call_alpha/events?limit=3&after=${after}`);
    seen.push(...body.items.map(({ seq }) => seq));
    after = body.nextAfter;
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect((await api.ask('GET', '/api/v1/calls/call_alpha/events?after=x')).status).toBe(422);
});

test('the list filters', async () => {
  const ids = async (query: string) => (await api.ask<Page<Call>>('GET', `/api/v1/calls?${query}`)).body.items.map(({ id }) => id);
  expect((await ids('')).toSorted()).toEqual(['call_alpha', 'call_live']);
  expect(await ids('state=live')).toEqual(['call_live']);
  expect(await ids('state=ended')).toEqual(['call_alpha']);
  expect(await ids('search=0112')).toEqual(['call_live']);
  expect(await ids('reason=hung-up')).toEqual(['call_alpha']);
  expect(await ids('gateway=twilio')).toEqual([]);
  expect((await api.ask('GET', '/api/v1/calls?state=asleep')).status).toBe(422);
});

test('a recording is served whole and in ranges', async () => {
  const path = '/api/v1/calls/call_alpha/recording';
  const whole = await api.ask('GET', path);
  expect(whole).toMatchObject({
    status: 200,
    headers: { 'content-type': 'audio/wav', 'content-length': '1000', 'accept-ranges': 'bytes' },
  });
  expect(whole.bytes.equals(sound)).toBe(true);
  for (const [range, first, last] of [
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=990-', 990, 999],
    ['bytes=-5', 995, 999],
    ['bytes=900-5000', 900, 999],
  ] as const) {
    const part = await api.ask('GET', path, { headers: { range } });
    expect(part, range).toMatchObject({
      status: 206,
      headers: { 'content-range': `bytes ${first}-${last}/1000`, 'content-length': String(last - first + 1) },
    });
    expect(part.bytes.equals(sound.subarray(first, last + 1))).toBe(true);
  }
  const beyond = await api.ask('GET', path, { headers: { range: 'bytes=1000-' } });
  expect(beyond).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */1000' }, body: { code: 'range-not-satisfiable' } });
  const head = await api.ask('HEAD', path);
  expect(head).toMatchObject({ status: 200, headers: { 'content-length': '1000' } });
  expect(head.bytes).toHaveLength(0);
  expect((await api.ask('GET', '/api/v1/calls/call_live/recording')).body.code).toBe('not-found');
});

test('ranges that are not one byte range are ignored, as RFC 9110 wants', () => {
  for (const header of [undefined, '', 'bytes=', 'bytes=-', 'chunks=0-1', 'bytes=0-1,4-5', 'bytes=a-b'])
    expect(readRange(header, 10)).toBeUndefined();
  expect(readRange('bytes=-0', 10)).toBe('unsatisfiable');
  expect(readRange('bytes=5-4', 10)).toBe('unsatisfiable');
  expect(readRange('bytes=-50', 10)).toEqual({ first: 0, last: 9 });
});

test('calls are placed and ended by the call thread', async () => {
  const { body: assistant } = await api.ask<Assistant>('POST', '/api/v1/assistants', { body: { name: 'A', slug: 'a', greeting: 'Hi.' } });
  api.answers['place-call'] = () => ({ callId: 'call_new' });
  const order = { to: '+15550199', assistantId: assistant.id };
  const placed = await api.ask<{ id: string }>('POST', '/api/v1/calls', { body: order });
  expect(placed).toMatchObject({ status: 202, body: { id: 'call_new' } });
  expect(api.commands.at(-1)).toEqual({ name: 'place-call', input: { businessId: api.alpha.id, gateway: undefined, ...order } });
  api.answers['place-call'] = () => {
    throw new TandemError('outbound-not-configured');
  };
  expect(await api.ask('POST', '/api/v1/calls', { body: order })).toMatchObject({ status: 409, body: { code: 'outbound-not-configured' } });
  for (const body of [{ ...order, to: '' }, { ...order, assistantId: '' }, { to: 'x' }]) {
    expect((await api.ask('POST', '/api/v1/calls', { body })).status).toBe(422);
  }
  api.answers['hang-up'] = () => ({ found: true });
  expect((await api.ask('POST', '/api/v1/calls/call_live/hang-up', { body: {} })).status).toBe(204);
  expect(api.commands.at(-1)?.input).toEqual({ businessId: api.alpha.id, callId: 'call_live' });
  api.answers['hang-up'] = () => ({ found: false });
  expect((await api.ask('POST', '/api/v1/calls/call_alpha/hang-up')).body.code).toBe('call-ended');
  expect((await api.ask('POST', '/api/v1/calls/call_nobody/hang-up')).body.code).toBe('not-found');
});

test("no route shows or touches another business's things", async () => {
  const theirs: Record<string, string> = {
    calls: 'call_beta',
    businesses: api.beta.id,
    messages: 'message_beta',
    callbacks: 'callback_beta',
  };
  const left: [number, CallFact][] = [
    [0, received('+15550113')],
    [10, { type: 'message-taken', messageId: 'message_beta', name: 'Ann', number: '+1', text: 'Theirs only.', urgent: false }],
    [20, { type: 'callback-scheduled', callbackId: 'callback_beta', name: 'Ann', number: '+1', when: 'soon', reason: 'Theirs' }],
  ];
  await api.write(eventsOf(api.beta.id, 'call_left', left));
  const make = async (kind: string, body: object) => {
    const made = await api.ask<Assistant>('POST', `/api/v1/${kind}`, { key: api.keys.beta, body });
    expect(made.status, made.text).toBe(201);
    theirs[kind] = made.body.id;
  };
  await make('assistants', { name: 'B', slug: 'theirs', greeting: 'Hi.' });
  await make('numbers', { address: 'theirs', assistantId: theirs.assistants });
  await make('documents', { title: 'Secret', text: 'Theirs only.' });
  await make('questions', { phrasings: ['Secret?'], answer: 'Theirs only.' });
  await make('trunks', { name: 'Theirs', username: 'theirs', password: 'long enough' });
  await make('sources', { url: 'https://theirs.example.com/' });
  const example = { callId: 'call_left', turn: 1, text: 'Theirs only?', verdict: 'unknown', at: new Date() } as const;
  await recordGaps(api.database, api.beta.id, [{ gapId: 'gap_beta', question: 'Theirs only?', terms: ['theirs'], examples: [example] }]);
  theirs.gaps = 'gap_beta';
  await make('tools', { kind: 'http', name: 'theirs', description: 'x', url: 'https://example.com' });
  api.answers['hang-up'] = () => ({ found: false });

  const { paths } = (await api.ask<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json')).body;
  let tried = 0;
  for (const [path, methods] of Object.entries(paths)) {
    const [, kind] = /^\/api\/v1\/([a-z-]+)\/\{id\}/.exec(path) ?? [];
    if (!kind) continue;
    expect(Object.keys(theirs), `a sample of ${kind}`).toContain(kind);
    for (const method of Object.keys(methods)) {
      const url = path.replace('{id}', theirs[kind]);
      const body = method === 'patch' ? {} : path.endsWith('/answer') ? { answer: 'Ours now.' } : undefined;
      const answer = await api.ask(method.toUpperCase(), url, { body });
      // Deleting a business is the admin's alone, whichever it is.
      const expected = kind === 'businesses' && method === 'delete' ? 403 : 404;
      expect(answer.status, `${method} ${path}`).toBe(expected);
      tried++;
      const named = await api.ask(method.toUpperCase(), url, { body, headers: { 'tandem-business': api.beta.id } });
      expect([403, 404], `${method} ${path} naming the business`).toContain(named.status);
    }
  }
  expect(tried).toBeGreaterThanOrEqual(41);
  for (const kind of [
    'assistants',
    'numbers',
    'documents',
    'questions',
    'sources',
    'gaps',
    'trunks',
    'calls',
    'tools',
    'messages',
    'callbacks',
  ]) {
    const { text } = await api.ask('GET', `/api/v1/${kind}?limit=200`);
    expect(text).not.toContain(theirs[kind]);
  }
  // What is theirs is no assistant of ours.
  const crossed = await api.ask('POST', '/api/v1/numbers', { body: { address: 'crossed', assistantId: theirs.assistants } });
  expect(crossed).toMatchObject({ status: 422, body: { errors: [{ path: '/assistantId' }] } });
  expect((await api.ask<Call>('GET', '/api/v1/calls/call_beta', { key: api.keys.beta })).body.businessId).toBe(api.beta.id);
});

test('a page is one query, a call and its parts at most three', async () => {
  await api.ask('GET', '/api/v1/calls');
  const cost = async (path: string) => {
    const before = api.queries();
    expect((await api.ask('GET', path)).status).toBe(200);
    return api.queries() - before;
  };
  for (const kind of [
    'calls',
    'assistants',
    'numbers',
    'documents',
    'questions',
    'sources',
    'gaps',
    'trunks',
    'businesses',
    'tools',
    'messages',
    'callbacks',
  ]) {
    expect(await cost(`/api/v1/${kind}`), kind).toBe(1);
  }
  for (const part of ['', '/events', '/transcript', '/turns', '/recording']) {
    expect(await cost(`/api/v1/calls/call_alpha${part}`), part).toBeLessThanOrEqual(3);
  }
});

test('messages and callbacks: listed, read, marked as done and as open again', async () => {
  const left: [number, CallFact][] = [
    [0, received('+15550114')],
    [10, { type: 'message-taken', messageId: 'message_1', name: 'Ann', number: '+1', text: 'Ring me.', urgent: true }],
    [20, { type: 'callback-scheduled', callbackId: 'callback_1', name: 'Ann', number: '+1', when: 'soon', reason: 'Price' }],
  ];
  await api.write(eventsOf(api.alpha.id, 'call_left_ours', left));
  for (const kind of ['messages', 'callbacks']) {
    const path = `/api/v1/${kind}/${kind.slice(0, -1)}_1`;
    const listed = async (query: string) => (await api.ask<Page<Message>>('GET', `/api/v1/${kind}?${query}`)).body.items.length;
    expect((await api.ask<Message>('GET', path)).body).toMatchObject({ callId: 'call_left_ours', name: 'Ann', doneAt: null });
    expect([await listed('state=open'), await listed('state=done')]).toEqual([1, 0]);
    const done = await api.ask<Message>('PATCH', path, { body: { done: true } });
    expect(Date.parse(done.body.doneAt ?? '')).not.toBeNaN();
    expect((await api.ask<Message>('PATCH', path, { body: {} })).body).toEqual(done.body);
    expect([await listed('state=open'), await listed('state=done')]).toEqual([0, 1]);
    expect((await api.ask<Message>('PATCH', path, { body: { done: false } })).body.doneAt).toBeNull();
    for (const body of [{ done: 'yes' }, { text: 'x' }]) expect((await api.ask('PATCH', path, { body })).status).toBe(422);
    expect((await api.ask('PATCH', path, { key: api.keys.alphaReader, body: { done: true } })).status).toBe(403);
    expect((await api.ask('GET', `/api/v1/${kind}?state=lost`)).status).toBe(422);
  }
});

test('reports over a bounded range of time', async () => {
  const marks = { speechEndAt: 2_000, endpointAt: 2_300, firstPacketAt: 2_700 };
  const line = { stage: 'language-model', provider: 'openai', model: 'm', unit: 'output-tokens', quantity: 3, costMicros: 5 } as const;
  const script: [number, CallFact][] = [
    [0, received('+15550115')],
    [2_800, { type: 'turn-completed', turn: 1, heard: 'x', interrupted: false, stages: marks, voiceToVoiceMs: 700 }],
    [2_900, { type: 'usage-counted', turn: 1, lines: [line], callCostMicros: 5 }],
  ];
  await api.write(eventsOf(api.alpha.id, 'call_report', script));
  const range = 'from=2026-01-05T00:00:00Z&to=2026-01-06';
  const latency = (query: string) => api.ask<LatencyReport>('GET', `/api/v1/reports/latency?${query}`);
  const all = await latency(range);
  expect(all.body.groups).toMatchObject([{ key: api.alpha.id, label: 'Alpha', turns: 1 }]);
  expect(all.body.groups[0]?.stages.map(({ stage, p50Ms }) => [stage, p50Ms])).toEqual([
    ['endpoint', 300],
    ['first-packet', 400],
    ['total', 700],
  ]);
  expect((await latency(`${range}&by=provider`)).body.groups.map(({ key }) => key)).toEqual(['language-model/openai']);
  expect((await latency(`${range}&by=assistant`)).body.groups.map(({ key }) => key)).toEqual(['assistant_1']);
  expect((await latency('')).body.groups).toEqual([]);
  const usage = await api.ask<UsageReport>('GET', `/api/v1/usage?${range}`);
  expect(usage.body).toMatchObject({ totalCostMicros: 5, lines: [line], days: [{ day: '2026-01-05', costMicros: 5 }] });
  expect((await api.ask<UsageReport>('GET', `/api/v1/usage?${range}&assistantId=nobody`)).body).toMatchObject({ calls: 0, lines: [] });
  const beta = await api.ask<UsageReport>('GET', `/api/v1/usage?${range}`, { key: api.keys.beta });
  expect(beta.body).toMatchObject({ totalCostMicros: 0, lines: [] });
  for (const query of ['from=yesterday', 'to=2026-13-01', 'from=2026-01-06&to=2026-01-05', 'from=2025-01-01&to=2026-01-01', 'from=1']) {
    for (const path of ['/api/v1/reports/latency', '/api/v1/usage']) {
      const { status, body } = await api.ask('GET', `${path}?${query}`);
      expect([status, body.errors?.[0]?.path], query).toEqual([422, query.startsWith('to') ? '/to' : '/from']);
    }
  }
  expect((await latency(`${range}&by=caller`)).status).toBe(422);
});

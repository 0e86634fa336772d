import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TandemError } from '#kit/errors.ts';
import { type ApiServer, startApi } from '../../test/api-server.ts';
import { connectSources } from './security-headers.ts';
import { listen } from './server.ts';

let api: ApiServer;
let media: Server;
let sockets: WebSocketServer;
let folder: string;
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-console-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Tandem</title>');
  await writeFile(join(folder, 'tandem.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(folder, 'assets', 'index-abc123.js'), 'export {};');
  media = createServer();
  sockets = new WebSocketServer({ server: media });
  sockets.on('connection', (socket, { url }) => socket.on('message', (data: Buffer) => socket.send(`${url}: ${data.toString()}`)));
  await new Promise<void>((resolve) => media.listen(0, '127.0.0.1', resolve));
  const mediaPort = (media.address() as AddressInfo).port;
  api = await startApi({
    consoleFolder: folder,
    media: { host: '0.0.0.0', port: mediaPort },
    mediaUrl: 'ws://127.0.0.1:3001',
    readiness: async () => ({ ready: false, reasons: ['draining'], degraded: [] }),
  });
  port = await listen(api.app, '127.0.0.1', 0);
}, 60_000);
afterAll(async () => {
  await api.close();
  sockets.close();
  media.close();
  await rm(folder, { recursive: true, force: true });
});

test('without a key 401, without the scope 403, another business than the own 404', async () => {
  const strangers: Record<string, string>[] = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Basic eDp5' },
    { authorization: 'Bearer' },
    { cookie: 'tandem_session=a.b.c.d' },
  ];
  for (const headers of strangers) {
    for (const path of ['/api/v1/assistants', '/api/v1/businesses', '/api/v1/calls/x/recording', '/api/v1/session']) {
      expect(await api.ask('GET', path, { key: null, headers }), path).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    }
  }
  const body = { name: 'A', slug: 'a', greeting: 'Hi.' };
  const { alphaReader, alphaWriter } = api.keys;
  expect((await api.ask('GET', '/api/v1/assistants', { key: alphaReader })).status).toBe(200);
  expect(await api.ask('POST', '/api/v1/assistants', { key: alphaReader, body })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
  for (const [method, path] of [
    ['PATCH', '/api/v1/assistants/x'],
    ['DELETE', '/api/v1/trunks/x'],
    ['POST', '/api/v1/calls/x/hang-up'],
    ['POST', '/api/v1/businesses'],
  ]) {
    expect((await api.ask(method, path, { key: alphaReader, body: method === 'DELETE' ? undefined : {} })).status, path).toBe(403);
  }
  expect((await api.ask('GET', '/api/v1/assistants', { key: alphaWriter })).status).toBe(403);
  const other = { headers: { 'tandem-business': api.beta.id } };
  expect((await api.ask('GET', '/api/v1/assistants', other)).status).toBe(404);
  expect((await api.ask('GET', '/api/v1/assistants', { ...other, key: api.keys.admin })).status).toBe(200);
  const nobody = { headers: { 'tandem-business': 'business_nobody' }, key: api.keys.admin };
  expect((await api.ask('GET', '/api/v1/assistants', nobody)).status).toBe(404);
});

interface OpenApi {
  openapi: string;
  paths: Record<
    string,
    Record<string, { summary?: string; responses: Record<string, unknown>; requestBody?: unknown; parameters?: unknown[] }>
  >;
  components: { schemas: Record<string, unknown> };
}

test('/openapi.json describes every route with its schemas, and every reference leads somewhere', async () => {
  const { body, text } = await api.ask<OpenApi>('GET', '/openapi.json', { key: null });
  expect(body.openapi).toBe('3.1.0');
  for (const kind of ['businesses', 'assistants', 'numbers', 'documents', 'questions', 'sources', 'trunks', 'tools']) {
    expect(Object.keys(body.paths[`/api/v1/${kind}`]).toSorted()).toEqual(['get', 'post']);
    expect(Object.keys(body.paths[`/api/v1/${kind}/{id}`]).toSorted()).toEqual(['delete', 'get', 'patch']);
  }
  for (const kind of ['messages', 'callbacks']) {
    expect(Object.keys(body.paths[`/api/v1/${kind}`])).toEqual(['get']);
    expect(Object.keys(body.paths[`/api/v1/${kind}/{id}`]).toSorted()).toEqual(['get', 'patch']);
  }
  expect(Object.keys(body.paths['/api/v1/documents/{id}/file']).toSorted()).toEqual(['get', 'put']);
  expect(JSON.stringify(body.paths['/api/v1/documents'])).toMatch(
    /"multipart\/form-data":\{"schema":.{0,900}"file":\{[^}]*"format":"binary"/,
  );
  expect(Object.keys(body.paths['/api/v1/gaps'])).toEqual(['get']);
  for (const path of ['/documents/{id}/retry', '/sources/{id}/crawl', '/gaps/{id}/answer', '/gaps/{id}/dismiss', '/knowledge/search']) {
    expect(Object.keys(body.paths[`/api/v1${path}`])).toEqual(['post']);
  }
  for (const path of ['/api/v1/reports/latency', '/api/v1/usage']) expect(Object.keys(body.paths[path])).toEqual(['get']);
  expect(Object.keys(body.paths['/api/v1/session']).toSorted()).toEqual(['delete', 'get', 'post']);
  const calls = [
    '/api/v1/calls',
    ...['', '/events', '/transcript', '/turns', '/recording', '/hang-up'].map((part) => `/api/v1/calls/{id}${part}`),
  ];
  for (const path of [...calls, '/livez', '/readyz', '/metrics']) expect(body.paths, path).toHaveProperty([path]);
  for (const [path, methods] of Object.entries(body.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const where = `${method} ${path}`;
      expect(route.summary, where).toBeTruthy();
      if (path.includes('{id}')) expect(JSON.stringify(route.parameters), where).toContain('"in":"path"');
      if (!path.startsWith('/api/')) continue;
      expect(Object.keys(route.responses), where).toEqual(expect.arrayContaining(['4XX', '5XX']));
      expect(
        Object.keys(route.responses).some((status) => status.startsWith('2')),
        where,
      ).toBe(true);
      const takesBody = ['post', 'patch', 'put'].includes(method) && !/\/(hang-up|retry|crawl|dismiss)$/.test(path);
      expect(route.requestBody !== undefined, where).toBe(takesBody);
    }
  }
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(body.components.schemas).toHaveProperty([name]);
  for (const name of [
    'Assistant',
    'Business',
    'Call',
    'Callback',
    'CallEvent',
    'CallTurn',
    'Document',
    'DocumentWithText',
    'Gap',
    'KnowledgeSearch',
    'LatencyReport',
    'Message',
    'Number',
    'Problem',
    'Question',
    'Session',
    'Source',
    'Tool',
    'TranscriptLine',
    'Trunk',
    'UsageReport',
  ]) {
    expect(body.components.schemas, name).toHaveProperty([name]);
  }
});

test('/docs needs no other host', async () => {
  expect((await api.ask('GET', '/docs', { key: null })).headers.location).toMatch(/docs\/$/);
  const page = await api.ask('GET', '/docs/', { key: null });
  expect(page.status).toBe(200);
  expect(page.text).not.toMatch(/(src|href)=["']https?:/);
  expect(page.text).toContain('"withDefaultFonts": false');
  const [, script] = /<script src="([^"]+)"/.exec(page.text) ?? [];
  expect(await api.ask('GET', `/docs/${script}`, { key: null })).toMatchObject({ status: 200 });
  const csp = page.headers['content-security-policy'] ?? '';
  expect(csp).toContain("script-src 'self' 'unsafe-inline'");
  expect(csp).toContain("connect-src 'self';");
});

test('health is open to machines and says why not', async () => {
  expect((await api.ask('GET', '/livez', { key: null })).text).toBe('{"alive":true}');
  const ready = await api.ask<{ reasons: string[] }>('GET', '/readyz', { key: null });
  expect([ready.status, ready.body.reasons]).toEqual([503, ['draining']]);
  expect((await api.ask('GET', '/metrics', { key: null })).headers['content-type']).toContain('text/plain');
});

test('every answer carries the security headers, and the console may reach the media port', async () => {
  for (const path of ['/', '/api/v1/assistants', '/nowhere', '/livez', '/talk/demo']) {
    const { headers } = await api.ask('GET', path, { key: null });
    expect(headers, path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'SAMEORIGIN',
    });
    const csp = headers['content-security-policy'] ?? '';
    expect(csp).toContain("script-src 'self';");
    expect(csp).toContain("connect-src 'self' ws://127.0.0.1:3001 ws://localhost:3001");
    expect(csp).not.toContain('unsafe-eval');
  }
  const https = { publicUrl: 'https://voice.example.com', mediaUrl: 'wss://media.example.com:8443/x' };
  expect(connectSources(https)).toEqual(["'self'", 'wss://media.example.com:8443', 'wss://voice.example.com']);
});

test("the console's screens are one page; assets with a hash never change, the rest is asked for anew", async () => {
  for (const path of [
    '/',
    '/talk/demo',
    '/history',
    '/history/call_1',
    '/assistants',
    '/assistants/x',
    '/messages',
    '/tools',
    '/reports',
    '/knowledge?tab=questions',
    '/settings',
  ]) {
    const page = await api.ask('GET', path, { key: null });
    expect(page, path).toMatchObject({ status: 200, headers: { 'cache-control': 'no-cache' } });
    expect(page.text).toContain('<title>Tandem</title>');
  }
  const asset = await api.ask('GET', '/assets/index-abc123.js', { key: null });
  expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect((await api.ask('GET', '/tandem.svg', { key: null })).headers['cache-control']).toBe('no-cache');
  for (const path of ['/assets/nothing.js', '/api/v1/nothing', '/../package.json', '/%2e%2e/package.json']) {
    expect((await api.ask('GET', path, { key: null })).body.code, path).toBe('not-found');
  }
  expect(await api.ask('GET', '/%zz', { key: null })).toMatchObject({ status: 400, body: { code: 'bad-request' } });
});

test('a webhook reaches its gateway with its body untouched and its answer comes back', async () => {
  api.answers['gateway-request'] = () => ({ status: 201, headers: { 'content-type': 'text/xml' }, body: '<Response/>' });
  const body = 'From=%2B15550111&To=%2B15550100&x=a+b';
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': 'abc' };
  const answer = await api.ask('POST', '/gateways/twilio/voice?a=%20b', { key: null, body, headers });
  expect(answer).toMatchObject({ status: 201, text: '<Response/>', headers: { 'content-type': 'text/xml' } });
  const { name, input } = api.commands.at(-1) ?? {};
  expect(name).toBe('gateway-request');
  expect(input).toMatchObject({ gateway: 'twilio', request: { method: 'POST', path: '/voice?a=%20b', body, remoteAddress: '127.0.0.1' } });
  const sent = (input as { request: { headers: Record<string, unknown> } }).request.headers;
  expect(sent['x-twilio-signature']).toBe('abc');
  expect(Object.values(sent).every((value) => typeof value === 'string')).toBe(true);
});

test('a webhook that is too large, unknown or not answered', async () => {
  const before = api.commands.length;
  const large = await api.ask('POST', '/gateways/twilio/voice', {
    key: null,
    body: 'x'.repeat(70_000),
    headers: { 'content-type': 'text/plain' },
  });
  expect(large).toMatchObject({ status: 413, body: { code: 'too-large' } });
  expect(await api.ask('POST', '/gateways/No_Such/voice', { key: null })).toMatchObject({ status: 404, body: { code: 'not-found' } });
  expect(api.commands.length).toBe(before);
  api.answers['gateway-request'] = () => ({ status: 404, headers: {}, body: '' });
  expect(await api.ask('GET', '/gateways/nobody/voice', { key: null })).toMatchObject({ status: 404, body: { code: 'not-found' } });
  api.answers['gateway-request'] = () => {
    throw new TandemError('unavailable');
  };
  expect(await api.ask('GET', '/gateways/twilio/voice', { key: null })).toMatchObject({ status: 503, body: { code: 'unavailable' } });
});

function firstMessage(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(data.toString()));
    socket.once('error', reject);
  });
}
const closed = (socket: WebSocket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

test("a gateway's WebSocket is relayed to the media port, and each side's end is the other's", async () => {
  const open = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/gateways/browser?x=1`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return socket;
  };
  const first = await open();
  const answer = firstMessage(first);
  first.send('hello');
  expect(await answer).toBe('/gateways/browser?x=1: hello');
  const [inner] = sockets.clients;
  const innerClosed = closed(inner);
  first.terminate();
  await innerClosed;
  const second = await open();
  const secondClosed = closed(second);
  for (const client of sockets.clients) client.terminate();
  await secondClosed;
});

test('an upgrade to anywhere else is refused rather than left hanging', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
});

test('a port that is taken is named with its setting', async () => {
  const other = await startApi();
  await expect(listen(other.app, '127.0.0.1', port)).rejects.toMatchObject({
    code: 'port-taken',
    message: `Port ${port} on 127.0.0.1 is in use; set PORT to another one`,
  });
  await other.close();
});

test('the providers installed are named, once the call thread has told them', async () => {
  expect(await api.ask('GET', '/api/v1/models')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect((await api.ask('GET', '/api/v1/models', { key: null })).status).toBe(401);
  const models = { transcribers: ['pocketsphinx'], languageModels: ['extractive'], synthesizers: ['flite'], speechToSpeech: [] };
  const told = await startApi({ models: () => models });
  expect((await told.ask('GET', '/api/v1/models')).body).toEqual(models);
  await told.close();
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Call, CallEvent, CallFact, LiveToClient, LiveToServer } from '@tandem/contract';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type TestKit, testKit } from '#kit/testing.ts';
import { type Handshake, LiveFeed } from './feed.ts';

type Client = Socket<LiveToClient, LiveToServer>;

let kit: TestKit;
let http: Server;
let feed: LiveFeed;
let url: string;
let clients: Client[];
/** Keys that open the feed, and to which business. */
let known: Record<string, string>;

beforeEach(async () => {
  kit = testKit();
  clients = [];
  known = { alpha: 'business_a', beta: 'business_b' };
  http = createServer((_request, response) => response.writeHead(404).end());
  const businessOf = ({ cookie, authorization }: Handshake) => known[cookie?.split('=')[1] ?? authorization?.split(' ')[1] ?? ''];
  feed = new LiveFeed({
    kit,
    http,
    authenticate: async (handshake) => {
      const businessId = businessOf(handshake);
      return businessId === undefined ? undefined : { businessId };
    },
    allowOrigin: ({ origin }) => origin === undefined || origin === 'http://ours',
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const client of clients) client.disconnect();
  await feed.close();
  await new Promise((resolve) => http.close(resolve));
  expect(kit.clock.pending).toBe(0);
});

function open(headers: Record<string, string>): Promise<Client> {
  const client: Client = io(url, { path: '/live', transports: ['websocket'], extraHeaders: headers, reconnection: false, forceNew: true });
  clients.push(client);
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve(client));
    client.once('connect_error', reject);
  });
}
const asAlpha = () => open({ authorization: 'Bearer alpha' });

const received = (callId: string, businessId = 'business_a'): CallEvent =>
  ({
    businessId,
    callId,
    seq: 0,
    at: 0,
    type: 'call-received',
    startedAt: '2026-01-05T09:00:00.000Z',
    direction: 'inbound',
    gateway: 'sip',
    from: '+15550111',
    to: '+15550100',
    assistantId: null,
    assistantName: null,
    providerCallId: null,
  }) as never;
const then = (callId: string, seq: number, fact: CallFact, businessId = 'business_a'): CallEvent => ({
  businessId,
  callId,
  seq,
  at: seq * 10,
  ...fact,
});
const answered: CallFact = { type: 'call-answered', ringMs: 10 };
const ended: CallFact = { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 100 };

const list = (client: Client) => new Promise<Call[]>((resolve) => client.emit('list', resolve));
const watch = (client: Client, id: string) => new Promise<CallEvent[]>((resolve) => client.emit('watch', id, resolve));

test('a cookie or a key opens it; nothing, a wrong key or another site does not', async () => {
  await asAlpha();
  await open({ cookie: 'tandem_session=alpha' });
  expect(feed.sockets).toBe(2);
  await expect(open({})).rejects.toThrow('unauthenticated');
  await expect(open({ authorization: 'Bearer wrong' })).rejects.toThrow('unauthenticated');
  await expect(open({ cookie: 'tandem_session=alpha', origin: 'http://evil.example' })).rejects.toThrow();
  await open({ cookie: 'tandem_session=alpha', origin: 'http://ours' });
});

test('list and watch answer what is on the line now', async () => {
  const client = await asAlpha();
  feed.take([received('call_1'), then('call_1', 1, answered), received('call_2')]);
  expect((await list(client)).map(({ id }) => id)).toEqual(['call_2', 'call_1']);
  expect((await watch(client, 'call_1')).map(({ type }) => type)).toEqual(['call-received', 'call-answered']);
  feed.take([then('call_1', 2, ended)]);
  expect((await list(client)).map(({ id }) => id)).toEqual(['call_2']);
  await kit.clock.advance(100);
});

test('updates are gathered for 100 ms and sent once', async () => {
  const client = await asAlpha();
  const updates: { changed: Call[]; ended: string[] }[] = [];
  const events: number[] = [];
  client.on('calls', (update) => updates.push(update));
  client.on('events', (update) => events.push(...update.events.map(({ seq }) => seq)));
  feed.take([received('call_1'), received('call_2')]);
  await watch(client, 'call_1');
  feed.take([then('call_1', 1, answered)]);
  await kit.clock.advance(50);
  feed.take([then('call_1', 2, ended)]);
  await kit.clock.advance(49);
  await list(client);
  expect(updates).toEqual([]);
  await kit.clock.advance(1);
  await list(client);
  expect(updates).toHaveLength(1);
  expect(updates[0]).toMatchObject({ changed: [{ id: 'call_2' }], ended: ['call_1'] });
  expect(events).toEqual([1, 2]);
});

test("another business's calls cannot be listed, watched or heard", async () => {
  const [alpha, beta] = [await asAlpha(), await open({ authorization: 'Bearer beta' })];
  const heard: unknown[] = [];
  beta.onAny((...args) => heard.push(args));
  feed.take([received('call_1')]);
  expect(await list(beta)).toEqual([]);
  expect(await watch(beta, 'call_1')).toEqual([]);
  feed.take([then('call_1', 1, answered)]);
  await kit.clock.advance(100);
  await list(alpha);
  await list(beta);
  expect(heard).toEqual([]);
});

test('nonsense is ignored and the number of watched calls is bounded', async () => {
  const client = await asAlpha();
  const loose = client as unknown as { emit(...args: unknown[]): void };
  for (const args of [
    ['watch'],
    ['watch', 5, () => {}],
    ['watch', 'x'.repeat(1_000), () => {}],
    ['list', 'x'],
    ['unwatch', {}],
    ['else', 1],
  ])
    loose.emit(...args);
  feed.take(Array.from({ length: 25 }, (_, n) => received(`call_${n}`)));
  const answers = [];
  for (let n = 0; n < 25; n++) answers.push((await watch(client, `call_${n}`)).length);
  expect(answers.filter((length) => length === 1)).toHaveLength(20);
  client.emit('unwatch', 'call_0');
  expect(await watch(client, 'call_24')).toHaveLength(1);
  await kit.clock.advance(100);
});

test('a screen that does not read is cut off instead of filling our memory', async () => {
  const slow = new WebSocket(`${url.replace('http', 'ws')}/live/?EIO=4&transport=websocket`, {
    headers: { authorization: 'Bearer alpha' },
  });
  await new Promise<void>((resolve) => {
    slow.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.startsWith('0')) slow.send('40');
      if (text.startsWith('40')) resolve();
    });
  });
  slow.pause();
  const big = 'x'.repeat(100_000);
  for (let n = 0; n < 2_000 && feed.cut === 0; n++) {
    feed.take([{ ...received(`call_${n}`), from: big } as CallEvent, then(`call_${n}`, 1, ended)]);
    feed.take([{ ...received(`call_${n}+`), from: big } as CallEvent]);
    await kit.clock.advance(100);
  }
  expect(feed.cut).toBe(1);
  slow.terminate();
});

test('a key that is deleted loses its socket', async () => {
  const client = await asAlpha();
  const gone = new Promise((resolve) => client.once('disconnect', resolve));
  delete known.alpha;
  await kit.clock.advance(60_000);
  await gone;
});

test('a stranger cannot fill the memory with pongs or crumbs', async () => {
  const stranger = new WebSocket(`${url.replace('http', 'ws')}/live/?EIO=4&transport=websocket`);
  let pongs = 0;
  stranger.on('pong', () => pongs++);
  const closed = new Promise<number>((resolve) => stranger.once('close', resolve));
  await new Promise((resolve) => stranger.once('open', resolve));
  for (let i = 0; i < 100; i++) stranger.ping();
  for (let i = 0; i < 20; i++) stranger.send('x', { fin: false });
  expect([1005, 1006, 1008]).toContain(await closed);
  expect(pongs).toBe(0);
});

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { testKit } from '#kit/testing.ts';
import { Ids } from '#kit/ids.ts';
import { SystemRandom } from '#kit/random.ts';
import type { SipMessage, SipPeer } from './message.ts';
import { RecordingOwner } from './testing.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { SipReceiver, SipTransport } from './transport.ts';
import { UdpTransport } from './udp-transport.ts';
import { sipUri } from './uri.ts';
import { SipUserAgent } from './user-agent.ts';
import type { SipSession } from './session.ts';

const OPEN: SipTransport[] = [];
afterEach(async () => {
  for (const transport of OPEN.splice(0)) await transport.stop();
});

const listen = { host: '127.0.0.1', port: 0, portSetting: 'SIP_PORT' };
const options = (branch: string) =>
  `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK${branch}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;

/** Resolves waiting tests as things come in. */
class Inbox implements SipReceiver {
  readonly messages: { message: SipMessage; from: SipPeer }[] = [];
  faults = 0;
  allows = true;
  knows = true;
  #wake: (() => void) | undefined;

  admits(): boolean {
    return this.allows;
  }

  message(message: SipMessage, from: SipPeer): boolean {
    this.messages.push({ message, from });
    this.#wake?.();
    return this.knows;
  }

  fault(): void {
    this.faults++;
    this.#wake?.();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function started<T extends SipTransport>(transport: T, inbox: Inbox): Promise<T> {
  OPEN.push(transport);
  await transport.start(inbox);
  return transport;
}

const clock = new SystemClock();
const udp = (inbox: Inbox) => started(new UdpTransport(listen, silentLog), inbox);
const tcp = (inbox: Inbox, limits = {}) => started(new TcpTransport(listen, clock, silentLog, limits), inbox);

describe('UDP', () => {
  test('carries messages both ways, counts faults and keep-alives', async () => {
    const [left, right] = [new Inbox(), new Inbox()];
    const [a, b] = [await udp(left), await udp(right)];
    const to: SipPeer = { transport: 'UDP', address: '127.0.0.1', port: b.port, connection: undefined };
    a.send(Buffer.from('\r\n\r\n'), to);
    a.send(Buffer.from('garbage\r\n\r\n'), to);
    a.send(Buffer.from(options('1')), to);
    await right.until(() => right.messages.length === 1);
    expect(right.messages[0].from).toEqual({ transport: 'UDP', address: '127.0.0.1', port: a.port, connection: undefined });
    expect(b.counters()).toMatchObject({ udpReceived: 1, udpFaults: 1, udpKeepAlives: 1 });
    b.send(Buffer.from(options('2')), right.messages[0].from);
    await left.until(() => left.messages.length === 1);
  });

  test('a source that is not admitted is dropped before parsing', async () => {
    const inbox = new Inbox();
    const transport = await udp(inbox);
    inbox.allows = false;
    const socket = createSocket('udp4');
    socket.send(options('1'), transport.port, '127.0.0.1');
    while (transport.counters().udpRefused === 0) await clock.sleep(1);
    expect(inbox.messages).toEqual([]);
    socket.close();
  });

  test('a taken port is named with its setting', async () => {
    const first = await udp(new Inbox());
    const second = new UdpTransport({ ...listen, port: first.port }, silentLog);
    await expect(second.start(new Inbox())).rejects.toMatchObject({
      code: 'port-taken',
      message: `SIP port ${first.port}/UDP on 127.0.0.1 is in use already; set SIP_PORT to another port`,
      detail: { port: first.port, setting: 'SIP_PORT' },
    });
  });

  test('failures are told, never thrown', async () => {
    const transport = await udp(new Inbox());
    const failed = Promise.withResolvers<Error>();
    transport.send(new Uint8Array(70_000), { transport: 'UDP', address: '127.0.0.1', port: 9, connection: undefined }, failed.resolve);
    expect(await failed.promise).toBeInstanceOf(Error);
    await transport.stop();
    const closed = Promise.withResolvers<Error>();
    transport.send(new Uint8Array(1), { transport: 'UDP', address: '127.0.0.1', port: 9, connection: undefined }, closed.resolve);
    expect((await closed.promise).message).toContain('closed');
  });
});

describe('TCP', () => {
  test('dials once, answers over the same connection, in both directions', async () => {
    const [left, right] = [new Inbox(), new Inbox()];
    const [a, b] = [await tcp(left), await tcp(right)];
    const to: SipPeer = { transport: 'TCP', address: '127.0.0.1', port: b.port, connection: undefined };
    a.send(Buffer.from(options('1')), to);
    a.send(Buffer.from(options('2')), to);
    await right.until(() => right.messages.length === 2);
    b.send(Buffer.from(options('3')), right.messages[0].from);
    await left.until(() => left.messages.length === 1);
    expect([a.openConnections, b.openConnections]).toEqual([1, 1]);
    expect(left.messages[0].from.port).toBe(b.port);
  });

  test('a stream in pieces, keep-alives answered, a fatal fault closes', async () => {
    const inbox = new Inbox();
    const transport = await tcp(inbox);
    const socket = connect(transport.port, '127.0.0.1');
    const heard: string[] = [];
    socket.setEncoding('utf8').on('data', (text: string) => heard.push(text));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const text = options('1');
    socket.write(text.slice(0, 50));
    await clock.sleep(5);
    socket.write(`${text.slice(50)}\r\n\r\n`);
    while (heard.length === 0) await clock.sleep(1);
    expect(heard.join('')).toBe('\r\n');
    expect(inbox.messages).toHaveLength(1);
    socket.write('no sip at all\r\nx\r\n\r\n');
    await closed;
    expect(inbox.faults).toBe(1);
    while (transport.openConnections > 0) await clock.sleep(1);
  });

  test('a stranger is disconnected; silence too; and one source opens only so many', async () => {
    const inbox = new Inbox();
    const transport = await tcp(inbox, { connectionsPerSource: 2, firstMessageMs: 50 });
    const open = () => {
      const socket = connect(transport.port, '127.0.0.1');
      socket.on('error', () => {});
      return { socket, closed: new Promise((resolve) => socket.once('close', resolve)) };
    };
    inbox.knows = false;
    const stranger = open();
    stranger.socket.write(options('1'));
    await stranger.closed;
    const [first, second, third] = [open(), open(), open()];
    await third.closed;
    await Promise.all([first.closed, second.closed]);
    expect(transport.counters()).toMatchObject({ tcpAccepted: 3, tcpRefused: 1, tcpClosedIdle: 2 });
    while (transport.openConnections > 0) await clock.sleep(1);
  });

  test('a refused dial is told to everybody who waits', async () => {
    const transport = await tcp(new Inbox());
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const failures: string[] = [];
    const to: SipPeer = { transport: 'TCP', address: '127.0.0.1', port, connection: undefined };
    transport.send(Buffer.from(options('1')), to, (error) => failures.push(error.message));
    transport.send(Buffer.from(options('2')), to, (error) => failures.push(error.message));
    while (failures.length < 2) await clock.sleep(1);
    expect(failures[0]).toContain('ECONNREFUSED');
    expect(transport.openConnections).toBe(0);
  });
});

test.each(['udp', 'tcp'])('two user agents call each other over real %s', async (transport) => {
  const random = new SystemRandom();
  const kit = { ...testKit(), clock, random, ids: new Ids(clock, random) };
  const agents: SipUserAgent[] = [];
  const answered = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const make = () => {
    const agent = new SipUserAgent({
      kit,
      ...listen,
      trusts: (address) => (address === '127.0.0.1' ? 'loop' : undefined),
      secret: () => undefined,
      onInvite: (incoming) => {
        const owner = new RecordingOwner();
        owner.ended = () => ended.resolve();
        incoming.accept(`answer to ${incoming.offer}`, owner);
      },
    });
    agents.push(agent);
    return agent;
  };
  const [a, b] = [make(), make()];
  await a.start();
  await b.start();
  const target = sipUri('agent', '127.0.0.1', b.port(transport === 'tcp' ? 'TCP' : 'UDP'));
  if (transport === 'tcp') target.params.set('transport', 'tcp');
  const owner = new RecordingOwner();
  let session: SipSession | undefined;
  a.invite({
    target,
    from: { display: undefined, uri: sipUri('ann', '127.0.0.1'), params: new Map() },
    offer: 'offer',
    owner,
    listener: {
      ringing: () => {},
      early: () => {},
      failed: ({ cause }) => answered.reject(new Error(cause)),
      answered: (made) => {
        session = made;
        answered.resolve();
      },
    },
  });
  await answered.promise;
  expect(owner.answers).toEqual(['answer to offer']);
  await session?.hangUp();
  await ended.promise;
  for (const agent of agents) await agent.stop();
  expect(agents.map((agent) => agent.load)).toEqual(agents.map(() => ({ dialogs: 0, transactions: 0, unanswered: 0 })));
});

import { expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { DgramSockets } from './dgram-sockets.ts';
import { loadNative } from './native-binding.ts';
import { NativeSockets } from './native-sockets.ts';
import type { RtpPorts } from './port-pair.ts';
import { PortPool } from './ports.ts';
import { SharedPairs } from './shared-pairs.ts';
import { SharedPort } from './shared-port.ts';
import type { DatagramHandler, DatagramSocket } from './socket.ts';
import { stepFor, stepUntil, systemClock } from './socket.contract.ts';

/** A socket whose arrivals the test makes. */
function handSocket() {
  const state = { handler: undefined as DatagramHandler | undefined, sent: [] as string[], closed: false };
  const socket: DatagramSocket = {
    address: '192.0.2.1',
    port: 4000,
    onMessage: (handler) => (state.handler = handler),
    send: (_bytes, _offset, _length, port, address) => state.sent.push(`${address}:${port}`),
    close: () => (state.closed = true),
  };
  const arrive = (address: string, port: number) => state.handler?.(new Uint8Array([1]), address, port);
  return { state, socket, arrive };
}

function listen(socket: DatagramSocket | undefined): string[] {
  const heard: string[] = [];
  socket?.onMessage((_bytes, address, port) => heard.push(`${address}:${port}`));
  return heard;
}

test('calls behind one port are told apart by address, and by port where the address is the same', async () => {
  const { clock } = testKit();
  const { state, socket, arrive } = handSocket();
  const port = new SharedPort(socket, clock);
  const remotes = [
    ['10.0.0.1', 5000],
    ['10.0.0.2', 5000],
    ['10.0.0.2', 5002],
  ] as const;
  const lanes = remotes.map(([address, remotePort]) => {
    const lane = port.open({ address, port: remotePort });
    const heard = listen(lane);
    arrive(address, remotePort);
    return { lane, heard };
  });
  for (const [address, remotePort] of remotes) arrive(address, remotePort);
  expect(lanes.map(({ heard }) => heard)).toEqual(remotes.map(([address, remotePort]) => Array(2).fill(`${address}:${remotePort}`)));
  lanes[1].lane?.send(new Uint8Array(1), 0, 1, 5000, '10.0.0.2');
  expect(state.sent).toEqual(['10.0.0.2:5000']);

  lanes[0].lane?.close();
  lanes[0].lane?.close();
  arrive('10.0.0.1', 5000);
  expect([lanes[0].heard.length, port.lanes, port.strays]).toEqual([2, 2, 1]);
  port.close();
  expect([port.lanes, state.closed]).toEqual([0, true]);
});

test('an unknown source is the one call that nobody was heard of, and of no call when there are several or none', async () => {
  const { clock } = testKit();
  const { socket, arrive } = handSocket();
  const port = new SharedPort(socket, clock);
  await clock.advance(10_000);
  const behindNat = port.open({ address: '192.168.1.2', port: 7000 });
  const heard = listen(behindNat);
  expect(port.open({ address: '10.0.0.9', port: 5000 })).toBeUndefined();
  arrive('203.0.113.5', 33_000);
  expect(heard).toHaveLength(1);
  // Its session has believed the source and sends there: it is known from now on.
  behindNat?.send(new Uint8Array(1), 0, 1, 33_000, '203.0.113.5');
  arrive('203.0.113.5', 33_000);
  const other = port.open({ address: '10.0.0.9', port: 5000 });
  const others = listen(other);
  arrive('10.0.0.9', 5000);
  arrive('198.51.100.66', 1);
  expect([heard.length, others.length, port.strays]).toEqual([2, 1, 1]);

  // One falls silent: its far end may have moved. When both have, nobody can tell.
  await clock.advance(1_500);
  arrive('10.0.0.9', 5000);
  await clock.advance(1_500);
  arrive('203.0.113.5', 44_000);
  expect([heard.length, others.length]).toEqual([3, 2]);
  await clock.advance(3_000);
  arrive('203.0.113.5', 55_000);
  expect([heard.length, others.length, port.strays]).toEqual([3, 2, 2]);
});

test('a place belongs to one call of a port', async () => {
  const { clock } = testKit();
  const { socket, arrive } = handSocket();
  const port = new SharedPort(socket, clock);
  const first = port.open({ address: '10.0.0.1', port: 5000 });
  const heard = listen(first);
  arrive('10.0.0.1', 5000);
  expect(port.open({ address: '10.0.0.1', port: 5000 })).toBeUndefined();
  const second = port.open({ address: '10.0.0.1', port: 6000 });
  const others = listen(second);
  second?.send(new Uint8Array(1), 0, 1, 5000, '10.0.0.1');
  arrive('10.0.0.1', 5000);
  expect([heard.length, others.length]).toEqual([2, 0]);
  first?.close();
});

const native = loadNative();
for (const kind of ['dgram', 'native'] as const) {
  if (kind === 'native' && typeof native === 'string') continue;
  test(`calls share pairs of real ports (${kind}), also from one address; one that cannot be told apart gets its own`, async () => {
    const sockets = typeof native === 'object' && kind === 'native' ? new NativeSockets(native, systemClock) : new DgramSockets();
    const pool = new PortPool(22_000, 22_999, new SystemClock(), new SeededRandom(process.pid));
    const pairs = new SharedPairs({ sockets, pool, clock: systemClock, random: new SeededRandom(3), callsPerPort: 4 });
    const phones = await Promise.all(Array.from({ length: 8 }, () => sockets.bind('127.0.0.1', 0)));
    const calls: { phone: DatagramSocket; ports: RtpPorts; heard: string[]; answers: string[] }[] = [];
    for (const phone of phones) {
      const ports = await pairs.take('127.0.0.1', { address: '127.0.0.1', port: phone.port });
      const heard = listen(ports.rtp);
      const answers = listen(phone);
      phone.send(new Uint8Array(20), 0, 20, ports.rtp.port, '127.0.0.1');
      await stepUntil(sockets, () => heard.length === 1);
      calls.push({ phone, ports, heard, answers });
    }
    expect(pairs.open).toBe(2);
    expect(pool.taken).toBe(2);
    const again = await pairs.take('127.0.0.1', { address: '127.0.0.1', port: phones[0].port });
    expect(again.rtp.port).not.toBe(calls[0].ports.rtp.port);
    for (const { phone, ports } of calls) {
      const queue = ports.rtp.openQueue?.();
      queue?.aim(phone.port, '127.0.0.1');
      for (let n = 0; n < 3; n++) {
        phone.send(new Uint8Array(20), 0, 20, ports.rtp.port, '127.0.0.1');
        if (queue) queue.write(new Uint8Array(20), systemClock.now() + n);
        else ports.rtp.send(new Uint8Array(20), 0, 20, phone.port, '127.0.0.1');
      }
    }
    await stepUntil(sockets, () => calls.every(({ heard, answers }) => heard.length === 4 && answers.length === 3));
    await stepFor(sockets, 20);
    for (const { heard, answers, phone, ports } of calls) {
      expect(new Set(heard)).toEqual(new Set([`127.0.0.1:${phone.port}`]));
      expect(new Set(answers)).toEqual(new Set([`127.0.0.1:${ports.rtp.port}`]));
    }
    again.release();
    for (const { ports } of calls) ports.release();
    calls[0].ports.release();
    expect([pairs.open, pool.taken]).toEqual([0, 0]);
    sockets.close();
  });
}

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
  const arrive = (address: string, port: number, packet = new Uint8Array([1])) => state.handler?.(packet, address, port);
  return { state, socket, arrive };
}

/** Heads of an RTP packet and of a receiver report, all that tells whose they are. */
const rtpFrom = (ssrc: number) => new Uint8Array([0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, ssrc]);
const reportFrom = (ssrc: number) => new Uint8Array([0x80, 201, 0, 1, 0, 0, 0, ssrc]);

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

  // One falls silent. Who comes from elsewhere without saying who it is may be anybody.
  await clock.advance(3_000);
  arrive('10.0.0.9', 5000);
  arrive('203.0.113.5', 44_000);
  expect([heard.length, others.length, port.strays]).toEqual([2, 2, 2]);
});

test('a far end that moves stays in its own call, whoever else is silent there or was never heard', async () => {
  const { clock } = testKit();
  const { socket, arrive } = handSocket();
  const port = new SharedPort(socket, clock);
  const [first, second] = [1, 2].map((ssrc) => {
    const heard = listen(port.open({ address: '10.0.0.1', port: 5000 + ssrc }));
    arrive('10.0.0.1', 5000 + ssrc, rtpFrom(ssrc));
    return heard;
  });
  const ringing = listen(port.open({ address: '10.0.0.1', port: 6000 }));
  // The second is on hold; the first comes from another port of the same carrier, with no gap.
  await clock.advance(5_000);
  arrive('10.0.0.1', 5001, rtpFrom(1));
  arrive('10.0.0.1', 7001, rtpFrom(1));
  arrive('10.0.0.1', 7001, reportFrom(1));
  arrive('10.0.0.1', 7002, rtpFrom(2));
  expect([first, second, ringing].map(({ length }) => length)).toEqual([4, 2, 0]);
  // One that names itself, and is nobody who was heard, is the one that was not.
  arrive('10.0.0.1', 7003, rtpFrom(3));
  expect([ringing.length, port.strays]).toEqual([1, 0]);
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

test('the far end of a call that is over, and sends on, is not taken for the next one', async () => {
  const { clock } = testKit();
  const { socket, arrive } = handSocket();
  const port = new SharedPort(socket, clock);
  const first = port.open({ address: '10.0.0.1', port: 5000 });
  arrive('10.0.0.1', 5000);
  first?.close();
  const second = port.open({ address: '192.168.1.2', port: 7000 });
  const heard = listen(second);
  for (let n = 0; n < 20; n++) {
    arrive('10.0.0.1', 5000);
    await clock.advance(20);
  }
  expect([heard.length, port.strays]).toEqual([0, 20]);
  // Another place is the second call's; and so is that one, once it has been quiet.
  arrive('203.0.113.5', 33_000);
  await clock.advance(2_000);
  arrive('10.0.0.1', 5000);
  expect(heard).toEqual(['203.0.113.5:33000', '10.0.0.1:5000']);
  second?.close();

  // A place that its own call comes back from is known at once.
  const [third, fourth] = [0, 1].map(() => {
    const again = port.open({ address: '10.0.0.1', port: 5000 });
    const others = listen(again);
    arrive('10.0.0.1', 5000);
    again?.close();
    return others.length;
  });
  expect([third, fourth]).toEqual([1, 1]);
  port.close();
});

test('a place goes over to who sends there, too, when its call is over', async () => {
  const { clock } = testKit();
  const { socket, arrive } = handSocket();
  const port = new SharedPort(socket, clock);
  const calls = [5000, 6000, 6002].map((remotePort) => {
    const lane = port.open({ address: '10.0.0.1', port: remotePort });
    arrive('10.0.0.1', remotePort);
    return { lane, heard: listen(lane) };
  });
  calls[1].lane?.send(new Uint8Array(1), 0, 1, 5000, '10.0.0.1');
  await clock.advance(3_000);
  calls[0].lane?.close();
  arrive('10.0.0.1', 5000);
  expect(calls.map(({ heard }) => heard.length)).toEqual([0, 1, 0]);
  port.close();
});

test('pairs have room while those who are in have been heard', async () => {
  const { clock } = testKit();
  const hands: ReturnType<typeof handSocket>[] = [];
  const bind = () => {
    const hand = handSocket();
    hands.push(hand);
    return Promise.resolve(hand.socket);
  };
  const sockets = { kind: 'dgram', bind, depart: () => {}, arrive: () => {}, counters: () => ({}), close: () => {} } as const;
  const pool = new PortPool(4000, 4001, clock, new SeededRandom(1));
  const pairs = new SharedPairs({ sockets, pool, clock, random: new SeededRandom(3), callsPerPort: 3 });
  expect([pairs.room, pool.free]).toEqual([0, 1]);
  const first = await pairs.take('192.0.2.1', { address: '10.0.0.1', port: 5000 });
  expect([pairs.room, pool.free]).toEqual([0, 0]);
  hands[0].arrive('10.0.0.1', 5000);
  expect(pairs.room).toBe(2);
  const second = await pairs.take('192.0.2.1', { address: '10.0.0.2', port: 5000 });
  expect(pairs.room).toBe(0);
  first.release();
  second.release();
  expect(pairs.room).toBe(0);
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

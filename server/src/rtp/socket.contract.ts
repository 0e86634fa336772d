/** What every {@link DatagramSockets} must do, on real sockets of the loopback interface. */
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, SystemClock } from '#kit/clock.ts';
import type { DatagramSocket, DatagramSockets } from './socket.ts';

interface Heard {
  text: string;
  address: string;
  port: number;
  arrivedAt: number;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export const systemClock = new SystemClock();

/** Takes steps like the pacer's until `done`; fails after 10 s. */
export async function stepUntil(sockets: DatagramSockets, done: () => boolean): Promise<void> {
  const until = systemClock.now() + 10_000;
  for (;;) {
    sockets.depart();
    sockets.arrive();
    if (done()) return;
    if (systemClock.now() > until) throw new Error('nothing came in 10 s');
    await systemClock.sleep(2);
  }
}

/** Some steps in which nothing is expected. */
export async function stepFor(sockets: DatagramSockets, ms: number): Promise<void> {
  const until = systemClock.now() + ms;
  await stepUntil(sockets, () => systemClock.now() >= until);
}

export function describeSockets(name: string, make: (clock: Clock) => DatagramSockets): void {
  describe(`sockets: ${name}`, () => {
    const opened: DatagramSockets[] = [];
    const open = () => {
      const sockets = make(systemClock);
      opened.push(sockets);
      return sockets;
    };
    afterEach(() => {
      for (const sockets of opened.splice(0)) sockets.close();
    });
    const listen = (socket: DatagramSocket): Heard[] => {
      const heard: Heard[] = [];
      socket.onMessage((bytes, address, port, arrivedAt) =>
        heard.push({ text: textOf(bytes), address, port, arrivedAt: arrivedAt ?? systemClock.now() }),
      );
      return heard;
    };

    test.each(['127.0.0.1', '::1'])('carry datagrams over %s, whole or a part of the bytes, with who sent them', async (host) => {
      const sockets = open();
      const [one, two] = [await sockets.bind(host, 0), await sockets.bind(host, 0)];
      expect([one.address, one.port > 0, one.port === two.port]).toEqual([host, true, false]);
      const heard = listen(two);
      const before = systemClock.now();
      one.send(bytesOf('whole'), 0, 5, two.port, host);
      one.send(bytesOf('-part-'), 1, 4, two.port, host);
      one.send(new Uint8Array(0), 0, 0, two.port, host);
      await stepUntil(sockets, () => heard.length === 3);
      expect(heard.map(({ text, address, port }) => [text, address, port])).toEqual([
        ['whole', host, one.port],
        ['part', host, one.port],
        ['', host, one.port],
      ]);
      for (const { arrivedAt } of heard) {
        expect(arrivedAt).toBeGreaterThan(before - 1);
        expect(arrivedAt).toBeLessThanOrEqual(systemClock.now());
      }
      expect(sockets.counters()).toMatchObject({ received: 3, sent: 3 });
    });

    test('send within some milliseconds without a step, and on close', async () => {
      const sockets = open();
      const [one, two] = [await sockets.bind('127.0.0.1', 0), await sockets.bind('127.0.0.1', 0)];
      const heard = listen(two);
      one.send(bytesOf('by itself'), 0, 9, two.port, '127.0.0.1');
      const until = systemClock.now() + 10_000;
      while (heard.length === 0 && systemClock.now() < until) {
        await systemClock.sleep(5);
        sockets.arrive();
      }
      one.send(bytesOf('last words'), 0, 10, two.port, '127.0.0.1');
      one.close();
      await stepUntil(sockets, () => heard.length === 2);
      expect(heard.map(({ text }) => text)).toEqual(['by itself', 'last words']);
    });

    test('tell remotes apart, on one port and on several', async () => {
      const sockets = open();
      const senders = await Promise.all(Array.from({ length: 6 }, () => sockets.bind('127.0.0.1', 0)));
      const receivers = await Promise.all(Array.from({ length: 3 }, () => sockets.bind('127.0.0.1', 0)));
      const heard = receivers.map(listen);
      for (let round = 0; round < 5; round++) {
        senders.forEach((sender, i) => sender.send(bytesOf(`${i}.${round}`), 0, 3, receivers[i % 3].port, '127.0.0.1'));
      }
      await stepUntil(sockets, () => heard.every(({ length }) => length === 10));
      heard.forEach((list, r) => {
        for (const i of [r, r + 3]) {
          const own = list.filter(({ port }) => port === senders[i].port).map(({ text }) => text);
          expect(own).toEqual([0, 1, 2, 3, 4].map((round) => `${i}.${round}`));
        }
      });
    });

    test('lose what cannot be sent, say nothing, and go on', async () => {
      const sockets = open();
      const [one, two] = [await sockets.bind('127.0.0.1', 0), await sockets.bind('127.0.0.1', 0)];
      const heard = listen(two);
      for (const [address, port] of [
        ['127.0.0.1', 0],
        ['::1', two.port],
        ['no address', two.port],
        ['', two.port],
        ['127.0.0.1', 70_000],
        ['127.0.0.1', -1],
      ] as const) {
        expect(() => one.send(bytesOf('lost'), 0, 4, port, address)).not.toThrow();
      }
      one.send(new Uint8Array(100_000), 0, 100_000, two.port, '127.0.0.1');
      one.send(bytesOf('kept'), 0, 4, two.port, '127.0.0.1');
      await stepUntil(sockets, () => heard.length > 0);
      await stepFor(sockets, 20);
      expect(heard.map(({ text }) => text)).toEqual(['kept']);
    });

    test('report a port that is taken and an address that is not ours by the system code', async () => {
      const sockets = open();
      const socket = await sockets.bind('127.0.0.1', 0);
      await expect(sockets.bind('127.0.0.1', socket.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await expect(sockets.bind('192.0.2.77', 0)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
      socket.close();
      socket.close();
      const again = await sockets.bind('127.0.0.1', socket.port);
      expect(again.port).toBe(socket.port);
    });

    test('hand nothing to a socket that was closed, nor to the next one with its port', async () => {
      const sockets = open();
      const [one, two] = [await sockets.bind('127.0.0.1', 0), await sockets.bind('127.0.0.1', 0)];
      const heard = listen(two);
      one.send(bytesOf('early'), 0, 5, two.port, '127.0.0.1');
      sockets.depart();
      two.close();
      const next = await sockets.bind('127.0.0.1', two.port);
      const others = listen(next);
      one.send(bytesOf('late'), 0, 4, two.port, '127.0.0.1');
      await stepUntil(sockets, () => others.length === 1);
      expect([heard, others.map(({ text }) => text)]).toEqual([[], ['late']]);
      sockets.close();
      sockets.close();
      expect(() => one.send(bytesOf('x'), 0, 1, two.port, '127.0.0.1')).not.toThrow();
      expect(() => (sockets.depart(), sockets.arrive())).not.toThrow();
      expect(one.openQueue?.()).toBeUndefined();
    });

    test('a handler may close any socket, and one that throws harms nobody', async () => {
      const sockets = open();
      const [one, two, three] = await Promise.all([0, 0, 0].map((port) => sockets.bind('127.0.0.1', port)));
      const heard: string[] = [];
      two.onMessage(() => {
        heard.push('two');
        two.close();
        three.close();
      });
      three.onMessage(() => {
        heard.push('three');
        two.close();
        three.close();
      });
      for (const to of [two, three, two, three]) one.send(bytesOf('x'), 0, 1, to.port, '127.0.0.1');
      await stepUntil(sockets, () => heard.length > 0);
      await stepFor(sockets, 20);
      expect(heard).toHaveLength(1);
    });

    test('any traffic below the bounds: nothing is lost, each flow in order, nothing after close', async () => {
      const step = fc.record({
        from: fc.nat(3),
        to: fc.nat(3),
        length: fc.oneof(fc.constant(172), fc.integer({ min: 4, max: 1400 })),
        next: fc.constantFrom('go on', 'go on', 'go on', 'go on', 'step', 'close'),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
          const sockets = make(systemClock);
          try {
            const ends = await Promise.all(Array.from({ length: 4 }, () => sockets.bind('127.0.0.1', 0)));
            const closed = [false, false, false, false];
            const expected = ends.map(() => [] as string[]);
            const heard = ends.map(() => [] as string[]);
            let last = 0;
            ends.forEach((end, i) =>
              end.onMessage((bytes, _address, port) => {
                expect(closed[i]).toBe(false);
                const from = ends.findIndex((other) => other.port === port);
                heard[i].push(`${from}:${bytes[0] | (bytes[1] << 8)}:${bytes.length}:${bytes[bytes.length - 1]}`);
              }),
            );
            for (const { from, to, length, next } of steps) {
              const bytes = new Uint8Array(length).fill(last & 0xff);
              bytes[0] = last;
              bytes[1] = last >> 8;
              if (!closed[from] && !closed[to]) expected[to].push(`${from}:${last}:${length}:${bytes[length - 1]}`);
              last++;
              ends[from].send(bytes, 0, length, ends[to].port, '127.0.0.1');
              if (next === 'step') {
                sockets.depart();
                sockets.arrive();
              } else if (next === 'close' && !closed[to]) {
                closed[to] = true;
                ends[to].close();
              }
            }
            await stepUntil(sockets, () => heard.every((list, i) => closed[i] || list.length === expected[i].length));
            const flow = (list: string[], from: number) => list.filter((one) => one.startsWith(`${from}:`));
            for (let i = 0; i < 4; i++) {
              for (let from = 0; from < 4; from++) {
                if (!closed[i]) expect(flow(heard[i], from)).toEqual(flow(expected[i], from));
              }
            }
          } finally {
            sockets.close();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TestKit, testKit } from '#kit/testing.ts';
import { emptyRtpHeader, parseRtp, writeRtpHeader } from './packet.ts';
import { MAX_REPORT_BYTES, parseRtcp, writeReport } from './rtcp.ts';
import { RtpSession, type RtpSessionOptions } from './session.ts';
import type { DatagramHandler, DatagramSocket, FrameQueue } from './socket.ts';

/** A network in memory: datagrams arrive at once at whoever is bound to the port. */
class Network {
  readonly handlers = new Map<string, DatagramHandler>();
  readonly sent: { from: string; to: string; bytes: Uint8Array }[] = [];

  socket(address: string, port: number): DatagramSocket {
    const own = `${address}:${port}`;
    return {
      address,
      port,
      onMessage: (handler) => this.handlers.set(own, handler),
      send: (bytes, offset, length, toPort, toAddress) => {
        const copy = bytes.slice(offset, offset + length);
        const to = `${toAddress}:${toPort}`;
        this.sent.push({ from: own, to, bytes: copy });
        this.handlers.get(to)?.(copy, address, port);
      },
      close: () => this.handlers.delete(own),
    };
  }
}

/** A queue whose frames leave when the test says so. */
class HandQueue implements FrameQueue {
  left = 0;
  late = 0;
  closed = false;
  to = '';
  readonly frames: { bytes: Uint8Array; dueAt: number }[] = [];
  readonly sent: Uint8Array[] = [];

  get waiting(): number {
    return this.frames.length;
  }

  aim(port: number, address: string): void {
    this.to = `${address}:${port}`;
  }

  write(bytes: Uint8Array, dueAt: number): boolean {
    if (this.closed || this.waiting === 6) return false;
    this.frames.push({ bytes: bytes.slice(), dueAt });
    return true;
  }

  takeBack(atMost: number): number {
    return this.frames.splice(Math.max(0, this.frames.length - atMost)).length;
  }

  leave(frames: number): void {
    for (const { bytes } of this.frames.splice(0, frames)) this.sent.push(bytes);
    this.left = this.sent.length;
  }

  close(): void {
    this.closed = true;
  }
}

const ADDRESS = ['192.0.2.1', '192.0.2.2'];

function session(kit: TestKit, network: Network, side: 0 | 1, options: Partial<RtpSessionOptions> = {}) {
  const digits: string[] = [];
  const events: string[] = [];
  const made = new RtpSession({
    rtp: network.socket(ADDRESS[side], 4000),
    rtcp: network.socket(ADDRESS[side], 4001),
    clock: kit.clock,
    random: kit.random,
    payloadTypes: { audio: 0, event: 101 },
    remote: { address: ADDRESS[1 - side], port: 4000 },
    latching: true,
    silence: 0xff,
    cname: `side${side}@example.com`,
    listener: {
      digit: (digit) => digits.push(digit),
      digitsSent: () => events.push('digits-sent'),
      goodbye: () => events.push('goodbye'),
    },
    ...options,
  });
  return { session: made, digits, events };
}

/** Frames of 20 ms on a virtual clock: both sides tick, then pull. */
async function run(kit: TestKit, sides: { session: RtpSession }[], frames: number, sound: (n: number) => Uint8Array | undefined) {
  const heard: (number | string)[][] = sides.map(() => []);
  const out = new Uint8Array(160);
  for (let n = 0; n < frames; n++) {
    for (const side of sides) side.session.tick(sound(n), kit.clock.now());
    sides.forEach((side, i) => {
      const pulled = side.session.pull(out);
      heard[i].push(pulled === 'played' ? out[0] : pulled);
    });
    await kit.clock.advance(20);
  }
  return heard;
}

const numbered = (n: number) => new Uint8Array(160).fill((n % 200) + 1);

test('two sessions hear each other, report to each other and say goodbye', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const two = session(kit, network, 1);
  const heard = await run(kit, [one, two], 1500, numbered);
  expect(heard[1].slice(3, 200)).toEqual(Array.from({ length: 197 }, (_, i) => i + 2));
  const stats = one.session.stats();
  expect(stats).toMatchObject({ packetsLost: 0, packetsSent: 1500, foreignPackets: 0, malformedPackets: 0, jitterMs: 0, peerLoss: 0 });
  expect(stats.packetsReceived).toBe(1500);
  expect(stats.roundTripMs).toBeLessThan(1);
  const reports = network.sent.filter(({ from, to }) => from === '192.0.2.1:4001' && to === '192.0.2.2:4001');
  expect(reports.length).toBeGreaterThanOrEqual(3);
  expect(reports.length).toBeLessThanOrEqual(13);
  expect(parseRtcp(reports.at(-1)?.bytes as Uint8Array)).toMatchObject({ ssrc: one.session.ssrc, cname: 'side0@example.com' });
  one.session.close();
  one.session.close();
  expect(two.events).toEqual(['goodbye']);
  expect(one.session.tick(numbered(1), 0)).toBe(false);
  expect(kit.clock.pending).toBe(0);
});

test('a round trip ends when the report arrives, however late it is read', async () => {
  const kit = testKit();
  const network = new Network();
  const rtcp = network.socket(ADDRESS[0], 4001);
  const readLate: DatagramSocket['onMessage'] = (handler) =>
    rtcp.onMessage((bytes, address, port) => {
      const [copy, arrivedAt] = [bytes.slice(), kit.clock.now()];
      kit.clock.after(8, () => handler(copy, address, port, arrivedAt));
    });
  const one = session(kit, network, 0, { rtcp: { ...rtcp, onMessage: readLate } });
  const two = session(kit, network, 1);
  await run(kit, [one, two], 1500, numbered);
  expect(one.session.stats().roundTripMs).toBeLessThan(1);
});

test('timestamps follow the deadlines also over skipped ones; the marker begins each talk-spurt', async () => {
  const kit = testKit();
  const network = new Network();
  const { session: sender } = session(kit, network, 0);
  const pauses = new Set([5, 6, 7]);
  for (let n = 0; n < 12; n++) sender.tick(pauses.has(n) ? undefined : numbered(n), 20 * n + (n >= 10 ? 300 : 0));
  const headers = network.sent
    .filter(({ to }) => to === '192.0.2.2:4000')
    .map(({ bytes }) => {
      const header = emptyRtpHeader();
      expect(parseRtp(bytes, header)).toBe(true);
      return header;
    });
  const base = headers[0].timestamp;
  expect(headers.map((header) => ((header.timestamp - base) | 0) / 160)).toEqual([0, 1, 2, 3, 4, 8, 9, 25, 26]);
  expect(headers.map((header) => header.marker)).toEqual([true, false, false, false, false, true, false, false, false]);
  headers.forEach((header, i) => expect(header.sequence).toBe((headers[0].sequence + i) & 0xffff));
});

test('digits cross the wire once each and are not heard as sound', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const two = session(kit, network, 1);
  await run(kit, [one, two], 10, numbered);
  expect(one.session.sendDigits('42#')).toBe(true);
  expect(one.session.sendDigits('!')).toBe(false);
  await run(kit, [one, two], 80, numbered);
  expect(two.digits.join('')).toBe('42#');
  expect(one.events).toEqual(['digits-sent']);
  expect(one.session.sendingDigits).toBe(false);
  one.session.renegotiate({ address: ADDRESS[1], port: 4000 }, { audio: 0, event: undefined });
  expect(one.session.sendDigits('1')).toBe(false);
});

test('strangers are counted and change nothing', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const two = session(kit, network, 1);
  await run(kit, [one, two], 5, numbered);
  const stranger = network.socket('198.51.100.9', 9);
  const packet = new Uint8Array(172);
  for (let i = 0; i < 20; i++) {
    writeRtpHeader(packet, 0, 0, false, i, 160 * i, 666);
    stranger.send(packet, 0, 172, 4000, ADDRESS[0]);
  }
  const report = new Uint8Array(MAX_REPORT_BYTES);
  const length = writeReport({ ssrc: two.session.ssrc, cname: 'x', sender: undefined, block: undefined, goodbye: true }, report);
  stranger.send(report, 0, length, 4001, ADDRESS[0]);
  expect(one.session.stats().foreignPackets).toBe(21);
  expect(one.events).toEqual([]);
  expect(one.session.remote?.address).toBe(ADDRESS[1]);
});

test('silence of the other side is measured, comfort noise keeps the line alive', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const peer = network.socket(ADDRESS[1], 4000);
  const packet = new Uint8Array(13);
  writeRtpHeader(packet, 0, 13, false, 1, 160, 5);
  await kit.clock.advance(15_000);
  expect(one.session.silentForMs(kit.clock.now())).toBe(15_000);
  peer.send(packet, 0, 13, 4000, ADDRESS[0]);
  expect(one.session.silentForMs(kit.clock.now())).toBe(0);
  expect(one.session.pull(new Uint8Array(160))).toBe('silence');
});

test('a new SSRC of the same source takes over after two packets', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const peer = network.socket(ADDRESS[1], 4000);
  const packet = new Uint8Array(172).fill(9);
  const out = new Uint8Array(160);
  const send = async (ssrc: number, sequence: number, count: number) => {
    const heard: string[] = [];
    for (let i = 0; i < count; i++) {
      writeRtpHeader(packet, 0, 0, false, sequence + i, 160 * (sequence + i), ssrc);
      peer.send(packet, 0, 172, 4000, ADDRESS[0]);
      heard.push(one.session.pull(out));
      await kit.clock.advance(20);
    }
    return heard;
  };
  await send(5, 100, 50);
  await send(6, 30_000, 1);
  await send(5, 150, 10);
  expect(one.session.stats().buffer.restarts).toBe(1);
  const heard = await send(6, 30_001, 20);
  expect(heard.slice(5).every((pulled) => pulled === 'played')).toBe(true);
  expect(one.session.stats()).toMatchObject({ packetsReceived: 81, packetsLost: 0 });
});

test('reports share the port where that is agreed', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0, { rtcp: undefined });
  const two = session(kit, network, 1, { rtcp: undefined });
  await run(kit, [one, two], 600, numbered);
  expect(network.sent.every(({ to }) => to.endsWith(':4000'))).toBe(true);
  expect(one.session.stats().peerLoss).toBe(0);
});

test('queued sound: what is taken back leaves no trace in numbers, timestamps, markers or reports', async () => {
  const kit = testKit();
  const network = new Network();
  const queue = new HandQueue();
  const socket = { ...network.socket(ADDRESS[0], 4000), openQueue: () => queue };
  const one = session(kit, network, 0, { rtp: socket });
  const two = session(kit, network, 1);
  const sender = one.session;
  let slot = 20;
  expect(sender.queues).toBe(true);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.record({ queue: fc.nat(9) }), fc.record({ back: fc.nat(4) }), fc.record({ leave: fc.nat(3) })), {
        minLength: 20,
        maxLength: 60,
      }),
      (steps) => {
        for (const step of steps) {
          if ('queue' in step) {
            const at = slot + (step.queue === 0 ? 300 : 0); // now and then deadlines are skipped
            if (sender.queue(numbered(step.queue), at, at + 5)) slot = at + 20;
          } else if ('back' in step) {
            const waiting = queue.frames.map(({ dueAt }) => dueAt - 5);
            const taken = sender.takeBack(step.back);
            if (taken > 0) slot = waiting[waiting.length - taken];
          } else queue.leave(step.leave);
        }
      },
    ),
    { numRuns: 50 },
  );
  sender.takeBack(10);
  const header = emptyRtpHeader();
  const headers = queue.sent.map((bytes) => (parseRtp(bytes, header) ? { ...header } : undefined));
  expect(queue.sent.length).toBeGreaterThan(100);
  headers.forEach((own, i) => {
    expect(own?.sequence).toBe(((headers[0]?.sequence ?? 0) + i) & 0xffff);
    expect(own?.marker).toBe(i === 0);
    const before = headers[i - 1];
    const step = before && own ? (own.timestamp - before.timestamp) | 0 : 160;
    expect([160, 160 + 2400].includes(step) || (step - 160) % 2400 === 0).toBe(true);
  });
  expect(sender.stats().packetsSent).toBe(queue.sent.length);
  expect(queue.to).toBe('192.0.2.2:4000');

  // A report says nothing of what waits.
  for (let i = 0; i < 3; i++) sender.queue(numbered(1), slot + 20 * i, 0);
  queue.leave(1);
  await kit.clock.advance(8_000);
  sender.report(kit.clock.now() + slot);
  const report = parseRtcp(network.sent.at(-1)?.bytes as Uint8Array);
  const last = emptyRtpHeader();
  parseRtp(queue.sent.at(-1) as Uint8Array, last);
  expect(report?.sender).toMatchObject({ packets: queue.sent.length, octets: 160 * queue.sent.length, timestamp: last.timestamp });

  sender.close();
  expect([queue.waiting, queue.closed, sender.queues, sender.queue(numbered(1), 1e9, 1e9)]).toEqual([0, true, false, false]);
  expect(two.events).toEqual([]);
});

test('packets handed over late are measured by when they arrived', async () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const packet = new Uint8Array(172).fill(9);
  for (let n = 0; n < 200; n++) {
    await kit.clock.advance(20);
    // Two at a time, as a batch is read: by their handing over they would seem to jump.
    if (n % 2 === 0) continue;
    for (const m of [n - 1, n]) {
      writeRtpHeader(packet, 0, 0, false, m, 160 * m, 77);
      network.handlers.get(`${ADDRESS[0]}:4000`)?.(packet, ADDRESS[1], 4000, 20 * (m + 1));
    }
  }
  expect(one.session.stats()).toMatchObject({ packetsReceived: 200, jitterMs: 0 });
  expect(one.session.silentForMs(kit.clock.now())).toBe(0);
});

test('any datagrams: nothing throws, counters add up', () => {
  const kit = testKit();
  const network = new Network();
  const one = session(kit, network, 0);
  const peer = network.socket(ADDRESS[1], 4000);
  let sent = 0;
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 220, size: 'max' }),
      fc.boolean(),
      fc.constantFrom(0, 13, 101, 200, 203),
      (noise, shaped, type) => {
        if (shaped && noise.length > 1) {
          noise[0] = 0x80;
          noise[1] = type;
        }
        peer.send(noise, 0, noise.length, 4000, ADDRESS[0]);
        sent++;
        one.session.pull(new Uint8Array(160));
      },
    ),
    { numRuns: 3000 },
  );
  const stats = one.session.stats();
  expect(stats.packetsReceived + stats.foreignPackets + stats.malformedPackets).toBeLessThanOrEqual(sent);
  expect(stats.packetsReceived).toBeGreaterThan(100);
});

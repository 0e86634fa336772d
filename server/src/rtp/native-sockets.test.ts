import { existsSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { silentLog } from '#kit/log.ts';
import { sourceDigest } from '../../native/build.mjs';
import { DgramSockets } from './dgram-sockets.ts';
import { binaryPath, loadNative, QUEUE_SLOTS } from './native-binding.ts';
import { NativeSockets } from './native-sockets.ts';
import { QUEUE_FRAME_BYTES, QUEUE_FRAMES } from './socket.ts';
import { describeSockets, stepFor, stepUntil, systemClock } from './socket.contract.ts';
import { openSockets } from './udp.ts';

const native = loadNative();

describe('the native part', () => {
  test.each(['x64', 'arm64'])('for linux-%s was built from the sources beside it', (arch) => {
    const binary = readFileSync(binaryPath('linux', arch)).toString('latin1');
    expect(binary).toContain(`media-io source ${sourceDigest()}`);
    // Who holds what the media thread waits for has its priority meanwhile.
    expect(binary).toContain('pthread_mutexattr_setprotocol');
  });

  test('loads where there is a binary for the machine and its C library', () => {
    const glibc = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    if (existsSync(binaryPath()) && glibc.header.glibcVersionRuntime) expect(native).toMatchObject({ source: expect.any(String) });
    expect(loadNative(binaryPath('plan9', 'vax'))).toContain('media-io.node');
  });

  test('is what auto takes when it loads; dgram is there without it', () => {
    const missing = () => 'no such file';
    const fallback = openSockets('auto', systemClock, silentLog, missing);
    expect(fallback.kind).toBe('dgram');
    expect(openSockets('dgram', systemClock, silentLog).kind).toBe('dgram');
    expect(() => openSockets('native', systemClock, silentLog, missing)).toThrow('TANDEM_UDP=native cannot be had: no such file');
    const chosen = openSockets('auto', systemClock, silentLog);
    expect(chosen.kind).toBe(typeof native === 'object' ? 'native' : 'dgram');
    chosen.close();
  });
});

if (typeof native === 'object') {
  const open = () => new NativeSockets(native, systemClock);
  describeSockets('native', open);

  describe('queued frames', () => {
    const frame = (n: number) => new Uint8Array(172).fill(n);
    const connected = async () => {
      const sockets = open();
      const [one, two] = [await sockets.bind('127.0.0.1', 0), await sockets.bind('127.0.0.1', 0)];
      const heard: { n: number; at: number }[] = [];
      two.onMessage((bytes, _address, _port, arrivedAt) => heard.push({ n: bytes[0], at: arrivedAt ?? Number.NaN }));
      const queue = one.openQueue?.();
      if (!queue) throw new Error('no queue');
      queue.aim(two.port, '127.0.0.1');
      return { sockets, one, two, heard, queue };
    };

    test('leave in order and not before they are due, though JavaScript is busy', async () => {
      const { sockets, heard, queue } = await connected();
      const from = systemClock.now() + 30;
      for (let n = 0; n < QUEUE_FRAMES; n++) expect(queue.write(frame(n), from + 20 * n)).toBe(true);
      sockets.depart();
      const until = from + 5_000;
      while (queue.waiting > 0 && systemClock.now() < until);
      expect([queue.left, queue.waiting]).toEqual([QUEUE_FRAMES, 0]);
      await stepUntil(sockets, () => heard.length === QUEUE_FRAMES);
      expect(heard.map(({ n }) => n)).toEqual([0, 1, 2, 3]);
      heard.forEach(({ at }, n) => expect(at).toBeGreaterThan(from + 20 * n - 1.5));
      expect(sockets.counters()).toMatchObject({ left: QUEUE_FRAMES, received: QUEUE_FRAMES, taken_back: 0 });
      sockets.close();
    });

    test('are taken back from the newest on until they have left, and their places are written again', async () => {
      const { sockets, heard, queue } = await connected();
      const from = systemClock.now();
      queue.write(frame(1), from);
      sockets.depart();
      await stepUntil(sockets, () => heard.length === 1);
      const later = systemClock.now() + 60_000;
      for (let n = 2; n < 5; n++) queue.write(frame(n), later + 20 * n);
      sockets.depart();
      expect(queue.takeBack(2)).toBe(2);
      expect(queue.waiting).toBe(1);
      queue.write(frame(9), later + 60);
      expect([queue.takeBack(100), queue.takeBack(1)]).toEqual([2, 0]);
      queue.write(frame(7), systemClock.now());
      sockets.depart();
      await stepUntil(sockets, () => heard.length === 2);
      await stepFor(sockets, 30);
      expect(heard.map(({ n }) => n)).toEqual([1, 7]);
      expect([queue.left, queue.waiting, sockets.counters()['taken_back']]).toEqual([2, 0, 4]);
      sockets.close();
    });

    test('have bounds: frames, bytes, and nothing after close', async () => {
      // Places of frames that are on their way out are not written over.
      expect(2 * QUEUE_FRAMES).toBeLessThanOrEqual(QUEUE_SLOTS);
      const { sockets, one, two, heard, queue } = await connected();
      const due = systemClock.now() + 60_000;
      for (let n = 0; n < QUEUE_FRAMES; n++) expect(queue.write(frame(n), due)).toBe(true);
      expect(queue.write(frame(99), due)).toBe(false);
      expect(queue.takeBack(1)).toBe(1);
      expect(queue.write(new Uint8Array(QUEUE_FRAME_BYTES + 1), due)).toBe(false);
      expect(queue.write(new Uint8Array(QUEUE_FRAME_BYTES), due)).toBe(true);
      one.close();
      expect([queue.write(frame(1), due), queue.waiting, queue.left, queue.takeBack(3)]).toEqual([false, 0, 0, 0]);
      queue.aim(two.port, '127.0.0.1');
      queue.close();
      await stepFor(sockets, 30);
      expect(heard).toEqual([]);
      sockets.close();
    });

    test('of many calls leave for their own destinations; places are used again', async () => {
      const sockets = open();
      const calls = 40;
      const receivers = await Promise.all(Array.from({ length: calls }, () => sockets.bind('127.0.0.1', 0)));
      const heard = receivers.map((socket) => {
        const list: number[] = [];
        socket.onMessage((bytes) => list.push(bytes[0]));
        return list;
      });
      for (let round = 0; round < 3; round++) {
        // Half of them behind one port, as calls of shared ports are.
        const shared = await sockets.bind('127.0.0.1', 0);
        const senders = await Promise.all(receivers.map((_, i) => (i % 2 === 0 ? Promise.resolve(shared) : sockets.bind('127.0.0.1', 0))));
        const queues = senders.map((socket) => socket.openQueue?.());
        const from = systemClock.now() + 10;
        queues.forEach((queue, i) => {
          queue?.aim(receivers[i].port, '127.0.0.1');
          for (let n = 0; n < 3; n++) queue?.write(frame(i + 100 * n), from + 20 * n);
        });
        sockets.depart();
        await stepUntil(sockets, () => heard.every(({ length }) => length === 3 * (round + 1)));
        for (const sender of senders) sender.close();
      }
      heard.forEach((list, i) => expect(list).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2].map((n) => (i + 100 * n) & 0xff)));
      sockets.close();
    });
  });

  test('arrivals are the kernel stamps, however late they are read', async () => {
    const sockets = open();
    const [one, two] = [await sockets.bind('127.0.0.1', 0), await sockets.bind('127.0.0.1', 0)];
    const at: number[] = [];
    two.onMessage((_bytes, _address, _port, arrivedAt) => at.push(arrivedAt ?? Number.NaN));
    const sent: { after: number; before: number }[] = [];
    for (let n = 0; n < 4; n++) {
      const after = systemClock.now();
      one.send(new Uint8Array(10), 0, 10, two.port, '127.0.0.1');
      sockets.depart();
      sent.push({ after, before: systemClock.now() });
      const until = systemClock.now() + 15;
      while (systemClock.now() < until);
    }
    sockets.arrive();
    expect(at).toHaveLength(4);
    at.forEach((arrived, n) => {
      expect(arrived).toBeGreaterThan(sent[n].after - 1);
      expect(arrived).toBeLessThan(sent[n].before + 1);
    });
    sockets.close();
  });

  test('a burst beyond one bin is handed over in order, one beyond the kernel buffer is counted', async () => {
    const sockets = open();
    const other = new DgramSockets();
    const [one, two] = [await sockets.bind('127.0.0.1', 0), await other.bind('127.0.0.1', 0)];
    const receiver = await sockets.bind('127.0.0.1', 0);
    let count = 0;
    receiver.onMessage(() => count++);
    for (let n = 0; n < 5_000; n++) one.send(new Uint8Array(172), 0, 172, receiver.port, '127.0.0.1');
    await stepUntil(sockets, () => count > 0);
    two.send(new Uint8Array(10), 0, 10, receiver.port, '127.0.0.1');
    const told = count;
    await stepUntil(sockets, () => count > told);
    await stepFor(sockets, 30);
    const counters = sockets.counters();
    expect(counters['received']).toBe(count);
    expect(counters['sent']).toBe(5_000);
    expect(count + counters['overflowed']).toBe(5_001);
    sockets.close();
    other.close();
  });

  test('a worker that ends in the middle of it leaves nothing behind', async () => {
    const code = `
      import { parentPort } from 'node:worker_threads';
      import { SystemClock } from '#kit/clock.ts';
      import { loadNative } from '#rtp/native-binding.ts';
      import { NativeSockets } from '#rtp/native-sockets.ts';
      const clock = new SystemClock();
      const sockets = new NativeSockets(loadNative(), clock);
      const socket = await sockets.bind('127.0.0.1', 0);
      const queue = socket.openQueue();
      queue.aim(socket.port, '127.0.0.1');
      socket.onMessage(() => {});
      for (let n = 0; n < 5; n++) queue.write(new Uint8Array(172), clock.now() + 5 * n);
      sockets.depart();
      parentPort.postMessage(socket.port);
      setInterval(() => { sockets.arrive(); queue.write(new Uint8Array(172), clock.now()); sockets.depart(); }, 1);
    `;
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(importable(code))}`), {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      const port = await new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      await systemClock.sleep(20);
      await worker.terminate();
      const sockets = open();
      expect((await sockets.bind('127.0.0.1', port)).port).toBe(port);
      sockets.close();
    }
  });
}

/** A module from a data: URL has no folder to resolve from. */
function importable(code: string): string {
  return code.replace(
    /'#(\w+)\/([\w-]+\.ts)'/g,
    (_, folder: string, file: string) => `'${new URL(`../${folder}/${file}`, import.meta.url).href}'`,
  );
}

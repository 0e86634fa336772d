import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { DgramSockets } from './dgram-sockets.ts';
import { openRtpPorts } from './port-pair.ts';
import { PORT_QUARANTINE_MS, PortPool } from './ports.ts';

test('ports are even, random, each taken once, and rest after release', async () => {
  const { clock, random } = testKit();
  const pool = new PortPool(20001, 20041, clock, random);
  const ports = Array.from({ length: 20 }, () => pool.take() as number);
  expect(ports.every((port) => port % 2 === 0 && port >= 20002 && port <= 20040)).toBe(true);
  expect(new Set(ports).size).toBe(20);
  expect(ports).not.toEqual(ports.toSorted((a, b) => a - b));
  expect(pool.take()).toBeUndefined();
  pool.release(ports[3]);
  pool.release(ports[3]);
  pool.release(99);
  expect(pool.take()).toBeUndefined();
  await clock.advance(PORT_QUARANTINE_MS - 1);
  expect(pool.free).toBe(0);
  await clock.advance(1);
  expect(pool.take()).toBe(ports[3]);
  expect(pool.free).toBe(0);
});

test('a pair of real sockets exchanges datagrams and is given back', async () => {
  const pool = new PortPool(23000, 23999, new SystemClock(), new SeededRandom(process.pid));
  const one = await openRtpPorts(new DgramSockets(), pool, '127.0.0.1');
  const two = await openRtpPorts(new DgramSockets(), pool, '127.0.0.1');
  expect(one.rtcp.port).toBe(one.rtp.port + 1);
  const { promise, resolve } = Promise.withResolvers<{ text: string; port: number }>();
  two.rtp.onMessage((bytes, _address, port) => resolve({ text: new TextDecoder().decode(bytes), port }));
  one.rtp.send(new TextEncoder().encode('-hello-'), 1, 5, two.rtp.port, '127.0.0.1');
  expect(await promise).toEqual({ text: 'hello', port: one.rtp.port });
  one.rtp.send(new Uint8Array(4), 0, 4, 0, '127.0.0.1');
  one.rtp.send(new Uint8Array(4), 0, 4, 4000, '::1');
  one.release();
  one.release();
  two.release();
  one.rtp.send(new Uint8Array(4), 0, 4, 4000, '127.0.0.1');
  expect(pool.taken).toBe(0);
});

test('a port that another program holds is passed over; none left and a strange host are errors with codes', async () => {
  const clock = new SystemClock();
  const other = createSocket('udp4');
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
  const taken = other.address().port & ~1;
  await expect(
    openRtpPorts(new DgramSockets(), new PortPool(taken, taken + 1, clock, new SeededRandom(1)), '127.0.0.1'),
  ).rejects.toMatchObject({
    code: 'capacity-reached',
  });
  await new Promise<void>((resolve) => other.close(() => resolve()));
  await expect(
    openRtpPorts(new DgramSockets(), new PortPool(23000, 23001, clock, new SeededRandom(1)), '192.0.2.77'),
  ).rejects.toMatchObject({
    code: 'setting-invalid',
  });
});

import { expect, test } from 'vitest';
import { SourceLatch } from './source-latch.ts';

const SIGNALLED = { address: '192.0.2.1', port: 4000 };

/** Sends `count` packets in sequence; true for each that was accepted. */
function send(latch: SourceLatch, address: string, port: number, from: number, count: number, at = 0, known = true): boolean[] {
  return Array.from({ length: count }, (_, i) => latch.accept(address, port, 77, (from + i) & 0xffff, known, at + 20 * i));
}

test('the signalled source is believed at once and then alone', () => {
  const latch = new SourceLatch(SIGNALLED, true);
  expect(send(latch, '192.0.2.1', 4000, 1, 2)).toEqual([true, true]);
  expect(latch.locked).toBe(true);
  expect(send(latch, '198.51.100.9', 9999, 1, 10, 40).some(Boolean)).toBe(false);
  expect(latch.remote).toEqual(SIGNALLED);
});

test('behind a NAT four packets in sequence lock the source; nothing is sent to it before', () => {
  const latch = new SourceLatch({ address: '10.0.0.5', port: 4000 }, true);
  expect(send(latch, '203.0.113.7', 5555, 65534, 3)).toEqual([false, false, false]);
  expect(latch.remote?.address).toBe('10.0.0.5');
  expect(send(latch, '203.0.113.7', 5555, 1, 1, 60)).toEqual([true]);
  expect(latch.remote).toEqual({ address: '203.0.113.7', port: 5555 });
});

test('no order, unknown payloads, or a slow trickle prove nothing', () => {
  const latch = new SourceLatch(SIGNALLED, true);
  for (const sequence of [1, 2, 4, 5, 7, 8, 10, 11]) expect(latch.accept('203.0.113.7', 1, 77, sequence, true, sequence)).toBe(false);
  expect(send(latch, '203.0.113.8', 1, 1, 10, 0, false).some(Boolean)).toBe(false);
  for (let i = 0; i < 8; i++) expect(latch.accept('203.0.113.9', 1, 77, i, true, 3000 * i)).toBe(false);
  expect(latch.locked).toBe(false);
});

test('a flood of forged sources does not keep the true one out', () => {
  const latch = new SourceLatch({ address: '10.0.0.5', port: 4000 }, true);
  let accepted = false;
  for (let i = 0; i < 4; i++) {
    for (let n = 0; n < 50; n++) latch.accept('198.51.100.1', 1024 + 50 * i + n, n, n * 7, true, 20 * i);
    accepted = latch.accept('203.0.113.7', 5555, 77, 10 + i, true, 20 * i);
  }
  expect(accepted || latch.accept('203.0.113.7', 5555, 77, 14, true, 100)).toBe(true);
});

test('a source at the signalled host goes before another', () => {
  const latch = new SourceLatch(SIGNALLED, true);
  latch.accept('192.0.2.1', 4777, 1, 1, true, 0);
  expect(send(latch, '198.51.100.9', 9999, 1, 8).some(Boolean)).toBe(false);
  expect(send(latch, '192.0.2.1', 4777, 1, 4, 200)).toEqual([false, false, false, true]);
});

test('after 2 s of silence, or new signalling, the source is learned again', () => {
  const latch = new SourceLatch(SIGNALLED, true);
  send(latch, '192.0.2.1', 4000, 1, 1);
  expect(send(latch, '198.51.100.9', 9999, 1, 6, 1000).some(Boolean)).toBe(false);
  expect(send(latch, '198.51.100.9', 9999, 1, 4, 2500)).toEqual([false, false, false, true]);
  latch.signal({ address: '192.0.2.2', port: 4100 });
  expect(latch.locked).toBe(false);
  expect(send(latch, '192.0.2.2', 4100, 1, 1, 2600)).toEqual([true]);
  latch.signal({ address: '192.0.2.2', port: 4100 });
  expect(latch.locked).toBe(true);
});

test('without latching only the signalled host is heard, and only the signalled port is sent to', () => {
  const latch = new SourceLatch(SIGNALLED, false);
  expect(send(latch, '192.0.2.1', 4777, 1, 1)).toEqual([true]);
  expect(send(latch, '198.51.100.9', 4000, 1, 10, 5000).some(Boolean)).toBe(false);
  expect(latch.remote).toEqual(SIGNALLED);
  expect(latch.believesHost('192.0.2.1')).toBe(true);
  expect(latch.believesHost('198.51.100.9')).toBe(false);
});

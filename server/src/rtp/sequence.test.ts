import { describe, expect, test } from 'vitest';
import { emptyRtpHeader } from './packet.ts';
import { JitterMeter, SequenceTracker } from './sequence.ts';

describe('sequence numbers', () => {
  test('two in a row end the probation', () => {
    const tracker = new SequenceTracker(2);
    expect(tracker.update(7)).toBe('probation');
    expect(tracker.update(9)).toBe('probation');
    expect(tracker.update(10)).toBe('valid');
    expect(tracker.received).toBe(1);
    expect(tracker.expected).toBe(1);
  });

  test('wraps are counted, losses and the fraction since the last report too', () => {
    const tracker = new SequenceTracker(1);
    for (let i = 0; i < 100_000; i++) if (i % 10 !== 3) tracker.update((65_000 + i) & 0xffff);
    expect(tracker.extendedHighest).toBe(65_000 + 99_999);
    expect(tracker.expected).toBe(100_000);
    expect(tracker.lost).toBe(10_000);
    expect(tracker.takeFractionLost()).toBe(Math.floor(256 / 10));
    expect(tracker.takeFractionLost()).toBe(0);
  });

  test('reordering and duplicates move nothing forward', () => {
    const tracker = new SequenceTracker(1);
    for (const sequence of [65534, 0, 65535, 1, 1]) expect(tracker.update(sequence)).toBe('valid');
    expect(tracker.extendedHighest).toBe(0x10001);
    expect(tracker.lost).toBe(-1);
  });

  test('a large jump is believed when its successor follows', () => {
    const tracker = new SequenceTracker(1);
    tracker.update(100);
    expect(tracker.update(20_000)).toBe('jumped');
    expect(tracker.update(101)).toBe('valid');
    expect(tracker.update(30_000)).toBe('jumped');
    expect(tracker.update(30_001)).toBe('valid');
    expect(tracker.extendedHighest).toBe(30_001);
    expect(tracker.lost).toBe(0);
  });
});

test('jitter settles at the mean deviation, and a wrapping timestamp adds none', () => {
  const meter = new JitterMeter(8000);
  const header = emptyRtpHeader();
  for (let i = 0; i < 2000; i++) {
    header.timestamp = (0xffff0000 + 160 * i) >>> 0;
    meter.update(header, 1000 + 20 * i);
  }
  expect(meter.ms).toBe(0);
  for (let i = 2000; i < 4000; i++) {
    header.timestamp = (0xffff0000 + 160 * i) >>> 0;
    meter.update(header, 1000 + 20 * i + (i % 2 ? 5 : 0));
  }
  expect(meter.ms).toBeCloseTo(5, 5);
  expect(meter.units).toBe(40);
});

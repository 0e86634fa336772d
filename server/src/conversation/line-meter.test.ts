import { expect, test } from 'vitest';
import { LineMeter } from './line-meter.ts';

function metered() {
  const stats = { packetsReceived: 0, packetsLost: 0, packetsConcealed: 0, jitterMs: 0, framesSent: 0, framesLate: 0 };
  const clock = { now: 0 };
  const meter = new LineMeter({ stats: () => ({ ...stats }) }, () => clock.now);
  return { stats, clock, meter };
}

test('counts from the last time it was asked', () => {
  const { stats, meter } = metered();
  Object.assign(stats, { packetsReceived: 100, packetsLost: 4, packetsConcealed: 5, jitterMs: 3.14, framesSent: 40, framesLate: 1 });
  expect(meter.take()).toEqual({
    packetsReceived: 100,
    packetsLost: 4,
    packetsConcealed: 5,
    jitterMs: 3.1,
    framesSent: 40,
    framesLate: 1,
    stalledMs: 0,
  });
  Object.assign(stats, { packetsReceived: 150, packetsLost: 4 });
  expect(meter.take()).toMatchObject({ packetsReceived: 50, packetsLost: 0, framesSent: 0, framesLate: 0 });
});

test('the longest standstill between two frames, and when it was over', () => {
  const { clock, meter } = metered();
  for (const at of [5_000, 5_020, 5_390, 5_391, 5_411, 5_500]) {
    clock.now = at;
    meter.frame();
  }
  expect(meter.take()).toMatchObject({ stalledMs: 350, stalledAt: 5_390 });
  clock.now = 5_521;
  meter.frame();
  expect(meter.take().stalledMs).toBe(0);
});

test('a line that has not begun yet has not stood still', () => {
  const { clock, meter } = metered();
  clock.now = 90_000;
  meter.frame();
  expect(meter.take()).not.toHaveProperty('stalledAt');
});

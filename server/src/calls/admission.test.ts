import { describe, expect, test } from 'vitest';
import type { MachineLoad } from '#kit/machine-load.ts';
import { testKit } from '#kit/testing.ts';
import { Admission, type Ask, DEFAULT_LIMITS } from './admission.ts';

const well: MachineLoad = {
  machineBusy: 0.4,
  threadBusy: 0.3,
  threadWaiting: 0.05,
  loopDelayP50Ms: 1,
  loopDelayP99Ms: 5,
  loopDelayMaxMs: 9,
  descriptorsFree: 10_000,
  diskFreeBytes: 1e12,
};
const ask: Ask = { businessId: 'b', ofBusiness: 3, businessMax: null, linesFree: 100 };
const GB = 2 ** 30;

function open(load: Partial<MachineLoad> = {}, live = 200) {
  const { clock } = testKit();
  const admission = new Admission(clock, { ...DEFAULT_LIMITS, maxCalls: 500 });
  admission.observe({ ...well, ...load }, live);
  return { clock, admission, judge: (change: Partial<Ask> = {}, now = live) => admission.judge({ ...ask, ...change }, now) };
}

describe('one more call', () => {
  test('is admitted while there is room in everything', () => {
    expect(open().judge()).toBeUndefined();
    expect(new Admission(testKit().clock, { ...DEFAULT_LIMITS, maxCalls: 1 }).judge(ask, 0)).toBeUndefined();
  });

  test('is refused for the first thing there is no room in', () => {
    expect(open().judge({ ofBusiness: 3, businessMax: 3 })).toBe('business-full');
    expect(open().judge({}, 500)).toBe('calls');
    expect(open().judge({ linesFree: 0 })).toBe('lines');
    expect(open().judge({ linesFree: undefined })).toBeUndefined();
    expect(open({ descriptorsFree: 65 }).judge()).toBe('descriptors');
    expect(open({ diskFreeBytes: GB / 8 }).judge()).toBe('disk');
    expect(open({ threadBusy: 0.82 }).judge()).toBe('cpu');
    expect(open({ threadWaiting: 0.4 }).judge()).toBe('cpu');
  });

  test('is refused when the loop is late second after second, not for one pause', () => {
    const { admission, judge } = open({ loopDelayP99Ms: 80 });
    expect(judge()).toBeUndefined();
    for (let reading = 0; reading < 2; reading++) admission.observe({ ...well, loopDelayP99Ms: 80 }, 200);
    expect(judge()).toBe('loop');
    admission.observe(well, 200);
    expect(judge()).toBeUndefined();
  });

  test('does not pay for what others do to the machine, nor for what a few calls measure', () => {
    expect(open({ machineBusy: 1 }).judge()).toBeUndefined();
    expect(open({ machineBusy: 1, threadBusy: 0.9, loopDelayP99Ms: 300 }, 5).judge()).toBeUndefined();
  });

  test('what the system does not tell refuses nobody', () => {
    expect(open({ descriptorsFree: undefined, diskFreeBytes: undefined, threadWaiting: undefined }).judge()).toBeUndefined();
  });

  test('a burst between two readings is counted at what a call costs', async () => {
    const { admission, judge, clock } = open({ threadBusy: 0.7 }, 350);
    let admitted = 0;
    while (judge() === undefined && admitted < 1000) {
      admission.admitted();
      admitted++;
    }
    // 0.1 of the thread is left, and a call has cost 0.002.
    expect(admitted).toBeGreaterThanOrEqual(48);
    expect(admitted).toBeLessThanOrEqual(50);
    expect(judge()).toBe('cpu');
    admission.observe({ ...well, threadBusy: 0.7 }, 400);
    expect(judge()).toBeUndefined();
    admission.observe({ ...well, threadBusy: 0.9 }, 450);
    expect(judge()).toBe('cpu');
    await clock.advance(11_000);
    // A thread that has not measured itself for so long is not judged by what it was.
    expect(judge()).toBeUndefined();
  });

  test('a burst counts its descriptors too', () => {
    const { admission, judge } = open({ descriptorsFree: 64 + 12 });
    for (let i = 0; i < 2; i++) {
      expect(judge()).toBeUndefined();
      admission.admitted();
    }
    expect(judge()).toBe('descriptors');
  });
});

import { expect, test } from 'vitest';
import type { Clock } from '#kit/clock.ts';
import { VirtualClock } from '#kit/clock.ts';
import { LoadLoop } from './loop.ts';

test('every call has its turn each 20 ms, a quarter of them in each step', async () => {
  const clock = new VirtualClock();
  const loop = new LoadLoop(clock, { before: () => {}, after: () => {} });
  const ticks = Array.from({ length: 8 }, (): number[] => []);
  for (const times of ticks) loop.add({ tick: (at) => void times.push(at) });
  loop.start();
  await clock.advance(1_000);
  loop.stop();
  for (const times of ticks) {
    expect(times.length).toBeGreaterThanOrEqual(50);
    times.slice(1).forEach((at, i) => expect(at - times[i]).toBe(20));
  }
  expect(ticks.map(([first]) => first).toSorted((a, b) => a - b)).toEqual([0, 0, 5, 5, 10, 10, 15, 15]);
  expect(loop.lagMs().max).toBe(0);
  expect(clock.pending).toBe(0);
});

test('a machine that cannot keep up still gets to its sockets between the steps, and steps are left out', () => {
  let now = 0;
  let pending: (() => void) | undefined;
  const clock = {
    now: () => now,
    after: (_delayMs: number, run: () => void) => {
      pending = run;
      return { cancel: () => (pending = undefined) };
    },
  } as Partial<Clock> as Clock;
  let steps = 0;
  // A step of 5 ms takes 7.
  const loop = new LoadLoop(clock, {
    before: () => {
      steps++;
      now += 7;
    },
    after: () => {},
  });
  loop.start();
  for (let turn = 0; turn < 200; turn++) {
    const before = steps;
    const run = pending;
    pending = undefined;
    now += 1;
    run?.();
    expect(steps - before).toBeLessThanOrEqual(41);
  }
  expect(steps).toBeGreaterThan(1_000);
  expect(loop.skipped).toBeGreaterThan(0);
  expect(loop.own.steady).toBe(false);
  loop.stop();
});

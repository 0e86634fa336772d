import { expect, test } from 'vitest';
import { VirtualClock } from '#kit/clock.ts';
import { MovingDeadline } from './moving-deadline.ts';

function setUp() {
  const clock = new VirtualClock();
  const missed: string[] = [];
  return { clock, missed, deadline: new MovingDeadline(clock, (ms, what) => missed.push(`${clock.now()}: ${what} within ${ms}`)) };
}

test('it is missed when it was not moved in time, and only once', async () => {
  const { clock, missed, deadline } = setUp();
  deadline.set(100, 'first');
  await clock.advance(90);
  deadline.set(100, 'second');
  await clock.advance(99);
  expect(missed).toEqual([]);
  await clock.advance(1_000);
  expect(missed).toEqual(['190: second within 100']);
  expect(clock.pending).toBe(0);
});

test('a sooner one goes off in its own time', async () => {
  const { clock, missed, deadline } = setUp();
  deadline.set(8_000, 'slow');
  deadline.set(50, 'fast');
  await clock.advance(50);
  expect(missed).toEqual(['50: fast within 50']);
});

test('suspended it is not missed; cleared it leaves no timer', async () => {
  const { clock, missed, deadline } = setUp();
  deadline.set(100, 'first');
  deadline.suspend();
  expect(deadline.running).toBe(false);
  await clock.advance(200);
  deadline.set(100, 'second');
  deadline.clear();
  expect(clock.pending).toBe(0);
  await clock.advance(200);
  expect(missed).toEqual([]);
});

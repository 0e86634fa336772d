import { expect, test } from 'vitest';
import type { Timer } from '#kit/clock.ts';
import { VirtualClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { MediaPacer, type Paced } from './pacer.ts';

/** Notes every tick of a line. */
class Line implements Paced {
  readonly deadlines: number[] = [];
  readonly at: number[] = [];
  readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  tick(deadline: number): void {
    this.deadlines.push(deadline);
    this.at.push(this.clock.now());
  }
}

/** Notes when it listens, too; leaves after the 50th time. */
class Listener extends Line {
  readonly listened: number[] = [];
  readonly #leave: () => void;

  constructor(clock: VirtualClock, leave: () => void) {
    super(clock);
    this.#leave = leave;
  }

  listen(): void {
    this.listened.push(this.clock.now());
    if (this.listened.length === 50) this.#leave();
  }
}

/** A virtual clock whose timers fire late, as a busy machine's do. */
class LateClock extends VirtualClock {
  late = 0;

  override after(delayMs: number, run: () => void): Timer {
    return super.after(delayMs + this.late, run);
  }
}

test('an hour of frames has no clock error, however late the timers', async () => {
  const clock = new LateClock();
  const pacer = new MediaPacer(clock, silentLog);
  let frames = 0;
  let last = 0;
  pacer.add({
    tick: (deadline) => {
      if (frames > 0) expect(deadline - last).toBe(20);
      last = deadline;
      frames++;
      clock.late = frames % 7;
    },
  });
  await clock.advance(3_600_000);
  clock.late = 0;
  await clock.advance(30);
  expect(frames).toBe(180_001);
  expect(pacer.counters().skipped).toBe(0);
  pacer.stop();
  expect(clock.pending).toBe(0);
});

test('every line is ticked every 20 ms, in two half-batches 10 ms apart', async () => {
  const clock = new VirtualClock();
  const pacer = new MediaPacer(clock, silentLog);
  const lines = Array.from({ length: 5 }, () => new Line(clock));
  for (const line of lines) pacer.add(line);
  pacer.add(lines[0]);
  expect(pacer.size).toBe(5);
  await clock.advance(1000);
  const phases = lines.map((line) => {
    expect(line.at.length).toBe(50);
    expect(line.at[0]).toBeLessThanOrEqual(20);
    return line.at[0] % 20;
  });
  expect(phases.filter((phase) => phase === 10).length).toBeGreaterThanOrEqual(2);
  expect(phases.filter((phase) => phase === 0).length).toBeGreaterThanOrEqual(2);
  pacer.stop();
});

test('a line listens 10 ms after its tick, as often as it is ticked, and no more once it is removed', async () => {
  const clock = new VirtualClock();
  const pacer = new MediaPacer(clock, silentLog);
  const line: Listener = new Listener(clock, () => pacer.remove(line));
  pacer.add(line);
  pacer.add(new Line(clock));
  await clock.advance(1200);
  expect(line.listened.length).toBe(50);
  expect(Math.abs(line.at.length - 50)).toBeLessThanOrEqual(1);
  const sinceTick = line.listened.map((at) => at - (line.at.findLast((tick) => tick <= at) ?? at - 10));
  expect(new Set(sinceTick)).toEqual(new Set([10]));
  pacer.stop();
});

test('a stall of 300 ms bunches 100 ms and skips the rest, on the same deadlines', async () => {
  const clock = new LateClock();
  const pacer = new MediaPacer(clock, silentLog);
  const line = new Line(clock);
  pacer.add(line);
  await clock.advance(200);
  clock.late = 300;
  await clock.advance(10); // the timer armed in here is late by 300 ms
  clock.late = 0;
  const before = line.at.length;
  await clock.advance(320);
  const bunch = line.at.slice(before).filter((at) => at === line.at[before]);
  expect(bunch.length).toBeLessThanOrEqual(5);
  expect(bunch.length).toBeGreaterThanOrEqual(4);
  await clock.advance(200);
  const phase = line.deadlines[0] % 20;
  for (const deadline of line.deadlines) expect(deadline % 20).toBe(phase);
  const counters = pacer.counters();
  expect(line.deadlines.length + counters.skipped).toBe(Math.floor(clock.now() / 20));
  expect(counters.frames).toBe(line.deadlines.length);
  expect(counters.late.at(-1) ?? 0).toBe(0);
  expect(counters.late.reduce((sum, count) => sum + count, 0)).toBe(counters.frames);
  pacer.stop();
});

test('a line that throws is told and may end itself, whatever that throws', async () => {
  const clock = new VirtualClock();
  const pacer = new MediaPacer(clock, silentLog);
  const told: unknown[] = [];
  const line = {
    tick: () => {
      throw new Error('broken line');
    },
    failed: (thrown: unknown) => {
      told.push(thrown);
      pacer.remove(line);
      throw new Error('worse');
    },
  };
  pacer.add(line);
  await clock.advance(200);
  expect(told).toEqual([new Error('broken line')]);
  expect([pacer.size, clock.pending]).toEqual([0, 0]);
});

test('a line that throws hurts nobody and stays', async () => {
  const clock = new VirtualClock();
  let logged = 0;
  const pacer = new MediaPacer(clock, { ...silentLog, error: () => logged++ });
  let tries = 0;
  pacer.add({
    tick: () => {
      tries++;
      throw new Error('broken line');
    },
  });
  const good = new Line(clock);
  const alsoGood = new Line(clock);
  pacer.add(good);
  pacer.add(alsoGood);
  await clock.advance(1000);
  expect(good.at.length).toBe(50);
  expect(alsoGood.at.length).toBe(50);
  expect(tries).toBe(50);
  expect(pacer.counters().faults).toBe(50);
  expect(logged).toBe(1);
  pacer.stop();
});

test('lines come and go within ticks; without lines there is no timer', async () => {
  const clock = new VirtualClock();
  const pacer = new MediaPacer(clock, silentLog);
  expect(clock.pending).toBe(0);
  const late = new Line(clock);
  const lines: Paced[] = [];
  let ticks = 0;
  const leaving: Paced = {
    tick: () => {
      ticks++;
      for (const line of lines) pacer.remove(line);
      pacer.add(late);
    },
  };
  lines.push(leaving, new Line(clock), new Line(clock), new Line(clock));
  for (const line of lines) pacer.add(line);
  await clock.advance(100);
  expect(ticks).toBe(1);
  expect(pacer.size).toBe(1);
  expect(late.at.length).toBeGreaterThanOrEqual(3);
  pacer.remove(late);
  pacer.remove(late);
  expect(clock.pending).toBe(0);
  pacer.add(late);
  const before = late.at.length;
  await clock.advance(40);
  expect(late.at.length - before).toBe(2);
  pacer.stop();
  expect(clock.pending).toBe(0);
});

test('a wire that batches departs after lines have ticked and arrives before they listen, until it leaves', async () => {
  const clock = new VirtualClock();
  const pacer = new MediaPacer(clock, silentLog);
  const steps: string[] = [];
  const line = (name: string): Paced => ({ tick: () => steps.push(`${name} ticks`), listen: () => steps.push(`${name} listens`) });
  const wire = { depart: () => steps.push('depart'), arrive: () => steps.push('arrive') };
  pacer.join(wire);
  pacer.join(wire);
  await clock.advance(100);
  expect(steps).toEqual([]);
  pacer.add(line('a'));
  pacer.add(line('b'));
  await clock.advance(20);
  expect(steps).toEqual(['b ticks', 'depart', 'arrive', 'a listens', 'a ticks', 'depart', 'arrive', 'b listens']);
  pacer.leave(wire);
  pacer.leave(wire);
  steps.length = 0;
  await clock.advance(20);
  expect(steps).toEqual(['b ticks', 'a listens', 'a ticks', 'b listens']);
  pacer.stop();
});

test('a line is not ticked for deadlines of before it was added, however far behind the loop is', async () => {
  const clock = new VirtualClock();
  const pacer = new MediaPacer(clock, silentLog);
  const early = new Line(clock);
  pacer.add(early);
  await clock.advance(100);
  const late = new Line(clock);
  // Answered in the very turn in which the loop was held up for 70 ms.
  clock.stall(70);
  const addedAt = clock.now();
  pacer.add(late);
  await clock.advance(200);
  expect(early.deadlines.filter((deadline) => deadline > 100 && deadline <= addedAt).length).toBeGreaterThanOrEqual(3);
  expect(late.deadlines.length).toBeGreaterThan(5);
  expect(late.deadlines.filter((deadline) => deadline < addedAt)).toEqual([]);
  pacer.stop();
});

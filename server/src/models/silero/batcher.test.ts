import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { Batcher, MOST_WAITING } from './batcher.ts';
import { CONTEXT, MOST_ROWS, ROW } from './shape.ts';
import { FakeModel } from './testing.ts';

const windowOf = (value: number) => new Float32Array(ROW).fill(value, CONTEXT);

function bench() {
  const warnings: string[] = [];
  const kit = testKit();
  kit.log = { ...kit.log, warn: (_, message) => warnings.push(message) };
  const model = new FakeModel();
  return { kit, clock: kit.clock, model, warnings, batcher: new Batcher(model, kit) };
}

describe('when a run begins', () => {
  test('a lone window runs after 10 ms', async () => {
    const { clock, model, batcher } = bench();
    const stream = batcher.open();
    stream.push(windowOf(0.25), 0);
    await clock.advance(9);
    expect(model.runs).toHaveLength(0);
    await clock.advance(1);
    expect(model.runs).toEqual([[[0.25, 0]]]);
    expect([stream.probability, stream.results]).toEqual([0.25, 1]);
    expect(clock.pending).toBe(0);
  });

  test('sixteen calls run at once and together, though not within push', async () => {
    const { clock, model, batcher } = bench();
    const streams = Array.from({ length: 16 }, () => batcher.open());
    streams.forEach((stream, index) => stream.push(windowOf(index / 16), 0));
    expect(model.runs).toHaveLength(0);
    await clock.advance(0);
    expect(model.runs.map((run) => run.length)).toEqual([16]);
    expect(streams.map((stream) => stream.probability)).toEqual(streams.map((_, index) => index / 16));
    expect(clock.pending).toBe(0);
  });

  test('no more rows than the model takes, no second run before the first ends', async () => {
    const { clock, model, batcher } = bench();
    model.held = true;
    const streams = Array.from({ length: MOST_ROWS + 5 }, () => batcher.open());
    for (const stream of streams) stream.push(windowOf(0.5), 0);
    await clock.advance(100);
    expect(model.runs.map((run) => run.length)).toEqual([MOST_ROWS]);
    model.answer();
    await clock.advance(10);
    expect(model.runs.map((run) => run.length)).toEqual([MOST_ROWS, 5]);
    model.answer();
    await clock.settle();
    expect(batcher.counts).toEqual({ runs: 2, windows: MOST_ROWS + 5, dropped: 0, failures: 0, stale: 0 });
    expect(clock.pending).toBe(0);
  });

  test("a call's pre-roll runs in order, one window a run, each with the state before, without waiting again", async () => {
    const { clock, model, batcher } = bench();
    const stream = batcher.open();
    const ring = new Float32Array(CONTEXT + 4 * 256);
    for (let i = 0; i < 4; i++) {
      ring.fill((i + 1) / 8, CONTEXT + i * 256, CONTEXT + (i + 1) * 256);
    }
    for (let i = 0; i < 4; i++) stream.push(ring, i * 256);
    await clock.advance(10);
    expect(model.runs).toEqual([[[0.125, 0]], [[0.25, 1]], [[0.375, 2]], [[0.5, 3]]]);
    expect([stream.probability, stream.results]).toEqual([0.5, 4]);
  });
});

describe('bounds', () => {
  test('the oldest windows of a call that is behind are dropped and counted, and said once', async () => {
    const { clock, model, batcher, warnings } = bench();
    const stream = batcher.open();
    for (let i = 0; i < MOST_WAITING + 3; i++) stream.push(windowOf(i / 16), 0);
    await clock.advance(10);
    expect(batcher.counts.dropped).toBe(3);
    expect(model.runs.map((run) => run[0][0])).toEqual(Array.from({ length: MOST_WAITING }, (_, i) => (i + 3) / 16));
    expect(warnings).toEqual(['voice activity is behind: windows were dropped']);
  });

  test('a failing model is said once, is asked again with the next windows, and leaves the state as it was', async () => {
    const { clock, model, batcher, warnings } = bench();
    const stream = batcher.open();
    model.failing = true;
    for (let i = 0; i < 5; i++) {
      stream.push(windowOf(0.5), 0);
      await clock.advance(32);
    }
    expect([stream.results, batcher.counts.failures, warnings.length]).toEqual([0, 5, 1]);
    model.failing = false;
    stream.push(windowOf(0.5), 0);
    await clock.advance(32);
    expect([stream.results, stream.probability]).toEqual([1, 0.5]);
    expect(model.runs.at(-1)).toEqual([[0.5, 0]]);
  });

  test('a run that never ends is said, and costs no more than what waits', async () => {
    const { clock, model, batcher, warnings } = bench();
    model.held = true;
    const stream = batcher.open();
    for (let i = 0; i < 100; i++) {
      stream.push(windowOf(0.5), 0);
      await clock.advance(32);
    }
    expect(model.runs).toHaveLength(1);
    expect(batcher.counts.dropped).toBe(99 - MOST_WAITING);
    expect(warnings.length).toBeGreaterThan(0);
    expect(clock.pending).toBe(0);
  });
});

describe('epochs', () => {
  test.each(['restart', 'close'] as const)('after %s nothing of before arrives, neither from the queue nor from a run', async (end) => {
    const { clock, model, batcher } = bench();
    const [stream, other] = [batcher.open(), batcher.open()];
    model.held = true;
    stream.push(windowOf(0.75), 0);
    other.push(windowOf(0.25), 0);
    await clock.advance(10);
    stream.push(windowOf(0.75), 0);
    stream[end]();
    model.answer();
    await clock.advance(20);
    expect([stream.probability, stream.results, batcher.counts.stale]).toEqual([0, 0, 1]);
    expect([other.probability, model.runs.length, clock.pending]).toEqual([0.25, 1, 0]);
    stream.push(windowOf(0.5), 0);
    await clock.advance(10);
    model.answer();
    await clock.settle();
    // Begun anew: with a state of zero. Closed: never again.
    expect(model.runs.slice(1)).toEqual(end === 'restart' ? [[[0.5, 0]]] : []);
  });

  test('closing the last waiting call leaves no timer', () => {
    const { clock, batcher } = bench();
    const streams = [batcher.open(), batcher.open(), batcher.open()];
    for (const stream of streams) stream.push(windowOf(0.5), 0);
    expect(clock.pending).toBe(1);
    for (const index of [1, 0, 2]) streams[index].close();
    expect(clock.pending).toBe(0);
  });
});

test('whatever calls do, every window that is neither dropped nor forgotten runs once, in the order of its call', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ call: fc.nat(20), act: fc.constant('push' as const) }) },
    { weight: 1, arbitrary: fc.record({ call: fc.nat(20), act: fc.constantFrom('restart' as const, 'close' as const) }) },
    { weight: 3, arbitrary: fc.record({ call: fc.nat(15), act: fc.constantFrom('pass' as const, 'answer' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.boolean(), async (steps, held) => {
      const { clock, model, batcher } = bench();
      model.held = held;
      const streams = Array.from({ length: 21 }, () => batcher.open());
      const pushed = streams.map(() => 0);
      for (const { call, act } of steps) {
        if (act === 'push') streams[call].push(windowOf((call * 1024 + ++pushed[call]) / 32768), 0);
        else if (act === 'pass') await clock.advance(call);
        else if (act === 'answer') {
          model.answer();
          await clock.settle();
        } else streams[call][act]();
      }
      model.held = false;
      for (let i = 0; i < 5; i++) {
        model.answer();
        await clock.advance(50);
      }
      const seen = new Map<number, number>();
      for (const run of model.runs) {
        const calls = run.map(([sample]) => Math.floor((sample * 32768) / 1024));
        expect(new Set(calls).size).toBe(calls.length);
        for (const [sample] of run) {
          const [call, order] = [Math.floor((sample * 32768) / 1024), (sample * 32768) % 1024];
          expect(order).toBeGreaterThan(seen.get(call) ?? 0);
          seen.set(call, order);
        }
      }
      expect(clock.pending).toBe(0);
      expect(batcher.counts.windows).toBe(model.runs.flat().length);
    }),
    { numRuns: 100 },
  );
});

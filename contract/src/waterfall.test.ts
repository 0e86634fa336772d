import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TurnStages } from './call-events.ts';
import { waitOf, waterfallOf, waterfallStages } from './waterfall.ts';

const lengths = (stages: TurnStages) => waterfallOf(stages).map(({ stage, fromMs, toMs }) => [stage, toMs - fromMs]);

const plain: TurnStages = {
  speechEndAt: 1_000,
  heardAt: 1_040,
  endpointAt: 1_300,
  finalAt: 1_350,
  committedAt: 1_360,
  retrievalAt: 1_365,
  requestAt: 1_366,
  firstTokenAt: 1_600,
  firstClauseAt: 1_640,
  firstAudioAt: 1_800,
  firstPacketAt: 1_820,
};

test('each stage is what passed between its mark and the one before', () => {
  expect(lengths(plain)).toEqual([
    ['line', 40],
    ['endpoint', 260],
    ['transcript', 50],
    ['commit', 10],
    ['retrieval', 5],
    ['request', 1],
    ['first-token', 234],
    ['first-clause', 40],
    ['first-audio', 160],
    ['first-packet', 20],
  ]);
  expect(waitOf(plain)).toBe(820);
});

test('what was done in secret before the commit cost nothing', () => {
  const ahead = { ...plain, eagerAt: 1_100, retrievalAt: 1_101, requestAt: 1_102, firstTokenAt: 1_290, firstClauseAt: 1_400 };
  expect(lengths({ ...ahead, finalAt: 1_250, firstAudioAt: 1_500, firstPacketAt: 1_510 })).toEqual([
    ['line', 40],
    ['endpoint', 260],
    ['transcript', 0],
    ['commit', 60],
    ['retrieval', 0],
    ['request', 0],
    ['first-token', 0],
    ['first-clause', 40],
    ['first-audio', 100],
    ['first-packet', 10],
  ]);
});

test('a filler ends the wait, whatever comes after it', () => {
  const late = { ...plain, fillerAt: 1_620, firstPacketAt: 2_500 };
  expect(waitOf(late)).toBe(620);
  expect(lengths(late).slice(-2)).toEqual([
    ['first-token', 234],
    ['filler', 20],
  ]);
  expect(lengths({ ...plain, fillerAt: 2_000 }).at(-1)).toEqual(['first-packet', 20]);
});

test('an approved answer asks no model; a typed turn waits from its commit; silence has no wait', () => {
  const { requestAt: _r, firstTokenAt: _t, firstClauseAt: _c, ...approved } = plain;
  expect(lengths(approved).slice(-2)).toEqual([
    ['first-audio', 435],
    ['first-packet', 20],
  ]);
  expect(waitOf({ committedAt: 500, firstPacketAt: 900 })).toBe(400);
  const { firstPacketAt: _p, ...silent } = plain;
  expect(waitOf(silent)).toBeUndefined();
  expect(waterfallOf(silent).at(-1)).toEqual({ stage: 'first-audio', fromMs: 640, toMs: 800 });
  expect(waterfallOf({})).toEqual([]);
  expect(waterfallOf({ firstPacketAt: 1_100 })).toEqual([]);
});

test('whatever the marks, the parts follow each other and sum to the wait', () => {
  const mark = fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined });
  const marks = fc.record({
    speechEndAt: mark,
    heardAt: mark,
    eagerAt: mark,
    endpointAt: mark,
    finalAt: mark,
    committedAt: mark,
    retrievalAt: mark,
    requestAt: mark,
    firstTokenAt: mark,
    firstClauseAt: mark,
    firstAudioAt: mark,
    fillerAt: mark,
    firstPacketAt: mark,
  });
  fc.assert(
    fc.property(marks, (stages) => {
      const parts = waterfallOf(stages);
      let reached = 0;
      for (const { stage, fromMs, toMs } of parts) {
        expect(waterfallStages).toContain(stage);
        expect(fromMs).toBe(reached);
        expect(toMs).toBeGreaterThanOrEqual(fromMs);
        reached = toMs;
      }
      const wait = waitOf(stages);
      if (wait !== undefined) expect(reached).toBe(wait);
      expect(new Set(parts.map(({ stage }) => stage)).size).toBe(parts.length);
    }),
    { numRuns: 2_000 },
  );
});

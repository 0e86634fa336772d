import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { axisEndMs, waterfallRow } from './waterfall-segments.ts';

test('the stages follow each other and add up to the wait', () => {
  const row = waterfallRow({
    turn: 1,
    callerText: 'Are you open?',
    voiceToVoiceMs: 700,
    stages: {
      speechEndAt: 1000,
      finalAt: 1200,
      endpointAt: 1350,
      committedAt: 1360,
      retrievalAt: 1361,
      requestAt: 1361,
      firstTokenAt: 1460,
      firstClauseAt: 1500,
      firstAudioAt: 1690,
      firstPacketAt: 1700,
    },
  });
  expect(row.segments.map(({ stage, fromMs, toMs }) => [stage, fromMs, toMs])).toEqual([
    ['endpoint', 0, 350],
    ['words', 350, 360],
    ['retrieval', 360, 361],
    ['first-token', 361, 460],
    ['first-clause', 460, 500],
    ['first-sound', 500, 690],
    ['first-packet', 690, 700],
  ]);
  expect(row).toMatchObject({ kind: 'answer', totalMs: 700 });
});

test('work done ahead makes no stage; a greeting is an opening', () => {
  const cached = waterfallRow({
    turn: 2,
    callerText: 'And now?',
    voiceToVoiceMs: null,
    stages: { speechEndAt: 500, endpointAt: 900, committedAt: 900, retrievalAt: 700, firstPacketAt: 920 },
  });
  expect(cached.segments.map(({ stage }) => stage)).toEqual(['endpoint', 'first-packet']);
  expect(cached.totalMs).toBe(420);
  const greeting = waterfallRow({
    turn: 0,
    callerText: null,
    voiceToVoiceMs: null,
    stages: { requestAt: 40, firstAudioAt: 90, firstPacketAt: 100 },
  });
  expect(greeting).toMatchObject({ kind: 'opening', totalMs: 60 });
  const typed = waterfallRow({ turn: 1, callerText: 'Hello?', voiceToVoiceMs: null, stages: { committedAt: 10, firstPacketAt: 90 } });
  expect(typed).toMatchObject({ kind: 'typed', totalMs: 80 });
  expect(waterfallRow({ turn: 3, callerText: null, voiceToVoiceMs: null, stages: {} })).toEqual({
    turn: 3,
    kind: 'opening',
    segments: [],
    totalMs: undefined,
  });
});

test('whatever the marks, segments are contiguous, in order and never negative', () => {
  const mark = fc.option(fc.nat(10_000), { nil: undefined });
  const stages = fc.record({
    speechEndAt: mark,
    endpointAt: mark,
    finalAt: mark,
    committedAt: mark,
    retrievalAt: mark,
    firstTokenAt: mark,
    firstClauseAt: mark,
    firstAudioAt: mark,
    firstPacketAt: mark,
  });
  fc.assert(
    fc.property(stages, (marks) => {
      const { segments } = waterfallRow({ turn: 1, callerText: null, stages: marks, voiceToVoiceMs: null });
      let at = 0;
      for (const { fromMs, toMs } of segments) {
        expect(fromMs).toBe(at);
        expect(toMs).toBeGreaterThan(fromMs);
        at = toMs;
      }
    }),
  );
});

test('the axis ends at a friendly number past the longest wait', () => {
  const row = (totalMs: number) => waterfallRow({ turn: 1, callerText: null, voiceToVoiceMs: totalMs, stages: {} });
  expect(axisEndMs([])).toBe(1000);
  expect(axisEndMs([row(400), row(1_310)])).toBe(1500);
  expect(axisEndMs([row(9_400)])).toBe(10_000);
});

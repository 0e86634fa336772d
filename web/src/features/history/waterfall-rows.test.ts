import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axisEndMs, waterfallRow } from './waterfall-rows.ts';

const turn = { turn: 1, callerText: 'Are you open?', voiceToVoiceMs: null };

describe('a row of the waterfall', () => {
  test('its stages follow each other and add up to the wait', () => {
    const row = waterfallRow({
      ...turn,
      stages: {
        speechEndAt: 1000,
        endpointAt: 1350,
        finalAt: 1300,
        committedAt: 1360,
        retrievalAt: 1361,
        firstTokenAt: 1460,
        firstClauseAt: 1500,
        firstAudioAt: 1690,
        firstPacketAt: 1700,
      },
    });
    expect(row).toMatchObject({ kind: 'answer', totalMs: 700, ahead: undefined, bridged: undefined });
    expect(row.parts.map(({ stage, fromMs, toMs }) => [stage, fromMs, toMs])).toEqual([
      ['endpoint', 0, 350],
      ['commit', 350, 360],
      ['retrieval', 360, 361],
      ['first-token', 361, 460],
      ['first-clause', 460, 500],
      ['first-audio', 500, 690],
      ['first-packet', 690, 700],
    ]);
  });

  test('an answer begun ahead is a stretch of its own, before the turn was taken', () => {
    const stages = {
      speechEndAt: 0,
      eagerAt: 120,
      requestAt: 121,
      firstTokenAt: 260,
      firstClauseAt: 290,
      endpointAt: 400,
      committedAt: 400,
    };
    expect(waterfallRow({ ...turn, stages: { ...stages, firstAudioAt: 470, firstPacketAt: 480 } })).toMatchObject({
      ahead: { fromMs: 120, toMs: 400 },
      totalMs: 480,
    });
    expect(waterfallRow({ ...turn, stages: { ...stages, firstAudioAt: 350, firstPacketAt: 410 } }).ahead).toEqual({
      fromMs: 120,
      toMs: 350,
    });
  });

  test('a filler ends the wait; what it bridged is told apart', () => {
    const row = waterfallRow({
      ...turn,
      stages: { speechEndAt: 0, committedAt: 300, fillerAt: 900, firstTokenAt: 1500, firstPacketAt: 1800 },
    });
    expect(row).toMatchObject({ totalMs: 900, bridged: { fromMs: 900, toMs: 1800 } });
    expect(row.parts.at(-1)).toEqual({ stage: 'filler', fromMs: 300, toMs: 900 });
    expect(axisEndMs([row])).toBe(2000);
  });

  test('a greeting waited for nobody, typed words wait from their commit, and a silent turn has no wait', () => {
    const greeting = waterfallRow({
      turn: 0,
      callerText: null,
      voiceToVoiceMs: null,
      stages: { requestAt: 40, firstAudioAt: 90, firstPacketAt: 100 },
    });
    expect(greeting).toMatchObject({ kind: 'opening', totalMs: 60 });
    expect(waterfallRow({ ...turn, stages: { committedAt: 10, firstPacketAt: 90 } })).toMatchObject({ kind: 'typed', totalMs: 80 });
    expect(waterfallRow({ turn: 3, callerText: null, stages: {}, voiceToVoiceMs: null })).toEqual({
      turn: 3,
      kind: 'opening',
      parts: [],
      totalMs: undefined,
      ahead: undefined,
      bridged: undefined,
    });
  });

  test('whatever the marks, nothing is negative or past the axis', () => {
    const mark = fc.option(fc.nat(10_000), { nil: undefined });
    const names = [
      'speechEndAt',
      'eagerAt',
      'endpointAt',
      'finalAt',
      'committedAt',
      'requestAt',
      'firstTokenAt',
      'fillerAt',
      'firstPacketAt',
    ];
    const stages = fc.record(Object.fromEntries(names.map((name) => [name, mark])));
    fc.assert(
      fc.property(stages, (marks) => {
        const row = waterfallRow({ ...turn, stages: marks });
        const end = axisEndMs([row]);
        for (const { fromMs, toMs } of [...row.parts, row.ahead, row.bridged].filter((each) => each !== undefined)) {
          expect(fromMs).toBeGreaterThanOrEqual(0);
          expect(toMs).toBeGreaterThanOrEqual(fromMs);
          if (row.kind === 'answer' && row.totalMs !== undefined) expect(toMs).toBeLessThanOrEqual(Math.max(end, 10_000));
        }
      }),
    );
  });
});

test('the axis ends at a friendly number past the longest wait', () => {
  const row = (voiceToVoiceMs: number) => waterfallRow({ ...turn, voiceToVoiceMs, stages: {} });
  expect(axisEndMs([])).toBe(1000);
  expect(axisEndMs([row(400), row(1_310)])).toBe(1500);
  expect(axisEndMs([row(9_400)])).toBe(10_000);
});

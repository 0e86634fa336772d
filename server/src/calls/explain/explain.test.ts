import type { CallEvent, CallFact, LineSpan } from '@tandem/contract';
import { callExplanation } from '@tandem/contract';
import { describe, expect, test } from 'vitest';
import { explainCall } from './explain.ts';

const started: CallFact = {
  type: 'call-received',
  startedAt: '2026-03-02T09:00:00.000Z',
  direction: 'inbound',
  gateway: 'sip',
  from: '+15550111',
  to: '+15550100',
};
const quiet: LineSpan = {
  packetsReceived: 200,
  packetsLost: 0,
  packetsConcealed: 0,
  jitterMs: 2,
  framesSent: 0,
  framesLate: 0,
  stalledMs: 0,
};

const call = (...facts: (CallFact & { at: number })[]): CallEvent[] =>
  [{ ...started, at: 0 }, { type: 'call-answered', ringMs: 0, at: 0 } as const, ...facts].map(
    (fact, seq): CallEvent => ({ businessId: 'business_1', callId: 'call_1', seq, ...fact }),
  );

/** A turn that begins to be answered `stages.firstPacketAt` after the caller's last sound, on a quiet line. */
function turn(n: number, from: number, stages: Record<string, number>, more: { line?: LineSpan; answered?: LineSpan; rule?: string } = {}) {
  const at = (ms: number) => from + ms;
  const marks = Object.fromEntries(Object.entries({ speechEndAt: 0, ...stages }).map(([name, ms]) => [name, at(ms)]));
  const { committedAt = from } = marks;
  return [
    { type: 'transcript-final', turn: n, text: 'When are you open?', fromAt: from - 1_000, toAt: from, at: at(100) },
    {
      type: 'turn-committed',
      turn: n,
      text: 'When are you open?',
      source: 'speech',
      stages: marks,
      rule: more.rule ?? 'silence',
      line: more.line ?? quiet,
      at: committedAt,
    },
    { type: 'turn-completed', turn: n, heard: 'At nine.', interrupted: false, stages: marks, line: more.answered ?? quiet, at: at(9_000) },
  ] satisfies (CallFact & { at: number })[];
}

const good = {
  endpointAt: 600,
  finalAt: 100,
  committedAt: 600,
  retrievalAt: 604,
  requestAt: 604,
  firstTokenAt: 900,
  firstClauseAt: 950,
  firstAudioAt: 1_100,
  firstPacketAt: 1_110,
};

describe('a call in which nothing is wrong', () => {
  test('finds nothing, and says so', () => {
    expect(explainCall(call(...turn(1, 5_000, good), ...turn(2, 20_000, good)))).toMatchObject({
      callId: 'call_1',
      turns: 2,
      badTurns: 0,
      findings: [],
      summary: 'All 2 turns were in order.',
    });
  });

  test('no events, and a call that was never answered', () => {
    expect(explainCall([])).toMatchObject({ turns: 0, findings: [], summary: 'The call was never answered.' });
    expect(explainCall(call()).summary).toBe('The caller said nothing that could be answered.');
  });
});

describe('a slow turn', () => {
  const late = { ...good, firstTokenAt: 3_604, firstClauseAt: 3_650, firstAudioAt: 3_800, firstPacketAt: 3_810 };
  const explained = explainCall(call(...turn(1, 5_000, good), ...turn(2, 20_000, good), ...turn(3, 40_000, late)));

  test('names who was waited for, what is usual, and the stage of the waterfall', () => {
    const [finding] = explained.findings;
    expect(explained.findings).toHaveLength(1);
    expect(finding).toMatchObject({
      turn: 3,
      problem: 'slow',
      gapMs: 3_810,
      limitMs: 1_500,
      sentence: 'The caller waited 3.8 s for the first sound of the answer.',
    });
    expect(finding?.causes[0]).toMatchObject({
      code: 'model-late',
      stage: 'first-token',
      shareMs: 2_704,
      sentence: 'The language model needed 3.0 s for its first word; usually 0.3 s.',
    });
    expect(finding?.causes[0]?.confidence).toBeGreaterThan(0.9);
    expect(explained.summary).toBe('1 slow answer in 3 turns. The cause was the language model.');
  });

  test('has the shape that the API promises', () => {
    expect(callExplanation.parse(explained)).toEqual(explained);
  });

  test('a machine that stood still is not the fault of whoever it stopped', () => {
    const stalled = { ...quiet, stalledMs: 2_900, stalledAt: 43_550 };
    const { findings } = explainCall(
      call(...turn(1, 5_000, good), ...turn(2, 20_000, good), ...turn(3, 40_000, late, { answered: stalled })),
    );
    expect(findings.map(({ causes }) => causes[0]?.code)).toEqual(['machine-late']);
  });

  test('where everything is a little slow the longest is named, with little confidence', () => {
    const all = {
      endpointAt: 650,
      finalAt: 100,
      committedAt: 650,
      retrievalAt: 680,
      requestAt: 690,
      firstTokenAt: 1_260,
      firstClauseAt: 1_440,
      firstAudioAt: 1_690,
      firstPacketAt: 1_700,
    };
    const [finding] = explainCall(call(...turn(1, 5_000, all))).findings;
    expect(finding?.causes[0]).toMatchObject({ code: 'endpoint-waited', confidence: 0.3 });
  });

  test('a caller who hung up while they waited was waiting for whoever had not answered', () => {
    const { firstTokenAt: _1, firstClauseAt: _2, firstAudioAt: _3, firstPacketAt: _4, ...asked } = good;
    const { findings } = explainCall(call(...turn(1, 5_000, asked)));
    expect(findings[0]).toMatchObject({
      problem: 'slow',
      sentence: 'The caller waited 9.0 s and heard nothing.',
      causes: [{ code: 'model-late' }],
    });
  });

  test.each([
    ['pauses', 'caller-paused'],
    ['digits', 'endpoint-waited'],
    ['stuck-voice', 'voice-held'],
  ])('taken late by the rule %j: %s', (rule, code) => {
    const held = {
      endpointAt: 2_400,
      finalAt: 100,
      committedAt: 2_400,
      retrievalAt: 2_404,
      requestAt: 2_404,
      firstTokenAt: 2_700,
      firstClauseAt: 2_710,
      firstAudioAt: 2_800,
      firstPacketAt: 2_810,
    };
    const { findings } = explainCall(call(...turn(1, 5_000, held, { rule })));
    expect(findings[0]?.causes[0]).toMatchObject({ code, stage: 'endpoint' });
  });
});

describe('broken sound', () => {
  test.each([
    ['packet-loss', { ...quiet, packetsReceived: 190, packetsLost: 10, packetsConcealed: 10 }],
    ['jitter', { ...quiet, packetsConcealed: 14, jitterMs: 61 }],
  ])('%s on the way from the caller', (code, line) => {
    const { findings } = explainCall(call(...turn(1, 5_000, good, { line })));
    expect(findings).toMatchObject([{ turn: 1, problem: 'broken-sound', causes: [{ code }] }]);
  });

  test('a few packets are nobody’s business', () => {
    const line = { ...quiet, packetsReceived: 20, packetsLost: 3, packetsConcealed: 3 };
    expect(explainCall(call(...turn(1, 5_000, good, { line }))).findings).toEqual([]);
  });

  test('frames that left late', () => {
    const { findings } = explainCall(call(...turn(1, 5_000, good, { answered: { ...quiet, framesSent: 200, framesLate: 30 } })));
    expect(findings).toMatchObject([
      { problem: 'broken-sound', causes: [{ code: 'machine-late', evidence: { figures: { framesLate: 30 } } }] },
    ]);
  });
});

test('an apology names who failed last', () => {
  const failed = {
    type: 'provider-failed',
    turn: 1,
    stage: 'language-model',
    provider: 'one',
    category: 'auth',
    message: '401',
    at: 6_000,
  } as const;
  const apology = { type: 'reply-started', turn: 1, epoch: 3, kind: 'apology', at: 6_100 } as const;
  const { findings } = explainCall(call(...turn(1, 5_000, good).slice(0, 2), failed, apology));
  expect(findings.find(({ problem }) => problem === 'unanswered')?.causes[0]).toMatchObject({
    code: 'provider-failed',
    sentence: 'The language model one failed (401), and nobody was left to take over.',
  });
});

import type { CallEvent, CallFact, UsageLine } from '@tandem/contract';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallProjection, projectCalls } from './projection.ts';

/** A call in a script of `[at, fact]`; seq counts by itself. */
export function eventsOf(callId: string, script: readonly (readonly [number, CallFact])[]): CallEvent[] {
  return script.map(([at, fact], seq) => ({ businessId: 'business_1', callId, seq, at, ...fact }));
}

const played = (turn: number, text: string, fromAt: number, toAt: number): CallFact => ({
  type: 'speech-played',
  turn,
  text,
  fromAt,
  toAt,
  words: text.split(' ').map((word, i) => ({ text: word, fromMs: i * 100, toMs: i * 100 + 90 })),
});

const tokens = (unit: 'input-tokens' | 'output-tokens', quantity: number, costMicros: number): UsageLine => ({
  stage: 'language-model',
  provider: 'openai',
  model: 'gpt-4.1-mini',
  unit,
  quantity,
  costMicros,
});

const talk = eventsOf('call_1', [
  [
    0,
    {
      type: 'call-received',
      startedAt: '2026-01-05T09:00:00.000Z',
      direction: 'inbound',
      gateway: 'sip',
      from: '+15550111',
      to: '+15550100',
      assistantId: 'assistant_1',
      assistantName: 'Reception',
      providerCallId: 'abc@sip',
    },
  ],
  [1000, { type: 'call-answered', ringMs: 1000 }],
  [1010, { type: 'recording-started', channels: 2, rate: 8000 }],
  [1020, { type: 'reply-started', turn: 0, epoch: 1, kind: 'greeting' }],
  [1900, played(0, 'Hello there.', 1100, 1800)],
  [2500, played(0, 'How can I help?', 1800, 2500)],
  [2510, { type: 'turn-completed', turn: 0, heard: 'Hello there. How can I help?', interrupted: false, stages: { firstPacketAt: 1100 } }],
  [3900, { type: 'transcript-partial', turn: 1, text: 'when are' }],
  [
    4000,
    {
      type: 'transcript-final',
      turn: 1,
      text: 'when are',
      confidence: 0.8,
      fromAt: 3000,
      toAt: 3500,
      words: [{ text: 'when', fromMs: 0, toMs: 200 }],
    },
  ],
  [4800, { type: 'transcript-final', turn: 1, text: 'you open', fromAt: 4200, toAt: 4600, words: [{ text: 'you', fromMs: 0, toMs: 100 }] }],
  [
    4900,
    { type: 'turn-committed', turn: 1, text: 'when are you open', source: 'speech', stages: { speechEndAt: 4600, committedAt: 4900 } },
  ],
  [
    4950,
    {
      type: 'retrieval-done',
      turn: 1,
      query: 'q',
      passages: [{ id: 'p1', documentId: 'd1', title: 'Hours', score: 0.9 }],
      answerable: true,
      tookMs: 2,
    },
  ],
  [5000, { type: 'reply-started', turn: 1, epoch: 2, kind: 'answer' }],
  [6000, { type: 'reply-interrupted', turn: 1, cause: 'barge-in', heard: 'We are open' }],
  [6010, played(1, 'We are open', 5100, 6000)],
  [
    6020,
    {
      type: 'turn-completed',
      turn: 1,
      heard: 'We are open',
      interrupted: true,
      stages: { speechEndAt: 4600, firstPacketAt: 5100 },
      voiceToVoiceMs: 500,
    },
  ],
  [7000, { type: 'turn-committed', turn: 2, text: '1', source: 'digits', stages: { committedAt: 7000 } }],
  [7100, { type: 'reply-started', turn: 2, epoch: 3, kind: 'answer' }],
  [8000, played(2, 'Fine.', 7200, 7900)],
  [8010, { type: 'turn-completed', turn: 2, heard: 'Fine.', interrupted: false, stages: { firstPacketAt: 7200 }, voiceToVoiceMs: 200 }],
  [16_000, { type: 'reply-started', turn: 2, epoch: 4, kind: 'reprompt' }],
  [17_000, played(2, 'Still there?', 16_100, 16_900)],
  [16_950, { type: 'message-taken', messageId: 'message_1', name: 'Ann', number: '+15550111', text: 'Call me.', urgent: true }],
  [16_960, { type: 'callback-scheduled', callbackId: 'callback_1', name: 'Ann', number: '+15550111', when: 'tomorrow', reason: 'Price' }],
  [
    16_970,
    { type: 'usage-counted', turn: 2, lines: [tokens('input-tokens', 100, 40), tokens('output-tokens', 10, 16)], callCostMicros: 56 },
  ],
  [16_980, { type: 'usage-counted', turn: 2, lines: [tokens('input-tokens', 50, 20)], callCostMicros: 76 }],
  [17_010, { type: 'turn-completed', turn: 2, heard: 'Still there?', interrupted: false, stages: { firstPacketAt: 16_100 } }],
  [20_000, { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 19_000 }],
  [21_000, { type: 'call-summarised', summary: 'Asked for the hours.' }],
]);

const fold = (events: CallEvent[]) => projectCalls(new Map(), events).calls.get('call_1') as CallProjection;

describe('a call', () => {
  const whole = fold(talk);

  test('is one row', () => {
    expect(whole.call).toEqual({
      id: 'call_1',
      businessId: 'business_1',
      direction: 'inbound',
      gateway: 'sip',
      from: '+15550111',
      to: '+15550100',
      assistantId: 'assistant_1',
      assistantName: 'Reception',
      providerCallId: 'abc@sip',
      startedAt: new Date('2026-01-05T09:00:00.000Z'),
      answeredAt: new Date('2026-01-05T09:00:01.000Z'),
      endedAt: new Date('2026-01-05T09:00:20.000Z'),
      durationMs: 19_000,
      endedBy: 'caller',
      endedReason: 'hung-up',
      turns: 2,
      hasRecording: true,
      summary: 'Asked for the hours.',
      voiceToVoiceP50Ms: 350,
      costMicros: 76,
      usage: [tokens('input-tokens', 150, 60), tokens('output-tokens', 10, 16)],
    });
  });

  test('has lines in the order they were heard, timed from answer', () => {
    const lines = [...whole.lines.values()].map(({ turn, party, text, fromMs, toMs, interrupted }) => [
      turn,
      party,
      text,
      fromMs,
      toMs,
      interrupted,
    ]);
    expect(lines).toEqual([
      [0, 'assistant', 'Hello there. How can I help?', 100, 1500, false],
      [1, 'caller', 'when are you open', 2000, 3600, false],
      [1, 'assistant', 'We are open', 4100, 5000, true],
      [2, 'caller', '1', 6000, 6000, false],
      [2, 'assistant', 'Fine.', 6200, 6900, false],
      [2, 'assistant', 'Still there?', 15_100, 15_900, false],
    ]);
  });

  test('words count from the start of their line', () => {
    const [greeting, question] = [...whole.lines.values()];
    expect(greeting?.words.map((word) => word.fromMs)).toEqual([0, 100, 700, 800, 900, 1000]);
    expect(question?.words).toEqual([
      { text: 'when', fromMs: 0, toMs: 200 },
      { text: 'you', fromMs: 1200, toMs: 1300 },
    ]);
  });

  test('has a row per turn; a re-prompt does not hide the answer before it', () => {
    expect(whole.turns.get(1)).toEqual({
      turn: 1,
      callerText: 'when are you open',
      assistantText: 'We are open',
      interrupted: true,
      stages: { speechEndAt: 4600, committedAt: 4900, firstPacketAt: 5100 },
      voiceToVoiceMs: 500,
      passages: [{ id: 'p1', documentId: 'd1', title: 'Hours', score: 0.9 }],
      usage: [],
      waterfall: { commit: 300, 'first-packet': 200, total: 500 },
    });
    expect(whole.turns.get(2)).toMatchObject({ voiceToVoiceMs: 200, stages: { firstPacketAt: 7200 }, assistantText: 'Fine. Still there?' });
    expect(whole.turns.get(0)).toMatchObject({ callerText: null, assistantText: 'Hello there. How can I help?' });
  });

  test('adds up what each turn used; the cost is the latest word on it', () => {
    const usage = [tokens('input-tokens', 150, 60), tokens('output-tokens', 10, 16)];
    expect(whole.turns.get(2)?.usage).toEqual(usage);
    expect(whole.call).toMatchObject({ usage, costMicros: 76 });
    expect(whole.turns.get(2)?.waterfall).toBeNull();
  });

  test('keeps what the caller left, with the time of day', () => {
    const person = { name: 'Ann', number: '+15550111' };
    expect([...whole.messages.values()]).toEqual([
      { ...person, id: 'message_1', text: 'Call me.', urgent: true, takenAt: new Date('2026-01-05T09:00:16.950Z') },
    ]);
    expect([...whole.callbacks.values()]).toEqual([
      { ...person, id: 'callback_1', when: 'tomorrow', reason: 'Price', scheduledAt: new Date('2026-01-05T09:00:16.960Z') },
    ]);
  });

  test('a resumed reply was not interrupted', () => {
    const resumed = fold(
      eventsOf('call_1', [
        [0, played(1, 'One', 0, 10)],
        [1, { type: 'reply-interrupted', turn: 1, cause: 'noise', heard: 'One' }],
        [2, { type: 'reply-resumed', turn: 1 }],
        [3, { type: 'turn-completed', turn: 1, heard: 'One', interrupted: false, stages: {} }],
      ]),
    );
    expect(resumed.turns.get(1)?.interrupted).toBe(false);
    expect([...resumed.lines.values()].map((line) => line.interrupted)).toEqual([false]);
  });
});

test('however the events are cut into batches, and however often they come, the result is the same', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(talk.length), { maxLength: 6 }), fc.nat(5), (cuts, overlap) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), talk.length];
      let known: ReadonlyMap<string, CallProjection> = new Map();
      const table = new Map<string, unknown>();
      for (let i = 1; i < edges.length; i++) {
        const batch = talk.slice(Math.max(0, edges[i - 1] - overlap), edges[i]);
        const { calls, rows } = projectCalls(known, batch);
        known = new Map([...known, ...calls]);
        for (const line of rows.lines) table.set(`line ${line.seq}`, line);
        for (const turn of rows.turns) table.set(`turn ${turn.turn}`, turn);
        for (const call of rows.calls) table.set('call', call);
        for (const row of [...rows.messages, ...rows.callbacks]) table.set(row.id, row);
      }
      const { rows } = projectCalls(new Map(), talk);
      expect(known.get('call_1')).toEqual(fold(talk));
      expect(table.get('call')).toEqual(rows.calls[0]);
      for (const line of rows.lines) expect(table.get(`line ${line.seq}`)).toEqual(line);
      for (const turn of rows.turns) expect(table.get(`turn ${turn.turn}`)).toEqual(turn);
      for (const row of [...rows.messages, ...rows.callbacks]) expect(table.get(row.id)).toEqual(row);
    }),
  );
});

test('events that change nothing cost no row', () => {
  const first = projectCalls(new Map(), talk.slice(0, 8));
  const { rows } = projectCalls(first.calls, [
    { businessId: 'business_1', callId: 'call_1', seq: 99, at: 1, type: 'transcript-partial', turn: 1, text: 'x' },
  ]);
  expect(rows).toEqual({ calls: [], turns: [], lines: [], messages: [], callbacks: [] });
});

describe("a caller's turn that is committed and goes on", () => {
  const final = (text: string, fromAt: number, toAt: number): CallFact => ({
    type: 'transcript-final',
    turn: 1,
    text,
    fromAt,
    toAt,
    words: [{ text, fromMs: 0, toMs: toAt - fromAt }],
  });
  const commit = (text: string): CallFact => ({ type: 'turn-committed', turn: 1, text, source: 'speech', stages: {} });
  const callerLines = (script: (readonly [number, CallFact])[]) => {
    const { lines, call, turns } = fold(eventsOf('call_1', script));
    return { lines: [...lines.values()].filter(({ party }) => party === 'caller'), turns: call.turns, text: turns.get(1)?.callerText };
  };

  test('before the answer is heard: one line, one turn, all of the words', () => {
    const { lines, turns, text } = callerLines([
      [1000, final('I want', 400, 900)],
      [1200, commit('I want')],
      [1210, { type: 'reply-started', turn: 1, epoch: 2, kind: 'answer' }],
      [2000, final('to cancel', 1300, 1900)],
      [2200, commit('I want to cancel')],
    ]);
    expect(lines).toMatchObject([{ seq: 0, text: 'I want to cancel', fromMs: 400, toMs: 1900 }]);
    expect(lines[0].words.map(({ fromMs }) => fromMs)).toEqual([0, 900]);
    expect([turns, text]).toEqual([1, 'I want to cancel']);
  });

  test('with words that were only partial then: the late final takes their place', () => {
    const { lines, turns } = callerLines([
      [1000, final('Hello.', 400, 900)],
      [1200, commit('Hello. I want to')],
      [1210, { type: 'reply-started', turn: 1, epoch: 2, kind: 'answer' }],
      [1500, final('I want two.', 950, 1150)],
    ]);
    expect(lines).toMatchObject([{ text: 'Hello. I want two.', fromMs: 400, toMs: 1150 }]);
    expect(turns).toBe(1);
  });
});

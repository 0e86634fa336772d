import { describe, expect, test } from 'vitest';
import { madeCall } from '../report/testing.ts';
import type { SimulatedCall } from '../outcome.ts';
import type { ScenarioInput } from '../scenario.ts';
import { checkCall } from './check.ts';

type Expected = NonNullable<ScenarioInput['expect']>[number];
type Happenings = Parameters<typeof madeCall>[1];

const tool = (id: string, name: string, given: unknown, outcome: 'ok' | 'failed' = 'ok'): Happenings => [
  { fact: { type: 'tool-called', turn: 1, toolCallId: id, name, arguments: given } },
  { pauseMs: 200 },
  { fact: { type: 'tool-returned', turn: 1, toolCallId: id, name, outcome, tookMs: 200, result: {} } },
];

const happenings: Happenings = [
  { assistant: 'Hello, Harbour Dental. How can I help?', turn: 0 },
  { caller: 'What does a check up cost?', turn: 1 },
  {
    fact: {
      type: 'retrieval-done',
      turn: 1,
      query: 'What does a check up cost?',
      passages: [
        { id: 'd1#0', documentId: 'd1', title: 'Prices of treatments', score: 0.9 },
        { id: 'd2#0', documentId: 'd2', title: 'Insurance and payment', score: 0.4 },
      ],
      answerable: true,
      verdict: 'answer',
      tookMs: 1,
    },
  },
  ...tool('t1', 'look_up', { day: 'Friday', people: 2, note: { quiet: true } }),
  ...tool('t2', 'book', { day: 'Friday' }, 'failed'),
  { assistant: 'A check-up costs forty five pounds for adults.', turn: 1 },
  { assistant: 'For children it is free.', turn: 1, waitMs: 0 },
  {
    fact: {
      type: 'turn-completed',
      turn: 1,
      heard: '',
      interrupted: false,
      stages: {},
      sentences: [{ text: 'A check-up costs forty five pounds for adults.', passages: ['d1#0'] }],
    },
  },
  { caller: 'Do you sell bicycles?', turn: 2 },
  {
    fact: {
      type: 'retrieval-done',
      turn: 2,
      query: 'Do you sell bicycles?',
      passages: [],
      answerable: false,
      verdict: 'unknown',
      tookMs: 1,
    },
  },
  { fact: { type: 'message-taken', messageId: 'm', name: 'Ann', number: '+15550199', text: 'About bicycles', urgent: false } },
  { assistant: 'I do not know that. Shall I take a message?', turn: 2, waitMs: 900 },
];

function check(expected: Expected, change: Partial<SimulatedCall> = {}) {
  const [found] = checkCall(madeCall({ name: 'a call', expect: [expected] }, happenings, change)).checks;
  return found;
}

describe('what was expected', () => {
  test.each<[Expected]>([
    [{ says: '45 pounds' }],
    [{ says: 'for adults for children' }],
    [{ says: { matches: 'costs .+ pounds' }, turn: 1 }],
    [{ neverSays: 'bicycles' }],
    [{ inOrder: ['how can I help', 'check-up', 'for children', 'take a message'] }],
    [{ calls: 'look_up', with: { day: 'friday', note: { quiet: true } }, times: 1, outcome: 'ok' }],
    [{ calls: 'look_up', with: { day: { matches: '^fri' } } }],
    [{ calls: 'nothing', times: 0 }],
    [{ neverCalls: 'cancel' }],
    [{ toolOrder: ['look_up', 'book'] }],
    [{ ends: { by: 'caller', reason: 'hung-up' } }],
    [{ ends: {} }],
    [{ turns: { min: 2, max: 2 } }],
    [{ voiceToVoiceMs: { p50: 400, p95: 900, max: 900 } }],
    [{ interruptions: { max: 0 } }],
    [{ cutOffs: { max: 0 } }],
    [{ deadAirMs: { max: 900 } }],
    [{ grounded: { document: 'prices of treatments' } }],
    [{ fact: 'message', with: { name: 'ann', text: { matches: 'bicycles$' } } }],
    [{ fact: 'gap', with: { question: 'do you sell bicycles' } }],
    [{ recording: { minMs: 5_000, channels: 2 } }],
    [{ event: 'tool-returned', with: { outcome: 'failed' }, times: 1 }],
    [{ event: 'transfer-started', times: 0 }],
  ])('%j is met', (expected) => {
    expect(check(expected)).toEqual({ expectation: expected, title: expect.any(String) as string, passed: true });
  });

  test.each<[Expected, string]>([
    [{ says: 'forty six pounds' }, 'nearest, at 0:05.7: "A check-up costs forty five pounds for adults."'],
    [{ says: 'zebra' }, 'nothing like it; last said'],
    [{ says: '45 pounds', turn: 2 }, 'said in turn 1 instead, at 0:05.7'],
    [{ neverSays: 'free' }, 'said at 0:08.9: "For children it is free."'],
    [{ inOrder: ['take a message', 'check-up'] }, '"check-up" was said, but not after "take a message"'],
    [{ inOrder: ['check-up', 'zebra'] }, '"zebra" was not said after "check-up"'],
    [{ inOrder: ['check-up', 'check-up'] }, '"check-up" was said, but not after'],
    [{ calls: 'book', with: { day: 'Monday' } }, 'called: book(day "Friday") at 0:05.1, failed'],
    [{ calls: 'book', outcome: 'ok' }, 'failed'],
    [{ calls: 'book', times: 2 }, 'once like that'],
    [{ calls: 'cancel' }, 'other tools were called: look_up('],
    [{ neverCalls: 'book' }, 'called: book('],
    [{ toolOrder: ['book', 'look_up'] }, 'called in this order: look_up, book'],
    [{ ends: { by: 'assistant' } }, 'the caller hung up (caller, hung-up)'],
    [{ turns: { max: 1 } }, '2 turns'],
    [{ voiceToVoiceMs: { p50: 100, p95: 800 } }, 'p50 400 ms, p95 900 ms, over 3 turns; the slowest was answer 3'],
    [{ deadAirMs: { max: 500 } }, '900 ms of silence'],
    [{ grounded: { document: 'Insurance and payment' } }, 'answers rest on: "Prices of treatments"'],
    [{ fact: 'callback' }, 'no callback was made'],
    [{ fact: 'message', with: { name: 'Bob' } }, 'there was: name "Ann"'],
    [{ recording: { minMs: 600_000 } }, 'ms were recorded'],
    [{ event: 'transfer-started' }, 'there was no transfer-started'],
    [{ event: 'tool-called', times: 3 }, 'it happened twice'],
  ])('%j is not met: %s', (expected, found) => {
    expect(check(expected)).toMatchObject({ passed: false, found: expect.stringContaining(found) as string });
  });

  test('measures of the ear are compared with what the scenario allows', () => {
    const measures = { voiceToVoiceMs: [], cutOffs: 2, falseInterruptions: 1, longestDeadAirMs: 0 };
    expect(check({ cutOffs: { max: 1 } }, { measures })).toMatchObject({ passed: false, found: '2' });
    expect(check({ interruptions: { max: 0 } }, { measures })).toMatchObject({ passed: false, found: '1' });
    expect(check({ voiceToVoiceMs: { max: 1 } }, { measures })).toMatchObject({ passed: false, found: 'no turn was answered' });
  });

  test('what has no sound is not measured at level text, and says so', () => {
    for (const expected of [{ deadAirMs: { max: 0 } }, { recording: { minMs: 1e9 } }, { voiceToVoiceMs: { max: 0 } }]) {
      expect(check(expected, { level: 'text' })).toMatchObject({ passed: true, skipped: expect.stringContaining('no sound') as string });
    }
  });

  test('from outside, without the events of the call, only waits are known', () => {
    const outside = { level: 'sip', events: [] } as const;
    expect(check({ says: 'zebra' }, outside)).toMatchObject({ passed: true, skipped: expect.stringContaining('API key') as string });
    expect(check({ deadAirMs: { max: 100 } }, outside)).toMatchObject({ passed: false });
  });

  test('what cannot be checked has failed and says why', () => {
    const expectation = { says: { matches: '(' } };
    const { scenario, ...call } = madeCall({ name: 'a call' }, happenings);
    const [found] = checkCall({ ...call, scenario: { ...scenario, expect: [expectation] } }).checks;
    expect(found).toMatchObject({ passed: false, found: expect.stringContaining('Invalid regular expression') as string });
  });

  test('a call that broke off has not passed, whatever was checked', () => {
    expect(checkCall(madeCall({ name: 'a call' }, happenings)).passed).toBe(true);
    expect(checkCall(madeCall({ name: 'a call' }, happenings, { fault: 'step 2' })).passed).toBe(false);
    expect(checkCall(madeCall({ name: 'a call', expect: [{ says: 'zebra' }] }, happenings)).passed).toBe(false);
  });
});

import type { CallEvent, CallFact, TurnProblems } from '@tandem/contract';
import { beforeEach, expect, test } from 'vitest';
import { type TestKit, testKit } from '#kit/testing.ts';
import { CallProblems, turnProblemsOf } from './call-problems.ts';

const stages = { speechEndAt: 2_000, endpointAt: 2_600, finalAt: 2_150, committedAt: 2_600, retrievalAt: 2_604, requestAt: 2_604 };
const late = { ...stages, firstTokenAt: 2_900, firstClauseAt: 2_910, firstAudioAt: 5_100, firstPacketAt: 5_120 };
const received: CallFact = {
  type: 'call-received',
  startedAt: '2026-01-05T09:00:00.000Z',
  direction: 'inbound',
  gateway: 'sip',
  from: 'a',
  to: 'b',
};
const slowTurn = (turn: number): CallFact[] => [
  { type: 'turn-committed', turn, text: 'When do you open?', source: 'speech', stages, rule: 'silence' },
  { type: 'turn-completed', turn, heard: 'At nine.', interrupted: false, stages: late, voiceToVoiceMs: 3_120 },
];
const ended: CallFact = { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 9_000 };
const eventsOf = (callId: string, facts: readonly CallFact[]): CallEvent[] =>
  facts.map((fact, seq) => ({ ...fact, businessId: 'business_1', callId, seq, at: seq * 1_000 }));

let kit: TestKit;
let stored: Map<string, CallEvent[]>;
let written: Map<string, TurnProblems>;
let looks: number;
let away: boolean;
let problems: CallProblems;
beforeEach(() => {
  kit = testKit();
  stored = new Map();
  written = new Map();
  looks = 0;
  away = false;
  problems = new CallProblems({
    kit,
    store: {
      unread: async (_, limit) => {
        looks++;
        if (away) throw new Error('connection refused');
        return [...stored.keys()].filter((id) => !written.has(id)).slice(0, limit);
      },
      events: async (callId) => stored.get(callId) ?? [],
      write: async (found) => {
        for (const [id, counts] of found) written.set(id, counts);
      },
    },
  });
});

function ends(callId: string, facts: readonly CallFact[]): void {
  const events = eventsOf(callId, [received, ...facts, ended]);
  stored.set(callId, events);
  problems.push(events);
}

test('turns are counted by what was bad about them', () => {
  expect(turnProblemsOf(eventsOf('c', [received, ...slowTurn(1), ...slowTurn(2), ended]))).toEqual({ slow: 2 });
  expect(turnProblemsOf(eventsOf('c', [received, ended]))).toEqual({});
  expect(turnProblemsOf([])).toEqual({});
});

test('a call is looked at once, some seconds after its end; calls that go on are not looked for', async () => {
  problems.push(eventsOf('live', [received, ...slowTurn(1)]));
  await kit.clock.advance(10_000);
  expect(looks).toBe(0);
  ends('call_1', [...slowTurn(1), ...slowTurn(2)]);
  ends('call_2', []);
  await kit.clock.advance(4_000);
  expect(Object.fromEntries(written)).toEqual({ call_1: { slow: 2 }, call_2: {} });
  expect(looks).toBe(1);
  await problems.close();
  expect(kit.clock.pending).toBe(0);
});

test('more than one batch, and what a crash left undone, are looked at from the start', async () => {
  for (let n = 0; n < 45; n++) stored.set(`call_${n}`, eventsOf(`call_${n}`, [received, ...slowTurn(1), ended]));
  problems.start();
  await kit.clock.advance(8_000);
  expect(written.size).toBe(45);
  await problems.close();
});

test('a database that is away, and a call whose end is written late, are tried again', async () => {
  away = true;
  ends('call_1', slowTurn(1));
  await kit.clock.advance(4_000);
  expect(written.size).toBe(0);
  away = false;
  await kit.clock.advance(61_000);
  expect(written.get('call_1')).toEqual({ slow: 1 });
  // Its end was told before the database had it.
  problems.push(eventsOf('call_2', [received, ended]));
  await kit.clock.advance(4_000);
  stored.set('call_2', eventsOf('call_2', [received, ended]));
  await kit.clock.advance(61_000);
  expect(written.get('call_2')).toEqual({});
  await problems.close();
  expect(kit.clock.pending).toBe(0);
});

test('a call that cannot be explained is not looked at again and again', async () => {
  ends('call_1', [{ type: 'turn-committed', turn: 1 } as unknown as CallFact]);
  stored.set('call_1', [null as unknown as CallEvent]);
  await kit.clock.advance(4_000);
  expect(written.get('call_1')).toEqual({});
  await problems.close();
});

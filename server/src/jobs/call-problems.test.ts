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
let unreadable: Set<string>;
let asked: string[];
let mostExcepted: number;
let problems: CallProblems;
beforeEach(() => {
  kit = testKit();
  stored = new Map();
  written = new Map();
  looks = 0;
  away = false;
  unreadable = new Set();
  asked = [];
  mostExcepted = 0;
  problems = new CallProblems({
    kit,
    store: {
      unread: async (_, limit, except = []) => {
        looks++;
        mostExcepted = Math.max(mostExcepted, except.length);
        if (away) throw new Error('connection refused');
        return [...stored.keys()].filter((id) => !written.has(id) && !except.includes(id)).slice(0, limit);
      },
      events: async (callId) => {
        asked.push(callId);
        if (unreadable.has(callId)) throw new Error('invalid page in block 7');
        return stored.get(callId) ?? [];
      },
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

test('calls whose events cannot be read keep no other waiting, and are given up after some tries', async () => {
  for (let n = 0; n < 25; n++) {
    unreadable.add(`broken_${n}`);
    stored.set(`broken_${n}`, []);
  }
  for (let n = 0; n < 30; n++) stored.set(`call_${n}`, eventsOf(`call_${n}`, [received, ...slowTurn(1), ended]));
  problems.start();
  await kit.clock.advance(10_000);
  expect([...written.keys()].filter((id) => id.startsWith('call_'))).toHaveLength(30);
  expect(written.size).toBe(30);
  expect(asked.filter((id) => id === 'broken_0')).toHaveLength(1);
  // One is mended meanwhile.
  unreadable.delete('broken_1');
  stored.set('broken_1', eventsOf('broken_1', [received, ...slowTurn(1), ended]));
  await kit.clock.advance(3 * 3_600_000);
  expect(written.get('broken_0')).toEqual({});
  expect(written.get('broken_1')).toEqual({ slow: 1 });
  expect(asked.filter((id) => id === 'broken_0')).toHaveLength(4);
  await problems.close();
  expect(kit.clock.pending).toBe(0);
});

test('when very many calls cannot be read, a look ends after one batch, and no more of them are remembered', async () => {
  for (let n = 0; n < 1_000; n++) {
    unreadable.add(`broken_${n}`);
    stored.set(`broken_${n}`, []);
  }
  problems.start();
  await kit.clock.advance(30_000);
  expect(looks).toBe(5);
  expect(asked).toHaveLength(100);
  await kit.clock.advance(90_000);
  expect(looks).toBeLessThan(10);
  await kit.clock.advance(10 * 60_000);
  expect(mostExcepted).toBeLessThanOrEqual(100);
  await problems.close();
});

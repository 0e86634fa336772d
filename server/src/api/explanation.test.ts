import type { Call, CallExplanation, CallFact, CallTurn } from '@tandem/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemStoreOf, turnProblemsOf } from '#jobs/call-problems.ts';
import { type ApiServer, eventsOf, startApi } from '../../test/api-server.ts';

const stages = { speechEndAt: 2_000, endpointAt: 2_600, finalAt: 2_150, committedAt: 2_600, retrievalAt: 2_604, requestAt: 2_604 };
const answered = { ...stages, firstTokenAt: 2_900, firstClauseAt: 2_910, firstAudioAt: 5_100, firstPacketAt: 5_120 };
const talk: (readonly [number, CallFact])[] = [
  [
    0,
    {
      type: 'call-received',
      startedAt: '2026-01-05T09:00:00.000Z',
      direction: 'inbound',
      gateway: 'sip',
      from: '+15550111',
      to: '+15550100',
    },
  ],
  [10, { type: 'call-answered', ringMs: 10 }],
  [2_600, { type: 'turn-committed', turn: 1, text: 'When do you open?', source: 'speech', stages, rule: 'silence' }],
  [7_000, { type: 'turn-completed', turn: 1, heard: 'At nine.', interrupted: false, stages: answered, voiceToVoiceMs: 3_120 }],
];

let api: ApiServer;
beforeAll(async () => {
  api = await startApi();
  await api.write(eventsOf(api.alpha.id, 'call_slow', talk));
  await api.write(eventsOf(api.alpha.id, 'call_new', talk.slice(0, 1)));
  await api.write(eventsOf(api.beta.id, 'call_beta', talk));
}, 60_000);
afterAll(() => api.close());

test('a call says which turns were bad, and why, in one query', async () => {
  await api.ask('GET', '/api/v1/calls');
  const before = api.queries();
  const { status, body } = await api.ask<CallExplanation>('GET', '/api/v1/calls/call_slow/explanation');
  expect(api.queries() - before).toBe(1);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    callId: 'call_slow',
    turns: 1,
    badTurns: 1,
    limits: { firstSoundMs: 1_500 },
    findings: [{ turn: 1, problem: 'slow', gapMs: 3_120, causes: [{ code: 'synthesizer-late', stage: 'first-audio' }] }],
  });
});

test('a call of which little is known yet has no findings', async () => {
  const { body } = await api.ask<CallExplanation>('GET', '/api/v1/calls/call_new/explanation');
  expect(body).toMatchObject({ callId: 'call_new', turns: 0, findings: [] });
});

test('turns bring their findings when they are asked to', async () => {
  const plain = await api.ask<{ items: CallTurn[] }>('GET', '/api/v1/calls/call_slow/turns');
  expect(plain.body.items[0]).not.toHaveProperty('findings');
  const { body } = await api.ask<{ items: CallTurn[] }>('GET', '/api/v1/calls/call_slow/turns?causes=true');
  expect(body.items).toMatchObject([{ turn: 1, findings: [{ problem: 'slow', causes: [{ code: 'synthesizer-late' }] }] }]);
});

test("another business's call is not explained", async () => {
  for (const id of ['call_beta', 'call_none']) expect((await api.ask('GET', `/api/v1/calls/${id}/explanation`)).status).toBe(404);
});

test('the list says how many turns were slow, in its one query, and can be narrowed to such calls', async () => {
  const ended: readonly [number, CallFact] = [9_000, { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 9_000 }];
  const summed: readonly [number, CallFact] = [9_001, { type: 'call-summarised', summary: 'They asked for the hours.' }];
  await api.write(eventsOf(api.alpha.id, 'call_slow', [...talk, ended]));
  await api.write(eventsOf(api.alpha.id, 'call_fine', [talk[0], talk[1], ended]));
  const store = problemStoreOf(api.database);
  const unread = await store.unread(new Date(0), 10);
  expect(unread.toSorted()).toEqual(['call_fine', 'call_slow']);
  expect(await store.unread(new Date('2030-01-01'), 10)).toEqual([]);
  expect(await store.unread(new Date(0), 10, unread)).toEqual([]);
  const found = await Promise.all(unread.map(async (id) => [id, turnProblemsOf(await store.events(id, 1_000))] as const));
  await store.write(new Map(found));
  expect(await store.unread(new Date(0), 10)).toEqual([]);
  // Whatever is written of the call later leaves it as it is.
  await api.write(eventsOf(api.alpha.id, 'call_slow', [...talk, ended, summed]));
  const before = api.queries();
  const { body } = await api.ask<{ items: Call[] }>('GET', '/api/v1/calls');
  expect(api.queries() - before).toBe(1);
  expect(Object.fromEntries(body.items.map(({ id, turnProblems }) => [id, turnProblems]))).toEqual({
    call_slow: { slow: 1 },
    call_fine: {},
    call_new: null,
  });
  const slow = await api.ask<{ items: Call[] }>('GET', '/api/v1/calls?slow=true');
  expect(slow.body.items).toMatchObject([{ id: 'call_slow', summary: 'They asked for the hours.' }]);
  expect((await api.ask<{ items: Call[] }>('GET', '/api/v1/calls?slow=false')).body.items).toHaveLength(3);
});

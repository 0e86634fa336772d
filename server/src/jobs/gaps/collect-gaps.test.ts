import type { CallEvent, CallFact } from '@tandem/contract';
import { beforeEach, expect, test } from 'vitest';
import { type TestKit, testKit } from '#kit/testing.ts';
import { sameQuestion } from '#knowledge/gap-likeness.ts';
import type { GapFinding, KnownGap } from '#store/gaps.ts';
import { clearestOf } from './clusters.ts';
import { GapCollector } from './collect-gaps.ts';

let kit: TestKit;
let known: Map<string, KnownGap[]>;
let recorded: { businessId: string; findings: readonly GapFinding[] }[];
let away: boolean;
let collector: GapCollector;
beforeEach(() => {
  kit = testKit();
  known = new Map();
  recorded = [];
  away = false;
  collector = new GapCollector({
    kit,
    sameQuestion,
    store: {
      readKnownGaps: async (businessId) => (away ? Promise.reject(new Error('connection refused')) : (known.get(businessId) ?? [])),
      recordGaps: async (businessId, findings) => {
        recorded.push({ businessId, findings });
        const before = (known.get(businessId) ?? []).filter(({ id }) => !findings.some(({ gapId }) => gapId === id));
        known.set(businessId, [...findings.map(({ gapId, question }) => ({ id: gapId, question, state: 'open' as const })), ...before]);
      },
    },
  });
});

const STARTED = '2026-01-05T08:00:00.000Z';
function events(callId: string, facts: readonly CallFact[], businessId = 'business_1'): CallEvent[] {
  return facts.map((fact, seq) => ({ ...fact, businessId, callId, seq, at: seq * 1_000 }));
}
const received: CallFact = { type: 'call-received', startedAt: STARTED, direction: 'inbound', gateway: 'sip', from: 'a', to: 'b' };
const asked = (
  turn: number,
  text: string,
  verdict: 'answer' | 'clarify' | 'unknown' | undefined,
  source: 'speech' | 'digits' = 'speech',
): CallFact[] => [
  { type: 'turn-committed', turn, text, source, stages: {} },
  ...(verdict
    ? [{ type: 'retrieval-done' as const, turn, query: text, passages: [], answerable: verdict === 'answer', verdict, tookMs: 1 }]
    : []),
];
const completed = (turn: number): CallFact => ({ type: 'turn-completed', turn, heard: '', interrupted: false, stages: {} });
const whole = (callId: string, text: string, verdict: 'answer' | 'clarify' | 'unknown' = 'unknown', businessId = 'business_1') =>
  collector.push(events(callId, [received, ...asked(1, text, verdict), completed(1)], businessId));
const found = () => recorded.flatMap(({ findings }) => findings);

test('questions without a good answer are written together, soon, with call, turn and time', async () => {
  whole('call_1', 'Do you repair violins?');
  whole('call_2', 'How far do you deliver?', 'clarify');
  whole('call_3', 'When do you open?', 'answer');
  expect(recorded).toEqual([]);
  await kit.clock.advance(5_000);
  expect(recorded).toHaveLength(1);
  expect(found().map(({ question }) => question)).toEqual(['Do you repair violins?', 'How far do you deliver?']);
  expect(found()[0]).toMatchObject({
    gapId: expect.stringMatching(/^gap_/),
    terms: expect.arrayContaining(['violin']),
    examples: [{ callId: 'call_1', turn: 1, verdict: 'unknown', at: new Date('2026-01-05T08:00:03.000Z') }],
  });
  expect(kit.clock.pending).toBe(0);
});

test('the same question in other words joins its cluster, in a batch and later, each business its own', async () => {
  whole('call_1', 'Do you repair violins?');
  whole('call_2', 'can you repair a violin');
  whole('call_3', 'Do you repair violins?', 'unknown', 'business_2');
  await kit.clock.advance(5_000);
  expect(recorded.map(({ businessId, findings }) => [businessId, findings.length])).toEqual([
    ['business_1', 1],
    ['business_2', 1],
  ]);
  expect(found()[0].examples).toHaveLength(2);
  whole('call_4', 'could you repair violins');
  await kit.clock.advance(5_000);
  expect(found().at(-1)?.gapId).toBe(found()[0].gapId);
});

test('the last look-up of a turn counts, before its words or after', async () => {
  const late: CallFact = { type: 'retrieval-done', turn: 1, query: 'x', passages: [], answerable: true, verdict: 'answer', tookMs: 1 };
  const early: CallFact = { ...late, answerable: false, verdict: 'unknown' };
  collector.push(events('call_1', [received, early, ...asked(1, 'Do you repair violins?', undefined), late, completed(1)]));
  collector.push(events('call_2', [received, early, ...asked(1, 'Do you tune pianos?', undefined), completed(1)]));
  await collector.close();
  expect(found().map(({ question }) => question)).toEqual(['Do you tune pianos?']);
});

test('a claim that was withheld is a gap, though something was found', async () => {
  const withheld: CallFact = { type: 'claim-withheld', turn: 1, text: 'It costs 9 euros.', claims: ['9 euros'] };
  collector.push(events('call_1', [received, ...asked(1, 'What does tuning a piano cost?', 'answer'), withheld, completed(1)]));
  await collector.close();
  expect(found()[0].examples[0]).toMatchObject({ verdict: 'unknown', text: 'What does tuning a piano cost?' });
});

test('no gap: small talk, keys, a turn without words; a call that ends in mid-turn still counts', async () => {
  for (const [index, text] of ['hello there', 'yes please', 'um', '', '12 34', 'Thank you very much'].entries())
    whole(`call_a${index}`, text);
  collector.push(events('call_b', [received, ...asked(1, 'four two seven please enter', 'unknown', 'digits'), completed(1)]));
  const ended: CallFact = { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 1 };
  collector.push(events('call_c', [received, ...asked(1, 'Do you repair violins?', 'unknown'), ended]));
  await collector.close();
  expect(found().map(({ question }) => question)).toEqual(['Do you repair violins?']);
});

test('long numbers are not shown to whoever reads the list', async () => {
  whole('call_1', 'Why was my card 4111 1111 1111 1111 declined on order 12345?');
  await collector.close();
  expect(found()[0].question).toBe('Why was my card … declined on order 12345?');
});

test('while the database is away they wait, bounded', async () => {
  away = true;
  const things = ['violins', 'pianos', 'trumpets', 'drums', 'harps'];
  for (let n = 0; n < 2_500; n++) whole(`call_${n}`, `Do you repair ${things[n % things.length]}?`);
  expect(collector.waiting).toBe(2_000);
  await kit.clock.advance(30_000);
  expect(recorded).toEqual([]);
  expect(collector.waiting).toBe(2_000);
  away = false;
  await kit.clock.advance(10_000);
  await kit.clock.advance(1_000);
  expect(found().flatMap(({ examples }) => examples)).toHaveLength(2_000);
  expect(collector.waiting).toBe(0);
  expect(kit.clock.pending).toBe(0);
});

test('closing writes what waits and leaves no timer', async () => {
  whole('call_1', 'Do you repair violins?');
  await collector.close();
  expect(found()).toHaveLength(1);
  whole('call_2', 'Do you tune pianos?');
  expect(kit.clock.pending).toBe(0);
});

test('the clearest of several is the one nearest to all', () => {
  const questions = ['uh violins maybe repair or what was it again today', 'Do you repair violins?', 'repair violins'];
  expect(clearestOf(questions, sameQuestion)).toBe('repair violins');
});

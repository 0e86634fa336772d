/** What filling the database from the journal costs: many calls in few statements, and none waits long. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallEvent, CallFact } from '@tandem/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JOURNAL_START } from '#calls/journal.ts';
import { CallWriter } from '#jobs/call-writer.ts';
import { testKit } from '#kit/testing.ts';
import { listCalls, readTranscript, readTurns } from '#store/calls.ts';
import type { Database } from '#store/database.ts';
import { listMessages } from '#store/messages.ts';
import { openTestPglite } from './database.ts';

const CALLS = 50;
const EVENTS = 20;
const business = 'business_1';
const line = { stage: 'language-model', provider: 'p', model: 'm', unit: 'output-tokens', quantity: 3, costMicros: 5 } as const;

/** {@link EVENTS} of a call: its words, turns, usage and a message among them. */
function callOf(n: number): CallEvent[] {
  const turn = (turn: number): CallFact[] => [
    { type: 'speech-started', party: 'caller' },
    { type: 'transcript-final', turn, text: 'Why?', fromAt: turn * 1_000, toAt: turn * 1_000 + 400 },
    { type: 'turn-committed', turn, text: 'Why?', source: 'speech', stages: {} },
    { type: 'speech-played', turn, text: 'So.', fromAt: turn * 1_000 + 600, toAt: turn * 1_000 + 900, words: [] },
    { type: 'usage-counted', turn, lines: [line], callCostMicros: 5 * turn },
  ];
  const facts: CallFact[] = [
    { type: 'call-received', startedAt: '2026-03-02T09:00:00.000Z', direction: 'inbound', gateway: 'sip', from: '+1', to: '+2' },
    { type: 'call-answered', ringMs: 100 },
    ...[1, 2, 3].flatMap(turn),
    { type: 'message-taken', messageId: `message_${n}`, name: 'Ann', number: '+1', text: 'x', urgent: false },
    { type: 'callback-scheduled', callbackId: `callback_${n}`, name: 'Ann', number: '+1', when: 'soon', reason: 'x' },
    { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 5_000 },
  ];
  return facts.map((fact, seq) => ({ businessId: business, callId: `call_${n}`, seq, at: seq * 100, ...fact }));
}

let folder: string;
let database: Database;
let statements: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-batches-'));
  database = await openTestPglite(({ text }) => statements.push(text));
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

test('1,000 events of 50 calls, as they happen: one batch of one statement, 250 ms after the first of them', async () => {
  const kit = testKit();
  const batches: { events: number; at: number }[] = [];
  let written = Promise.withResolvers<void>();
  const onBatch = ({ events }: { events: number }) => {
    batches.push({ events, at: kit.clock.now() });
    written.resolve();
  };
  const writer = new CallWriter({ database, kit, journal: { folder, name: 'test' }, onBatch });
  writer.start(JOURNAL_START);
  await writer.flush();
  let offset = 0;
  const push = (events: readonly CallEvent[]) => writer.push(events, { segment: 1, offset: (offset += events.length) });

  // All calls side by side, an event of each in turn: nothing that belongs together comes together.
  const all = Array.from({ length: CALLS }, (_, n) => callOf(n));
  const inTurn = Array.from({ length: EVENTS }, (_, seq) => all.flatMap((events) => events[seq] ?? []));
  expect(inTurn.flat()).toHaveLength(1_000);
  const began = kit.clock.now();
  statements = [];
  for (const events of inTurn) {
    push(events);
    await kit.clock.advance(12);
  }
  expect(statements).toEqual([]);
  await kit.clock.advance(10);
  await written.promise;
  expect(batches).toEqual([{ events: 1_000, at: began + 250 }]);
  expect(writer.lagMs).toBe(0);
  // The six tables, and how far the journal has been read.
  expect(statements).toHaveLength(1);
  expect([...statements[0].matchAll(/insert into (\w+)/g)].map(([, table]) => table)).toEqual([
    'call_events',
    'calls',
    'call_turns',
    'transcript_lines',
    'messages',
    'callbacks',
    'journal_cursor',
  ]);

  // A single event waits no longer, and costs only what it changes.
  statements = [];
  written = Promise.withResolvers();
  const again = kit.clock.now();
  push(callOf(99).slice(0, 1));
  await kit.clock.advance(250);
  await written.promise;
  expect(batches[1]).toEqual({ events: 1, at: again + 250 });
  expect(statements).toHaveLength(1);
  expect([...statements[0].matchAll(/insert into (\w+)/g)]).toHaveLength(3); // events, calls, cursor
  await writer.stop();

  expect((await listCalls(database, business, { limit: 200 })).items).toHaveLength(CALLS + 1);
  expect((await listMessages(database, business, { limit: 200 })).items).toHaveLength(CALLS);
  expect(await readTurns(database, business, 'call_7')).toHaveLength(3);
  expect(await readTranscript(database, business, 'call_7')).toHaveLength(6);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallEvent, CallFact } from '@tandem/contract';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeDeadCalls } from '#calls/journal-repair.ts';
import { type FileJournal, openJournal } from '#calls/journal-file.ts';
import { readCallEvents, readCursor } from '#store/call-events.ts';
import { deleteCall, listCalls, readCall, readTranscript, readTurns } from '#store/calls.ts';
import type { Database } from '#store/database.ts';
import { databaseKit, describeOnEachDatabase, emptyDatabase, openTestPostgres } from '../../test/database.ts';
import { hasPostgres, startPostgres } from '../../test/postgres-server.ts';
import { CallWriter, type CallWriterOptions } from './call-writer.ts';

const kit = databaseKit();
let folder: string;
const open: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'call-writer-'));
});

afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A journal whose durable events go to a writer, as the office gets them from the call thread. */
async function openBoth(database: Database, options: Partial<CallWriterOptions> & { segmentBytes?: number } = {}) {
  let writer: CallWriter | undefined;
  const { journal, openCalls } = await openJournal(folder, kit, (events, position) => writer?.push(events, position), options);
  writer = new CallWriter({ database, kit, journal: { folder, name: journal.name }, ...options });
  writer.start(journal.end);
  open.push({ stop: () => journal.close() }, writer);
  return { journal, writer, openCalls };
}

const received = (to = '+15550100'): CallFact => ({
  type: 'call-received',
  startedAt: new Date(Date.UTC(2026, 0, 5)).toISOString(),
  direction: 'inbound',
  gateway: 'sip',
  from: '+15550111',
  to,
});

function append(journal: FileJournal, callId: string, facts: readonly CallFact[], fromSeq = 0): CallEvent[] {
  const events = facts.map(
    (fact, i): CallEvent => ({ businessId: 'business_1', callId, seq: fromSeq + i, at: (fromSeq + i) * 100, ...fact }),
  );
  for (const event of events) journal.append(event);
  return events;
}

const shortCall: CallFact[] = [
  received(),
  { type: 'call-answered', ringMs: 100 },
  { type: 'transcript-final', turn: 1, text: 'when are you open', fromAt: 200, toAt: 250, confidence: 0.9 },
  { type: 'turn-committed', turn: 1, text: 'when are you open', source: 'speech', stages: { speechEndAt: 250 } },
  { type: 'speech-played', turn: 1, text: 'At nine.', fromAt: 400, toAt: 500, words: [{ text: 'At', fromMs: 0, toMs: 50 }] },
  { type: 'turn-completed', turn: 1, heard: 'At nine.', interrupted: false, stages: { firstPacketAt: 400 }, voiceToVoiceMs: 150 },
  { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 500 },
];

async function settle(journal: FileJournal, writer: CallWriter): Promise<void> {
  await journal.flush();
  await writer.flush();
}

describeOnEachDatabase('the call writer', ({ database, queries }) => {
  beforeEach(() => emptyDatabase(database()));

  test('what was appended can be read: the call, its events, its words, its turns', async () => {
    const { journal, writer } = await openBoth(database());
    const events = append(journal, 'call_1', shortCall);
    await settle(journal, writer);
    expect(await readCall(database(), 'business_1', 'call_1')).toMatchObject({
      answeredAt: '2026-01-05T00:00:00.100Z',
      ending: { by: 'caller', reason: 'hung-up' },
      turns: 1,
      voiceToVoiceP50Ms: 150,
    });
    expect(await readCallEvents(database(), 'business_1', 'call_1')).toEqual(events);
    expect(await readCallEvents(database(), 'business_1', 'call_1', { afterSeq: 4, limit: 1 })).toEqual([events[5]]);
    expect(await readTranscript(database(), 'business_1', 'call_1')).toMatchObject([
      { party: 'caller', text: 'when are you open', fromMs: 100, toMs: 150, confidence: 0.9 },
      { party: 'assistant', text: 'At nine.', fromMs: 300, toMs: 400, words: [{ text: 'At', fromMs: 0, toMs: 50 }] },
    ]);
    expect(await readTurns(database(), 'business_1', 'call_1')).toMatchObject([
      { turn: 1, assistantText: 'At nine.', stages: { speechEndAt: 250, firstPacketAt: 400 } },
    ]);
    await expect(readCallEvents(database(), 'business_2', 'call_1')).rejects.toMatchObject({ code: 'not-found' });
    await deleteCall(database(), 'business_1', 'call_1');
    await expect(readTranscript(database(), 'business_1', 'call_1')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('lists filter, page and stay within one query', async () => {
    const { journal, writer } = await openBoth(database());
    append(journal, 'call_1', shortCall);
    append(journal, 'call_2', [received('demo_1')]);
    append(journal, 'call_3', [received('demoX1')]);
    await settle(journal, writer);
    const ids = async (query: object) => (await listCalls(database(), 'business_1', { limit: 10, ...query })).items.map((call) => call.id);
    const before = queries();
    expect(await ids({})).toEqual(['call_3', 'call_2', 'call_1']);
    expect(queries() - before).toBe(1);
    expect(await ids({ state: 'live' })).toEqual(['call_3', 'call_2']);
    expect(await ids({ state: 'ended' })).toEqual(['call_1']);
    expect(await ids({ reason: 'hung-up', gateway: 'sip' })).toEqual(['call_1']);
    expect(await ids({ search: '0111' })).toHaveLength(3);
    expect(await ids({ search: 'demo_1' })).toEqual(['call_2']); // the underscore is no wildcard
    const first = await listCalls(database(), 'business_1', { limit: 2 });
    expect(await ids({ cursor: first.nextCursor })).toEqual(['call_1']);
    expect((await listCalls(database(), 'business_2', { limit: 10 })).items).toEqual([]);
  });

  test('another process goes on where the last one stopped, in the middle of a call', async () => {
    const first = await openBoth(database());
    append(first.journal, 'call_1', shortCall.slice(0, 4));
    await settle(first.journal, first.writer);
    await first.writer.stop();
    const late = append(first.journal, 'call_1', shortCall.slice(4), 4); // on disk, not in the database
    await first.journal.close();
    const second = await openBoth(database());
    await second.writer.flush();
    expect((await readCallEvents(database(), 'business_1', 'call_1')).slice(4)).toEqual(late);
    expect(await readTranscript(database(), 'business_1', 'call_1')).toHaveLength(2);
    expect(await readCall(database(), 'business_1', 'call_1')).toMatchObject({ turns: 1, ending: { by: 'caller' } });
  });

  test('a call that a crash cut off is ended in the database too', async () => {
    const first = await openBoth(database());
    append(first.journal, 'call_1', shortCall.slice(0, 3));
    await settle(first.journal, first.writer);
    await first.writer.stop();
    await first.journal.close();
    const second = await openBoth(database());
    closeDeadCalls(second.journal, second.openCalls);
    await settle(second.journal, second.writer);
    expect(await readCall(database(), 'business_1', 'call_1')).toMatchObject({
      ending: { by: 'system', reason: 'process-died' },
      durationMs: 100,
    });
  });

  test('the cursor lost: everything is read again, and nothing is doubled', async () => {
    const { journal, writer } = await openBoth(database());
    append(journal, 'call_1', shortCall);
    await settle(journal, writer);
    await writer.stop();
    await journal.close();
    await database().drizzle.execute(sql`truncate journal_cursor`);
    const again = await openBoth(database());
    await again.writer.flush();
    expect(await readCallEvents(database(), 'business_1', 'call_1')).toHaveLength(shortCall.length);
    expect(await readCall(database(), 'business_1', 'call_1')).toMatchObject({ turns: 1 });
    expect(await readCursor(database(), again.journal.name)).toEqual(again.journal.end);
  });

  test('events the database cannot hold are left out or mended, the others are written', async () => {
    const { journal, writer } = await openBoth(database());
    const text = 'a\0b \ud800 \\u0000 ü 🙂';
    append(journal, 'call_1', [received(), { type: 'transcript-partial', turn: 1, text }]);
    append(journal, 'call_2', [received()], 3e9); // seq beyond the column
    append(journal, 'call_3', shortCall);
    await settle(journal, writer);
    expect((await readCallEvents(database(), 'business_1', 'call_1'))[1]).toMatchObject({ text: 'a\ufffdb \ufffd \\u0000 ü 🙂' });
    expect(writer.rejected).toBe(1);
    await expect(readCall(database(), 'business_1', 'call_2')).rejects.toMatchObject({ code: 'not-found' });
    expect(await readTurns(database(), 'business_1', 'call_3')).toHaveLength(1);
  });

  test('a segment that is done is announced', async () => {
    const done: number[] = [];
    const { journal, writer } = await openBoth(database(), { segmentBytes: 500, onSegmentDone: (position) => done.push(position.segment) });
    for (let i = 0; i < 5; i++) {
      append(journal, `call_${i}`, shortCall);
      await settle(journal, writer);
    }
    expect(done.at(-1)).toBe(journal.end.segment);
    expect(await journal.removeBefore(writer.cursor)).toBeGreaterThan(0);
    append(journal, 'call_9', shortCall);
    await settle(journal, writer);
    expect(await readCallEvents(database(), 'business_1', 'call_9')).toHaveLength(shortCall.length);
  });

  test('too much at once is read back from the files, in order', { timeout: 60_000 }, async () => {
    const batches: number[] = [];
    const { journal, writer } = await openBoth(database(), { onBatch: ({ events }) => batches.push(events) });
    await writer.flush();
    const calls = 50;
    const partial = (text: string): CallFact => ({ type: 'transcript-partial', turn: 1, text });
    for (let seq = 0; seq < 600; seq++) {
      for (let call = 0; call < calls; call++) append(journal, `call_${call}`, [seq === 0 ? received() : partial(`word ${seq}`)], seq);
    }
    await settle(journal, writer);
    const { rows } = await database().drizzle.execute(sql`select count(*)::int as count, max(seq) as last from call_events`);
    expect(rows).toEqual([{ count: calls * 600, last: 599 }]);
    expect(Math.max(...batches)).toBeLessThanOrEqual(5_000);
    expect(writer.lagMs).toBe(0);
  });
});

describe.skipIf(!hasPostgres())('a PostgreSQL that goes away', () => {
  test('calls go on, and everything is there once it is back', { timeout: 60_000 }, async () => {
    const server = await startPostgres();
    open.push(server);
    if (!server.kill || !server.restart) return;
    const database = await openTestPostgres(server, 'outage');
    open.push({ stop: () => database.close() });
    const { journal, writer } = await openBoth(database);
    append(journal, 'call_1', shortCall.slice(0, 3));
    await settle(journal, writer);
    await server.kill();
    expect(await database.ready()).toBe(false);
    append(journal, 'call_1', shortCall.slice(3), 3);
    append(journal, 'call_2', shortCall);
    await journal.flush(); // the journal does not wait for the database
    await kit.clock.sleep(300);
    expect(writer.degraded).toBe(true);
    expect(writer.lagMs).toBeGreaterThan(100);
    await server.restart();
    await writer.flush();
    expect(writer.degraded).toBe(false);
    expect(await readCallEvents(database, 'business_1', 'call_1')).toHaveLength(shortCall.length);
    expect(await readCall(database, 'business_1', 'call_2')).toMatchObject({ ending: { by: 'caller' } });
  });
});

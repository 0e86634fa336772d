import { callback, type CallFact, message, toolDefinition, toolInput } from '@tandem/contract';
import { sql } from 'drizzle-orm';
import { beforeEach, expect, test } from 'vitest';
import { testKit, type TestKit } from '#kit/testing.ts';
import { describeOnEachDatabase, emptyDatabase, testBox } from '../../test/database.ts';
import { createBusiness, deleteBusiness } from './businesses.ts';
import { writeBatch } from './call-events.ts';
import { deleteCall, readCall, readTurns } from './calls.ts';
import { listCallbacks, listMessages, markCallback, markMessage, readMessage } from './messages.ts';
import { projectCalls } from './projection.ts';
import { reportLatency, reportUsage } from './reports.ts';
import { readSnapshots, readSpentToday } from './snapshot.ts';
import { createTool, deleteTool, listTools, readTool, updateTool } from './tools.ts';

const DAY = '2026-03-02T';
const turn = (n: number, speechEndAt: number, waits: [decide: number, think: number, speak: number]): CallFact => ({
  type: 'turn-completed',
  turn: n,
  heard: 'x',
  interrupted: false,
  stages: {
    speechEndAt,
    endpointAt: speechEndAt + waits[0],
    firstTokenAt: speechEndAt + waits[0] + waits[1],
    firstPacketAt: speechEndAt + waits[0] + waits[1] + waits[2],
  },
});
const used = (n: number, provider: string, quantity: number, costMicros: number, callCostMicros: number): CallFact => ({
  type: 'usage-counted',
  turn: n,
  lines: [{ stage: 'language-model', provider, model: 'm', unit: 'output-tokens', quantity, costMicros }],
  callCostMicros,
});

describeOnEachDatabase('tools, messages and reports', ({ database, queries }) => {
  let kit: TestKit;
  let here: string;

  beforeEach(async () => {
    kit = testKit();
    await emptyDatabase(database());
    here = (await createBusiness(database(), kit, { name: 'Here', language: 'en', timeZone: 'America/New_York' })).id;
  });

  async function write(callId: string, startedAt: string, assistantId: string, facts: CallFact[], businessId = here): Promise<void> {
    const received: CallFact = {
      type: 'call-received',
      startedAt,
      direction: 'inbound',
      gateway: 'sip',
      from: 'a',
      to: 'b',
      assistantId,
      assistantName: assistantId.toUpperCase(),
    };
    const events = [received, ...facts].map((fact, seq) => ({ businessId, callId, seq, at: seq * 10, ...fact }));
    const { rows } = projectCalls(new Map(), events);
    const position = { segment: 1, offset: 0 };
    await database().transaction((inside) => writeBatch(inside, { events, rows, journal: 'test', position, now: new Date() }));
  }

  test('a tool keeps its secrets sealed; they are told to calls and to nobody else', async () => {
    const box = testBox(kit);
    const input = toolInput.parse({
      kind: 'http',
      name: 'look_up_order',
      description: 'Finds an order.',
      url: 'https://api.example.com/orders/{{number}}',
      headers: { authorization: 'Bearer {{secret:KEY}}' },
      secrets: { KEY: 'sk-live-4711', OTHER: 'hush-hush' },
    });
    const made = await createTool(database(), kit, box, here, input);
    expect(toolDefinition.parse(made)).toEqual(made);
    expect(made).toMatchObject({ kind: 'http', secretNames: ['KEY', 'OTHER'], sideEffect: true, enabled: true, assistantIds: [] });
    const rename = { name: 'find_order', secrets: { OTHER: null, NEW: 'sk-new' } };
    const at = { businessId: here, id: made.id };
    const changed = await updateTool(database(), kit, box, at, rename, (tool) => expect(tool.name).toBe('find_order'));
    expect(changed).toMatchObject({ name: 'find_order', description: 'Finds an order.', secretNames: ['KEY', 'NEW'] });
    const { rows } = await database().drizzle.execute(sql`select * from tools`);
    for (const seen of [made, changed, await readTool(database(), here, made.id), await listTools(database(), here, { limit: 5 }), rows]) {
      expect(JSON.stringify(seen)).not.toMatch(/4711|hush|sk-new/);
    }
    const [snapshot] = await readSnapshots(database(), [here], { box, documents: false });
    expect(snapshot.tools).toEqual([{ ...input, ...at, name: 'find_order', secrets: { KEY: 'sk-live-4711', NEW: 'sk-new' } }]);
    await expect(createTool(database(), kit, box, here, { ...input, name: 'find_order' })).rejects.toMatchObject({ code: 'conflict' });
    for (const [change, path] of [
      [{ name: 'Bad Name' }, 'name'],
      [{ allow: ['x'] }, 'allow'],
      [{ timeoutMs: 1 }, 'timeoutMs'],
    ] as const) {
      const edit = updateTool(database(), kit, box, at, change, () => {});
      await expect(edit).rejects.toMatchObject({ code: 'invalid-input', detail: { path } });
    }
    await expect(updateTool(database(), kit, box, { ...at, businessId: 'other' }, {}, () => {})).rejects.toMatchObject({
      code: 'not-found',
    });
    await deleteTool(database(), here, made.id);
    await expect(readTool(database(), here, made.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('messages and callbacks come from the journal, once; done is a word of people that a second reading does not undo', async () => {
    const facts: CallFact[] = [
      { type: 'message-taken', messageId: 'message_1', name: 'Ann', number: '+15550111', text: 'Call me.\0', urgent: true },
      { type: 'message-taken', messageId: 'message_2', name: '', number: '', text: 'Later.', urgent: false },
      { type: 'callback-scheduled', callbackId: 'callback_1', name: 'Ann', number: '+1', when: 'tomorrow', reason: 'Price' },
    ];
    await write('call_1', `${DAY}12:00:00.000Z`, 'a', facts);
    const { items } = await listMessages(database(), here, { limit: 5 });
    expect(items.map((item) => message.parse(item).id)).toEqual(['message_2', 'message_1']);
    expect(items[1]).toMatchObject({ callId: 'call_1', text: 'Call me.\ufffd', takenAt: `${DAY}12:00:00.010Z`, doneAt: null });
    const done = await markMessage(database(), kit, here, 'message_1', true);
    expect(done.doneAt).not.toBeNull();
    await write('call_1', `${DAY}12:00:00.000Z`, 'a', facts);
    expect(await readMessage(database(), here, 'message_1')).toEqual(done);
    const ids = async (state: 'open' | 'done') => (await listMessages(database(), here, { limit: 5, state })).items.map(({ id }) => id);
    expect([await ids('open'), await ids('done')]).toEqual([['message_2'], ['message_1']]);
    const [wanted] = (await listCallbacks(database(), here, { limit: 5, state: 'open' })).items;
    expect(callback.parse(wanted)).toMatchObject({ id: 'callback_1', when: 'tomorrow', scheduledAt: `${DAY}12:00:00.030Z` });
    expect((await markCallback(database(), kit, here, 'callback_1', true)).doneAt).not.toBeNull();
    expect((await markCallback(database(), kit, here, 'callback_1', false)).doneAt).toBeNull();
    await expect(markMessage(database(), kit, 'other', 'message_2', true)).rejects.toMatchObject({ code: 'not-found' });
    await deleteCall(database(), here, 'call_1');
    expect((await listMessages(database(), here, { limit: 5 })).items).toEqual([]);
    await write('call_2', `${DAY}12:00:00.000Z`, 'a', facts);
    await database().drizzle.execute(sql`
      insert into calls (id, business_id, direction, gateway, from_address, to_address, started_at, turns, has_recording)
      select 'many_' || i, ${here}, 'inbound', 'sip', '+1', '+2', now(), 0, false from generate_series(1, 1100) i`);
    await database().drizzle.execute(sql`
      insert into call_events (call_id, seq, business_id, type, at, body)
      select 'many_' || i, 0, ${here}, 'speech-started', 0, '{}' from generate_series(1, 1100) i`);
    await deleteBusiness(database(), here);
    const { rows } = await database().drizzle.execute(sql`
      select id from messages union all select id from callbacks union all select id from calls union all select call_id from call_events`);
    expect(rows).toEqual([]);
  });

  const day = { from: new Date(`${DAY}00:00:00Z`), to: new Date('2026-03-03T00:00:00Z') };

  test('the waits of many turns as percentiles, by business, assistant and provider', async () => {
    await write('call_1', `${DAY}12:00:00Z`, 'a', [
      turn(1, 1_000, [200, 300, 100]),
      used(1, 'openai', 1, 0, 0),
      turn(2, 9_000, [400, 500, 100]),
    ]);
    await write('call_2', `${DAY}13:00:00Z`, 'b', [turn(1, 1_000, [300, 400, 100]), used(1, 'groq', 1, 0, 0)]);
    await write('call_3', `${DAY}13:00:00Z`, 'b', [
      { type: 'turn-completed', turn: 1, heard: '', interrupted: false, stages: { committedAt: 1 } },
    ]);
    await write('call_4', '2026-03-03T00:00:00Z', 'a', [turn(1, 1_000, [9_000, 9_000, 9_000])]);
    await write('call_5', `${DAY}12:00:00Z`, 'a', [turn(1, 1_000, [9_000, 9_000, 9_000])], 'business_other');
    const before = queries();
    const { groups } = await reportLatency(database(), here, day, 'business');
    expect(queries() - before).toBe(1);
    expect(groups).toMatchObject([{ key: here, label: 'Here', turns: 3 }]);
    expect(groups[0]?.stages).toEqual([
      { stage: 'endpoint', n: 3, p50Ms: 300, p95Ms: expect.closeTo(390), p99Ms: expect.closeTo(398) },
      { stage: 'first-token', n: 3, p50Ms: 400, p95Ms: expect.closeTo(490), p99Ms: expect.closeTo(498) },
      { stage: 'first-packet', n: 3, p50Ms: 100, p95Ms: 100, p99Ms: 100 },
      { stage: 'total', n: 3, p50Ms: 800, p95Ms: expect.closeTo(980), p99Ms: expect.closeTo(996) },
    ]);
    const keys = async (by: 'assistant' | 'provider') =>
      (await reportLatency(database(), here, day, by)).groups.map(({ key, label, turns }) => [key, label, turns]);
    expect(await keys('assistant')).toEqual([
      ['a', 'A', 2],
      ['b', 'B', 1],
    ]);
    expect(await keys('provider')).toEqual([
      ['language-model/groq', 'groq', 1],
      ['language-model/openai', 'openai', 1],
    ]);
    const own = await reportLatency(database(), here, { ...day, assistantId: 'b' }, 'business');
    expect(own.groups).toMatchObject([{ turns: 1 }]);
    expect((await reportLatency(database(), 'business_other', { ...day, to: day.from }, 'business')).groups).toEqual([]);
  });

  test("usage adds up by line, and by day in the business's own time zone", async () => {
    await write('call_1', `${DAY}04:59:00Z`, 'a', [used(1, 'openai', 10, 16, 16), used(2, 'openai', 5, 8, 24)]);
    await write('call_2', `${DAY}05:01:00Z`, 'b', [used(1, 'openai', 100, 160, 160), used(2, 'groq', 7, 0, 160)]);
    await write('call_3', `${DAY}06:00:00Z`, 'b', []);
    const line = { stage: 'language-model', model: 'm', unit: 'output-tokens' };
    expect(await reportUsage(database(), here, day)).toEqual({
      totalCostMicros: 184,
      calls: 3,
      lines: [
        { ...line, provider: 'openai', quantity: 115, costMicros: 184 },
        { ...line, provider: 'groq', quantity: 7, costMicros: 0 },
      ],
      days: [
        { day: '2026-03-01', calls: 1, costMicros: 24 },
        { day: '2026-03-02', calls: 2, costMicros: 160 },
      ],
    });
    expect(await reportUsage(database(), here, { ...day, assistantId: 'a' })).toMatchObject({ totalCostMicros: 24, calls: 1 });
    expect(await readCall(database(), here, 'call_1')).toMatchObject({ costMicros: 24 });
    expect((await readTurns(database(), here, 'call_1'))[0]?.usage).toEqual([
      { ...line, provider: 'openai', quantity: 10, costMicros: 16 },
    ]);
    const spent = await readSpentToday(database(), [here], new Date(`${DAY}20:00:00Z`));
    expect([...spent]).toEqual([[here, 160]]);
  });
});

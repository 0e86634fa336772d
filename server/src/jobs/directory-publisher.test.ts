import { assistantInput, type CallEvent, toolInput } from '@tandem/contract';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BusinessEntry } from '#calls/directory.ts';
import { type TestKit, testKit } from '#kit/testing.ts';
import { createAssistant } from '#store/assistants.ts';
import { createBusiness, deleteBusiness, updateBusiness } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import { writeBatch } from '#store/call-events.ts';
import { projectCalls } from '#store/projection.ts';
import { createQuestion, updateQuestion } from '#store/questions.ts';
import { SecretBox } from '#store/secret-box.ts';
import { createTool } from '#store/tools.ts';
import { emptyDatabase, openTestPglite, testBox } from '../../test/database.ts';
import { DirectoryPublisher } from './directory-publisher.ts';

let database: Database;
let kit: TestKit;
let away = false;
let published: { entries: BusinessEntry[]; removed: string[] }[];
let publisher: DirectoryPublisher;

beforeAll(async () => {
  const opened = await openTestPglite();
  const transaction: Database['transaction'] = (work, isolation) =>
    away ? Promise.reject(new Error('connection refused')) : opened.transaction(work, isolation);
  database = { ...opened, transaction };
}, 60_000);
afterAll(() => database.close());
beforeEach(async () => {
  away = false;
  await emptyDatabase(database);
  kit = testKit();
  published = [];
  publisher = new DirectoryPublisher({
    kit,
    database,
    box: testBox(kit),
    publish: (entries, removed) => published.push({ entries, removed }),
  });
});

/** Waits for the real database while the clock stands still. */
async function settled(): Promise<void> {
  for (let n = 0; n < 3; n++) await database.ready();
}
const named = () => published.map(({ entries, removed }) => [entries.map(({ name }) => name), removed]);
const make = (name: string) => createBusiness(database, kit, { name, language: 'en', timeZone: 'UTC' });

test('only what differs is published', async () => {
  const [a, b] = [await make('A'), await make('B')];
  await createAssistant(database, kit, a.id, assistantInput.parse({ name: 'Desk', slug: 'desk', greeting: 'Hi.' }));
  await publisher.publish();
  await publisher.publish();
  await updateBusiness(database, b.id, { name: 'B2' });
  await publisher.publish();
  await deleteBusiness(database, a.id);
  await publisher.publish();
  expect(named()).toEqual([
    [['A', 'B'], []],
    [['B2'], []],
    [[], [a.id]],
  ]);
  expect(published[0].entries[0].assistants).toMatchObject([{ slug: 'desk' }]);
  expect(kit.clock.pending).toBe(0);
});

test("an entry's knowledge has a new version exactly when it differs", async () => {
  const { id } = await make('A');
  const question = await createQuestion(database, kit, id, { phrasings: ['When?'], answer: 'Nine.' });
  await publisher.publish();
  await updateBusiness(database, id, { name: 'A2' });
  await publisher.publish();
  await updateQuestion(database, kit, id, question.id, { answer: 'Ten.' });
  await publisher.publish();
  const [first, renamed, edited] = published.map(({ entries }) => entries[0].knowledge.version);
  expect(renamed).toBe(first);
  expect(edited).not.toBe(first);
});

test('changes made together go out together', async () => {
  await make('A');
  publisher.changed();
  publisher.changed();
  expect(kit.clock.pending).toBe(1);
  await kit.clock.advance(50);
  await settled();
  expect(named()).toEqual([[['A'], []]]);
});

test('it tries again while the database is away', async () => {
  await make('A');
  away = true;
  await expect(publisher.publish()).rejects.toMatchObject({ code: 'database-unavailable' });
  publisher.changed();
  await kit.clock.advance(50 + 3 * 2_000);
  expect(published).toEqual([]);
  away = false;
  await kit.clock.advance(2_000);
  await settled();
  expect(named()).toEqual([[['A'], []]]);
});

test('a change during a publication is published after it, and closing leaves nothing', async () => {
  const { id } = await make('A');
  publisher.changed();
  await kit.clock.advance(50);
  publisher.changed();
  await settled();
  await updateBusiness(database, id, { name: 'A2' });
  await kit.clock.advance(50);
  await settled();
  expect(named()).toEqual([
    [['A'], []],
    [['A2'], []],
  ]);
  publisher.changed();
  await publisher.close();
  publisher.changed();
  expect(kit.clock.pending).toBe(0);
});

test('tools travel with their secrets; one whose secrets cannot be opened stays behind, and is named', async () => {
  const { id } = await make('A');
  const tool = (name: string, more: object = {}) =>
    toolInput.parse({ kind: 'http', name, description: 'x', url: 'https://example.com', ...more });
  await createTool(database, kit, testBox(kit), id, tool('look_up', { secrets: { KEY: 'sk-1' } }));
  await createTool(database, kit, testBox(kit), id, tool('resting', { enabled: false }));
  const foreign = new SecretBox(kit.random.bytes(32), kit.random);
  const shut = await createTool(database, kit, foreign, id, tool('shut', { secrets: { KEY: 'sk-2' } }));
  const logged: Record<string, unknown>[] = [];
  const log = { ...kit.log, error: (fields: Record<string, unknown>) => void logged.push(fields) };
  const telling = new DirectoryPublisher({
    kit: { ...kit, log },
    database,
    box: testBox(kit),
    publish: (entries, removed) => published.push({ entries, removed }),
  });
  await telling.publish();
  expect(published[0].entries[0].tools).toMatchObject([{ name: 'look_up', secrets: { KEY: 'sk-1' }, enabled: true }]);
  expect(published[0].entries[0].tools?.[0]).not.toHaveProperty('businessId');
  expect(logged).toEqual([{ tools: [shut.id] }]);
});

test("what today's calls cost goes along, in the business's own day, but is no reason to publish", async () => {
  const { id } = await createBusiness(database, kit, { name: 'A', language: 'en', timeZone: 'Asia/Tokyo', dailyCostCeiling: 2.5 });
  const write = async (callId: string, startedAt: string, callCostMicros: number) => {
    const events = [
      { type: 'call-received', startedAt, direction: 'inbound', gateway: 'sip', from: 'a', to: 'b' },
      { type: 'usage-counted', turn: 1, lines: [], callCostMicros },
    ].map((fact, seq) => ({ businessId: id, callId, seq, at: 0, ...fact })) as CallEvent[];
    const { rows } = projectCalls(new Map(), events);
    const position = { segment: 1, offset: 0 };
    await database.transaction((queries) => writeBatch(queries, { events, rows, journal: 'test', position, now: new Date() }));
  };
  const midnight = new Date(kit.clock.wall());
  midnight.setUTCHours(15, 0, 0, 0);
  if (midnight.getTime() > kit.clock.wall()) midnight.setUTCDate(midnight.getUTCDate() - 1);
  await write('call_today', midnight.toISOString(), 1_200_000);
  await write('call_yesterday', new Date(midnight.getTime() - 1).toISOString(), 900_000);
  await publisher.publish();
  expect(published[0].entries[0]).toMatchObject({
    timeZone: 'Asia/Tokyo',
    costs: { dailyCeilingMicros: 2_500_000, spentTodayMicros: 1_200_000 },
  });
  await write('call_more', midnight.toISOString(), 5);
  await publisher.publish();
  expect(published).toHaveLength(1);
});

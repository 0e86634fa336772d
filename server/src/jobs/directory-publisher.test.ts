import { assistantInput, type CallEvent, toolInput } from '@tandem/contract';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BusinessEntry } from '#calls/directory.ts';
import { type TestKit, testKit } from '#kit/testing.ts';
import { createAssistant } from '#store/assistants.ts';
import { createBusiness, deleteBusiness, updateBusiness } from '#store/businesses.ts';
import type { SharedLayer } from '#store/cache.ts';
import { inProcessFeed } from '#store/cache-feeds.ts';
import { LayeredCache } from '#store/cache-layered.ts';
import type { Database } from '#store/database.ts';
import { writeBatch } from '#store/call-events.ts';
import { projectCalls } from '#store/projection.ts';
import { createNumber } from '#store/numbers.ts';
import { createQuestion, updateQuestion } from '#store/questions.ts';
import { businesses, calls } from '#store/schema.ts';
import { SecretBox } from '#store/secret-box.ts';
import { createTool } from '#store/tools.ts';
import { openTestPglite, testBox } from '../../test/database.ts';
import { DirectoryPublisher } from './directory-publisher.ts';

const unreachable = { execute: () => Promise.reject(new Error('connection refused')) };
let database: Database;
let kit: TestKit;
let away = false;
let queries = 0;
let published: { entries: BusinessEntry[]; removed: string[] }[];
let publisher: DirectoryPublisher;

beforeAll(async () => {
  const opened = await openTestPglite(() => queries++);
  database = Object.create(opened, {
    drizzle: { get: () => (away ? unreachable : opened.drizzle) },
  }) as Database;
}, 60_000);
afterAll(() => database.close());
beforeEach(async () => {
  away = false;
  // Faster on the embedded database than truncating every table.
  for (const table of [businesses, calls]) await database.drizzle.delete(table);
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

/** Another node of the same installation. */
function nodeWith(cache: LayeredCache): { publisher: DirectoryPublisher; published: typeof published } {
  const seen: typeof published = [];
  const publish = (entries: BusinessEntry[], removed: string[]) => seen.push({ entries, removed });
  return { publisher: new DirectoryPublisher({ kit, database, box: testBox(kit), cache, publish }), published: seen };
}
const asked = async (work: () => Promise<unknown>) => {
  const before = queries;
  await work();
  return queries - before;
};
/** Lets a publication that a timer began reach its end, through the real database. */
async function changedAndPublished(): Promise<void> {
  await kit.clock.advance(50);
  for (let n = 0; n < 3; n++) await settled();
}

test('a change costs what its business has: two queries, however many businesses there are', async () => {
  const all = [];
  for (let n = 0; n < 120; n++) all.push(await make(`B${n}`));
  // Two pages: which there are and how they stand, what they have, what they spent.
  expect(await asked(() => publisher.publish())).toBe(6);
  expect(published.map(({ entries }) => entries.length)).toEqual([100, 20]);
  expect(await asked(() => publisher.publish())).toBe(2);
  await updateBusiness(database, all[7].id, { name: 'renamed' });
  published.length = 0;
  const before = queries;
  publisher.changed(all[7].id);
  await kit.clock.advance(50);
  while (published.length === 0) await kit.clock.settle();
  expect(queries - before).toBe(2);
  expect(named()).toEqual([[['renamed'], []]]);
});

test('a business that was deleted goes, one that is unknown was never there', async () => {
  const { id } = await make('A');
  await publisher.publish();
  await deleteBusiness(database, id);
  publisher.changed(id);
  publisher.changed('business_none');
  await changedAndPublished();
  expect(named()).toEqual([
    [['A'], []],
    [[], [id]],
  ]);
});

test('a change on another node is published here too', async () => {
  const feed = inProcessFeed();
  const [here, there] = [0, 1].map(() => nodeWith(new LayeredCache({ kit, feed: feed.node() })));
  const { id } = await make('A');
  await Promise.all([here.publisher.publish(), there.publisher.publish()]);
  await updateBusiness(database, id, { name: 'A2' });
  here.publisher.changed(id);
  await changedAndPublished();
  for (const node of [here, there]) expect(node.published.map(({ entries }) => entries[0].name)).toEqual(['A', 'A2']);
  await Promise.all([here.publisher.close(), there.publisher.close()]);
  expect(kit.clock.pending).toBe(0);
});

test('what a program of its own changed is found when everything is compared', async () => {
  const { id } = await make('A');
  await publisher.publish();
  await createQuestion(database, kit, id, { phrasings: ['When?'], answer: 'Nine.' });
  await publisher.publish();
  expect(published.map(({ entries }) => entries[0].knowledge.questions.length)).toEqual([0, 1]);
});

test('a number that is not known yet is looked up when it rings, and that there is none is remembered', async () => {
  const { id } = await make('A');
  await publisher.publish();
  expect(await asked(() => publisher.resolveNumber('+15550199'))).toBe(1);
  expect(await asked(() => publisher.resolveNumber('+15550199'))).toBe(0);
  const desk = await createAssistant(database, kit, id, assistantInput.parse({ name: 'Desk', slug: 'desk', greeting: 'Hi.' }));
  await createNumber(database, kit, id, { address: '+15550199', assistantId: desk.id, label: '' });
  expect(await publisher.resolveNumber('+15550199')).toEqual([]);
  publisher.changed(id);
  await changedAndPublished();
  expect(published.at(-1)?.entries[0].numbers).toEqual([{ address: '+15550199', assistantId: desk.id }]);
  expect(await publisher.resolveNumber('+15550199')).toEqual([id]);
  expect(await publisher.resolveNumber('assistant:desk')).toEqual([id]);

  const other = nodeWith(new LayeredCache({ kit }));
  expect(await other.publisher.resolveNumber('+15550199')).toEqual([id]);
  expect(other.published).toMatchObject([{ entries: [{ id }], removed: [] }]);
});

test('strangers who try out addresses do not keep the database busy', async () => {
  const work = () => Promise.all(Array.from({ length: 500 }, (_, n) => publisher.resolveNumber(`+1555${n}`)));
  expect(await asked(work)).toBe(50);
});

test('what nodes share is sealed, and serves another node without a question for what it holds', async () => {
  const { id } = await make('A');
  await createQuestion(database, kit, id, { phrasings: ['When?'], answer: 'Nine.' });
  const tool = toolInput.parse({ kind: 'http', name: 'look_up', description: 'x', url: 'https://example.com', secrets: { KEY: 'sk-1' } });
  await createTool(database, kit, testBox(kit), id, tool);
  const values = new Map<string, string>();
  const shared: SharedLayer = {
    name: 'test',
    consult: async ({ text }) => {
      const kept = values.get(text);
      return kept === undefined ? { state: 'leased', lease: { token: '', stamp: '' } } : { state: 'hit', text: kept, ttlMs: 60_000 };
    },
    fill: async ({ text }, _lease, value) => void values.set(text, value),
    release: async () => {},
    drop: async () => values.clear(),
  };
  const [here, there] = [0, 1].map(() => nodeWith(new LayeredCache({ kit, shared })));
  await here.publisher.publish();
  expect(values.size).toBe(1);
  expect([...values.values()].join()).not.toMatch(/sk-1|Nine|look_up/);
  // How they stand, and what they spent.
  expect(await asked(() => there.publisher.publish())).toBe(2);
  expect(there.published).toEqual(here.published);
  expect(there.published[0].entries[0].tools).toMatchObject([{ secrets: { KEY: 'sk-1' } }]);
});

import { assistant, assistantInput as assistantSchema, business, documentWithText, phoneNumber, question, trunk } from '@tandem/contract';
import { beforeEach, describe, expect, test } from 'vitest';
import { testKit, type TestKit } from '#kit/testing.ts';
import { describeOnEachDatabase, emptyDatabase, testBox } from '../../test/database.ts';
import { createApiKey, deleteApiKey, findApiKey, listApiKeys } from './api-keys.ts';
import { createAssistant, deleteAssistant, listAssistants, readAssistant, updateAssistant } from './assistants.ts';
import { createBusiness, deleteBusiness, listBusinesses, readBusiness, updateBusiness } from './businesses.ts';
import { createDocument, deleteDocument, listDocuments, readDocument, updateDocument } from './documents.ts';
import { digestOf } from './embeddings.ts';
import { createNumber, deleteNumber, listNumbers, readNumber, updateNumber } from './numbers.ts';
import { readCursor as readPageCursor, writeCursor } from './page.ts';
import { createQuestion, deleteQuestion, listQuestions, readQuestion, updateQuestion } from './questions.ts';
import { seed } from './seed.ts';
import { readSnapshots, readStates } from './snapshot.ts';
import { createTrunk, deleteTrunk, listTrunks, readTrunk, updateTrunk } from './trunks.ts';

const assistantInput = assistantSchema.parse({
  name: 'Reception',
  slug: 'reception',
  greeting: 'Hello',
  instructions: '',
  goodbye: 'Bye',
  language: 'en',
  voice: 'slt',
  eagerness: 'medium',
  idleMs: 8000,
  maxDurationMs: 60_000,
  recording: true,
});

const cutPassages = ({ title, text }: { title: string; text: string }) =>
  text.split('\n\n').map((paragraph) => ({ title, text: paragraph, digest: digestOf(paragraph) }));

describeOnEachDatabase('the store', ({ database, queries }) => {
  let kit: TestKit;
  let here: string;
  let there: string;

  beforeEach(async () => {
    kit = testKit();
    await emptyDatabase(database());
    here = (await createBusiness(database(), kit, { name: 'Here', language: 'en', timeZone: 'UTC' })).id;
    there = (await createBusiness(database(), kit, { name: 'There', language: 'en', timeZone: 'UTC' })).id;
  });

  test('answers that it is ready', async () => {
    expect(await database().ready()).toBe(true);
  });

  test('a failed transaction leaves nothing behind, and the connection goes on', async () => {
    const failing = database().transaction(async (inside) => {
      await inside.execute("update businesses set name = 'Changed'");
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await readBusiness(database(), here)).name).toBe('Here');
  });

  test('businesses', async () => {
    expect(business.parse(await readBusiness(database(), here))).toMatchObject({ name: 'Here' });
    expect(await updateBusiness(database(), here, { name: 'Now' })).toMatchObject({ name: 'Now', language: 'en' });
    expect(await updateBusiness(database(), here, {})).toMatchObject({ name: 'Now' });
    expect((await listBusinesses(database(), { limit: 10 })).items).toHaveLength(2);
    expect((await listBusinesses(database(), { limit: 10 }, here)).items.map((item) => item.id)).toEqual([here]);
    await createAssistant(database(), kit, here, assistantInput);
    await deleteBusiness(database(), here);
    await expect(deleteBusiness(database(), here)).rejects.toMatchObject({ code: 'not-found' });
    expect((await listAssistants(database(), here, { limit: 10 })).items).toEqual([]);
  });

  test('assistants', async () => {
    const made = await createAssistant(database(), kit, here, { ...assistantInput, languageModel: 'openai' });
    expect(assistant.parse(made)).toEqual(made);
    expect(await readAssistant(database(), here, made.id)).toEqual(made);
    await kit.clock.advance(1000);
    const changed = await updateAssistant(database(), kit, here, made.id, { greeting: 'Good day', languageModel: undefined });
    expect(changed).toMatchObject({ greeting: 'Good day', languageModel: undefined, createdAt: made.createdAt });
    expect(changed.updatedAt > made.updatedAt).toBe(true);
    const wide = { turnTaking: { fillers: false }, fallbacks: { languageModels: ['groq'] }, voices: { flite: 'rms' } };
    const taught = await updateAssistant(database(), kit, here, made.id, { ...wide, costCeiling: 0.5, builtInTools: ['end_call'] });
    expect(taught).toMatchObject({ voices: { flite: 'rms' }, costCeiling: 0.5, builtInTools: ['end_call'] });
    expect(taught.turnTaking).toEqual({ ...made.turnTaking, fillers: false });
    expect(taught.fallbacks).toEqual({ ...made.fallbacks, languageModels: ['groq'] });
    await expect(createAssistant(database(), kit, there, assistantInput)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('numbers lead to assistants of their own business only', async () => {
    const own = await createAssistant(database(), kit, here, assistantInput);
    const other = await createAssistant(database(), kit, there, { ...assistantInput, slug: 'other' });
    const made = await createNumber(database(), kit, here, { address: '+15550100', assistantId: own.id, label: '' });
    expect(phoneNumber.parse(await readNumber(database(), here, made.id))).toEqual(made);
    const foreign = createNumber(database(), kit, here, { address: 'demo', assistantId: other.id, label: '' });
    await expect(foreign).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(updateNumber(database(), here, made.id, { assistantId: other.id })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(deleteAssistant(database(), here, own.id)).rejects.toMatchObject({ code: 'conflict' });
    // A telephone number reaches one business; a SIP user name is each business's own.
    const taken = createNumber(database(), kit, there, { address: '+15550100', assistantId: other.id, label: '' });
    await expect(taken).rejects.toMatchObject({ code: 'conflict' });
    await createNumber(database(), kit, here, { address: 'desk', assistantId: own.id, label: '' });
    await createNumber(database(), kit, there, { address: 'desk', assistantId: other.id, label: '' });
    await deleteNumber(database(), here, made.id);
    expect((await listNumbers(database(), here, { limit: 5 })).items.map((item) => item.address)).toEqual(['desk']);
  });

  test('documents: lists carry no text', async () => {
    const input = { title: 'Hours', text: 'We are open.', language: 'en', tags: ['a'] };
    const made = await createDocument(database(), kit, here, input);
    expect(documentWithText.parse(await readDocument(database(), here, made.id))).toEqual(made);
    const { items } = await listDocuments(database(), here, { limit: 5 });
    expect(items).toHaveLength(1);
    expect(items[0]).not.toHaveProperty('text');
    expect(await updateDocument(database(), kit, here, made.id, { text: 'Closed.' })).toMatchObject({
      document: { text: 'Closed.', title: 'Hours', version: 2, state: 'waiting' },
      fresh: true,
    });
    await expect(createDocument(database(), kit, here, { ...input, text: 'a\0b' })).rejects.toMatchObject({ code: 'invalid-input' });
    await deleteDocument(database(), here, made.id);
    await expect(readDocument(database(), here, made.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('questions', async () => {
    const made = await createQuestion(database(), kit, here, { phrasings: ['When?', 'What time?'], answer: 'At nine.' });
    expect(question.parse(await readQuestion(database(), here, made.id))).toEqual(made);
    expect(await updateQuestion(database(), kit, here, made.id, { answer: 'At ten.' })).toMatchObject({
      phrasings: made.phrasings,
      answer: 'At ten.',
    });
    await deleteQuestion(database(), here, made.id);
    expect((await listQuestions(database(), here, { limit: 5 })).items).toEqual([]);
  });

  test('trunks: passwords go to the gateway and nowhere else', async () => {
    const input = { name: 'Desk phones', sources: ['10.0.0.0/8'], username: 'desk', password: 'correct-horse' };
    const made = await createTrunk(database(), kit, here, input);
    expect(trunk.strict().parse(made)).toEqual(made);
    for (const seen of [await readTrunk(database(), here, made.id), (await listTrunks(database(), here, { limit: 5 })).items]) {
      expect(JSON.stringify(seen)).not.toContain('correct-horse');
    }
    await updateTrunk(database(), here, made.id, { name: 'Phones' });
    const [snapshot] = await readSnapshots(database(), [here], { box: testBox(kit), documents: false });
    expect(snapshot.trunks).toMatchObject([{ name: 'Phones', password: 'correct-horse', registrar: undefined }]);
    await expect(createTrunk(database(), kit, there, input)).rejects.toMatchObject({ code: 'conflict' });
    await deleteTrunk(database(), here, made.id);
  });

  test('api keys are found by their secret, which is not kept', async () => {
    const { key, ...made } = await createApiKey(database(), kit, { businessId: here, name: 'CI', scopes: ['calls:read'] });
    const admin = await createApiKey(database(), kit, { businessId: null, name: 'admin', scopes: ['*'] }, 'a-secret-of-the-user');
    expect(await findApiKey(database(), key)).toEqual(made);
    expect(await findApiKey(database(), 'a-secret-of-the-user')).toMatchObject({ businessId: null, id: admin.id });
    expect(await findApiKey(database(), `${key}x`)).toBeUndefined();
    expect(JSON.stringify(await listApiKeys(database(), undefined, { limit: 5 }))).not.toContain(key);
    expect((await listApiKeys(database(), here, { limit: 5 })).items).toEqual([made]);
    await expect(deleteApiKey(database(), there, made.id)).rejects.toMatchObject({ code: 'not-found' });
    await deleteApiKey(database(), here, made.id);
    expect(await findApiKey(database(), key)).toBeUndefined();
  });

  test("another business's rows do not exist", async () => {
    const own = await createAssistant(database(), kit, here, assistantInput);
    const about = { title: 'T', text: 'x', language: 'en', tags: [] };
    const text = await createDocument(database(), kit, here, about);
    const asked = await createQuestion(database(), kit, here, { phrasings: ['?'], answer: '!' });
    const line = await createTrunk(database(), kit, here, { name: 'T', sources: [] });
    const number = await createNumber(database(), kit, here, { address: 'x1', assistantId: own.id, label: '' });
    const tries = [
      readAssistant(database(), there, own.id),
      updateAssistant(database(), kit, there, own.id, { name: 'mine' }),
      deleteAssistant(database(), there, own.id),
      readDocument(database(), there, text.id),
      updateDocument(database(), kit, there, text.id, { title: 'mine' }),
      deleteDocument(database(), there, text.id),
      readQuestion(database(), there, asked.id),
      updateQuestion(database(), kit, there, asked.id, { answer: 'mine' }),
      deleteQuestion(database(), there, asked.id),
      readTrunk(database(), there, line.id),
      updateTrunk(database(), there, line.id, { name: 'mine' }),
      deleteTrunk(database(), there, line.id),
      readNumber(database(), there, number.id),
      updateNumber(database(), there, number.id, { label: 'mine' }),
      deleteNumber(database(), there, number.id),
    ];
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.status))).toEqual(
      tries.map(() => 'not-found'),
    );
  });

  test('pages: newest first, each row once, one query each', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      made.unshift((await createQuestion(database(), kit, here, { phrasings: [`${i}?`], answer: 'a' })).id);
      if (i % 2 === 0) await kit.clock.advance(1); // pairs share a millisecond
    }
    const before = queries();
    const seen: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined; ; pages++) {
      const page = await listQuestions(database(), here, { limit: 3, cursor });
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor;
      if (!cursor) break;
    }
    expect(seen.toSorted()).toEqual(made.toSorted());
    expect(made.slice(0, 2)).toContain(seen[0]); // of those that share the last millisecond
    expect(seen.at(-1)).toBe(made.at(-1));
    expect(queries() - before).toBe(pages + 1);
  });

  test('the demo business is made once, and only in an empty database', async () => {
    expect(await seed(database(), kit, { cutPassages })).toBeUndefined();
    await emptyDatabase(database());
    const id = await seed(database(), kit, { cutPassages });
    expect(await seed(database(), kit, { cutPassages })).toBeUndefined();
    expect((await readStates(database(), '', 5)).map((row) => row.id)).toEqual([id]);
    const [snapshot] = await readSnapshots(database(), [id as string], { box: testBox(kit), documents: true });
    expect(snapshot.assistants).toMatchObject([{ slug: 'demo' }]);
    expect(assistant.parse(snapshot.assistants[0])).toBeDefined();
    expect(snapshot.assistants[0]?.greeting).toMatch(/AI assistant.*recorded/);
    expect(snapshot.numbers.map((row) => phoneNumber.parse(row).address).toSorted()).toEqual(['+15550100', 'agent', 'demo']);
    expect(snapshot.trunks).toMatchObject([{ name: 'this-machine', sources: ['127.0.0.0/8', '::1/128'] }]);
    expect(snapshot.documents.length).toBeGreaterThanOrEqual(4);
    for (const row of snapshot.documents) expect(row.text.split(/\s+/).length).toBeGreaterThan(150);
    expect(snapshot.questions.length).toBeGreaterThanOrEqual(8);
    for (const row of snapshot.questions) expect(question.parse(row).phrasings.length).toBeGreaterThanOrEqual(4);
    // Spoken text: no digits, which a voice would have to guess the reading of.
    expect(JSON.stringify([snapshot.documents.map((row) => row.text), snapshot.questions.map((row) => row.answer)])).not.toMatch(/\d/);
  });
});

describe('cursors', () => {
  test('come back as they were, and nothing else is taken', () => {
    const at = new Date(1767603600123);
    expect(readPageCursor(writeCursor(at, 'call_01abc'))).toEqual({ at, id: 'call_01abc' });
    for (const forged of [
      '',
      'x',
      Buffer.from("1.a' or 1").toString('base64url'),
      Buffer.from('999999999999999999.a').toString('base64url'),
    ]) {
      expect(() => readPageCursor(forged)).toThrowError(expect.objectContaining({ code: 'invalid-input' }));
    }
  });
});

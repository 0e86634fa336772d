import { document as documentShape, gap as gapShape, source as sourceShape, sourceInput } from '@tandem/contract';
import { sql } from 'drizzle-orm';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { describeOnEachDatabase } from '../../test/database.ts';
import { emptyDatabase } from '../../test/database.ts';
import { testKit } from '#kit/testing.ts';
import { createBusiness, deleteBusiness } from './businesses.ts';
import { failDocument, putDocumentInUse, readUnfinishedDocuments, readWaitingVersion, tellDocumentState } from './document-versions.ts';
import {
  createDocument,
  createUploadedDocument,
  deleteDocument,
  listDocuments,
  readDocument,
  readDocumentFile,
  replaceDocumentFile,
  updateDocument,
} from './documents.ts';
import { digestOf, packVector, readEmbeddings, readStoredDigests, saveEmbeddings, sweepEmbeddings, unpackVector } from './embeddings.ts';
import { answerGap, dismissGap, listGaps, readGap, readKnownGaps, recordGaps, sweepGapExamples } from './gaps.ts';
import { readLiveDocuments, readPassages, readPassagesOfDocument } from './passages.ts';
import { createQuestion, deleteQuestion, updateQuestion } from './questions.ts';
import { notifyChange, readRevisions } from './revisions.ts';
import {
  createPageDocument,
  deletePageDocument,
  deleteSourcePages,
  finishCrawl,
  readDueSources,
  readSourcePages,
  readSourceToCrawl,
  replacePageDocument,
  saveSourcePage,
  tellCrawlProgress,
} from './source-pages.ts';
import { awaitCrawl, createSource, deleteSource, listSources, readSource, updateSource } from './sources.ts';

const passage = (text: string) => ({ title: 'Hours', text, digest: digestOf(text) });
const file = (text: string, fileName = 'a.txt') => ({ fileName, mediaType: 'text/plain', bytes: Buffer.from(text) });
const read = (...texts: string[]) => ({ text: texts.join('\n\n'), format: 'text' as const, passages: texts.map(passage) });

describeOnEachDatabase('what a business knows', ({ database, queries }) => {
  const kit = testKit();
  let here: string;
  let there: string;
  beforeEach(async () => {
    await emptyDatabase(database());
    here = (await createBusiness(database(), kit, { name: 'Here', language: 'pt-PT', timeZone: 'UTC' })).id;
    there = (await createBusiness(database(), kit, { name: 'There', language: 'en', timeZone: 'UTC' })).id;
  });
  const revision = async () => (await readRevisions(database(), [here])).get(here) ?? 0;
  const live = async (id: string) => (await readPassagesOfDocument(database(), here, id)).map(({ text }) => text);

  test('a version comes into use whole, and one that fails leaves the one before it', async () => {
    const { id } = await createUploadedDocument(database(), kit, here, { title: 'Hours', tags: ['a'] }, file('one'));
    const first = { businessId: here, documentId: id, version: 1 };
    expect(await readWaitingVersion(database(), first)).toMatchObject({
      title: 'Hours',
      version: 1,
      liveVersion: 0,
      state: 'waiting',
      content: { fileName: 'a.txt', mediaType: 'text/plain', bytes: Buffer.from('one') },
    });
    expect(await readUnfinishedDocuments(database(), 10)).toEqual([first]);
    expect(await tellDocumentState(database(), kit, first, { state: 'extracting', progress: 0.5 })).toBe(true);
    expect(await readDocument(database(), here, id)).toMatchObject({ state: 'extracting', progress: 0.5 });
    const before = await revision();
    expect(await putDocumentInUse(database(), kit, first, { ...read('One.', 'Two.'), pages: 3 })).toBe(true);
    expect(await putDocumentInUse(database(), kit, first, { ...read('One.', 'Two.'), pages: 3 })).toBe(true);
    expect(await revision()).toBe(before + 2);
    const ready = await readDocument(database(), here, id);
    expect(ready).toMatchObject({ state: 'ready', progress: 1, passages: 2, pages: 3, format: 'text', text: 'One.\n\nTwo.' });
    expect(documentShape.strict().parse((await listDocuments(database(), here, { limit: 1 })).items[0])).toBeDefined();
    expect(await readUnfinishedDocuments(database(), 10)).toEqual([]);

    const { document: changed } = await replaceDocumentFile(database(), kit, here, id, file('two'));
    const second = { ...first, version: changed.version };
    expect(await tellDocumentState(database(), kit, first, { state: 'cutting', progress: 0 })).toBe(false);
    expect(await failDocument(database(), kit, first, 'internal-error', 'x')).toBe(false);
    expect(await putDocumentInUse(database(), kit, first, read('Stale.'))).toBe(false);
    expect(await failDocument(database(), kit, second, 'file-damaged', 'It is cut off.')).toBe(true);
    expect(await live(id)).toEqual(['One.', 'Two.']);
    const { document: third } = await replaceDocumentFile(database(), kit, here, id, file('three'));
    // Of the version in use and of the latest one, no more.
    expect((await readDocumentFile(database(), here, id))?.version).toBe(third.version);
    expect(await readDocumentFile(database(), here, id, 1)).toBeDefined();
    expect(await readDocumentFile(database(), here, id, 2)).toBeUndefined();
    await putDocumentInUse(database(), kit, { ...first, version: third.version }, read('Three.'));
    expect(await live(id)).toEqual(['Three.']);
    const { rows } = await database().drizzle.execute(sql`select version from document_files union all select version from passages`);
    expect(rows).toEqual([{ version: third.version }, { version: third.version }]);
    await deleteDocument(database(), here, id);
    expect(await putDocumentInUse(database(), kit, second, read('Late.'))).toBe(false);
    expect(await readWaitingVersion(database(), first)).toBeUndefined();
    expect(await live(id)).toEqual([]);
  });

  test('text that the database cannot hold changes nothing', async () => {
    const { id } = await createDocument(database(), kit, here, { title: 'Hours', text: 'One.' });
    const ref = { businessId: here, documentId: id, version: 1 };
    await putDocumentInUse(database(), kit, ref, read('One.'));
    await expect(putDocumentInUse(database(), kit, ref, read('Two.', 'a\0b'))).rejects.toMatchObject({ code: 'invalid-input' });
    expect(await live(id)).toEqual(['One.']);
    await putDocumentInUse(database(), kit, ref, read(`A "quoted" {brace} \\ and 'more', é 日本 🦷`, ''));
    expect(await live(id)).toEqual([`A "quoted" {brace} \\ and 'more', é 日本 🦷`, '']);
  });

  test('metadata holds at once; a new title takes the file along into the next version', async () => {
    const { id } = await createUploadedDocument(database(), kit, here, { title: 'Hours' }, file('one'));
    await putDocumentInUse(database(), kit, { businessId: here, documentId: id, version: 1 }, read('One.'));
    const quiet = await updateDocument(database(), kit, here, id, { tags: ['new'], base: 'sales', audience: 'dealers', language: 'de' });
    expect(quiet).toMatchObject({ fresh: false, document: { version: 1, state: 'ready' } });
    expect(await readPassagesOfDocument(database(), here, id)).toMatchObject([
      { id: `${id}#0`, tags: ['new'], base: 'sales', audience: 'dealers', language: 'de', version: 1 },
    ]);
    const renamed = await updateDocument(database(), kit, here, id, { title: 'Times' });
    expect(renamed).toMatchObject({ fresh: true, document: { version: 2, state: 'waiting' } });
    const waiting = await readWaitingVersion(database(), { businessId: here, documentId: id });
    expect(waiting).toMatchObject({ title: 'Times', version: 2, liveVersion: 1, content: { bytes: Buffer.from('one') } });
    expect(await readLiveDocuments(database(), here)).toMatchObject([{ documentId: id, version: 1, base: 'sales' }]);
    const written = await updateDocument(database(), kit, here, id, { text: 'Now a text.' });
    expect(written.document).toMatchObject({ version: 3, fileName: undefined, format: 'markdown', bytes: 11 });
    const { content } = (await readWaitingVersion(database(), { businessId: here, documentId: id })) ?? {};
    expect(content).toEqual({ text: 'Now a text.', format: 'markdown' });
  });

  test('passages are read in pages, with their vectors, of live versions and the own business only', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { id } = await createDocument(database(), kit, here, { title: `D${n}`, text: 'x', base: n === 2 ? 'sales' : 'main' });
      ids.push(id);
      const texts = Array.from({ length: 4 }, (_, i) => `Passage ${n} ${i}.`);
      await putDocumentInUse(database(), kit, { businessId: here, documentId: id, version: 1 }, read(...texts));
    }
    await createDocument(database(), kit, here, { title: 'Not yet', text: 'x' });
    const theirs = await createDocument(database(), kit, there, { title: 'Secret', text: 'x' });
    await putDocumentInUse(database(), kit, { businessId: there, documentId: theirs.id, version: 1 }, read('Passage 0 0.'));
    const vector = Float32Array.from([0.25, -1, 3.5e-7]);
    await saveEmbeddings(database(), kit, here, 'e1', [{ digest: digestOf('Passage 1 2.'), vector }]);
    await saveEmbeddings(database(), kit, there, 'e1', [{ digest: digestOf('Passage 0 0.'), vector }]);
    await saveEmbeddings(database(), kit, here, 'e2', [{ digest: digestOf('Passage 0 0.'), vector }]);

    const all = await readPassages(database(), here, { limit: 100, embedder: 'e1' });
    expect(all.map(({ documentId, position }) => [documentId, position])).toEqual(
      ids.toSorted().flatMap((id) => [0, 1, 2, 3].map((position) => [id, position])),
    );
    expect(all.filter((row) => row.vector).map((row) => [row.text, row.vector])).toEqual([['Passage 1 2.', vector]]);
    expect(all.filter(({ base }) => base === 'sales').map(({ documentId }) => documentId)).toEqual([ids[2], ids[2], ids[2], ids[2]]);
    const before = queries();
    const paged: string[] = [];
    for (let after: (typeof all)[number] | undefined; ; ) {
      const page = await readPassages(database(), here, { limit: 5, after });
      paged.push(...page.map(({ id }) => id));
      after = page.at(-1);
      if (page.length < 5) break;
    }
    expect(paged).toEqual(all.map(({ id }) => id));
    expect(queries() - before).toBe(3);
    expect((await readPassages(database(), there, { limit: 100 })).map(({ documentId }) => documentId)).toEqual([theirs.id]);
  });

  test('vectors are kept once, and swept when nothing uses them', async () => {
    const texts = Array.from({ length: 1_200 }, (_, n) => `t${n}`);
    const made = texts.map((text, n) => ({ digest: digestOf(text), vector: Float32Array.from([n, n / 3]) }));
    await saveEmbeddings(database(), kit, here, 'e', made);
    await saveEmbeddings(database(), kit, here, 'e', [{ digest: digestOf('t7'), vector: Float32Array.from([9, 9]) }]);
    await saveEmbeddings(database(), kit, here, 'old', made.slice(0, 2));
    const digests = texts.map(digestOf);
    const stored = await readEmbeddings(database(), here, 'e', [...digests, digestOf('none')]);
    expect(stored.size).toBe(1_200);
    expect(stored.get(digestOf('t7'))).toEqual(Float32Array.from([7, 7 / 3]));
    expect(await readStoredDigests(database(), here, 'e', ['none', digests[3]])).toEqual(new Set([digests[3]]));
    expect((await readEmbeddings(database(), there, 'e', digests)).size).toBe(0);
    const { id } = await createDocument(database(), kit, here, { title: 'D', text: 'x' });
    await putDocumentInUse(database(), kit, { businessId: here, documentId: id, version: 1 }, read('t1', 't2'));
    const sweep = { embedders: ['e'], keep: [digestOf('t3')], before: new Date(kit.clock.wall()) };
    expect(await sweepEmbeddings(database(), here, sweep)).toBe(0);
    expect(await sweepEmbeddings(database(), here, { ...sweep, before: new Date(kit.clock.wall() + 1) })).toBe(1_199);
    expect([...(await readEmbeddings(database(), here, 'e', digests)).keys()].toSorted()).toEqual(
      ['t1', 't2', 't3'].map(digestOf).toSorted(),
    );
  });

  test('every change of knowledge bumps the revision of its business, and of no other', async () => {
    expect(await revision()).toBe(0);
    const made = await createQuestion(database(), kit, here, { phrasings: ['When?'], answer: 'At nine.' });
    await updateQuestion(database(), kit, here, made.id, { tags: ['x'] });
    await deleteQuestion(database(), here, made.id);
    const { id } = await createDocument(database(), kit, here, { title: 'T', text: 'x' });
    expect(await revision()).toBe(3);
    await putDocumentInUse(database(), kit, { businessId: here, documentId: id, version: 1 }, read('x'));
    await updateDocument(database(), kit, here, id, { audience: 'dealers' });
    await deleteDocument(database(), here, id);
    expect(await revision()).toBe(6);
    await expect(deleteDocument(database(), here, id)).rejects.toMatchObject({ code: 'not-found' });
    expect([...(await readRevisions(database()))]).toEqual([[here, 6]]);
  });

  test('a site: crawled pages become documents, and go with it', async () => {
    const input = sourceInput.parse({ url: 'https://example.com/', everyHours: 24, tags: ['site'] });
    const made = await createSource(database(), kit, here, input);
    expect(sourceShape.strict().parse(made)).toMatchObject({ state: 'waiting', found: 0 });
    const ref = { businessId: here, sourceId: made.id };
    expect(await readSourceToCrawl(database(), ref)).toEqual(made);
    expect(await readSourceToCrawl(database(), { ...ref, businessId: there })).toBeUndefined();
    const counts = { found: 4, read: 2, changed: 1, refused: 1 };
    expect(await tellCrawlProgress(database(), kit, ref, counts)).toBe(true);
    const url = 'https://example.com/hours';
    const page = { ...file('<p>Nine</p>', 'hours.html'), title: 'Hours' };
    const created = await createPageDocument(database(), kit, ref, url, page, input);
    const again = await createPageDocument(database(), kit, ref, url, { ...page, bytes: Buffer.from('<p>Ten</p>') }, input);
    expect(again).toEqual({ documentId: created.documentId, version: 2 });
    expect(await readDocument(database(), here, created.documentId)).toMatchObject({ sourceId: made.id, url, tags: ['site'] });
    expect(await replacePageDocument(database(), kit, here, created.documentId, { ...page, bytes: Buffer.from('<p>Ten</p>') })).toEqual({
      ...again,
      fresh: false,
    });
    expect(await replacePageDocument(database(), kit, here, 'document_none', page)).toBeUndefined();
    const seen = { url, documentId: created.documentId, etag: '"1"', lastModified: null, digest: 'd', seenAt: new Date(kit.clock.wall()) };
    await saveSourcePage(database(), ref, { ...seen, etag: null });
    await saveSourcePage(database(), ref, seen);
    await saveSourcePage(database(), ref, { ...seen, url: 'https://example.com/gone', documentId: null });
    expect(await readSourcePages(database(), ref)).toEqual([{ ...seen, url: 'https://example.com/gone', documentId: null }, seen]);
    await deleteSourcePages(database(), ref, ['https://example.com/gone']);

    const at = new Date(kit.clock.wall());
    const nextAt = new Date(at.getTime() + 86_400_000);
    expect(await finishCrawl(database(), kit, ref, { ...counts, state: 'ready', crawledAt: at, nextAt })).toBe(true);
    expect(await readDueSources(database(), new Date(nextAt.getTime() - 1), 10)).toEqual([]);
    expect(await readDueSources(database(), nextAt, 10)).toEqual([ref]);
    await updateSource(database(), kit, here, made.id, { everyHours: 12, base: 'site' });
    expect(await readDueSources(database(), new Date(at.getTime() + 43_200_000), 10)).toEqual([ref]);
    expect(await readDocument(database(), here, created.documentId)).toMatchObject({ base: 'site', tags: ['site'] });
    await updateSource(database(), kit, here, made.id, { everyHours: null });
    expect(await readDueSources(database(), nextAt, 10)).toEqual([]);
    expect(await awaitCrawl(database(), kit, here, made.id)).toMatchObject({ state: 'waiting', ...counts });
    expect((await listSources(database(), here, { limit: 5 })).items).toHaveLength(1);

    await deletePageDocument(database(), here, created.documentId);
    await deletePageDocument(database(), here, created.documentId);
    expect(await readSourcePages(database(), ref)).toMatchObject([{ documentId: null }]);
    const other = await createPageDocument(database(), kit, ref, url, page, input);
    await deleteSource(database(), here, made.id);
    await expect(readDocument(database(), here, other.documentId)).rejects.toMatchObject({ code: 'not-found' });
    await expect(readSource(database(), here, made.id)).rejects.toMatchObject({ code: 'not-found' });
    expect(await tellCrawlProgress(database(), kit, ref, counts)).toBe(false);
  });

  test('gaps count each question once, and open again when an answer did not help', async () => {
    const start = kit.clock.wall();
    const example = (callId: string, turn: number, text = `q${turn}`) => ({
      callId,
      turn,
      text,
      verdict: 'clarify' as const,
      at: new Date(start + turn * 1_000),
    });
    const finding = (gapId: string, ...examples: ReturnType<typeof example>[]) => ({
      gapId,
      question: `About ${gapId}?`,
      terms: [gapId],
      examples,
    });
    await recordGaps(database(), here, [finding('g1', example('c1', 1), example('c1', 2)), finding('g2', example('c1', 3))]);
    await recordGaps(database(), here, [
      finding('g1', example('c1', 2), example('c1', 4), example('c2', 1)),
      finding('g2', example('c1', 3)),
    ]);
    expect(await readGap(database(), here, 'g1')).toMatchObject({ count: 4, calls: 2, state: 'open', question: 'About g1?' });
    const { items } = await listGaps(database(), here, { limit: 5 });
    expect(items.map(({ id, count, calls }) => [id, count, calls])).toEqual([
      ['g1', 4, 2],
      ['g2', 1, 1],
    ]);
    for (const item of items) expect(gapShape.strict().parse(item)).toEqual(item);
    expect((await readKnownGaps(database(), here, 5)).map(({ id }) => id)).toEqual(['g1', 'g2']);
    await expect(readGap(database(), there, 'g1')).rejects.toMatchObject({ code: 'not-found' });
    await recordGaps(database(), 'business_gone', [finding('g9', example('c9', 1))]);
    await recordGaps(database(), there, [finding('g1', example('c8', 70))]);
    expect((await readGap(database(), there, 'g1')).examples.map(({ callId }) => callId)).toEqual(['c8']);
    expect((await readGap(database(), here, 'g1')).examples.map(({ callId }) => callId)).not.toContain('c8');

    await kit.clock.advance(60_000);
    const { question } = await answerGap(database(), kit, here, 'g1', { answer: 'So.' });
    expect(question).toMatchObject({ language: 'pt-PT', phrasings: ['About g1?', 'q4', 'q2', 'q1'] });
    await recordGaps(database(), here, [finding('g1', example('c3', 5))]);
    expect((await readGap(database(), here, 'g1')).state).toBe('answered');
    await recordGaps(database(), here, [finding('g1', example('c4', 90))]);
    expect(await readGap(database(), here, 'g1')).toMatchObject({ state: 'open', count: 6, calls: 4, questionId: question.id });
    await dismissGap(database(), kit, here, 'g2');
    await recordGaps(database(), here, [finding('g2', example('c5', 99))]);
    expect(await readGap(database(), here, 'g2')).toMatchObject({ state: 'dismissed', count: 2 });
    expect(await sweepGapExamples(database(), 2)).toBe(4);
    expect((await readGap(database(), here, 'g1')).examples.map(({ turn }) => turn)).toEqual([90, 5]);
    const again = await answerGap(database(), kit, here, 'g1', { answer: 'So!', phrasings: ['What?'] });
    await deleteQuestion(database(), here, again.question.id);
    expect(await readGap(database(), here, 'g1')).toMatchObject({ state: 'open', questionId: undefined });
  });

  test('a business that goes leaves nothing behind', async () => {
    const { id } = await createUploadedDocument(database(), kit, here, { title: 'T' }, file('x'));
    await putDocumentInUse(database(), kit, { businessId: here, documentId: id, version: 1 }, read('x'));
    await saveEmbeddings(database(), kit, here, 'e', [{ digest: digestOf('x'), vector: Float32Array.of(1) }]);
    const source = await createSource(database(), kit, here, sourceInput.parse({ url: 'https://example.com/' }));
    const seen = { url: 'u', documentId: id, etag: null, lastModified: null, digest: 'd', seenAt: new Date(0) };
    await saveSourcePage(database(), { businessId: here, sourceId: source.id }, seen);
    const example = { callId: 'c', turn: 1, text: '?', verdict: 'unknown' as const, at: new Date(0) };
    await recordGaps(database(), here, [{ gapId: 'g', question: '?', terms: [], examples: [example] }]);
    await deleteBusiness(database(), here);
    for (const table of [
      'documents',
      'document_files',
      'passages',
      'embeddings',
      'sources',
      'source_pages',
      'gaps',
      'gap_examples',
      'knowledge_revisions',
    ]) {
      const { rows } = await database().drizzle.execute(sql`select * from ${sql.identifier(table)} where business_id = ${here}`);
      expect(rows, table).toEqual([]);
    }
  });

  test('changes are heard by other nodes where there can be any, also after the connection was lost', async () => {
    const heard: (string | undefined)[] = [];
    const listening = await database().listenChanges((businessId) => heard.push(businessId));
    const first = await createQuestion(database(), kit, here, { phrasings: ['a'], answer: 'b' });
    await notifyChange(database(), there);
    await expect(
      database().transaction(async (change) => {
        await change.execute(sql`select pg_notify('tandem_changes', 'never')`);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    if (database().kind === 'pglite') {
      await listening.close();
      expect(heard).toEqual([]);
      return;
    }
    await vi.waitFor(() => expect(heard).toEqual([here, there]));
    await database().query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tandem listener'`);
    await vi.waitFor(() => expect(heard).toEqual([here, there, undefined]), { timeout: 10_000 });
    await deleteQuestion(database(), here, first.id);
    await vi.waitFor(() => expect(heard.at(-1)).toBe(here));
    await listening.close();
    await listening.close();
    await notifyChange(database(), there);
    expect(heard).toHaveLength(4);
  });
});

describe('vectors as bytes', () => {
  test('come back as they were, wherever they lie in memory', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), fc.nat(3), (vector, shift) => {
        const inside = new Uint8Array(vector.byteLength + shift);
        inside.set(packVector(vector), shift);
        expect(unpackVector(inside.subarray(shift))).toEqual(vector);
      }),
    );
    expect(digestOf('a')).toMatch(/^[\w-]{32}$/);
  });
});

import type { DocumentFault } from '@tandem/contract';
import { beforeEach, describe, expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { type TestKit, testKit } from '#kit/testing.ts';
import { type Extract, ExtractionError } from '#knowledge/extraction/extraction.ts';
import type { DocumentEmbedder } from './embedding.ts';
import { type IngestionOptions, ingestDocument } from './ingest-document.ts';
import type { IngestionStore, ReadVersion, StateOfReading, VersionRef, WaitingVersion } from './ingestion-store.ts';

const ref: VersionRef = { businessId: 'business_1', documentId: 'document_1', version: 1 };
const file = { bytes: Buffer.from('%PDF'), fileName: 'prices.pdf', mediaType: 'application/pdf' };
const sections = (count: number) =>
  Array.from({ length: count }, (_, i) => `# Part ${i}\n\nThe price of part ${i} is ${i + 1} euros.`).join('\n\n');

/** One document, with every write that came. */
class MemoryStore implements IngestionStore {
  document: WaitingVersion | undefined = { title: 'Prices', version: 1, liveVersion: 0, state: 'waiting', content: file };
  readonly told: StateOfReading[] = [];
  readonly vectors = new Map<string, Float32Array>();
  live: ReadVersion | undefined;
  failed: { fault: DocumentFault; detail: string } | undefined;
  wrote = 0;

  readUpload = async () => this.document && { ...this.document };
  #wanted = ({ version }: VersionRef) => this.document?.version === version;
  tellState = async (at: VersionRef, state: StateOfReading) => {
    if (!this.#wanted(at) || !this.document) return false;
    this.told.push(state);
    this.document = { ...this.document, state: state.state, fault: undefined };
    return true;
  };
  storedDigests = async (_business: string, embedder: string, digests: readonly string[]) =>
    new Set(digests.filter((digest) => this.vectors.has(`${embedder}:${digest}`)));
  saveEmbeddings = async (_business: string, embedder: string, made: readonly { digest: string; vector: Float32Array }[]) => {
    for (const { digest, vector } of made) this.vectors.set(`${embedder}:${digest}`, vector);
  };
  goLive = async (at: VersionRef, read: ReadVersion) => {
    if (!this.#wanted(at) || !this.document) return false;
    this.live = read;
    this.wrote++;
    this.document = { ...this.document, state: 'ready', fault: read.fault, liveVersion: at.version };
    return true;
  };
  fail = async (at: VersionRef, fault: DocumentFault, detail: string) => {
    if (!this.#wanted(at) || !this.document) return false;
    this.failed = { fault, detail };
    this.document = { ...this.document, state: 'failed', fault };
    return true;
  };
}

let kit: TestKit;
let store: MemoryStore;
let changed: string[];
let embedded: string[][];
let embedder: DocumentEmbedder;
let extract: Extract;
beforeEach(() => {
  kit = testKit();
  store = new MemoryStore();
  changed = [];
  embedded = [];
  embedder = {
    name: 'test',
    embed: async (_business, texts) => {
      embedded.push([...texts]);
      return texts.map(() => Float32Array.of(1, 0));
    },
  };
  extract = async () => ({ format: 'pdf', text: sections(3), pages: 2 });
});

type Setup = { attempt?: number; attempts?: number; signal?: AbortSignal; more?: Partial<IngestionOptions> };
/** Runs the job to its end while time passes. */
async function run({ attempt = 1, attempts = 3, signal = new AbortController().signal, more = {} }: Setup = {}) {
  const state = { over: false };
  const options = { kit, store, extract, embedder, changed: (id: string) => void changed.push(id), ...more };
  const work = ingestDocument(options, ref, { signal, attempt, attempts }).finally(() => {
    state.over = true;
  });
  work.catch(() => {});
  for (let n = 0; n < 2_000 && !state.over; n++) await kit.clock.advance(1_000);
  expect(state.over).toBe(true);
  expect(kit.clock.pending).toBe(0);
  return work;
}

describe('a version that can be read', () => {
  test('goes live with passages and vectors, each state told on the way', async () => {
    extract = async (request, { progress }) => {
      expect(request).toMatchObject(file);
      for (let n = 1; n <= 50; n++) {
        progress?.(n / 50);
        await kit.clock.sleep(20);
      }
      return { format: 'pdf', text: sections(200), pages: 2, title: 'In the file' };
    };
    await run();
    expect(store.live).toMatchObject({ format: 'pdf', pages: 2 });
    expect(store.live?.fault).toBeUndefined();
    expect(store.live?.passages.length).toBeGreaterThan(100);
    expect(store.live?.passages[0]).toMatchObject({ title: expect.stringMatching(/^Prices/), digest: expect.stringMatching(/^.{32}$/) });
    expect(store.vectors.size).toBe(store.live?.passages.length);
    expect(embedded.every((batch) => batch.length <= 64)).toBe(true);
    expect([...new Set(store.told.map(({ state }) => state))]).toEqual(['extracting', 'cutting', 'embedding']);
    const extracting = store.told.filter(({ state }) => state === 'extracting');
    expect(extracting.length).toBeGreaterThan(2);
    expect(extracting.length).toBeLessThanOrEqual(7);
    expect(changed).toEqual(['business_1']);
  });

  test('text needs no extraction', async () => {
    if (store.document) store.document.content = { text: '# Hours\n\nWe open at nine.', format: 'markdown' };
    extract = () => Promise.reject(new Error('not asked'));
    await run();
    expect(store.live).toMatchObject({ format: 'markdown', passages: [{ text: 'We open at nine.' }] });
  });

  test('twice is the same, and what has a vector is not embedded again', async () => {
    await run();
    const first = store.live;
    await run();
    expect(store.wrote).toBe(1);
    store.document = { title: 'Prices', version: 1, liveVersion: 0, state: 'embedding', content: file };
    await run();
    expect(store.live).toEqual(first);
    expect(embedded).toHaveLength(1);
  });

  test('equal passages are embedded once', async () => {
    extract = async () => ({ format: 'text', text: '# A\n\nSame words.\n\n# B\n\nOther words here.\n\n# A\n\nSame words.' });
    await run();
    expect(new Set(embedded.flat()).size).toBe(embedded.flat().length);
  });

  test('without an embedder it is found by its words', async () => {
    await run({ more: { embedder: undefined } });
    expect(store.document).toMatchObject({ state: 'ready', liveVersion: 1 });
    expect(store.told.map(({ state }) => state)).not.toContain('embedding');
  });
});

describe('a version that is not wanted any more', () => {
  test('a deleted document ends it quietly, at any time', async () => {
    const gone = () => {
      store.document = undefined;
    };
    const during: Partial<IngestionOptions>[] = [
      { extract: async () => (gone(), { format: 'pdf', text: sections(3) }) },
      { extract: async () => (gone(), Promise.reject(new ExtractionError('file-damaged', 'x'))) },
      { embedder: { name: 'test', embed: async (_b, texts) => (gone(), texts.map(() => Float32Array.of(1))) } },
    ];
    for (const more of [{ store: Object.assign(new MemoryStore(), { document: undefined }) }, ...during]) {
      store = new MemoryStore();
      await run({ more });
      expect(store.live).toBeUndefined();
      expect(store.failed).toBeUndefined();
    }
    expect(changed).toEqual([]);
  });

  test('the newest upload is read, whichever job comes first; one that arrives meanwhile wins', async () => {
    if (store.document) store.document.version = 2;
    await run();
    expect(store.document).toMatchObject({ version: 2, liveVersion: 2 });
    store = new MemoryStore();
    extract = async () => {
      if (store.document) store.document.version = 2;
      return { format: 'pdf', text: sections(3) };
    };
    await run();
    expect(store.live).toBeUndefined();
  });
});

describe('a version that cannot be read', () => {
  test('says its fault in plain words, and what was live stays', async () => {
    store.document = { title: 'Prices', version: 1, liveVersion: 0, state: 'waiting', content: file };
    extract = () => Promise.reject(new ExtractionError('file-encrypted', 'The file is protected by a password'));
    await run();
    expect(store.failed).toEqual({ fault: 'file-encrypted', detail: 'The file is protected by a password' });
    expect(store.wrote).toBe(0);
    expect(changed).toEqual([]);
  });

  test('no text in it', async () => {
    extract = async () => ({ format: 'html', text: ' \n\n ' });
    await run();
    expect(store.failed?.fault).toBe('no-text');
  });

  test('an extraction that never ends is ended, and its late progress is not told', async () => {
    let late: ((share: number) => void) | undefined;
    extract = (_request, { progress }) => {
      late = progress;
      return new Promise(() => {});
    };
    await run();
    expect(store.failed?.fault).toBe('too-slow');
    const told = store.told.length;
    late?.(0.5);
    await kit.clock.advance(1_000);
    expect(store.told).toHaveLength(told);
  });

  test('what is our own fault is tried again, and said in the end', async () => {
    extract = () => Promise.reject(new TypeError('undefined is not a function'));
    await expect(run({ attempt: 1, attempts: 2 })).rejects.toThrow(TypeError);
    expect(store.failed).toBeUndefined();
    await run({ attempt: 2, attempts: 2 });
    expect(store.failed).toEqual({ fault: 'internal-error', detail: expect.not.stringContaining('undefined') });
  });

  test('an abort from outside gives the job back untouched', async () => {
    const stop = new AbortController();
    extract = () => {
      kit.clock.after(5_000, () => stop.abort(new Error('shutdown')));
      return new Promise(() => {});
    };
    await expect(run({ signal: stop.signal, attempts: 1 })).rejects.toThrow('shutdown');
    expect(store.failed).toBeUndefined();
    expect(store.document?.state).toBe('extracting');
  });
});

describe('embedding trouble', () => {
  const failing = (error: Error, after = 0): DocumentEmbedder => {
    let calls = 0;
    return { name: 'test', embed: async (_b, texts) => (calls++ < after ? texts.map(() => Float32Array.of(1)) : Promise.reject(error)) };
  };

  test('is tried again by the queue, keeping what was made, and ends in words only', async () => {
    extract = async () => ({ format: 'pdf', text: sections(200) });
    const away = new VendorError('openai', 'retryable', 'connection refused');
    await expect(run({ attempt: 1, more: { embedder: failing(away, 1) } })).rejects.toThrow(/connection refused/);
    expect(store.vectors.size).toBe(64);
    expect(store.told.at(-1)).toMatchObject({ state: 'waiting', detail: expect.stringContaining('will be asked again') });
    expect(store.live).toBeUndefined();
    await run({ attempt: 3, more: { embedder: failing(away) } });
    expect(store.live).toMatchObject({ fault: 'embedding-failed', detail: expect.stringContaining('words only') });
    expect(changed).toEqual(['business_1']);
    await run();
    expect(store.live?.fault).toBeUndefined();
    expect(store.vectors.size).toBe(store.live?.passages.length);
  });

  test('that will never pass is not tried again', async () => {
    await run({ attempt: 1, more: { embedder: failing(new VendorError('openai', 'auth', 'the key is not valid')) } });
    expect(store.live?.fault).toBe('embedding-failed');
  });

  test('one text that is refused costs only itself', async () => {
    extract = async () => ({ format: 'pdf', text: sections(100) });
    const picky: DocumentEmbedder = {
      name: 'test',
      embed: async (_b, texts) => {
        if (texts.some((text) => text.includes('part 42 '))) throw new VendorError('openai', 'bad-input', 'not this');
        return texts.map(() => Float32Array.of(1));
      },
    };
    await run({ more: { embedder: picky } });
    expect(store.vectors.size).toBe((store.live?.passages.length ?? 0) - 1);
    expect(store.live).toMatchObject({ fault: 'embedding-failed', detail: expect.stringMatching(/1 of \d+ passages/) });
  });

  test('a provider that never answers is given up', async () => {
    const silent: DocumentEmbedder = {
      name: 'test',
      embed: (_b, _texts, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    };
    await run({ attempt: 3, more: { embedder: silent } });
    expect(store.live).toMatchObject({ fault: 'embedding-failed', detail: expect.stringContaining('took too long') });
  });

  test('an answer that does not fit the question is none', async () => {
    await run({ more: { embedder: { name: 'test', embed: async () => [] } } });
    expect(store.live?.fault).toBe('embedding-failed');
    expect(store.vectors.size).toBe(0);
  });
});

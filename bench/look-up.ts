/**
 * Look-up: what a call waits for when it asks what the business knows. The product's own knowledge thread (built-in
 * embedder, vectors in memory, words and vectors fused, verdict) is asked over a message port, as the call thread asks it.
 *
 *   npm run bench -- look-up [--sizes 10000,100000] [--queries 2000] [--seed 1]
 *
 * Every question is asked once, so that no cache answers it. `paced`: one question after the other, 2 ms apart, as calls
 * ask; `at_once`: eight callers without a pause. `load`: from the first question of a business that nobody asked about
 * before, rows and vectors handed over by this process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { allVendors } from '../server/src/catalog.ts';
import { readConfig } from '../server/src/config.ts';
import { systemKit } from '../server/src/kit/kit.ts';
import { SeededRandom } from '../server/src/kit/random.ts';
import { Remote } from '../server/src/kit/remote.ts';
import { DeskSeat } from '../server/src/knowledge/desk-client.ts';
import type { DeskQuestions, FeedQuestions } from '../server/src/knowledge/desk-link.ts';
import { embeddedText } from '../server/src/knowledge/feed.ts';
import type { PassageRecord } from '../server/src/knowledge/library.ts';
import type { KnowledgeThreadSettings } from '../server/src/knowledge-thread.ts';
import { hashing } from '../server/src/models/hashing/vendor.ts';
import { type Figure, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000' },
    queries: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const queries = Number(values.queries);
const seed = Number(values.seed);
const kit = systemKit('warn');
const PASSAGES_PER_DOCUMENT = 8;
const WORDS = 70;
const VOCABULARY = 30_000;
const PAUSE_MS = 2;
/** Of a second and more, after which a machine that is busy otherwise is taken as it is. */
const MOST_ROUNDS = 120;
const goals: Record<string, number> = { '10000': 2, '100000': 10 };

const syllables = ['ba', 'co', 'de', 'fi', 'go', 'ha', 'ki', 'lu', 'ma', 'ne', 'po', 'ri', 'sa', 'te', 'vu', 'wo', 'za'];
const wordOf = (number: number): string => {
  let word = '';
  for (let rest = number + 17; rest > 0; rest = Math.floor(rest / syllables.length)) word += syllables[rest % syllables.length];
  return word;
};

/** Words as often as in a language (Zipf): few are everywhere, most are rare. */
class Knowledge {
  readonly records: PassageRecord[] = [];
  readonly #random: SeededRandom;

  constructor(size: number) {
    this.#random = new SeededRandom(seed);
    for (let i = 0; i < size; i++) {
      const documentId = `document_${Math.floor(i / PASSAGES_PER_DOCUMENT)}`;
      const text = Array.from({ length: WORDS }, () => this.#word()).join(' ');
      const metadata = { base: 'main', language: 'en', tags: [], audience: 'everyone' };
      this.records.push({ id: `${documentId}#${i % PASSAGES_PER_DOCUMENT}`, documentId, title: this.#word(), text, ...metadata });
    }
  }

  /** Six words of one passage and two of any. */
  question(): string {
    const words = this.records[this.#random.below(this.records.length)].text.split(' ');
    const from = this.#random.below(words.length - 6);
    return [...words.slice(from, from + 6), this.#word(), this.#word()].join(' ');
  }

  #word(): string {
    return wordOf(Math.floor(VOCABULARY ** this.#random.next()) - 1);
  }
}

async function measure(size: number): Promise<{ loadMs: number; paced: number[]; atOnce: number[]; found: number; rssMb: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-look-up-'));
  const { vendors } = readConfig(allVendors, {});
  const settings: KnowledgeThreadSettings = {
    dataFolder: folder,
    logLevel: 'warn',
    vectors: 'memory',
    embedder: 'hashing',
    prices: undefined,
    vendors,
  };
  const knowledge = new Knowledge(size);
  const embedder = await hashing.embedder(vendors.hashing as never, kit);
  if (!embedder) throw new Error('the built-in embedder is not there');
  for (let from = 0; from < size; from += 1_000) {
    const part = knowledge.records.slice(from, from + 1_000);
    const vectors = await embedder.embed(part.map(embeddedText), new AbortController().signal);
    for (const [i, record] of part.entries()) record.vector = vectors[i];
  }
  const items = Array.from({ length: Math.ceil(size / PASSAGES_PER_DOCUMENT) }, (_, i) => ({ id: `document_${i}`, version: '1' }));
  const rssBefore = process.memoryUsage().rss;
  const worker = new Worker(new URL('../server/src/knowledge-thread.ts', import.meta.url), { workerData: settings });
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: { type: string; message?: string }) => {
      if (message.type === 'ready') resolve();
      else if (message.type === 'failed') reject(new Error(message.message));
    });
  });
  const desk = new Remote<DeskQuestions, FeedQuestions>(worker, kit.clock, {
    catalogue: () => ({ revision: 1, items }),
    passages: ({ itemIds }) =>
      itemIds.flatMap((id) => {
        const first = Number(id.slice('document_'.length)) * PASSAGES_PER_DOCUMENT;
        return knowledge.records.slice(first, first + PASSAGES_PER_DOCUMENT);
      }),
    keepVectors: () => null,
    embedded: () => null,
  });
  const { port1, port2 } = new MessageChannel();
  await desk.ask('connect', { port: port1 }, { transfer: [port1] });
  const seat = new DeskSeat(kit.clock);
  seat.sit(port2);
  try {
    const began = performance.now();
    await desk.ask('search', { businessId: 'business', query: { text: knowledge.question() } }, { deadlineMs: 600_000 });
    const loadMs = performance.now() - began;
    let found = 0;
    const ask = async (into: number[]): Promise<void> => {
      const text = knowledge.question();
      const from = performance.now();
      const { passages } = await seat.search('business', { text });
      into.push(performance.now() - from);
      if (passages.length > 0) found++;
    };
    // The graph of a large base is built behind the first searches.
    for (let settled = 0, rounds = 0; settled < 5 && rounds < MOST_ROUNDS; rounds++) {
      const probe: number[] = [];
      for (let i = 0; i < 200; i++) await ask(probe);
      settled = percentile(probe, 0.95) < Math.max(5, 0.8 * (goals[size] ?? 0)) ? settled + 1 : 0;
      await kit.clock.sleep(1_000);
    }
    found = 0;
    const paced: number[] = [];
    for (let i = 0; i < queries; i++) {
      await ask(paced);
      await kit.clock.sleep(PAUSE_MS);
    }
    const atOnce: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < queries / 8; i++) await ask(atOnce);
      }),
    );
    return { loadMs, paced, atOnce, found: found / (2 * queries), rssMb: (process.memoryUsage().rss - rssBefore) / 2 ** 20 };
  } finally {
    seat.close();
    await desk.ask('stop', null).catch(() => {});
    desk.close();
    await worker.terminate();
    rmSync(folder, { recursive: true, force: true });
  }
}

const figures: Figure[] = [];
const samples: Record<string, unknown> = {};
for (const size of values.sizes.split(',').map(Number)) {
  const { loadMs, paced, atOnce, found, rssMb } = await measure(size);
  const name = `${size / 1_000}k`;
  for (const [kind, ms] of Object.entries({ paced, at_once: atOnce })) {
    for (const share of [0.5, 0.95, 0.99]) {
      const goal = kind === 'paced' && share === 0.99 ? goals[size] : undefined;
      figures.push({ name: `look_up_${kind}_p${share * 100}_ms_${name}`, value: percentile(ms, share), unit: 'ms', n: ms.length, goal });
    }
  }
  figures.push({ name: `load_ms_${name}`, value: loadMs, unit: 'ms', n: 1 });
  figures.push({ name: `found_pct_${name}`, value: 100 * found, unit: '%', n: 2 * queries });
  figures.push({ name: `rss_mb_${name}`, value: rssMb, unit: 'MB', n: 1 });
  samples[name] = { paced, atOnce };
}
publish(
  'look-up',
  {
    path: 'message port, query embedding (hashing-1, 384 dimensions), nearest vectors, words, fusion, verdict, message port',
    passages: `${WORDS} words each of a vocabulary of ${VOCABULARY}, as often as in a language (Zipf)`,
    question: 'six words of a passage and two of any; each asked once',
  },
  figures,
  samples,
  seed,
);

/**
 * What the office does for knowledge: it keeps the knowledge thread open, reads rows for it, does the background jobs, and
 * collects what callers could not be told. A thread that dies is opened anew; calls meanwhile answer approved questions.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { CallEvent } from '@tandem/contract';
import type { SearchKnowledge } from '#api/routes/knowledge.ts';
import { Egress } from '#calls/tools/egress.ts';
import { Crawler } from '#jobs/crawl/crawl-source.ts';
import { crawlStoreOf } from '#jobs/crawl/crawl-store.ts';
import { EGRESS_BYTES } from '#jobs/crawl/page-reader.ts';
import { GapCollector, gapStoreOf } from '#jobs/gaps/collect-gaps.ts';
import { ingestionStoreOf } from '#jobs/ingestion/ingestion-store.ts';
import { knowledgeFeed } from '#jobs/knowledge-feed.ts';
import { startKnowledgeJobs } from '#jobs/knowledge-jobs.ts';
import type { Timer } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { Remote } from '#kit/remote.ts';
import { threadOpened } from '#kit/thread-opened.ts';
import type { DeskQuestions, DeskStats, FeedQuestions } from '#knowledge/desk-link.ts';
import { extractInChild } from '#knowledge/extraction/extract-in-child.ts';
import { sameQuestion } from '#knowledge/gap-likeness.ts';
import type { Database } from '#store/database.ts';
import { type JobQueue, openQueue } from '#store/queue.ts';
import type { KnowledgeThreadSettings } from './knowledge-thread.ts';

export interface KnowledgeOfficeOptions {
  kit: Kit;
  database: Database;
  thread: KnowledgeThreadSettings;
  egressAllow: string;
  version: string;
  about: string;
  /** Told a port of the desk whenever it opens: the call thread's. */
  onDesk: (port: MessagePort) => void;
  /** A job changed what a business knows. */
  changed: (businessId: string) => void;
  /** A try of a job ended here: done, failed or stopped. */
  onJob?: (job: string, outcome: string) => void;
}

const OPEN_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 5_000;
const AGAIN_MS = 1_000;
const EMBED_WITHIN_MS = 65_000;
const SEARCH_WITHIN_MS = 5_000;
const JOBS_STOP_WITHIN_MS = 5_000;
const STATS_MS = 5_000;

type Desk = Remote<DeskQuestions, FeedQuestions>;

export class KnowledgeOffice {
  readonly queue: JobQueue;
  readonly #options: KnowledgeOfficeOptions;
  readonly #egress: Egress;
  readonly #gaps: GapCollector;
  #worker: Worker | undefined;
  #desk: Desk | undefined;
  #embedder = '';
  #stats: DeskStats | undefined;
  #timer: Timer | undefined;
  #restarts = 0;
  #closing = false;

  private constructor(options: KnowledgeOfficeOptions, queue: JobQueue) {
    const { kit, database, egressAllow } = options;
    this.#options = options;
    this.queue = queue;
    this.#egress = new Egress({ clock: kit.clock, allow: egressAllow, maxBytes: EGRESS_BYTES });
    this.#gaps = new GapCollector({ kit, store: gapStoreOf(database), sameQuestion });
  }

  /** Rejects with `setting-invalid` when the embedder or the vectors that were chosen cannot be used. */
  static async open(options: KnowledgeOfficeOptions): Promise<KnowledgeOffice> {
    const { kit, database, version, about, changed, onJob } = options;
    const office = new KnowledgeOffice(options, await openQueue(database, kit));
    try {
      await office.#openThread();
      const crawler = new Crawler({
        kit,
        store: crawlStoreOf(database, kit),
        queue: office.queue,
        egress: office.#egress,
        version,
        about,
        changed,
      });
      const ingestion = {
        kit,
        store: ingestionStoreOf(database, kit),
        extract: extractInChild(kit),
        embedder: office.#documentEmbedder(),
        changed,
      };
      await startKnowledgeJobs({ kit, database, queue: office.queue, ingestion, crawler, embedders: () => [office.#embedder], onJob });
    } catch (error) {
      await office.close();
      throw error;
    }
    return office;
  }

  /** What a caller would be told. Rejects with `unavailable` while the thread is away. */
  readonly search: SearchKnowledge = async (businessId, { query, scope, limit }) => {
    const { clock } = this.#options.kit;
    const from = clock.now();
    const found = await this.#ask('search', { businessId, query: { text: query, scope, limit } }, SEARCH_WITHIN_MS);
    return {
      passages: found.passages.map(({ answer, ...passage }) => ({ ...passage, ...(answer === undefined ? {} : { answer }) })),
      verdict: found.verdict ?? (found.answerable ? 'answer' : 'unknown'),
      confidence: found.confidence ?? { score: 0, margin: 0, coverage: 0 },
      tookMs: clock.now() - from,
    };
  };

  /** What a business knows has changed, here or elsewhere; undefined: any of them may have. */
  changed(businessId: string | undefined): void {
    if (businessId !== undefined) {
      this.#ask('changed', { businessId }, SEARCH_WITHIN_MS).catch(() => {});
      return;
    }
    this.#ask('loaded', null, SEARCH_WITHIN_MS).then(
      (ids) => {
        for (const id of ids) this.changed(id);
      },
      () => {},
    );
  }

  /** Durable events, in order. */
  take(events: readonly CallEvent[]): void {
    this.#gaps.push(events);
  }

  /** As of a few seconds ago; undefined before the first. */
  get stats(): DeskStats | undefined {
    return this.#stats;
  }

  /** Name of the one in use, as it stands with every vector. */
  get embedder(): string {
    return this.#embedder;
  }

  /** Times the thread had to be opened anew. */
  get restarts(): number {
    return this.#restarts;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#timer?.cancel();
    await this.queue.close({ withinMs: JOBS_STOP_WITHIN_MS });
    await this.#gaps.close();
    await this.#ask('stop', null, STOP_WITHIN_MS).catch(() => {});
    this.#desk?.close();
    await this.#worker?.terminate();
    this.#egress.close();
  }

  #ask<N extends keyof DeskQuestions>(name: N, input: DeskQuestions[N]['input'], deadlineMs: number): Promise<DeskQuestions[N]['output']> {
    if (!this.#desk) return Promise.reject(new TandemError('unavailable', 'What the business knows cannot be searched right now'));
    return this.#desk.ask(name, input, { deadlineMs });
  }

  #documentEmbedder() {
    const embed = async (businessId: string, texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> => {
      signal.throwIfAborted();
      return await this.#ask('embed', { businessId, texts: [...texts] }, EMBED_WITHIN_MS);
    };
    const name = () => this.#embedder;
    return {
      get name() {
        return name();
      },
      embed,
    };
  }

  async #openThread(): Promise<void> {
    const { kit, thread, database, onDesk } = this.#options;
    const worker = new Worker(new URL('./knowledge-thread.ts', import.meta.url), { workerData: thread, name: 'knowledge' });
    this.#worker = worker;
    await threadOpened(worker, { clock: kit.clock, name: 'knowledge', withinMs: OPEN_WITHIN_MS });
    worker.on('exit', (code) => this.#lost(worker, code));
    worker.on('error', (error) => kit.log.error({ error }, 'the knowledge thread failed'));
    const desk: Desk = new Remote(worker, kit.clock, knowledgeFeed(database, kit));
    const { port1, port2 } = new MessageChannel();
    await desk.ask('connect', { port: port1 }, { transfer: [port1] });
    this.#embedder = (await desk.ask('embedder', null)).name;
    this.#desk = desk;
    onDesk(port2);
    this.#watch();
  }

  /** Its indexes are read again when somebody asks. */
  #lost(worker: Worker, code: number): void {
    if (this.#worker !== worker || this.#closing) return;
    const { kit } = this.#options;
    kit.log.error({ code }, 'the knowledge thread ended: opening it anew');
    this.#desk?.close();
    this.#desk = undefined;
    this.#restarts++;
    this.#openAgain();
  }

  /** Until it opens. */
  #openAgain(): void {
    const { kit } = this.#options;
    this.#timer?.cancel();
    this.#timer = kit.clock.after(AGAIN_MS, () => {
      this.#openThread().catch((error: unknown) => {
        kit.log.error({ error }, 'the knowledge thread could not be opened');
        if (!this.#closing) this.#openAgain();
      });
    });
  }

  #watch(): void {
    const { kit } = this.#options;
    this.#timer?.cancel();
    this.#timer = kit.clock.after(STATS_MS, () => {
      this.#ask('stats', null, STATS_MS)
        .then((stats) => {
          this.#stats = stats;
        })
        .catch(() => {})
        .finally(() => {
          if (!this.#closing && this.#desk) this.#watch();
        });
    });
  }
}

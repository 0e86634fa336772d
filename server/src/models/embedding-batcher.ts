/**
 * Questions of calls and passages of documents, asked of one embedder in few requests. Two lanes: `urgent`, for what a caller
 * waits for, is asked almost at once and before the other; `bulk` collects. Of a lane as many requests are in flight as it
 * may have.
 *
 * ```
 *   embed ─▶ waiting ── limit reached, or delayMs over ──▶ in flight ──▶ each waiter its own vectors
 *               ▲                                             │
 *               └── pause over ── rate-limited, retryable ◀───┤   (urgent: the waiters are told at once, words must do)
 *               └── in two halves ── bad-input ◀──────────────┘   (alone: its waiters get the error)
 * ```
 */
import { Cancelled, untilAborted } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf, TandemError, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Embedder, EmbedderLimits, EmbedUse } from './embedder.ts';
import { type EmbeddingBatch, type EmbeddingItem, EmbeddingQueue } from './embedding-queue.ts';

export interface EmbedRequest {
  businessId: string;
  signal: AbortSignal;
  /** A caller waits for it. */
  urgent?: boolean;
  /** `passage` when absent. */
  use?: EmbedUse;
}

/** What a request of one business has cost. */
export interface EmbeddingUsage {
  businessId: string;
  embedder: string;
  texts: number;
  /** As the vendor counted them, shared out by characters. */
  tokens: number;
  /** Millionths of a US dollar. */
  costMicros: number;
}

export interface EmbeddingBatcherOptions {
  urgent?: Partial<LaneOptions>;
  bulk?: Partial<LaneOptions>;
  /** Price of so many tokens in millionths of a US dollar; 0 when absent. */
  costOf?: (tokens: number) => number;
  onUsage?: (usage: EmbeddingUsage) => void;
}

export interface LaneOptions {
  /** How long a first text waits for others; of questions to an instant embedder 0 unless given. */
  delayMs: number;
  /** Of one request; the embedder's own limits hold as well. */
  texts: number;
  characters: number;
  /** Requests at once. */
  inFlight: number;
  /** Texts that may wait; more are refused. */
  mostWaiting: number;
  /** Of one request. */
  deadlineMs: number;
  /** How often one request is tried while it may work soon. */
  attempts: number;
  /** A pause longer than this is an error for those who wait. */
  patienceMs: number;
}

const URGENT: LaneOptions = {
  delayMs: 5,
  texts: 64,
  characters: 64_000,
  inFlight: 4,
  mostWaiting: 1_000,
  deadlineMs: 3_000,
  attempts: 1,
  patienceMs: 300,
};
const BULK: LaneOptions = {
  delayMs: 50,
  texts: 128,
  characters: 200_000,
  inFlight: 1,
  mostWaiting: 20_000,
  deadlineMs: 60_000,
  attempts: 6,
  patienceMs: 120_000,
};
const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 30_000;

interface Lane {
  readonly options: LaneOptions;
  readonly queue: EmbeddingQueue;
  readonly flying: Set<EmbeddingBatch>;
  timer: Timer | undefined;
  /** Since when something waits. */
  sinceMs: number;
  pausedUntilMs: number;
}

export class EmbeddingBatcher {
  readonly counts = { requests: 0, texts: 0, shared: 0, refused: 0, failures: 0, splits: 0, pauses: 0, tokens: 0, costMicros: 0 };
  readonly #kit: Kit;
  readonly #embedder: Embedder;
  readonly #options: EmbeddingBatcherOptions;
  readonly #urgent: Lane;
  readonly #bulk: Lane;
  #closed = false;

  constructor(kit: Kit, embedder: Embedder, options: EmbeddingBatcherOptions = {}) {
    this.#kit = kit;
    this.#embedder = embedder;
    this.#options = options;
    this.#urgent = lane({ ...URGENT, ...(embedder.instant && { delayMs: 0 }), ...options.urgent }, embedder.limits);
    this.#bulk = lane({ ...BULK, ...options.bulk }, embedder.limits);
  }

  get name(): string {
    return this.#embedder.name;
  }

  get dimensions(): number {
    return this.#embedder.dimensions;
  }

  /** Texts that wait to be asked, and requests in flight, for metrics. */
  get waiting(): { urgent: number; bulk: number; inFlight: number } {
    const [urgent, bulk] = [this.#urgent, this.#bulk];
    return { urgent: urgent.queue.size, bulk: bulk.queue.size, inFlight: urgent.flying.size + bulk.flying.size };
  }

  /**
   * One vector per text, in order; equal texts share one, which is not to be changed. Rejects with the first text's failure, with
   * the signal's reason, or with `unavailable` when too many texts wait.
   */
  async embed(texts: readonly string[], request: EmbedRequest): Promise<Float32Array[]> {
    const outcomes = await this.embedEach(texts, request);
    return outcomes.map((outcome) => {
      if (outcome instanceof Error) throw outcome;
      return outcome;
    });
  }

  /** As {@link embed}, but a text that has no vector has its error in its place. */
  async embedEach(texts: readonly string[], request: EmbedRequest): Promise<(Float32Array | Error)[]> {
    const { signal, businessId, use = 'passage' } = request;
    signal.throwIfAborted();
    if (this.#closed) throw new Cancelled('shutdown');
    if (texts.length === 0) return [];
    const own = request.urgent ? this.#urgent : this.#bulk;
    this.#admit(own, texts.length);
    if (own.queue.size === 0) own.sinceMs = this.#kit.clock.now();
    const items = texts.map((text) => {
      const { item, shared } = own.queue.add(text, use, businessId);
      if (shared) this.counts.shared++;
      return item;
    });
    this.#plan();
    try {
      return await untilAborted(Promise.all(items.map(outcomeOf)), signal);
    } catch (thrown) {
      for (const item of items) this.#release(own, item);
      this.#plan();
      throw thrown;
    }
  }

  /** Whoever waits gets `Cancelled`; the embedder is the owner's to close. */
  close(): void {
    this.#closed = true;
    for (const one of [this.#urgent, this.#bulk]) {
      one.timer?.cancel();
      for (const item of one.queue.drain()) item.outcome.reject(new Cancelled('shutdown'));
      for (const { abort } of one.flying) abort?.abort(new Cancelled('shutdown'));
    }
  }

  #admit(own: Lane, texts: number): void {
    const { mostWaiting, patienceMs } = own.options;
    const pauseMs = own.pausedUntilMs - this.#kit.clock.now();
    if (own === this.#urgent && pauseMs > patienceMs) {
      this.counts.refused += texts;
      throw new VendorError(this.name, 'rate-limited', `paused for ${Math.round(pauseMs)} ms`, { retryAfterMs: pauseMs });
    }
    const waiting = own.queue.size;
    if (waiting + texts <= mostWaiting) return;
    this.counts.refused += texts;
    throw new TandemError('unavailable', 'Too many texts wait for their vectors: ask later, or in smaller parts', { waiting, mostWaiting });
  }

  #release(own: Lane, item: EmbeddingItem): void {
    const { batch } = item;
    own.queue.release(item);
    if (!batch?.items.every(({ waiters }) => waiters <= 0)) return;
    for (const one of batch.items) own.queue.settled(one);
    batch.abort?.abort(new Cancelled('nobody-waits'));
  }

  /** Sends what is due and sees to it that the rest will be. */
  #plan(): void {
    this.#planLane(this.#urgent);
    // While callers wait for a place, documents wait too.
    if (this.#urgent.queue.size === 0) this.#planLane(this.#bulk);
  }

  #planLane(own: Lane): void {
    const { options, queue, flying } = own;
    own.timer?.cancel();
    own.timer = undefined;
    while (!this.#closed && queue.size > 0 && flying.size < options.inFlight) {
      const now = this.#kit.clock.now();
      const dueMs = Math.max(own.pausedUntilMs, queue.isFull(options) ? now : own.sinceMs + options.delayMs);
      if (dueMs > now) {
        own.timer = this.#kit.clock.after(dueMs - now, () => this.#plan());
        return;
      }
      const batch = queue.take(options);
      if (batch) void this.#send(own, batch);
    }
  }

  /** Never rejects. */
  async #send(own: Lane, batch: EmbeddingBatch): Promise<void> {
    const abort = new AbortController();
    batch.abort = abort;
    own.flying.add(batch);
    const { deadlineMs } = own.options;
    const timer = this.#kit.clock.after(deadlineMs, () =>
      abort.abort(new VendorError(this.name, 'retryable', `no vectors within ${deadlineMs} ms`)),
    );
    try {
      const vectors = await untilAborted(this.#ask(batch, abort.signal), abort.signal);
      for (const [index, item] of batch.items.entries()) {
        own.queue.settled(item);
        item.outcome.resolve(vectors[index]);
      }
    } catch (thrown) {
      this.#failed(own, batch, thrown);
    } finally {
      timer.cancel();
      own.flying.delete(batch);
    }
    this.#plan();
  }

  async #ask({ items }: EmbeddingBatch, signal: AbortSignal): Promise<Float32Array[]> {
    this.counts.requests++;
    this.counts.texts += items.length;
    let tokens = 0;
    const onTokens = (more: number) => {
      tokens += more;
    };
    try {
      const texts = items.map(({ text }) => text);
      const vectors = await this.#embedder.embed(texts, signal, { use: items[0].use, onTokens });
      if (vectors.length !== items.length || vectors.some(({ length }) => length !== this.dimensions)) {
        throw new VendorError(this.name, 'permanent', `not ${items.length} vectors of ${this.dimensions} numbers`);
      }
      return vectors;
    } finally {
      this.#charge(items, tokens);
    }
  }

  #charge(items: readonly EmbeddingItem[], tokens: number): void {
    const costMicros = this.#options.costOf?.(tokens) ?? 0;
    this.counts.tokens += tokens;
    this.counts.costMicros += costMicros;
    if (!this.#options.onUsage) return;
    const shares = new Map<string, { texts: number; characters: number }>();
    let all = 0;
    for (const { businessId, text } of items) {
      const { texts, characters } = shares.get(businessId) ?? { texts: 0, characters: 0 };
      shares.set(businessId, { texts: texts + 1, characters: characters + text.length + 1 });
      all += text.length + 1;
    }
    for (const [businessId, { texts, characters }] of shares) {
      const share = characters / all;
      this.#options.onUsage({ businessId, embedder: this.name, texts, tokens: tokens * share, costMicros: costMicros * share });
    }
  }

  #failed(own: Lane, batch: EmbeddingBatch, thrown: unknown): void {
    const { queue, options } = own;
    const wanted = batch.items.some(({ waiters }) => waiters > 0);
    if (!wanted || this.#closed) return this.#refuse(own, batch, this.#closed ? new Cancelled('shutdown') : thrown);
    this.counts.failures++;
    const category = thrown instanceof VendorError ? thrown.category : 'permanent';
    if (category === 'bad-input' && batch.items.length > 1) {
      const middle = batch.items.length >> 1;
      this.counts.splits++;
      const { items, attempts } = batch;
      return queue.putBack({ items: items.slice(0, middle), attempts }, { items: items.slice(middle), attempts });
    }
    if (category !== 'rate-limited' && category !== 'retryable') return this.#refuse(own, batch, thrown);
    const pauseMs = this.#pauseAfter(batch, thrown as VendorError);
    const untilMs = this.#kit.clock.now() + pauseMs;
    // A limit of the key holds for both lanes, a bad moment for this one.
    for (const one of category === 'rate-limited' ? [this.#urgent, this.#bulk] : [own]) {
      one.pausedUntilMs = Math.max(one.pausedUntilMs, untilMs);
    }
    this.counts.pauses++;
    batch.attempts++;
    const hopeless = batch.attempts >= options.attempts || pauseMs > options.patienceMs;
    if (hopeless) this.#refuse(own, batch, thrown);
    else queue.putBack(batch);
    if (pauseMs > this.#urgent.options.patienceMs && this.#urgent.pausedUntilMs >= untilMs) this.#tellUrgent(thrown as VendorError);
    this.#kit.log.warn(
      { embedder: this.name, error: messageOf(thrown), pauseMs, texts: batch.items.length, hopeless },
      'embedding is paused',
    );
  }

  /** A caller's question cannot wait for the end of a long pause. */
  #tellUrgent(error: VendorError): void {
    for (const item of this.#urgent.queue.drain()) item.outcome.reject(error);
  }

  #refuse(own: Lane, batch: EmbeddingBatch, error: unknown): void {
    for (const item of batch.items) {
      own.queue.settled(item);
      item.outcome.reject(error);
    }
  }

  /** What the vendor asks for, else twice as long each time, and up to a quarter more so that instances part. A failed question of a call pauses nothing. */
  #pauseAfter({ attempts }: EmbeddingBatch, { category, retryAfterMs }: VendorError): number {
    if (retryAfterMs !== undefined) return retryAfterMs;
    if (category === 'retryable' && attempts === 0) return 0;
    const backOffMs = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** attempts);
    return backOffMs * (1 + this.#kit.random.next() / 4);
  }
}

function lane(options: LaneOptions, limits: EmbedderLimits | undefined): Lane {
  const texts = Math.max(1, Math.min(options.texts, limits?.texts ?? Number.POSITIVE_INFINITY));
  const characters = Math.min(options.characters, limits?.characters ?? Number.POSITIVE_INFINITY);
  const negative = Number.NEGATIVE_INFINITY;
  return {
    options: { ...options, texts, characters },
    queue: new EmbeddingQueue(),
    flying: new Set(),
    timer: undefined,
    sinceMs: negative,
    pausedUntilMs: negative,
  };
}

const outcomeOf = ({ outcome }: EmbeddingItem): Promise<Float32Array | Error> =>
  outcome.promise.catch((error: unknown) => (error instanceof Error ? error : new Error(messageOf(error))));

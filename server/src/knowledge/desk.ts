/** The desk of the knowledge thread: answers the office and the call thread, and asks the office for what it does not have. */
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type Handlers, Remote, type RemotePort } from '#kit/remote.ts';
import type { EmbeddingUsage } from '#models/embedding-batcher.ts';
import type { VectorIndex } from '#vectors/vector-index.ts';
import type { DeskQuestions, EmbeddingCounts, FeedQuestions } from './desk-link.ts';
import { EmbeddingTally } from './embedding-tally.ts';
import type { KnowledgeFeed } from './feed.ts';
import { LazyLibrary } from './lazy-library.ts';
import type { QueryEmbedder } from './shelf.ts';

export interface DeskOptions {
  kit: Kit;
  index: VectorIndex;
  embedder: QueryEmbedder;
  /** What the embedder was asked so far. */
  embedding?: () => EmbeddingCounts;
  /** Called when the office said stop and everything is saved. */
  stopped: () => void;
}

/** The office waits for many texts at once when a large document comes in. */
const EMBED_WITHIN_MS = 60_000;
const LOAD_WITHIN_MS = 30_000;
/** What the memory index holds is written this long after the last change. */
const SAVE_AFTER_MS = 10_000;

export class KnowledgeDesk {
  readonly library: LazyLibrary;
  readonly #options: DeskOptions;
  readonly #office: Remote<FeedQuestions, DeskQuestions>;
  readonly #askers: Remote<Record<never, never>, DeskQuestions>[] = [];
  readonly #tally: EmbeddingTally;
  #saving: { cancel(): void } | undefined;

  constructor(office: RemotePort, options: DeskOptions) {
    this.#options = options;
    this.#office = new Remote(office, options.kit.clock, this.#handlers());
    this.library = new LazyLibrary({ kit: options.kit, feed: feedOf(this.#office), index: options.index, embedder: options.embedder });
    this.#tally = new EmbeddingTally(options.kit, (uses) => this.#office.ask('embedded', { uses }, { deadlineMs: LOAD_WITHIN_MS }));
  }

  /** A business's share of a request to the embedder: the office writes it down. */
  embedded(use: EmbeddingUsage): void {
    this.#tally.add(use);
  }

  #handlers(): Handlers<DeskQuestions> {
    const { embedder, embedding, index, kit } = this.#options;
    return {
      search: ({ businessId, query }) => this.library.search(businessId, query),
      embed: async ({ businessId, texts }) => {
        const late = new AbortController();
        const timer = kit.clock.after(EMBED_WITHIN_MS, () =>
          late.abort(new TandemError('unavailable', 'The texts were not embedded in time')),
        );
        try {
          return await embedder.embed(texts, { businessId, signal: late.signal, urgent: false, use: 'passage' });
        } finally {
          timer.cancel();
        }
      },
      embedder: () => ({ name: embedder.name, dimensions: embedder.dimensions }),
      changed: ({ businessId, revision }) => {
        void this.library.changed(businessId, revision).then(() => this.#saveSoon());
        return null;
      },
      forget: async ({ businessId }) => {
        await this.library.forget(businessId);
        return null;
      },
      loaded: () => this.library.loaded,
      stats: () => ({ ...this.library.stats(), ...(embedding && { embedding: { ...embedding() } }) }),
      connect: ({ port }) => {
        this.#askers.push(new Remote(port, kit.clock, this.#handlers()));
        return null;
      },
      stop: async () => {
        this.#saving?.cancel();
        await this.#tally.flush();
        this.#tally.close();
        await index.save().catch((error: unknown) => kit.log.warn({ error }, 'the vector index could not be saved'));
        await index.close();
        for (const asker of this.#askers) asker.close();
        // The answer leaves first.
        queueMicrotask(() => kit.clock.after(0, () => this.#options.stopped()));
        return null;
      },
    };
  }

  #saveSoon(): void {
    const { index, kit } = this.#options;
    this.#saving?.cancel();
    this.#saving = kit.clock.after(SAVE_AFTER_MS, () => {
      index.save().catch((error: unknown) => kit.log.warn({ error }, 'the vector index could not be saved'));
    });
  }
}

function feedOf(office: Remote<FeedQuestions, DeskQuestions>): KnowledgeFeed {
  const options = { deadlineMs: LOAD_WITHIN_MS };
  return {
    catalogue: (businessId) => office.ask('catalogue', { businessId }, options),
    passages: (businessId, itemIds, embedder) => office.ask('passages', { businessId, itemIds: [...itemIds], embedder }, options),
    keepVectors: async (businessId, embedder, vectors) => {
      await office.ask('keepVectors', { businessId, embedder, vectors: [...vectors] }, options);
    },
  };
}

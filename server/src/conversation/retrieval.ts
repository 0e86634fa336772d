/** What the business knows about the caller's words, asked once for the same words, also while they are still spoken. */
import type { Kit } from '#kit/kit.ts';
import type { ModelPassage } from '#models/language-model.ts';
import { inTime } from './deadlines.ts';
import { wordsOf } from './rules/words.ts';

export interface Retrieval {
  passages: ModelPassage[];
  answerable: boolean;
  /** Somebody has written an answer to exactly these words: it is spoken as it stands. */
  approved?: ModelPassage;
}

/** Must not touch a database on the sound path. What it throws counts as "nothing found". */
export type Retrieve = (query: string) => Retrieval | Promise<Retrieval>;

const NOTHING: Retrieval = { passages: [], answerable: false };
/** Queries of one call whose result is kept. */
const KEPT_QUERIES = 8;

export class RetrievalCache {
  readonly #retrieve: Retrieve;
  readonly #kit: Kit;
  readonly #waitMs: number;
  readonly #found = new Map<string, Retrieval | Promise<Retrieval>>();

  constructor(kit: Kit, retrieve: Retrieve, waitMs: number) {
    this.#kit = kit;
    this.#retrieve = retrieve;
    this.#waitMs = waitMs;
  }

  /** Begins to look for it; whoever asks for the same words later does not wait as long. */
  begin(query: string): void {
    try {
      void this.#ask(query);
    } catch {
      // Whoever asks for it in earnest is told.
    }
  }

  /** Resolves in time, with nothing when it fails or hangs; rejects only with the signal's reason. */
  async of(query: string, signal: AbortSignal): Promise<Retrieval> {
    try {
      const asked = this.#ask(query);
      return asked instanceof Promise ? await inTime(asked, this.#waitMs, { clock: this.#kit.clock, vendor: 'knowledge', signal }) : asked;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#kit.log.warn({ error }, 'retrieval failed: answering without passages');
      return NOTHING;
    }
  }

  #ask(query: string): Retrieval | Promise<Retrieval> {
    const key = wordsOf(query).join(' ');
    const known = this.#found.get(key);
    if (known) return known;
    const found = this.#retrieve(query);
    // A failure is not kept.
    if (found instanceof Promise) found.catch(() => this.#found.delete(key));
    this.#found.set(key, found);
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= KEPT_QUERIES) break;
      this.#found.delete(oldest);
    }
    return found;
  }
}

/** What the business knows about the caller's words, asked once for the same words, also while they are still spoken. */
import type { Confidence, Verdict } from '@tandem/contract';
import type { Kit } from '#kit/kit.ts';
import type { ModelMessage, ModelPassage } from '#models/language-model.ts';
import { inTime } from './deadlines.ts';
import { wordsOf } from './rules/words.ts';

export interface Retrieval {
  passages: ModelPassage[];
  answerable: boolean;
  /** Somebody has written an answer to exactly these words: it is spoken as it stands. */
  approved?: ModelPassage;
  /** The same for the other questions, where several were asked in one breath and all have such an answer; in their order. */
  approvedToo?: ModelPassage[];
  /** Of several questions in one breath, those that nothing answers. */
  unanswered?: string[];
  verdict?: Verdict;
  confidence?: Confidence;
}

export interface RetrievalQuery {
  /** The caller's words. */
  text: string;
  /** What was said before and heard, by both, newest last: a follow-up takes its subject from there. */
  history: readonly string[];
}

/** Must not touch a database on the sound path. What it throws counts as "nothing found". */
export type Retrieve = (query: RetrievalQuery) => Retrieval | Promise<Retrieval>;

/** What was found, and whether the same had been asked for before. */
export interface Found {
  retrieval: Retrieval;
  cached: boolean;
}

const NOTHING: Retrieval = { passages: [], answerable: false };
/** Queries of one call whose result is kept. */
const KEPT_QUERIES = 8;
/** Lines of a conversation that a follow-up may take its subject from. */
const HISTORY_LINES = 4;
const LINE_CHARACTERS = 400;

/** The query of a caller's last words; `messages` may end with them. */
export function queryOf(text: string, messages: readonly ModelMessage[]): RetrievalQuery {
  const history: string[] = [];
  const last = messages.findLastIndex(({ role }) => role === 'user');
  for (let i = (last === -1 ? messages.length : last) - 1; i >= 0 && history.length < HISTORY_LINES; i--) {
    const message = messages[i];
    if (message.role !== 'tool' && message.text !== '') history.unshift(message.text.slice(0, LINE_CHARACTERS));
  }
  return { text, history };
}

/** What is spoken as it stands; undefined when nothing is. */
export function approvedAnswer({ approved, approvedToo = [] }: Retrieval): string | undefined {
  if (approved?.answer === undefined) return undefined;
  return [approved, ...approvedToo].flatMap(({ answer }) => answer?.trim() ?? []).join(' ');
}

/** What the verdict is where retrieval gave none. */
export function verdictOf({ verdict, answerable, passages, approved }: Retrieval): Verdict {
  if (approved || answerable) return 'answer';
  return verdict ?? (passages.length > 0 ? 'clarify' : 'unknown');
}

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
  begin(query: RetrievalQuery): void {
    try {
      void this.#ask(query);
    } catch {
      // Whoever asks for it in earnest is told.
    }
  }

  /** Resolves in time, with nothing when it fails or hangs; rejects only with the signal's reason. */
  async of(query: RetrievalQuery, signal: AbortSignal): Promise<Found> {
    try {
      const { asked, cached } = this.#ask(query);
      const waiting = { clock: this.#kit.clock, vendor: 'knowledge', signal };
      return { retrieval: asked instanceof Promise ? await inTime(asked, this.#waitMs, waiting) : asked, cached };
    } catch (error) {
      if (signal.aborted) throw error;
      this.#kit.log.warn({ error }, 'retrieval failed: answering without passages');
      return { retrieval: NOTHING, cached: false };
    }
  }

  /** The same words after other ones may mean something else. */
  #ask(query: RetrievalQuery): { asked: Retrieval | Promise<Retrieval>; cached: boolean } {
    const key = [query.text, ...query.history].map((line) => wordsOf(line).join(' ')).join('\n');
    const known = this.#found.get(key);
    if (known) return { asked: known, cached: true };
    const found = this.#retrieve(query);
    // A failure is not kept.
    if (found instanceof Promise) found.catch(() => this.#found.delete(key));
    this.#found.set(key, found);
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= KEPT_QUERIES) break;
      this.#found.delete(oldest);
    }
    return { asked: found, cached: false };
  }
}

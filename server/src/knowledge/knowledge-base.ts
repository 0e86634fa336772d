/**
 * What one business knows, given as a whole and indexed in process: passages of its documents and its approved questions.
 * Found by words alone, at once; the knowledge thread adds vectors to the same engine.
 */
import { plainWords } from './approved-answers.ts';
import { KnowledgeEngine } from './engine.ts';
import type { LibraryQuery, PassageRecord, Retrieval } from './library.ts';
import { passagesOf } from './passages.ts';
import { severalIn, togetherOf } from './questions.ts';

export type { Retrieval } from './library.ts';

export interface KnowledgeSource {
  /** Changes whenever anything below does. */
  version: string;
  documents: { id: string; title: string; text: string }[];
  /** Metadata as of any other when absent. */
  questions: ({ id: string; phrasings: string[]; answer: string } & Partial<Metadata>)[];
  /** Of documents that are searched elsewhere. */
  headings?: string[];
}

type Metadata = Pick<PassageRecord, 'base' | 'language' | 'tags' | 'audience'>;

/** About a millisecond of cutting and indexing. */
const ENTRIES_PER_PIECE = 20;
const METADATA: Metadata = { base: 'main', language: 'en', tags: [], audience: 'everyone' };

export class KnowledgeBase {
  readonly version: string;
  readonly #engine = new KnowledgeEngine();
  readonly #phrases = new Set<string>();
  /** Plain words of every phrasing. */
  readonly #asked = new Set<string>();

  /** Indexes everything at once. */
  constructor(source: KnowledgeSource) {
    this.version = source.version;
    for (const _ of this.#fill(source));
  }

  /** The same in pieces of a millisecond or so with `pause` between them, for a thread that has frames to send. */
  static async inPieces(source: KnowledgeSource, pause: () => Promise<void>): Promise<KnowledgeBase> {
    const base = new KnowledgeBase({ version: source.version, documents: [], questions: [] });
    for (const count of base.#fill(source)) if (count % ENTRIES_PER_PIECE === 0) await pause();
    return base;
  }

  /** What a caller may say in closed-grammar recognition: every phrasing of every approved question, and every heading. */
  get phrases(): readonly string[] {
    return [...this.#phrases];
  }

  /** Whether some approved question has these very words; its scope is not asked. */
  hasPhrasing(text: string): boolean {
    return this.#asked.has(plainWords(text));
  }

  get size(): number {
    return this.#engine.size;
  }

  /** Passages of `documentId`, for the row that shows their count. */
  passagesOf(documentId: string): number {
    return this.#engine.countOf(documentId);
  }

  /** Best first, at most `limit`; an approved question appears once. Scores are 0…1. */
  search(query: string | LibraryQuery, limit = 5): Retrieval {
    const asked = typeof query === 'string' ? { text: query, limit } : query;
    const whole = this.#engine.search(asked);
    const several = severalIn(asked);
    if (!several) return whole;
    const found = several.map((one) => this.#engine.search(one));
    return togetherOf(whole, several, found, asked.text);
  }

  /** Yields the number of entries after each. */
  *#fill(source: KnowledgeSource): Generator<number, void, undefined> {
    for (const phrasing of source.questions.flatMap(({ phrasings }) => phrasings)) {
      this.#phrases.add(phrasing);
      this.#asked.add(plainWords(phrasing));
    }
    for (const document of source.documents) {
      for (const passage of passagesOf(document)) {
        for (const heading of passage.title.split(' – ')) this.#phrases.add(heading);
        yield this.#add({ ...passage, ...METADATA });
      }
    }
    for (const title of source.headings ?? []) for (const heading of title.split(' – ')) this.#phrases.add(heading);
    for (const { id, phrasings, answer, ...metadata } of source.questions) {
      for (const [index, text] of phrasings.entries()) {
        yield this.#add({ id: `${id}#${index}`, documentId: id, title: phrasings[0], text, answer, ...METADATA, ...metadata });
      }
    }
  }

  #add(record: PassageRecord): number {
    this.#engine.upsert([record]);
    return this.#engine.size;
  }
}

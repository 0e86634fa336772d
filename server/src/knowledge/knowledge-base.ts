/**
 * What one business knows, indexed in process: passages of its documents and its approved questions. A query answers
 * with the best of both and with a verdict whether they are good enough to answer from.
 */
import type { ModelPassage } from '#models/language-model.ts';
import { Bm25 } from './bm25.ts';
import { passagesOf } from './passages.ts';
import { termsOf } from '#models/terms.ts';

export interface KnowledgeSource {
  /** Changes whenever anything below does. */
  version: string;
  documents: { id: string; title: string; text: string }[];
  questions: { id: string; phrasings: string[]; answer: string }[];
}

export interface Retrieval {
  passages: ModelPassage[];
  answerable: boolean;
  /** The query is a phrasing of this approved question, word for word: its answer may be spoken as it stands. */
  approved?: ModelPassage;
}

/**
 * Share of the query's information (by rarity) that the best passage must contain to be an answer; and what an approved
 * question must share both ways to be the same question.
 */
const PASSAGE_COVERAGE = 0.5;
const QUESTION_LIKENESS = 0.62;
/** An approved answer must be this much likelier than the next different one. */
const QUESTION_MARGIN = 0.08;

/** About a millisecond of cutting and indexing. */
const ENTRIES_PER_PIECE = 20;

interface Entry {
  passage: Omit<ModelPassage, 'score'>;
  terms: Set<string>;
}

export class KnowledgeBase {
  readonly version: string;
  #entries: Entry[] = [];
  #index = new Bm25();
  #phrases = new Set<string>();

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

  /** Yields the number of entries after each. */
  *#fill(source: KnowledgeSource): Generator<number, void, undefined> {
    for (const { phrasings } of source.questions) for (const phrasing of phrasings) this.#phrases.add(phrasing);
    for (const document of source.documents) {
      for (const passage of passagesOf(document)) {
        this.#add({ ...passage, answer: undefined }, `${passage.title} ${passage.text}`);
        for (const heading of passage.title.split(' – ')) this.#phrases.add(heading);
        yield this.size;
      }
    }
    for (const { id, phrasings, answer } of source.questions) {
      for (const [index, phrasing] of phrasings.entries()) {
        this.#add({ id: `${id}#${index}`, documentId: id, title: phrasings[0], text: phrasing, answer }, phrasing);
        yield this.size;
      }
    }
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Passages of `documentId`, for the row that shows their count. */
  passagesOf(documentId: string): number {
    return this.#entries.filter(({ passage }) => passage.documentId === documentId && passage.answer === undefined).length;
  }

  /** Best first, at most `limit`; an approved question appears once. Scores are 0…1. */
  search(query: string, limit = 5): Retrieval {
    const terms = [...new Set(termsOf(query))];
    if (terms.length === 0 || this.size === 0) return { passages: [], answerable: false };
    const weight = new Map(terms.map((term) => [term, this.#index.idf(term)]));
    const asked = [...weight.values()].reduce((sum, value) => sum + value, 0);
    const found: ModelPassage[] = [];
    const seen = new Set<string>();
    for (const { entry } of this.#index.search(terms, limit * 6)) {
      const { passage, terms: own } = this.#entries[entry];
      const shared = terms.reduce((sum, term) => sum + (own.has(term) ? (weight.get(term) ?? 0) : 0), 0);
      const coverage = shared / asked;
      const score = passage.answer === undefined ? coverage : this.#likeness(own, shared, asked);
      found.push({ ...passage, score });
    }
    found.sort((a, b) => b.score - a.score);
    const passages = found.filter(({ documentId, answer, id }) => {
      const key = answer === undefined ? id : documentId;
      return !seen.has(key) && seen.add(key);
    });
    const verdict = judge(passages.slice(0, limit));
    const [best] = verdict.passages;
    const approved = best?.answer !== undefined && plain(best.text) === plain(query);
    return approved ? { ...verdict, approved: best } : verdict;
  }

  /** Dice likeness by information: 1 when query and phrasing have the same terms. */
  #likeness(own: Set<string>, shared: number, asked: number): number {
    let owned = 0;
    for (const term of own) owned += this.#index.idf(term);
    return (2 * shared) / (asked + owned);
  }

  #add(passage: Omit<ModelPassage, 'score'>, text: string): void {
    const terms = termsOf(text);
    this.#entries.push({ passage, terms: new Set(terms) });
    this.#index.add(terms);
  }
}

/** Letters and figures only, in lower case and without accents. */
function plain(text: string): string {
  const words = text
    .normalize('NFKD')
    .replace(/\p{M}|['’]/gu, '')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return (words ?? []).join(' ');
}

/** An approved answer goes first only when it is clearly the same question; otherwise it is not offered as an answer. */
function judge(passages: ModelPassage[]): Retrieval {
  const questions = passages.filter(({ answer }) => answer !== undefined);
  const documents = passages.filter(({ answer }) => answer === undefined);
  const [best, next] = questions;
  const approved = best && best.score >= QUESTION_LIKENESS && (!next || best.score - next.score >= QUESTION_MARGIN || best.score > 0.97);
  if (approved) return { passages: [best, ...documents], answerable: true };
  const answerable = documents.length > 0 && documents[0].score >= PASSAGE_COVERAGE;
  return { passages: documents, answerable };
}

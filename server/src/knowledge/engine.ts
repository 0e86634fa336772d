/**
 * What one business knows, ready to be searched: one index of words per knowledge base, changed in place. Vectors are kept
 * elsewhere (`vectors/`); their nearest are handed in, or asked for through a function. Holds nothing of any other business.
 */
import type { KnowledgeScope } from '@tandem/contract';
import { wordsOf } from '#models/terms.ts';
import type { Near, VectorFilter } from '#vectors/vector-index.ts';
import { approvedMatch, passageOf, type Phrasing, plainWords } from './approved-answers.ts';
import { coverageOf, coveragesOf } from './coverage.ts';
import { lentTo, standalone } from './follow-up.ts';
import { type Evidence, fuse } from './hybrid.ts';
import { type Indexed, type IndexKind, LexicalIndex } from './lexical-index.ts';
import { type Hit, type ResolvedGroup, Selection } from './lexical-search.ts';
import type { LibraryQuery, PassageRecord, Retrieval } from './library.ts';
import { scopeKeys } from './metadata.ts';
import { ProximityQuery } from './proximity.ts';
import { groupsOf } from './query-groups.ts';
import { isBareNumber } from './spoken-values.ts';
import { verdictOf } from './verdict.ts';
import { Vocabulary } from './vocabulary.ts';

/** Asks the vectors of one or several knowledge bases; an empty list of bases means all. */
export type Nearest = (
  vector: Float32Array,
  scope: { bases: readonly string[]; filter: VectorFilter },
  limit: number,
  signal?: AbortSignal,
) => Promise<Near[]>;

export interface EngineStats {
  bases: number;
  passages: number;
  /** Phrasings of approved questions among the passages. */
  phrasings: number;
  terms: number;
}

const KINDS = ['documents', 'questions'] as const;
const LIMIT = 5;
/** Candidates of each kind that are compared closely. */
const CANDIDATES = 30;
/** What all lent words may weigh together, as a share of the question's own: less than half, so that they alone never answer. */
const LENT_SHARE = 0.8;
/** Of words that frame a question, when passages of documents are compared; to be the same question they count in full. */
const FRAME_WEIGHT = 0.5;
/** The best imaginable passage has every group of the question often; this much of it is as good as all. */
const FULL_RELEVANCE = 1.6;

const nothing = (): Retrieval => ({
  passages: [],
  answerable: false,
  verdict: 'unknown',
  confidence: { score: 0, margin: 0, coverage: 0 },
});

export class KnowledgeEngine {
  readonly #vocabulary = new Vocabulary();
  readonly #bases: Record<IndexKind, Map<string, LexicalIndex>> = { documents: new Map(), questions: new Map() };
  /** Of the bases; undefined after one came or went. */
  #names: readonly string[] | undefined;
  /** Where each passage is. */
  readonly #indexOf = new Map<string, { index: LexicalIndex; base: string }>();

  get size(): number {
    return this.#indexOf.size;
  }

  /** Names of the knowledge bases that hold anything. */
  get bases(): readonly string[] {
    this.#names ??= [...new Set(KINDS.flatMap((kind) => [...this.#bases[kind].keys()]))].sort();
    return this.#names;
  }

  get stats(): EngineStats {
    const phrasings = [...this.#bases.questions.values()].reduce((sum, { size }) => sum + size, 0);
    return { bases: this.bases.length, passages: this.size, phrasings, terms: this.#vocabulary.size };
  }

  /** Adds passages or replaces those with the same ids. About 0.1 ms each: a thread with calls hands in few at a time. */
  upsert(records: readonly PassageRecord[]): void {
    for (const record of records) {
      this.removePassage(record.id);
      const { base } = record;
      const kind: IndexKind = record.answer === undefined ? 'documents' : 'questions';
      let index = this.#bases[kind].get(base);
      if (!index) {
        this.#bases[kind].set(base, (index = new LexicalIndex(kind, this.#vocabulary)));
        this.#names = undefined;
      }
      index.put(record);
      this.#indexOf.set(record.id, { index, base });
    }
  }

  /** All passages of a document, or phrasings of a question. Returns how many there were. */
  remove(documentId: string): number {
    const ids = this.#passagesOf(documentId).map(({ id }) => id);
    for (const id of ids) this.removePassage(id);
    return ids.length;
  }

  /** Whether it was there. */
  removePassage(id: string): boolean {
    const place = this.#indexOf.get(id);
    if (!place) return false;
    place.index.remove(id);
    this.#indexOf.delete(id);
    if (place.index.size === 0) {
      this.#bases[place.index.kind].delete(place.base);
      this.#names = undefined;
    }
    return true;
  }

  get(id: string): PassageRecord | undefined {
    return this.#find(id)?.entry.record;
  }

  /** How many passages (or phrasings) the document (or question) has. */
  countOf(documentId: string): number {
    return this.#passagesOf(documentId).length;
  }

  /** What an embedder is to be given for this query: a follow-up with its subject. */
  resolve({ text, history = [] }: LibraryQuery): string {
    return standalone(text, history);
  }

  /**
   * Best first. By words, and by vectors where the nearest passages are handed in. Those that the scope does not let
   * through are left out, whoever handed them in.
   */
  search(query: LibraryQuery, near: readonly Near[] = []): Retrieval {
    const { text, scope = {}, limit = LIMIT } = query;
    const selection = new Selection(this.#selected(scope), this.#vocabulary);
    if (selection.size === 0) return nothing();
    const own = selection.resolve(groupsOf(text, knownOf(selection)));
    const lent = this.#lent(query, own, selection);
    const groups = [...own, ...lent];
    if (groups.length === 0) return nothing();
    const keys = scopeKeys(scope);
    const subject = groups.map((group) => (group.frame ? { ...group, weight: group.weight * FRAME_WEIGHT } : group));
    const found = selection.search(subject, keys, CANDIDATES);
    const cosines = new Map(near.map(({ id, score }) => [id, score]));
    const known = new Set([...found.documents, ...found.questions].map(({ entry }) => entry.record.id));
    for (const { id } of near) {
      const entry = known.has(id) ? undefined : this.#allowed(id, selection, keys);
      if (entry) (entry.record.answer === undefined ? found.documents : found.questions).push({ entry, relevance: 0 });
    }
    // Who is not among the nearest is no nearer than the last of them.
    const furthest = near.length === 0 ? undefined : Math.min(...cosines.values());
    const cosineOf = ({ entry }: Hit): number | undefined => cosines.get(entry.record.id) ?? furthest;
    const documents = rankDocuments(found.documents, subject, cosineOf);
    const phrasings = rankPhrasings(found.questions, groups, selection, cosineOf);
    // Any passage with that number is as good as another: none answers it, unless somebody has written an answer to just that.
    if (isBareNumber(wordsOf(text))) {
      const exact = phrasings.filter(({ record }) => plainWords(record.text) === plainWords(text));
      return judged(text, { documents: [], phrasings: exact, vectors: false, ownCoverage: 1 }, limit);
    }
    const [best] = documents;
    const ownCoverage = best === undefined || own.length === 0 ? 1 : coverageOf(own, best.hit.entry.terms);
    return judged(text, { documents, phrasings, vectors: near.length > 0, ownCoverage }, limit);
  }

  /** The same with the nearest passages of `vector` (the embedding of `resolve`). */
  async searchNear(query: LibraryQuery, vector: Float32Array, nearest: Nearest): Promise<Retrieval> {
    const { bases = [], documentIds, tags, languages, audiences = [] } = query.scope ?? {};
    const filter: VectorFilter = { documentIds, tags, languages, audiences: ['everyone', ...audiences] };
    return this.search(query, await nearest(vector, { bases, filter }, CANDIDATES, query.signal));
  }

  #selected({ bases = [] }: Partial<KnowledgeScope>): LexicalIndex[] {
    const names = bases.length === 0 ? this.bases : [...new Set(bases)].sort();
    return names.flatMap((name) => KINDS.flatMap((kind) => this.#bases[kind].get(name) ?? []));
  }

  /** Groups of the words that a follow-up takes from the lines before it. */
  #lent({ text, history = [] }: LibraryQuery, own: readonly ResolvedGroup[], selection: Selection): ResolvedGroup[] {
    const known = knownOf(selection);
    const said = new Set(own.flatMap(({ members }) => members.filter(({ likeness }) => likeness === 1).map(({ id }) => id)));
    const lent: ResolvedGroup[] = [];
    for (const { text: line, weight } of lentTo(text, history)) {
      for (const group of selection.resolve(groupsOf(line, known, weight))) {
        const [member] = group.members;
        if (!member || member.likeness < 1 || said.has(member.id)) continue;
        said.add(member.id);
        lent.push({ ...group, members: [member] });
      }
    }
    const ownMass = massOf(own) || massOf(lent);
    const share = Math.min(0.5, (LENT_SHARE * ownMass) / Math.max(1e-9, massOf(lent)));
    return lent.map((group) => ({ ...group, weight: group.weight * (own.length === 0 ? 1 : share) }));
  }

  #allowed(id: string, selection: Selection, keys: readonly (readonly string[])[]): Indexed | undefined {
    const found = this.#find(id);
    if (!found || !selection.indexes.includes(found.index)) return undefined;
    const fits = found.index.fits(keys);
    return fits === undefined || fits[found.slot] === 1 ? found.entry : undefined;
  }

  #find(id: string): { index: LexicalIndex; slot: number; entry: Indexed } | undefined {
    const index = this.#indexOf.get(id)?.index;
    const slot = index?.slotOf(id);
    const entry = slot === undefined ? undefined : index?.entry(slot);
    return index && slot !== undefined && entry ? { index, slot, entry } : undefined;
  }

  #passagesOf(documentId: string): PassageRecord[] {
    const found: PassageRecord[] = [];
    for (const index of KINDS.flatMap((kind) => [...this.#bases[kind].values()])) {
      for (const slot of index.slotsOfDocument(documentId)) {
        const record = index.entry(slot)?.record;
        if (record) found.push(record);
      }
    }
    return found;
  }
}

const knownOf = (selection: Selection) => ({
  vocabulary: selection.vocabulary,
  holding: (term: string): number => selection.holding(term),
});

const massOf = (groups: readonly ResolvedGroup[]): number => groups.reduce((sum, { weight, rarity }) => sum + weight * rarity, 0);

interface Ranked extends Evidence {
  hit: Hit;
  score: number;
}

/** So many of the best are read word by word. */
const READ_CLOSELY = 20;

function rankDocuments(hits: readonly Hit[], groups: readonly ResolvedGroup[], cosineOf: (hit: Hit) => number | undefined): Ranked[] {
  const full = FULL_RELEVANCE * massOf(groups);
  const coverages = coveragesOf(
    groups,
    hits.map(({ entry }) => entry.terms),
  );
  const ranked = hits.map((hit, at): Ranked => {
    const relevance = Math.min(1, hit.relevance / Math.max(1e-9, full));
    const one = { hit, coverage: coverages[at], relevance, proximity: 0, cosine: cosineOf(hit), score: 0 };
    one.score = fuse(one);
    return one;
  });
  ranked.sort(byScore);
  const question = new ProximityQuery(groups);
  for (const one of ranked.slice(0, READ_CLOSELY)) {
    one.proximity = question.of(one.hit.entry.sequence);
    one.score = fuse(one);
  }
  return ranked.sort(byScore);
}

const byScore = (a: Ranked, b: Ranked): number => b.score - a.score || (a.hit.entry.record.id < b.hit.entry.record.id ? -1 : 1);

/** Likeness by information: 1 when question and phrasing say the same. Vectors may only add to it. */
function rankPhrasings(
  hits: readonly Hit[],
  groups: readonly ResolvedGroup[],
  selection: Selection,
  cosineOf: (hit: Hit) => number | undefined,
): Phrasing[] {
  const asked = massOf(groups);
  const coverages = coveragesOf(
    groups,
    hits.map(({ entry }) => entry.terms),
  );
  const phrasings = hits.map((hit, at) => {
    const { record, asks } = hit.entry;
    let owned = 0;
    for (const term of asks) owned += selection.rarityOf(term);
    const inWords = Math.min(1, (2 * coverages[at] * asked) / Math.max(1e-9, asked + owned));
    const cosine = cosineOf(hit) ?? 0;
    return { record, inWords, likeness: Math.max(inWords, (inWords + cosine) / 2) };
  });
  return phrasings.sort((a, b) => b.likeness - a.likeness || (a.record.id < b.record.id ? -1 : 1));
}

interface Candidates {
  documents: readonly Ranked[];
  phrasings: readonly Phrasing[];
  vectors: boolean;
  /** See `verdict.ts`. */
  ownCoverage: number;
}

function judged(text: string, { documents, phrasings, vectors, ownCoverage }: Candidates, limit: number): Retrieval {
  const passages = documents.slice(0, limit).map(({ hit, score }) => passageOf(hit.entry.record, score));
  const match = approvedMatch(text, phrasings);
  if (match) {
    const { passage, asItStands, margin } = match;
    const below = passages.map((other) => (other.score > passage.score ? { ...other, score: passage.score } : other));
    return {
      passages: [passage, ...below].slice(0, limit),
      answerable: true,
      ...(asItStands ? { approved: passage } : {}),
      verdict: 'answer',
      confidence: { score: passage.score, margin, coverage: passage.score },
    };
  }
  const [best, next] = documents;
  if (!best) return nothing();
  const confidence = { score: best.score, margin: best.score - (next?.score ?? 0), coverage: best.coverage };
  const verdict = verdictOf({ ...confidence, vectors, ownCoverage });
  return { passages, answerable: verdict === 'answer', verdict, confidence };
}

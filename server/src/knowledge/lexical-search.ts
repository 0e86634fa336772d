/**
 * BM25F over one or several knowledge bases as if they were one: the rarity of a term and the usual lengths are taken
 * over all that are searched. Metadata decides first who takes part.
 *
 * Robertson, Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond (2009), 3.6.
 */
import type { Indexed, IndexKind, LexicalIndex } from './lexical-index.ts';
import type { QueryGroup } from './query-groups.ts';
import type { Vocabulary } from './vocabulary.ts';

const K1 = 1.2;
const TEXT_B = 0.75;
const TITLE_B = 0.5;
const TITLE_WEIGHT = 1;
/** The most that one occurrence more can add to a group, as a multiple of its rarity. */
const CEILING = K1 + 1;

/** A passage that holds words of the question. */
export interface Hit {
  entry: Indexed;
  /** BM25F. */
  relevance: number;
}

export type Hits = Record<IndexKind, Hit[]>;

/** Of a usual passage. */
interface Lengths {
  title: number;
  text: number;
}

export interface ResolvedGroup {
  members: { id: number; likeness: number; rarity: number }[];
  weight: number;
  /** Of what was said: of all that may be meant, the best one's; the rarest when nobody wrote it. */
  rarity: number;
  /** See `QueryGroup`. */
  frame: boolean;
}

/** What the searched bases hold together: how rare a term is there, and what of a question a passage covers. */
export class Selection {
  readonly indexes: readonly LexicalIndex[];
  readonly size: number;
  readonly #vocabulary: Vocabulary;

  constructor(indexes: readonly LexicalIndex[], vocabulary: Vocabulary) {
    this.indexes = indexes;
    this.#vocabulary = vocabulary;
    this.size = indexes.reduce((sum, index) => sum + index.size, 0);
  }

  get vocabulary(): Vocabulary {
    return this.#vocabulary;
  }

  /** How many of its passages hold the term. */
  holding(term: string): number {
    const id = this.#vocabulary.idOf(term);
    return id === undefined ? 0 : this.#holding(id);
  }

  /** Information of a term, by how few hold it; terms that nobody wrote have the most. */
  rarityOf(id: number | undefined): number {
    const holding = id === undefined ? 0 : this.#holding(id);
    return Math.log(1 + (this.size - holding + 0.5) / (holding + 0.5));
  }

  resolve(groups: readonly QueryGroup[]): ResolvedGroup[] {
    return groups.map(({ members, weight, frame }) => {
      const ids = members.map(({ term, likeness }) => ({ id: this.#vocabulary.idOf(term), likeness }));
      const meant = ids.filter(({ id, likeness }) => likeness === 1 && id !== undefined && this.#holding(id) > 0);
      return {
        members: ids.flatMap(({ id, likeness }) => (id === undefined ? [] : [{ id, likeness, rarity: this.rarityOf(id) }])),
        weight,
        frame,
        rarity: meant.length === 0 ? this.rarityOf(undefined) : Math.min(...meant.map(({ id }) => this.rarityOf(id))),
      };
    });
  }

  /** The best of each kind, `limit` of both, best first; of equals the smaller id. `keys` as of `scopeKeys`. */
  search(groups: readonly ResolvedGroup[], keys: readonly (readonly string[])[], limit: number): Hits {
    const best = { documents: new Best(limit), questions: new Best(limit) };
    const usual: Lengths = {
      title: this.indexes.reduce((sum, { totals }) => sum + totals.title, 0) / Math.max(1, this.size),
      text: this.indexes.reduce((sum, { totals }) => sum + totals.text, 0) / Math.max(1, this.size),
    };
    for (const index of this.indexes) score(index, groups, index.fits(keys), usual, best[index.kind]);
    return { documents: best.documents.hits, questions: best.questions.hits };
  }

  #holding(id: number): number {
    let holding = 0;
    for (const index of this.indexes) holding += index.postings(id)?.length ?? 0;
    return holding;
  }
}

/** Kept between searches of one thread: as long as the largest base has slots, and all zero outside `score`. */
let relevances = new Float32Array(0);
/** Number of the last group that the slot's passage holds; 0 for none yet. */
let lastGroup = new Uint16Array(0);
let touched = new Uint32Array(0);
/** Below so many postings it is not worth asking whether any of them can matter. */
const WORTH_ASKING = 1_000;
/** A look-up costs as much as passing over so many postings. */
const LOOKUP_COST = 12;

/**
 * Term at a time, groups of the most worth first. As soon as all that is left cannot lift a passage that holds nothing so
 * far among the best, only those that hold something are followed up (Turtle, Flood 1995, the "max score" rule): exact, and
 * the long lists of common words are hardly read.
 */
function score(index: LexicalIndex, groups: readonly ResolvedGroup[], fits: Uint8Array | undefined, usual: Lengths, best: Best): void {
  if (relevances.length < index.capacity) {
    relevances = new Float32Array(index.capacity * 2);
    lastGroup = new Uint16Array(index.capacity * 2);
    touched = new Uint32Array(index.capacity * 2);
  }
  const { title: titles, text: texts } = index.lengths;
  const titleSlope = TITLE_B / Math.max(1e-9, usual.title);
  const textSlope = TEXT_B / Math.max(1e-9, usual.text);
  // Not read through the module, posting after posting.
  const [sums, last, found] = [relevances, lastGroup, touched];
  const add = (slot: number, posting: number, worth: number): void => {
    const inText = posting & 31;
    const inTitle = (posting >>> 5) & 7;
    const length = 1 - TEXT_B + textSlope * texts[slot];
    if (inTitle === 0) {
      sums[slot] += (worth * inText) / (K1 * length + inText);
      return;
    }
    const often = inText / length + (TITLE_WEIGHT * inTitle) / (1 - TITLE_B + titleSlope * titles[slot]);
    sums[slot] += (worth * often) / (K1 + often);
  };
  const ordered = groups.map((group) => ({ group, most: Math.max(0, ...group.members.map((member) => worthOf(group, member))) }));
  ordered.sort((x, y) => y.most - x.most);
  let left = ordered.reduce((sum, { most }) => sum + most, 0);
  let count = 0;
  let closed = false;
  for (const [at, { group, most }] of ordered.entries()) {
    const number = at + 1;
    const postings = group.members.reduce((sum, { id }) => sum + (index.postings(id)?.length ?? 0), 0);
    if (count >= best.limit && postings >= WORTH_ASKING) {
      const least = leastOfBest(count, best.limit);
      // A hair more than needed, because sums of 32 bits are rounded.
      if (left * 1.0001 < least) {
        closed = true;
        count = keepAbove(count, least - left * 1.0001);
      }
    }
    left -= most;
    for (const member of group.members) {
      const list = index.postings(member.id);
      if (!list) continue;
      const { packed, length } = list;
      const worth = worthOf(group, member);
      // A group counts once: the likeliest member that the passage holds comes first.
      if (closed && count * LOOKUP_COST < length) {
        for (let i = 0; i < count; i++) {
          const slot = found[i];
          const posting = last[slot] === number ? undefined : list.find(slot);
          if (posting === undefined) continue;
          last[slot] = number;
          add(slot, posting, worth);
        }
        continue;
      }
      for (let i = 0; i < length; i++) {
        const posting = packed[i];
        const slot = posting >>> 8;
        const before = last[slot];
        if (before === 0) {
          if (closed || (fits !== undefined && fits[slot] === 0)) continue;
          found[count++] = slot;
        } else if (before === number) continue;
        last[slot] = number;
        add(slot, posting, worth);
      }
    }
  }
  for (let i = 0; i < count; i++) {
    const slot = found[i];
    const relevance = sums[slot];
    if (relevance >= best.least) best.offer(index.entry(slot) as Indexed, relevance);
    sums[slot] = 0;
    last[slot] = 0;
  }
}

/** More than this a member never adds to a passage. */
const worthOf = (group: ResolvedGroup, member: ResolvedGroup['members'][number]): number =>
  group.weight * member.likeness * Math.min(member.rarity, group.rarity) * CEILING;

/** Relevance of the last of the `limit` best among the touched. */
function leastOfBest(count: number, limit: number): number {
  const bestSoFar = new Float32Array(limit);
  for (let i = 0; i < count; i++) {
    const relevance = relevances[touched[i]];
    if (relevance <= bestSoFar[limit - 1]) continue;
    let at = limit - 1;
    for (; at > 0 && bestSoFar[at - 1] < relevance; at--) bestSoFar[at] = bestSoFar[at - 1];
    bestSoFar[at] = relevance;
  }
  return bestSoFar[limit - 1];
}

/** Forgets those touched that are below; returns how many stay. */
function keepAbove(count: number, least: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const slot = touched[i];
    if (relevances[slot] >= least) touched[kept++] = slot;
    else relevances[slot] = lastGroup[slot] = 0;
  }
  return kept;
}

/** The few best of many. */
class Best {
  readonly hits: Hit[] = [];
  readonly limit: number;
  /** What an offer must reach. */
  least = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.limit = limit;
  }

  offer(entry: Indexed, relevance: number): void {
    let at = this.hits.length;
    while (at > 0 && this.#before(entry, relevance, this.hits[at - 1])) at--;
    this.hits.splice(at, 0, { entry, relevance });
    if (this.hits.length > this.limit) this.hits.pop();
    if (this.hits.length === this.limit) this.least = this.hits[this.limit - 1].relevance;
  }

  #before(entry: Indexed, relevance: number, hit: Hit): boolean {
    return relevance > hit.relevance || (relevance === hit.relevance && entry.record.id < hit.entry.record.id);
  }
}

/** The ways to find passages that are compared: by words, by vectors of an embedder, by both. */
import { KnowledgeEngine } from '../../server/src/knowledge/engine.ts';
import { embeddedText } from '../../server/src/knowledge/feed.ts';
import type { PassageRecord, Retrieval } from '../../server/src/knowledge/library.ts';
import type { EmbedUse } from '../../server/src/models/embedder.ts';
import type { Near } from '../../server/src/vectors/vector-index.ts';

export const WAYS = ['words', 'vectors', 'hybrid', 'reciprocal-ranks'] as const;
export type Way = (typeof WAYS)[number];
export type Embed = (texts: readonly string[], use: EmbedUse) => Promise<Float32Array[]>;

export interface Found {
  passages: Record<Way, PassageRecord[]>;
  words: Retrieval;
  hybrid: Retrieval;
  /** Of the search by words, here, once. */
  tookMs: number;
}

const NEAREST = 50;
const LIMIT = 10;

export class Finder {
  readonly engine = new KnowledgeEngine();
  readonly #all: readonly PassageRecord[];
  readonly #vectors: readonly Float32Array[];
  readonly #embed: Embed;

  private constructor(records: readonly PassageRecord[], vectors: readonly Float32Array[], embed: Embed) {
    this.#all = records;
    this.#vectors = vectors;
    this.#embed = embed;
    this.engine.upsert(records);
  }

  static async of(records: readonly PassageRecord[], embed: Embed): Promise<Finder> {
    const vectors: Float32Array[] = [];
    for (let at = 0; at < records.length; at += 64) vectors.push(...(await embed(records.slice(at, at + 64).map(embeddedText), 'passage')));
    return new Finder(records, vectors, embed);
  }

  /** Exact: what an index of vectors loses is not measured here. */
  async nearest(text: string): Promise<Near[]> {
    const [query] = await this.#embed([text], 'query');
    const near = this.#vectors.map((vector, at) => {
      let score = 0;
      for (let i = 0; i < vector.length; i++) score += vector[i] * query[i];
      return { id: this.#all[at].id, score };
    });
    return near.sort((a, b) => b.score - a.score).slice(0, NEAREST);
  }

  /** Ten passages by each way, best first, and what the product says of them by words alone and by both. */
  async find(text: string): Promise<Found> {
    const near = await this.nearest(text);
    const from = performance.now();
    const words = this.engine.search({ text, limit: LIMIT });
    const tookMs = performance.now() - from;
    const hybrid = this.engine.search({ text, limit: LIMIT }, near);
    const ranks = reciprocalRanks([this.engine.search({ text, limit: NEAREST }).passages, near]);
    return {
      passages: {
        words: this.#records(words.passages),
        vectors: this.#records(near),
        hybrid: this.#records(hybrid.passages),
        'reciprocal-ranks': this.#records(ranks),
      },
      words,
      hybrid,
      tookMs,
    };
  }

  #records(ids: readonly { id: string }[]): PassageRecord[] {
    return ids.slice(0, LIMIT).flatMap(({ id }) => this.engine.get(id) ?? []);
  }
}

/** Cormack, Clarke, Buettcher (2009), k = 60: what fusing by ranks would give. */
function reciprocalRanks(lists: readonly (readonly { id: string }[])[]): { id: string }[] {
  const sums = new Map<string, number>();
  for (const list of lists) for (const [at, { id }] of list.entries()) sums.set(id, (sums.get(id) ?? 0) + 1 / (60 + at + 1));
  return [...sums].sort((a, b) => b[1] - a[1]).map(([id]) => ({ id }));
}

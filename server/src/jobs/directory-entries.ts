/** What the call thread is told of each business, read through the caches. */
import { createHash } from 'node:crypto';
import type { BusinessEntry } from '#calls/directory.ts';
import type { Kit } from '#kit/kit.ts';
import { type Cache, type CacheCodec, keys } from '#store/cache.ts';
import type { Database } from '#store/database.ts';
import type { SecretBox } from '#store/secret-box.ts';
import { type BusinessSnapshot, readSnapshots, readSpentToday } from '#store/snapshot.ts';

const MICROS = 1_000_000;
/** A change that nobody told of is seen after this long, if the entry is asked for. */
const KEPT_MS = 10 * 60_000;
const NEGATIVE_MS = 5_000;
/** An entry's assistants, numbers, trunks and tools, roughly. */
const ENTRY_BYTES = 8_192;

/** An entry as caches keep it: all but what was spent today, which grows with every call. */
export interface KeptEntry {
  /** Of the rows it was made from. */
  revision: string;
  entry: BusinessEntry;
  /** Ids of the tools that were left out: their secrets were sealed with another key. */
  shutTools: string[];
}

/** The part of an entry that calls are answered from. */
export type KnowledgeOf = (snapshot: BusinessSnapshot) => BusinessEntry['knowledge'];

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

/** Questions and headings only: documents are searched in the knowledge thread. */
export const knowledgeHeads: KnowledgeOf = ({ questions: all, headings }) => {
  const questions = all.map(({ id, phrasings, answer, base, language, tags, audience }) => ({
    id,
    phrasings,
    answer,
    base,
    language,
    tags,
    audience,
  }));
  return { version: digestOf([headings, questions]), documents: [], questions, headings };
};

/** All documents and questions, as an index in the call thread itself wants them. */
export const knowledgeOf: KnowledgeOf = (snapshot) => {
  const documents = snapshot.documents.map(({ id, title, text }) => ({ id, title, text }));
  const questions = snapshot.questions.map(({ id, phrasings, answer }) => ({ id, phrasings, answer }));
  return { version: digestOf([documents, questions]), documents, questions };
};

export interface DirectoryEntriesOptions {
  kit: Pick<Kit, 'clock'>;
  database: Database;
  /** Opens the tools' secrets, and seals entries in memory that other programs may read. */
  box: SecretBox;
  cache: Cache;
  knowledge?: { of: KnowledgeOf; documents: boolean };
}

export class DirectoryEntries {
  readonly #options: DirectoryEntriesOptions;
  readonly #knowledge: { of: KnowledgeOf; documents: boolean };
  /** Entries asked for in the same breath are read in one statement. */
  #wanted = new Set<string>();
  #reading: Promise<Map<string, KeptEntry>> | undefined;

  constructor(options: DirectoryEntriesOptions) {
    this.#options = options;
    this.#knowledge = options.knowledge ?? { of: knowledgeOf, documents: true };
  }

  /**
   * The entry; undefined when there is no such business. `revision`: what it must not be older than, if that is known.
   * Rejects with `database-unavailable`.
   */
  async read(businessId: string, revision?: string): Promise<KeptEntry | undefined> {
    const { cache } = this.#options;
    const kept = await this.#get(businessId);
    if (revision === undefined || kept?.revision === revision) return kept;
    // Somebody changed rows without telling: a program of its own, or a restored backup.
    await cache.invalidate([keys.entry(businessId)]);
    return this.#get(businessId);
  }

  /** The entries as they are published, with what was spent today. */
  async complete(kept: readonly KeptEntry[]): Promise<BusinessEntry[]> {
    const { database, kit } = this.#options;
    const ids = kept.map(({ entry }) => entry.id);
    const spent = await readSpentToday(database, ids, new Date(kit.clock.wall()));
    return kept.map(({ entry }) => ({
      ...entry,
      costs: { dailyCeilingMicros: entry.costs?.dailyCeilingMicros ?? null, spentTodayMicros: spent.get(entry.id) ?? 0 },
    }));
  }

  #get(businessId: string): Promise<KeptEntry | undefined> {
    const load = () => this.#load(businessId);
    const codec = sealed(this.#options.box, `entry/${businessId}`);
    return this.#options.cache.get(keys.entry(businessId), load, { ttlMs: KEPT_MS, negativeTtlMs: NEGATIVE_MS, codec, sizeOf });
  }

  async #load(businessId: string): Promise<KeptEntry | undefined> {
    this.#wanted.add(businessId);
    this.#reading ??= Promise.resolve().then(() => {
      const ids = [...this.#wanted];
      this.#wanted.clear();
      this.#reading = undefined;
      return this.#readAll(ids);
    });
    return (await this.#reading).get(businessId);
  }

  async #readAll(ids: readonly string[]): Promise<Map<string, KeptEntry>> {
    const { database, box } = this.#options;
    const snapshots = await readSnapshots(database, ids, { box, documents: this.#knowledge.documents });
    return new Map(snapshots.map((snapshot) => [snapshot.business.id, this.#entryOf(snapshot)]));
  }

  #entryOf(snapshot: BusinessSnapshot): KeptEntry {
    const { id, name, timeZone, dailyCostCeiling, maxCalls, overflowNumber } = snapshot.business;
    const entry: BusinessEntry = {
      id,
      name,
      assistants: snapshot.assistants,
      numbers: snapshot.numbers.map(({ address, assistantId }) => ({ address, assistantId })),
      trunks: snapshot.trunks,
      knowledge: this.#knowledge.of(snapshot),
      tools: snapshot.tools.map(({ businessId: _businessId, ...tool }) => tool),
      timeZone,
      capacity: { maxCalls, overflowNumber: overflowNumber ?? undefined },
      costs: { dailyCeilingMicros: dailyCostCeiling === null ? null : Math.round(dailyCostCeiling * MICROS), spentTodayMicros: 0 },
    };
    return { revision: snapshot.revision, entry, shutTools: snapshot.shutTools };
  }
}

/** It holds secrets of tools and trunks; and whoever can write to that memory must not be able to make an entry. */
const sealed = (box: SecretBox, owner: string): CacheCodec<KeptEntry> => ({
  encode: (value) => box.seal(JSON.stringify(value), owner),
  decode: (text) => JSON.parse(box.open(text, owner)) as KeptEntry,
});

function sizeOf({ entry }: KeptEntry): number {
  const { documents, questions } = entry.knowledge;
  const texts = [...documents.map(({ text }) => text), ...questions.flatMap(({ phrasings, answer }) => [...phrasings, answer])];
  return texts.reduce((bytes, text) => bytes + text.length, ENTRY_BYTES);
}

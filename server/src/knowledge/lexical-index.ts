/**
 * The words of the documents, or of the approved questions, of one knowledge base: an inverted index of titles and texts that is changed in place, and metadata beside it.
 * Passages have small numbers (slots) that are used again after a removal.
 */
import type { PassageRecord } from './library.ts';
import { fieldKeys, fieldTerms, unitsOf } from './index-terms.ts';
import { metadataKeys } from './metadata.ts';
import { MOST_SLOTS, PostingList } from './postings.ts';
import { codesIn } from './spoken-values.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface Indexed {
  record: PassageRecord;
  /** Distinct terms of it, ascending. */
  terms: Uint32Array;
  /** Terms of a document's text, in its order; empty for phrasings. */
  sequence: Uint32Array;
  /** Of a phrasing: what it asks, unit by unit. Empty for documents. */
  asks: Uint32Array;
}

/** Passages of documents, or phrasings of approved questions. */
export type IndexKind = 'documents' | 'questions';

const FIRST_CAPACITY = 64;

export class LexicalIndex {
  readonly kind: IndexKind;
  readonly #vocabulary: Vocabulary;
  readonly #postings = new Map<number, PostingList>();
  readonly #metadata = new Map<string, PostingList>();
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #entries: (Indexed | undefined)[] = [];
  /** Terms of the title and of the text, by slot. */
  #lengths = { title: new Uint16Array(FIRST_CAPACITY), text: new Uint16Array(FIRST_CAPACITY) };
  #totals = { title: 0, text: 0 };

  constructor(kind: IndexKind, vocabulary: Vocabulary) {
    this.kind = kind;
    this.#vocabulary = vocabulary;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Slots are below it. */
  get capacity(): number {
    return this.#entries.length;
  }

  get lengths(): { readonly title: Uint16Array; readonly text: Uint16Array } {
    return this.#lengths;
  }

  /** Sums over all passages. */
  get totals(): { readonly title: number; readonly text: number } {
    return this.#totals;
  }

  entry(slot: number): Indexed | undefined {
    return this.#entries[slot];
  }

  slotOf(id: string): number | undefined {
    return this.#slots.get(id);
  }

  postings(term: number): PostingList | undefined {
    return this.#postings.get(term);
  }

  /** Adds a passage, or replaces the one with its id. */
  put(record: PassageRecord): void {
    this.remove(record.id);
    const slot = this.#free.pop() ?? this.#entries.length;
    if (slot >= MOST_SLOTS) throw new RangeError('a knowledge base holds 16 million passages at most');
    if (slot >= this.#lengths.text.length) this.#grow();
    // A phrasing has its question's first phrasing as title, and is found by its own words only.
    const title = record.answer === undefined ? fieldTerms(record.title) : [];
    const text = fieldTerms(record.text);
    const counts = new Map<number, { title: number; text: number }>();
    for (const term of new Set([...title, ...text])) counts.set(this.#vocabulary.take(term), { title: 0, text: 0 });
    for (const term of title) this.#count(counts, term).title++;
    for (const term of text) this.#count(counts, term).text++;
    for (const key of fieldKeys(record.answer === undefined ? `${record.title}\n${record.text}` : record.text)) {
      const known = this.#vocabulary.idOf(key);
      if (known === undefined || !counts.has(known)) counts.set(this.#vocabulary.take(key), { title: 0, text: 1 });
    }
    for (const [term, { title: inTitle, text: inText }] of counts) listOf(this.#postings, term).put(slot, inTitle, inText);
    for (const key of metadataKeys(record)) listOf(this.#metadata, key).put(slot, 0, 1);
    this.#slots.set(record.id, slot);
    this.#entries[slot] = {
      record,
      terms: Uint32Array.from(counts.keys()).sort(),
      sequence: record.answer === undefined ? Uint32Array.from(text, (term) => this.#vocabulary.idOf(term) as number) : new Uint32Array(),
      asks: record.answer === undefined ? new Uint32Array() : this.#asks(record.text),
    };
    this.#setLengths(slot, title.length, text.length);
  }

  /** Whether it was there. */
  remove(id: string): boolean {
    const slot = this.#slots.get(id);
    const entry = slot === undefined ? undefined : this.#entries[slot];
    if (slot === undefined || !entry) return false;
    for (const term of entry.terms) {
      deleteFrom(this.#postings, term, slot);
      this.#vocabulary.release(term);
    }
    for (const key of metadataKeys(entry.record)) deleteFrom(this.#metadata, key, slot);
    this.#setLengths(slot, 0, 0);
    this.#slots.delete(id);
    this.#entries[slot] = undefined;
    this.#free.push(slot);
    return true;
  }

  /**
   * By slot, 1 for passages that have a key of each of the groups (see `scopeKeys`): only these may be found. Undefined
   * when all have.
   */
  fits(groups: readonly (readonly string[])[]): Uint8Array | undefined {
    const narrowing = groups.filter((keys) => !keys.some((key) => this.#metadata.get(key)?.length === this.size));
    if (narrowing.length === 0) return undefined;
    const fits = new Uint8Array(this.capacity);
    for (const [index, keys] of narrowing.entries()) {
      for (const key of keys) {
        for (const slot of this.#metadata.get(key)?.slots() ?? []) if (fits[slot] === index) fits[slot]++;
      }
    }
    for (let slot = 0; slot < fits.length; slot++) fits[slot] = fits[slot] === narrowing.length ? 1 : 0;
    return fits;
  }

  /** Slots of a document's or a question's passages. */
  *slotsOfDocument(documentId: string): Generator<number, void, undefined> {
    yield* this.#metadata.get(`document ${documentId}`)?.slots() ?? [];
  }

  #count(counts: Map<number, { title: number; text: number }>, term: string): { title: number; text: number } {
    return counts.get(this.#vocabulary.idOf(term) ?? -1) ?? { title: 0, text: 0 };
  }

  #asks(phrasing: string): Uint32Array {
    const codes = new Set(codesIn(phrasing));
    const asked = unitsOf(phrasing, (code) => codes.has(code)).map(({ term }) => this.#vocabulary.idOf(term));
    return Uint32Array.from(new Set(asked.filter((term) => term !== undefined)));
  }

  #setLengths(slot: number, title: number, text: number): void {
    const { title: titles, text: texts } = this.#lengths;
    this.#totals.title -= titles[slot];
    this.#totals.text -= texts[slot];
    titles[slot] = title;
    texts[slot] = text;
    this.#totals.title += titles[slot];
    this.#totals.text += texts[slot];
  }

  #grow(): void {
    const wider = (old: Uint16Array): Uint16Array<ArrayBuffer> => {
      const array = new Uint16Array(old.length * 2);
      array.set(old);
      return array;
    };
    this.#lengths = { title: wider(this.#lengths.title), text: wider(this.#lengths.text) };
  }
}

function listOf<K>(lists: Map<K, PostingList>, key: K): PostingList {
  let list = lists.get(key);
  if (!list) lists.set(key, (list = new PostingList()));
  return list;
}

function deleteFrom<K>(lists: Map<K, PostingList>, key: K, slot: number): void {
  const list = lists.get(key);
  list?.delete(slot);
  if (list?.length === 0) lists.delete(key);
}

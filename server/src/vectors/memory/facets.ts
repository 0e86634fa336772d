/**
 * Metadata as inverted lists: every distinct combination of document, language, audience and tags is a **facet** with the
 * list of its slots. A filter is judged once per facet, not per point, and says exactly how many points pass.
 */
import { passes } from '../points.ts';
import type { VectorFilter, VectorMetadata } from '../vector-index.ts';
import { SlotColumn, SlotList } from './slot-list.ts';

/** Filters whose judgement is remembered: a call asks with the same one again and again. */
const REMEMBERED_FILTERS = 32;

interface Facet {
  metadata: VectorMetadata;
  key: string;
  slots: SlotList;
}

/** Which facets pass a filter. */
export interface Admission {
  /** Points that pass. */
  count: number;
  facets: readonly number[];
  /** Every point passes. */
  everything: boolean;
}

export class Facets {
  /** Facet of each slot, by number. */
  readonly of = new SlotColumn();
  readonly #positions = new SlotColumn();
  readonly #facets: (Facet | undefined)[] = [];
  readonly #byKey = new Map<string, number>();
  /** Facets by document, language, audience and tag. */
  readonly #documents = new Map<string, Set<number>>();
  readonly #languages = new Map<string, Set<number>>();
  readonly #audiences = new Map<string, Set<number>>();
  readonly #tags = new Map<string, Set<number>>();
  readonly #free: number[] = [];
  readonly #admissions = new Map<string, readonly number[]>();

  put(slot: number, given: VectorMetadata): void {
    const metadata = { ...given, tags: tagSet(given) };
    const key = keyOf(metadata);
    const facet = this.#byKey.get(key) ?? this.#make(metadata, key);
    this.#facets[facet]?.slots.put(slot);
    this.of.reserve(slot + 1);
    this.of.values[slot] = facet;
  }

  take(slot: number): void {
    const number = this.of.values[slot];
    const facet = this.#facets[number];
    if (!facet) return;
    facet.slots.take(slot);
    if (facet.slots.size === 0) this.#drop(number, facet);
  }

  /** Whether the slot, which has a facet, has this metadata. */
  same(slot: number, metadata: VectorMetadata): boolean {
    return this.#facets[this.of.values[slot]]?.key === keyOf({ ...metadata, tags: tagSet(metadata) });
  }

  admit(filter: VectorFilter): Admission {
    const key = JSON.stringify([filter.documentIds, filter.tags, filter.languages, filter.audiences]);
    let judged = this.#admissions.get(key);
    if (!judged) {
      judged = this.#judge(filter);
      if (this.#admissions.size >= REMEMBERED_FILTERS) this.#admissions.clear();
      this.#admissions.set(key, judged);
    }
    let count = 0;
    for (const facet of judged) count += this.#facets[facet]?.slots.size ?? 0;
    return { facets: judged, count, everything: judged.length === this.#byKey.size };
  }

  slotsOf({ facets, count }: Admission): Uint32Array {
    const slots = new Uint32Array(count);
    let at = 0;
    for (const facet of facets) at = this.#facets[facet]?.slots.copyTo(slots, at) ?? at;
    return slots;
  }

  /** By number of the facet: 1 passes. */
  tableOf({ facets }: Admission): Uint8Array {
    const allowed = new Uint8Array(this.#facets.length);
    for (const facet of facets) allowed[facet] = 1;
    return allowed;
  }

  /** By number; a number that is free is null. */
  list(): (VectorMetadata | null)[] {
    return this.#facets.map((facet) => facet?.metadata ?? null);
  }

  #judge(filter: VectorFilter): number[] {
    return this.#fewest(filter).filter((number) => {
      const facet = this.#facets[number];
      return facet !== undefined && passes(filter, facet.metadata);
    });
  }

  /** The facets that the narrowest condition lets pass: no other facet can pass the whole filter. */
  #fewest(filter: VectorFilter): readonly number[] {
    const conditions: [Map<string, Set<number>>, readonly string[] | undefined][] = [
      [this.#documents, filter.documentIds],
      [this.#tags, filter.tags],
      [this.#languages, filter.languages],
      [this.#audiences, filter.audiences],
    ];
    let best: { lists: Set<number>[]; length: number } | undefined;
    for (const [index, values = []] of conditions) {
      if (values.length === 0) continue;
      const lists = values.flatMap((value) => index.get(value) ?? []);
      const length = lists.reduce((sum, list) => sum + list.size, 0);
      if (!best || length < best.length) best = { lists, length };
    }
    if (!best) return [...this.#facets.keys()];
    const all = best.lists.flatMap((list) => [...list]);
    return best.lists.length > 1 ? [...new Set(all)] : all;
  }

  #make(metadata: VectorMetadata, key: string): number {
    const number = this.#free.pop() ?? this.#facets.length;
    this.#facets[number] = { metadata, key, slots: new SlotList(this.#positions) };
    this.#byKey.set(key, number);
    for (const [index, value] of this.#entries(metadata)) {
      const list = index.get(value);
      if (list) list.add(number);
      else index.set(value, new Set([number]));
    }
    this.#admissions.clear();
    return number;
  }

  #drop(number: number, { key, metadata }: Facet): void {
    this.#facets[number] = undefined;
    this.#free.push(number);
    this.#byKey.delete(key);
    for (const [index, value] of this.#entries(metadata)) {
      const list = index.get(value);
      list?.delete(number);
      if (list?.size === 0) index.delete(value);
    }
    this.#admissions.clear();
  }

  /** Where this metadata is listed. */
  #entries({ documentId, language, audience, tags }: VectorMetadata): [Map<string, Set<number>>, string][] {
    return [
      [this.#documents, documentId],
      [this.#languages, language],
      [this.#audiences, audience],
      ...tags.map((tag): [Map<string, Set<number>>, string] => [this.#tags, tag]),
    ];
  }
}

const tagSet = ({ tags }: VectorMetadata): string[] => [...new Set(tags)].sort();

/** Of metadata whose tags are a set in order. */
const keyOf = ({ documentId, language, audience, tags }: VectorMetadata): string =>
  JSON.stringify([documentId, language, audience, ...tags]);

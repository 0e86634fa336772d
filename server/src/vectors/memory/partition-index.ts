/**
 * One partition in memory. Every point is a row; a small partition, and whatever is small enough after its filter, is
 * scanned exactly. A large one has a graph besides, built in the background while exact scan goes on serving:
 *
 * ```
 *   live points = those in the graph  +  tail (came since; scanned exactly, moved into the graph in the background)
 *
 *   filter ─▶ few pass? ─ yes ─▶ exact scan of those that pass
 *                 │ no              ▲
 *   graph known to find enough? ─ no, and not too many pass
 *                 │ else
 *                 ▼
 *   graph: breadth candidates ─▶ live and passing ─▶ exact scores, with the tail's ─▶ enough? ─ yes ─▶ best
 *                 ▲                                                                     │ no
 *                 └──────────── three times the breadth ◀── below the most? ────────────┤
 *                                                          exact scan of all that pass ◀┘
 * ```
 */
import type { Kit } from '#kit/kit.ts';
import { activeFilter, clampScore } from '../points.ts';
import type { Near, NearestQuery, Partition, VectorFilter, VectorPoint } from '../vector-index.ts';
import { type Admission, Facets } from './facets.ts';
import { Graph, type MakeNativeIndex } from './graph.ts';
import { GraphBreadth } from './graph-breadth.ts';
import { GraphBuilder } from './graph-builder.ts';
import { type Candidate, NearestList } from './nearest-list.ts';
import { SlotColumn, SlotList } from './slot-list.ts';
import { PIECE_ROWS, VectorRows } from './vector-rows.ts';

/**
 * Numbers that an exact scan may read before a graph is asked instead: 26,000 rows of 384, 6,500 of 1,536. Measured on one
 * core it takes 0.5 to 1 ms, little more than the graph does, and its recall is 1.
 */
export const EXACT_FLOATS = 10_000_000;
/**
 * Numbers that it may read while the graph is not known to find enough (`graph-breadth.ts`): 260,000 rows of 384. It takes
 * about 3 ms per 100,000 then.
 */
export const DOUBTFUL_FLOATS = 100_000_000;
/** Work is done in pieces of about this long; in between others have their turn. */
export const PIECE_MS = 3;

const MOST_BREADTH = 2_048;
const WIDEN = 3;
/** Passing candidates wanted beyond the limit: the last of a graph's candidates are the least certain. */
const SPARE = 16;
/** Share of dead entries at which the graph is built anew. */
const MOST_DEAD = 0.25;
/** Share of the exact bound that the tail of a mapped graph, to which nothing can be added, may reach. */
const MOST_TAIL = 0.5;

export interface PartitionLimits {
  exactFloats: number;
  doubtfulFloats: number;
}

export class PartitionIndex {
  readonly partition: Partition;
  readonly rows: VectorRows;
  readonly facets = new Facets();
  readonly ids: (string | undefined)[] = [];
  readonly generations = new SlotColumn();
  readonly #kit: Kit;
  readonly #limits: PartitionLimits;
  readonly #makeNative: MakeNativeIndex | undefined;
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #live = new SlotList(new SlotColumn());
  /** Live points that are not in the graph; empty without a graph. */
  readonly #tail = new SlotList(new SlotColumn());
  #idBytes = 0;
  #graph: Graph | undefined;
  readonly #breadth = new GraphBreadth();
  #builder: GraphBuilder | undefined;

  constructor(partition: Partition, kit: Kit, makeNative: MakeNativeIndex | undefined, limits: PartitionLimits) {
    this.partition = partition;
    this.rows = new VectorRows(partition.dimensions);
    this.#kit = kit;
    this.#makeNative = makeNative;
    this.#limits = limits;
  }

  get size(): number {
    return this.#live.size;
  }

  get bytes(): number {
    const perSlot = 90; // lists, columns, the map from ids
    return this.rows.bytes + (this.#graph?.bytes ?? 0) + (this.#builder?.graph.bytes ?? 0) + this.#idBytes + this.ids.length * perSlot;
  }

  /** Slots ever used: rows `0` to `slots`, holes among them. */
  get slots(): number {
    return this.ids.length;
  }

  get graph(): Graph | undefined {
    return this.#graph;
  }

  liveIds(): IterableIterator<string> {
    return this.#slots.keys();
  }

  has(id: string): boolean {
    return this.#slots.has(id);
  }

  /** The point is there, the same in everything. */
  holds({ id, vector, ...metadata }: VectorPoint): boolean {
    const slot = this.#slots.get(id);
    return slot !== undefined && this.rows.same(slot, vector) && this.facets.same(slot, metadata);
  }

  /** Makes room for these points, no id twice, at once. */
  reserve(points: readonly VectorPoint[]): void {
    const fresh = points.reduce((count, { id }) => count + (this.has(id) ? 0 : 1), 0);
    this.rows.reserve(this.size + fresh);
  }

  put({ id, vector, ...metadata }: VectorPoint): void {
    const known = this.#slots.get(id);
    if (known !== undefined && this.rows.same(known, vector)) {
      // Its row stays, and with it its place in the graph.
      this.facets.take(known);
      this.facets.put(known, metadata);
      return;
    }
    this.take(id);
    const slot = this.#free.pop() ?? this.ids.length;
    this.rows.reserve(slot + 1);
    this.rows.write(slot, vector);
    this.generations.reserve(slot + 1);
    this.facets.put(slot, metadata);
    this.#settle(id, slot);
    if (this.#graph) this.#tail.put(slot);
  }

  /** False when it was not there. */
  take(id: string): boolean {
    const slot = this.#slots.get(id);
    if (slot === undefined) return false;
    this.#slots.delete(id);
    this.#idBytes -= id.length * 2;
    this.ids[slot] = undefined;
    this.facets.take(slot);
    this.#live.take(slot);
    if (this.#graph && this.#tail.has(slot)) this.#tail.take(slot);
    this.generations.values[slot]++;
    this.#free.push(slot);
    return true;
  }

  /** Puts back what a file held: its row is in place; `id` undefined is a hole. In order of slots. */
  restore(slot: number, id: string | undefined): void {
    if (id !== undefined) return this.#settle(id, slot);
    this.ids[slot] = undefined;
    this.#free.push(slot);
  }

  /** A graph from a file. `has`: whether it holds this generation of this slot. */
  adopt(graph: Graph, has: (slot: number, generation: number) => boolean): void {
    this.#graph = graph;
    for (const slot of this.#tail.slots.slice()) this.#tail.take(slot);
    for (const slot of this.#live.slots) if (!has(slot, this.generations.values[slot])) this.#tail.put(slot);
  }

  /** Live points whose entry stands in the graph, as pairs of slot and generation. */
  members(): Uint32Array {
    const members: number[] = [];
    for (const slot of this.#live.slots) if (!this.#tail.has(slot)) members.push(slot, this.generations.values[slot]);
    return Uint32Array.from(members);
  }

  async nearest({ vector, limit, filter, signal }: NearestQuery): Promise<Near[]> {
    const admission = this.#narrowing(filter);
    const passing = admission ? admission.count : this.size;
    const wanted = Math.min(limit, passing);
    if (wanted === 0) return [];
    let found = passing * this.rows.stride > this.#limits.exactFloats ? this.#throughGraph(vector, wanted, passing, admission) : undefined;
    // Where points were removed while a long scan paused, their places are filled by scanning again.
    for (let attempt = 0; found === undefined; attempt++) {
      // Anew each time: what came during a pause need not pass.
      const now = this.#narrowing(filter);
      const slots = now ? this.facets.slotsOf(now) : this.#live.slots;
      const scanned = await this.#scan(vector, wanted, slots, signal);
      const current = scanned.filter(({ slot, generation }) => this.generations.values[slot] === generation);
      if (current.length === scanned.length || attempt === 2) found = current;
    }
    return found.map(({ slot, score }) => ({ id: this.ids[slot] as string, score: clampScore(score) }));
  }

  /** A filter that lets everything pass is none: nearly all searches ask for what everyone may hear. */
  #narrowing(filter: VectorFilter | undefined): Admission | undefined {
    const active = activeFilter(filter);
    const admission = active && this.facets.admit(active);
    return admission?.everything ? undefined : admission;
  }

  /** What is there to be done in the background: a graph to be made, made anew, or added to. */
  get wantsIndexing(): boolean {
    if (this.#builder) return true;
    if (!this.#makeNative) return false;
    if (!this.#graph) return this.size * this.rows.stride > this.#limits.exactFloats;
    return (this.#tail.size > 0 && !this.#graph.fixed) || this.#graphIsWorn() || this.#breadth.isDue;
  }

  /** Does one piece of it, of about {@link PIECE_MS}. */
  indexPiece(): void {
    const until = this.#kit.clock.now() + PIECE_MS;
    if (!this.#builder && (!this.#graph || this.#graphIsWorn()) && this.#makeNative) {
      this.#builder = new GraphBuilder(Graph.empty(this.#makeNative, this.rows.dimensions), this.#live.slots);
    }
    const { values } = this.generations;
    if (this.#builder) {
      const builder = this.#builder;
      const isLive = (slot: number) => this.#live.has(slot);
      if (!builder.addUntil(this.rows, values, isLive, () => this.#kit.clock.now() >= until)) return;
      this.#builder = undefined;
      return this.adopt(builder.graph, (slot, generation) => builder.holds(slot, generation));
    }
    const graph = this.#graph;
    if (!graph) return;
    if (this.#breadth.isDue) {
      return this.#breadth.check(
        graph.size,
        (...asked) => this.#bestOf(graph, ...asked),
        (...asked) => this.#bestOfAll(graph, ...asked),
      );
    }
    if (graph.fixed) return;
    do {
      const { slots } = this.#tail;
      if (slots.length === 0) return;
      const slot = slots[slots.length - 1];
      graph.add(slot, values[slot], this.rows.row(slot));
      this.#tail.take(slot);
    } while (this.#kit.clock.now() < until);
  }

  #settle(id: string, slot: number): void {
    this.ids[slot] = id;
    this.#slots.set(id, slot);
    this.#idBytes += id.length * 2;
    this.#live.put(slot);
  }

  #graphIsWorn(): boolean {
    const graph = this.#graph;
    if (!graph || this.size * this.rows.stride <= this.#limits.exactFloats) return false;
    const dead = graph.size - (this.size - this.#tail.size);
    const tailFull = graph.fixed && this.#tail.size * this.rows.stride > this.#limits.exactFloats * MOST_TAIL;
    return tailFull || dead > graph.size * MOST_DEAD;
  }

  /** Undefined when it cannot be sure to have found the best of those that pass. */
  #throughGraph(vector: Float32Array, wanted: number, passing: number, admission: Admission | undefined): Candidate[] | undefined {
    const graph = this.#graph;
    if (!graph) return undefined;
    if (this.#tail.size * this.rows.stride > this.#limits.exactFloats) return undefined;
    this.#breadth.note(vector, wanted, graph.size);
    const { candidates = this.#breadth.most } = this.#breadth;
    if (this.#breadth.candidates === undefined && passing * this.rows.stride <= this.#limits.doubtfulFloats) return undefined;
    const allowed = admission && this.facets.tableOf(admission);
    const enough = wanted + Math.max(SPARE, wanted);
    // As many as hold `enough` passing ones when those are spread evenly.
    const first = Math.max(candidates, Math.ceil((enough * 1.25 * graph.size) / passing));
    for (let breadth = first; breadth <= MOST_BREADTH; breadth *= WIDEN) {
      const slots = this.#livePassing(graph.candidates(vector, breadth), allowed);
      if (slots.length < Math.min(enough, passing) && breadth < graph.size) continue;
      if (slots.length < wanted && this.#tail.size === 0) return undefined;
      const best = new NearestList(wanted, (slot) => this.ids[slot] as string);
      this.#scanPieces(vector, slots, best);
      if (this.#tail.size > 0) this.#scanPieces(vector, this.#passing(this.#tail.slots, allowed), best);
      const found = best.sorted();
      return found.length < wanted ? undefined : found;
    }
    return undefined;
  }

  #bestOf(graph: Graph, vector: Float32Array, wanted: number, candidates: number): number[] {
    const best = new NearestList(wanted, (slot) => this.ids[slot] as string);
    this.#scanPieces(vector, this.#livePassing(graph.candidates(vector, candidates), undefined), best);
    return best.sorted().map(({ slot }) => slot);
  }

  /** Of what is in the graph. Where that is too much to be looked at in one go, what the graph finds among very many. */
  #bestOfAll(graph: Graph, vector: Float32Array, wanted: number): number[] {
    if (this.size * this.rows.stride > this.#limits.doubtfulFloats) return this.#bestOf(graph, vector, wanted, MOST_BREADTH);
    const best = new NearestList(wanted, (slot) => this.ids[slot] as string);
    const slots = this.#tail.size === 0 ? this.#live.slots : this.#live.slots.filter((slot) => !this.#tail.has(slot));
    this.#scanPieces(vector, this.rows.narrow(vector, slots, wanted), best);
    return best.sorted().map(({ slot }) => slot);
  }

  #livePassing(pairs: Uint32Array, allowed: Uint8Array | undefined): Uint32Array {
    const { values } = this.generations;
    const slots = new Uint32Array(pairs.length / 2);
    let count = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      const slot = pairs[i];
      if (values[slot] !== pairs[i + 1] || !this.#live.has(slot)) continue;
      if (allowed && allowed[this.facets.of.values[slot]] !== 1) continue;
      slots[count++] = slot;
    }
    return slots.subarray(0, count);
  }

  #passing(slots: Uint32Array, allowed: Uint8Array | undefined): Uint32Array {
    return allowed ? slots.filter((slot) => allowed[this.facets.of.values[slot]] === 1) : slots;
  }

  #scanPieces(vector: Float32Array, slots: Uint32Array, best: NearestList): void {
    for (let from = 0; from < slots.length; from += PIECE_ROWS) {
      best.offer(this.rows.score(vector, slots, from, slots.length), slots, from, this.generations.values);
    }
  }

  /** Exact; a long one pauses now and then. */
  async #scan(vector: Float32Array, wanted: number, list: Uint32Array, signal: AbortSignal | undefined): Promise<Candidate[]> {
    const best = new NearestList(wanted, (slot) => this.ids[slot] ?? '');
    const { clock } = this.#kit;
    const stretch = Math.max(PIECE_ROWS, Math.floor(this.#limits.exactFloats / this.rows.stride));
    const pauses = list.length > stretch;
    const slots = pauses ? list.slice() : list;
    // As they are now: a slot that is given up or taken over during a pause shows by its generation.
    const generations = pauses ? this.generations.values.slice() : this.generations.values;
    let until = clock.now() + PIECE_MS;
    for (let at = 0; at < slots.length; at += stretch) {
      if (pauses && clock.now() >= until) {
        await clock.sleep(0, signal);
        until = clock.now() + PIECE_MS;
      }
      const few = this.rows.narrow(vector, slots.subarray(at, at + stretch), wanted);
      for (let from = 0; from < few.length; from += PIECE_ROWS) {
        best.offer(this.rows.score(vector, few, from, few.length), few, from, generations);
      }
    }
    return best.sorted();
  }
}

/** A graph in the making: the points that were live when it began, added a few at a time. */
import type { Graph } from './graph.ts';
import type { VectorRows } from './vector-rows.ts';

export class GraphBuilder {
  readonly graph: Graph;
  readonly #queue: Uint32Array;
  /** Generation in which each slot was added, plus one; 0: not added. */
  readonly #added: Uint32Array;
  #next = 0;

  constructor(graph: Graph, live: Uint32Array) {
    this.graph = graph;
    this.#queue = live.slice().sort();
    this.#added = new Uint32Array((this.#queue.at(-1) ?? -1) + 1);
  }

  /** Adds until `late`, one at least. True when all are added. */
  addUntil(rows: VectorRows, generations: Uint32Array, isLive: (slot: number) => boolean, late: () => boolean): boolean {
    while (this.#next < this.#queue.length) {
      const slot = this.#queue[this.#next++];
      if (!isLive(slot)) continue;
      this.graph.add(slot, generations[slot], rows.row(slot));
      this.#added[slot] = generations[slot] + 1;
      if (late()) break;
    }
    return this.#next === this.#queue.length;
  }

  holds(slot: number, generation: number): boolean {
    return slot < this.#added.length && this.#added[slot] === generation + 1;
  }
}

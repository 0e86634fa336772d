/** Sets of slots (row numbers) that are dense arrays: put and taken in constant time, scanned without a hole. */

/** One number per slot, growing. */
export class SlotColumn {
  values = new Uint32Array(32);

  reserve(slots: number): void {
    if (slots <= this.values.length) return;
    const grown = new Uint32Array(Math.max(slots, Math.ceil(this.values.length * 1.5)));
    grown.set(this.values);
    this.values = grown;
  }
}

export class SlotList {
  /** Where in its list each slot stands. Lists that never share a slot can share this column. */
  readonly #positions: SlotColumn;
  #slots = new Uint32Array(4);
  #size = 0;

  constructor(positions: SlotColumn) {
    this.#positions = positions;
  }

  get size(): number {
    return this.#size;
  }

  /** In no order; good until the next change. */
  get slots(): Uint32Array {
    return this.#slots.subarray(0, this.#size);
  }

  /** Writes the slots to `target` from `at` on; answers where they end. */
  copyTo(target: Uint32Array, at: number): number {
    for (let i = 0; i < this.#size; i++) target[at + i] = this.#slots[i];
    return at + this.#size;
  }

  has(slot: number): boolean {
    const { values } = this.#positions;
    return slot < values.length && values[slot] < this.#size && this.#slots[values[slot]] === slot;
  }

  /** It is not in the list. */
  put(slot: number): void {
    if (this.#size === this.#slots.length) {
      const grown = new Uint32Array(this.#slots.length * 2);
      grown.set(this.#slots);
      this.#slots = grown;
    }
    this.#positions.reserve(slot + 1);
    this.#positions.values[slot] = this.#size;
    this.#slots[this.#size++] = slot;
  }

  /** It is in the list. */
  take(slot: number): void {
    const { values } = this.#positions;
    const last = this.#slots[--this.#size];
    this.#slots[values[slot]] = last;
    values[last] = values[slot];
  }
}

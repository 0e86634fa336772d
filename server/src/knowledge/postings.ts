/**
 * Which passages hold one term, as packed numbers in ascending order of slot: 24 bits of slot, 3 bits of occurrences in
 * the title, 5 bits of occurrences in the text (more than 7 and 31 say nothing more about relevance).
 */

export const MOST_SLOTS = 2 ** 24;
export const MOST_IN_TITLE = 7;
export const MOST_IN_TEXT = 31;

const slotOf = (packed: number): number => packed >>> 8;

export class PostingList {
  #packed: Uint32Array;
  #length = 0;

  constructor(capacity = 2) {
    this.#packed = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The first `length` are in use; not to be changed, and not to be kept across a change. */
  get packed(): Uint32Array {
    return this.#packed;
  }

  /** Ascending. */
  *slots(): Generator<number, void, undefined> {
    for (let at = 0; at < this.#length; at++) yield slotOf(this.#packed[at]);
  }

  /** A slot is put once. At the end it costs nothing; before it, a move of what follows. */
  put(slot: number, inTitle: number, inText: number): void {
    if (this.#length === this.#packed.length) {
      const wider = new Uint32Array(this.#packed.length * 2);
      wider.set(this.#packed);
      this.#packed = wider;
    }
    const at = this.#length === 0 || slotOf(this.#packed[this.#length - 1]) < slot ? this.#length : this.#indexOf(slot);
    this.#packed.copyWithin(at + 1, at, this.#length);
    this.#packed[at] = ((slot << 8) | (Math.min(inTitle, MOST_IN_TITLE) << 5) | Math.min(inText, MOST_IN_TEXT)) >>> 0;
    this.#length++;
  }

  delete(slot: number): void {
    const at = this.#indexOf(slot);
    if (at >= this.#length || slotOf(this.#packed[at]) !== slot) return;
    this.#packed.copyWithin(at, at + 1, this.#length);
    this.#length--;
  }

  /** The packed entry of the slot. */
  find(slot: number): number | undefined {
    const at = this.#indexOf(slot);
    return at < this.#length && slotOf(this.#packed[at]) === slot ? this.#packed[at] : undefined;
  }

  /** Index of the first entry at `slot` or behind it. */
  #indexOf(slot: number): number {
    let from = 0;
    let to = this.#length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (slotOf(this.#packed[middle]) < slot) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

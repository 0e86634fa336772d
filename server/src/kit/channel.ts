/** A bounded queue between one writer and one reader that says what it does when full. */

/** `refuse`: push returns false. `drop-oldest`: the oldest waiting value makes room. */
export type WhenFull = 'refuse' | 'drop-oldest';

/**
 * Values pushed synchronously, read as one async iterable. After `close()` the reader drains what is left and ends;
 * after `fail(error)` it drains and throws.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly capacity: number;
  readonly whenFull: WhenFull;
  #values: T[] = [];
  #dropped = 0;
  #ended = false;
  #error: unknown;
  #waiting: (() => void) | undefined;

  constructor(capacity: number, whenFull: WhenFull) {
    this.capacity = capacity;
    this.whenFull = whenFull;
  }

  get size(): number {
    return this.#values.length;
  }

  /** How many values were lost to a full queue. */
  get dropped(): number {
    return this.#dropped;
  }

  /** False when the value was refused (queue full, or already closed). */
  push(value: T): boolean {
    if (this.#ended) return false;
    if (this.#values.length >= this.capacity) {
      this.#dropped++;
      if (this.whenFull === 'refuse') return false;
      this.#values.shift();
    }
    this.#values.push(value);
    this.#wake();
    return true;
  }

  close(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#error = error;
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift() as T;
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

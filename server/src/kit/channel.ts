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
  /** The reader waits. */
  #waiting: PromiseWithResolvers<IteratorResult<T, void>> | undefined;

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
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve({ value, done: false });
      return true;
    }
    if (this.#values.length >= this.capacity) {
      this.#dropped++;
      if (this.whenFull === 'refuse') return false;
      this.#values.shift();
    }
    this.#values.push(value);
    return true;
  }

  close(): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(this.#next());
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#error = error;
    this.close();
  }

  /** The oldest value, if one waits. */
  take(): T | undefined {
    return this.#values.shift();
  }

  /** The next value; one wait at a time. */
  next(): Promise<IteratorResult<T, void>> {
    if (this.#values.length > 0 || this.#ended) return this.#next();
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Not a generator: every value would cost it two more promises. */
  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
    return { next: () => this.next() };
  }

  /** Of a channel that has a value or has ended. */
  #next(): Promise<IteratorResult<T, void>> {
    if (this.#values.length > 0) return Promise.resolve({ value: this.#values.shift() as T, done: false });
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }
}

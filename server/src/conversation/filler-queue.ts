/** Where fillers join the pieces of an utterance: between two clauses, never inside one. */
import type { Piece } from './utterance.ts';
import type { Filler } from './waiting.ts';

type Next = IteratorResult<Piece | Filler, void>;

/** Lets one filler at a time slip in between two clauses while the next one is waited for. */
export class FillerQueue {
  #asked = Promise.withResolvers<void>();
  #filler: Filler | undefined;
  #between = false;
  #closed = false;
  #pieces: AsyncIterator<Piece, void> | undefined;
  /** Asked for and not yet handed on: a filler may overtake it. */
  #piece: Promise<IteratorResult<Piece, void>> | undefined;

  /** A clause's first sound is waited for, and no filler is on its way. */
  get open(): boolean {
    return this.#between && !this.#filler && !this.#closed;
  }

  put(filler: Filler): void {
    if (!this.open) return;
    this.#filler = filler;
    this.#asked.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#asked.resolve();
  }

  /** The pieces, with what is put in between. Once. */
  between(pieces: AsyncIterator<Piece, void>): AsyncIterable<Piece | Filler> {
    this.#pieces = pieces;
    this.#between = true;
    const iterator = { next: () => this.#next(), return: () => Promise.resolve(this.#end()) };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  #next(): Promise<Next> {
    const pieces = this.#pieces;
    if (this.#closed || !pieces) return Promise.resolve(this.#end());
    const asked = this.#piece ?? pieces.next();
    // Inside a clause nothing can come between.
    if (!this.#between) return asked.then(this.#came, this.#failed);
    this.#piece = asked;
    return this.#first(asked);
  }

  /** Whatever comes first: the piece that was asked for, a filler, or the end. */
  async #first(asked: Promise<IteratorResult<Piece, void>>): Promise<Next> {
    // Whoever gives up reading while it fails must not leave a rejection to nobody.
    asked.catch(() => {});
    await Promise.race([asked, this.#asked.promise]).catch(this.#failed);
    const filler = this.#filler;
    if (!filler) return this.#closed ? this.#end() : this.#came(await asked);
    this.#asked = Promise.withResolvers();
    this.#filler = undefined;
    return { value: filler, done: false };
  }

  readonly #came = (result: IteratorResult<Piece, void>): Next => {
    this.#piece = undefined;
    if (result.done) return this.#end();
    this.#between = result.value.type === 'clause-end' || result.value.type === 'clause';
    return result;
  };

  readonly #failed = (error: unknown): never => {
    this.#end();
    throw error;
  };

  #end(): { value: undefined; done: true } {
    this.#pieces?.return?.().then(undefined, () => {});
    this.#pieces = undefined;
    return { value: undefined, done: true };
  }
}

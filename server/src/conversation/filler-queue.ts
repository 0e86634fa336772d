/** Where fillers join the pieces of an utterance: between two clauses, never inside one. */
import type { Piece } from './utterance.ts';
import type { Filler } from './waiting.ts';

/** Lets one filler at a time slip in between two clauses while the next one is waited for. */
export class FillerQueue {
  #asked = Promise.withResolvers<void>();
  #filler: Filler | undefined;
  #between = false;
  #closed = false;

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

  async *between(pieces: AsyncGenerator<Piece, void>): AsyncGenerator<Piece | Filler, void, undefined> {
    try {
      yield* this.#merge(pieces);
    } finally {
      pieces.return().catch(() => {});
    }
  }

  async *#merge(pieces: AsyncIterator<Piece, void>): AsyncGenerator<Piece | Filler, void, undefined> {
    let next = pieces.next();
    // Whoever gives up reading while it fails must not leave a rejection to nobody.
    next.catch(() => {});
    this.#between = true;
    while (!this.#closed) {
      if (this.#between) await Promise.race([next, this.#asked.promise]);
      const filler = this.#filler;
      if (filler) {
        this.#asked = Promise.withResolvers();
        this.#filler = undefined;
        yield filler;
        continue;
      }
      if (this.#closed) return;
      const { value: piece, done } = await next;
      if (done) return;
      this.#between = piece.type === 'clause-end' || piece.type === 'clause';
      yield piece;
      next = pieces.next();
      next.catch(() => {});
    }
  }
}

/** So many at once, so many waiting, and a clear refusal beyond that. */
import { TandemError } from '#kit/errors.ts';

export class TurnQueue {
  readonly #atOnce: number;
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(atOnce: number, waiting: number) {
    this.#atOnce = atOnce;
    this.#most = waiting;
  }

  /**
   * Resolves to what must be called when done (twice does nothing more).
   * @throws TandemError `unavailable` when the queue is full; the signal's reason when it is aborted while waiting
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#inside < this.#atOnce) this.#inside++;
    else await this.#wait(signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      // The place is handed on, so that nobody comes in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside--;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#most) {
      throw new TandemError('unavailable', 'Too many documents wait to be read; try again later.', { waiting: this.#waiting.length });
    }
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(turn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

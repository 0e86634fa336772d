/** Progress that is written for a person to watch: the latest only, a few times a second, one write at a time. */
import type { Clock, Timer } from '#kit/clock.ts';

/** Between two writes, unless a state changes. */
export const TELL_EVERY_MS = 250;

export class Progress<T> {
  readonly #clock: Clock;
  readonly #write: (value: T) => Promise<unknown>;
  readonly #everyMs: number;
  #latest: { value: T } | undefined;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;

  /** A `write` that fails is forgotten: the next one says more. */
  constructor(clock: Clock, write: (value: T) => Promise<unknown>, everyMs = TELL_EVERY_MS) {
    this.#clock = clock;
    this.#write = write;
    this.#everyMs = everyMs;
  }

  /** Written now or soon; what was told before and not yet written is dropped. Never throws. */
  tell(value: T): void {
    this.#latest = { value };
    this.#arm();
  }

  /** Drops what is not yet written and waits for the write under way: what the caller writes next comes last. */
  async settle(): Promise<void> {
    this.#latest = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
  }

  #arm(): void {
    if (this.#timer || this.#writing || !this.#latest) return;
    const waitMs = this.#writtenAt + this.#everyMs - this.#clock.now();
    if (waitMs <= 0) return this.#begin();
    this.#timer = this.#clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#begin();
    });
  }

  #begin(): void {
    const told = this.#latest;
    if (!told) return;
    this.#latest = undefined;
    this.#writtenAt = this.#clock.now();
    this.#writing = this.#write(told.value)
      .catch(() => {})
      .then(() => {
        this.#writing = undefined;
        this.#arm();
      });
  }
}

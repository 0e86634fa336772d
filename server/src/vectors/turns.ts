/** Changes of one partition one after the other, in the order they were asked for; a failure of one is not the next one's. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = done
      .catch(() => {})
      .then(() => {
        if (this.#last.get(key) === settled) this.#last.delete(key);
      });
    this.#last.set(key, settled);
    return done;
  }

  /** Resolves when everything asked for so far has been done. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}

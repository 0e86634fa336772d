/**
 * One loop over all lines (drawn up here so that the doors above can name it).
 */
export interface Paced {
  /**
   * Once per 20 ms. `deadline` is the absolute clock time this frame was due, `late` how many milliseconds after it
   * the loop got here. A line never starts a timer of its own.
   */
  tick(deadline: number, late: number): void;
}

export interface Pacer {
  /** Starts ticking `line` at most 20 ms from now, in the emptier of the two half-batches. */
  add(line: Paced): void;
  remove(line: Paced): void;
  readonly size: number;
  stop(): void;
}

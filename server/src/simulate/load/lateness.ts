/**
 * How many frames of a stream came late, by its own schedule: frame n is due 20 ms after frame n-1, and the earliest frame
 * of each second sets the schedule of that second. What arrived while our own loop was late is left out, because nobody can
 * say whose delay that was.
 */
const FRAME_MS = 20;
/** A frame that is later than this against its schedule is a late frame (measures page). */
export const LATE_MS = 5;
const SECOND = 50;
/** Looks remembered: 20 s of steps of 5 ms. */
const LOOKS = 4_096;

/** A loop that is later than this could not look at its sockets: an arrival that it noted itself is worth nothing. */
const ON_TIME_MS = 2;
/** Later than this, the machine does not let us measure at all. */
const STEADY_MS = 10;
const LATE = 0;
const STEADY = 1;
const ON_TIME = 2;

/** How the loop of the generator kept its own time, look by look. */
export class OwnTime {
  readonly #looks = new Uint8Array(LOOKS);
  /** Looks so far. */
  looks = 0;

  looked(lagMs: number): void {
    this.#looks[this.looks++ % LOOKS] = lagMs <= ON_TIME_MS ? ON_TIME : lagMs <= STEADY_MS ? STEADY : LATE;
  }

  /** The last look was not so late that turns, which take hundreds of milliseconds, could not be measured. */
  get steady(): boolean {
    return this.looks > 0 && this.#looks[(this.looks - 1) % LOOKS] >= STEADY;
  }

  /** What arrives now is noted in time. */
  get onTime(): boolean {
    return this.looks > 0 && this.#looks[(this.looks - 1) % LOOKS] === ON_TIME;
  }

  /**
   * What arrived behind look `look - 1` was noted in time: the looks before and after it were. What was `stamped` with its
   * arrival outside of our loop only needs a machine that lets us run.
   */
  trusts(look: number, stamped: boolean): boolean {
    if (look < 1 || look >= this.looks || this.looks - look > LOOKS - 2) return false;
    const least = stamped ? STEADY : ON_TIME;
    return this.#looks[(look - 1) % LOOKS] >= least && this.#looks[look % LOOKS] >= least;
  }
}

export class Lateness {
  /** Frames judged, and those of them that were late. */
  judged = 0;
  late = 0;
  readonly #own: OwnTime;
  /** Arrival less the place in the schedule, and behind which look; of the second in progress. */
  readonly #offsets = new Float64Array(2 * SECOND);
  readonly #looks = new Float64Array(2 * SECOND);
  #stamped = false;
  #count = 0;
  #position = 0;
  #second = 0;

  constructor(own: OwnTime) {
    this.#own = own;
  }

  /**
   * A frame `step` places after the one before; what was overtaken (0 or less) is not judged. `stamped`: `at` was taken
   * outside of our loop.
   */
  arrived(step: number, at: number, stamped: boolean): void {
    if (step <= 0) return;
    this.#stamped = stamped;
    this.#position += step;
    const second = Math.floor(this.#position / SECOND);
    if (second !== this.#second) {
      this.#judge();
      this.#second = second;
    }
    if (this.#count === this.#offsets.length) return;
    this.#offsets[this.#count] = at - this.#position * FRAME_MS;
    this.#looks[this.#count++] = this.#own.looks;
  }

  /** The stream paused: what comes next has a schedule of its own. */
  restart(): void {
    this.#judge();
  }

  #judge(): void {
    let best = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      if (!this.#own.trusts(this.#looks[i], this.#stamped)) continue;
      this.#offsets[kept++] = this.#offsets[i];
      best = Math.min(best, this.#offsets[kept - 1]);
    }
    for (let i = 0; i < kept; i++) if (this.#offsets[i] - best > LATE_MS) this.late++;
    this.judged += kept;
    this.#count = 0;
  }
}

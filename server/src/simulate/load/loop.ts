/**
 * The generator's one loop: steps at absolute deadlines, a quarter of the calls in each, so that every call has its turn
 * each 20 ms and packets leave spread over them. It knows how late it was itself, because then nothing that it saw counts.
 */
import type { Clock, Timer } from '#kit/clock.ts';
import { Histogram, type Percentiles } from './histogram.ts';
import { OwnTime } from './lateness.ts';
import { FRAME_MS } from './wire.ts';

const GROUPS = 4;
const STEP_MS = FRAME_MS / GROUPS;
/** Further behind than this, steps are left out: frames that would leave as a burst help nobody. */
const MOST_BEHIND_MS = 200;

export interface Ticked {
  /** Once per 20 ms. */
  tick(now: number): void;
}

export class LoadLoop {
  readonly own = new OwnTime();
  /** Steps that were left out. */
  skipped = 0;
  readonly #clock: Clock;
  readonly #around: { before: (now: number) => void; after: () => void };
  readonly #groups: Set<Ticked>[] = Array.from({ length: GROUPS }, () => new Set());
  readonly #lag = new Histogram();
  #timer: Timer | undefined;
  #base = 0;
  #step = 0;

  constructor(clock: Clock, around: { before: (now: number) => void; after: () => void }) {
    this.#clock = clock;
    this.#around = around;
  }

  add(ticked: Ticked): void {
    this.#groups.reduce((least, group) => (group.size < least.size ? group : least)).add(ticked);
  }

  remove(ticked: Ticked): void {
    for (const group of this.#groups) group.delete(ticked);
  }

  start(): void {
    this.#base = this.#clock.now();
    this.#step = 0;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** How much later than meant the steps ran. */
  lagMs(): Percentiles {
    return this.#lag.summary();
  }

  #arm(): void {
    // Timers are whole milliseconds: one that fires early would have to be set a second time.
    this.#timer = this.#clock.after(Math.ceil(this.#base + this.#step * STEP_MS - this.#clock.now()), this.#run);
  }

  readonly #run = (): void => {
    const timer = this.#timer;
    const now = this.#clock.now();
    const lag = now - (this.#base + this.#step * STEP_MS);
    this.#lag.add(lag);
    this.own.looked(lag);
    if (lag > MOST_BEHIND_MS) {
      const behind = Math.floor(lag / STEP_MS);
      this.skipped += behind;
      this.#step += behind;
    }
    // What falls due meanwhile waits for the next time: a machine that cannot keep up must still get to its sockets.
    const due = Math.floor((now - this.#base) / STEP_MS);
    while (this.#step <= due && this.#timer === timer) {
      const at = this.#clock.now();
      this.#around.before(at);
      for (const ticked of this.#groups[this.#step++ % GROUPS]) ticked.tick(at);
      this.#around.after();
    }
    if (this.#timer === timer) this.#arm();
  };
}

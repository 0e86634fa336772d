/**
 * One loop over all lines. It wakes every 10 ms at absolute deadlines of the monotonic clock, ticks one of two
 * half-batches and lets the other one listen, so that every line does both every 20 ms and no line ever has a timer of its
 * own. A late loop catches up; a very late one skips what would otherwise leave as a burst.
 */
import type { Clock, Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';
import { FRAME_MS } from './frame.ts';

export interface Paced {
  /**
   * Once per 20 ms. `deadline` is the absolute clock time this frame was due, `late` how many milliseconds after it
   * the loop got here. A line never starts a timer of its own.
   */
  tick(deadline: number, late: number): void;
  /**
   * Once per 20 ms, half of that after `tick`: what was heard is dealt with here, so that an answer that takes no time
   * leaves 10 ms later and not a whole frame. `deadline` as for `tick`. Lines that are handed their sound do not need it.
   */
  listen?(deadline: number): void;
  /** Its `tick` or `listen` threw: a line that cannot go on ends itself here, or it will be told again in 20 ms. */
  failed?(thrown: unknown): void;
}

/** What sends and receives in batches, for many lines together. Must not throw. */
export interface PacedWire {
  /** After lines have ticked: what they sent leaves now. */
  depart(): void;
  /** Before lines listen: what has arrived is handed to them. */
  arrive(): void;
}

export interface Pacer {
  /** Starts ticking `line` at most 20 ms from now, in the emptier of the two half-batches. */
  add(line: Paced): void;
  remove(line: Paced): void;
  /** `wire` takes part in every step from now on, until `leave`; steps are made while there are lines. */
  join(wire: PacedWire): void;
  leave(wire: PacedWire): void;
  readonly size: number;
  stop(): void;
}

type OnFault = (line: Paced, thrown: unknown) => void;

const HALVES = 2;
/** The loop's own period: one half-batch each time. */
const STEP_MS = FRAME_MS / HALVES;
/** A late line sends at most this many frames at once: 100 ms of sound. */
const MAX_BUNCH = 5;
/** Timers of the machine are whole milliseconds and may fire up to one early. */
const EARLY_MS = 1;
/** At most one log line per this many milliseconds about lines that throw. */
const FAULT_LOG_MS = 1000;

/** Upper bounds of the lateness buckets, milliseconds; one more bucket holds what is later than the last. */
export const LATE_BUCKETS_MS: readonly number[] = [1, 2, 5, 10, 20, 50, 100];

export interface PacerCounters {
  /** Frames ticked, over all lines. */
  frames: number;
  /** Frames by lateness, one count per bound of {@link LATE_BUCKETS_MS} and one for the rest; not cumulative. */
  late: readonly number[];
  /** Frames that were never ticked because the loop was more than 100 ms late. */
  skipped: number;
  /** Ticks that threw. */
  faults: number;
}

/** The {@link Pacer} of a call thread. */
export class MediaPacer implements Pacer {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #loop: PacingLoop;
  readonly #halves: HalfBatch[] = [new HalfBatch(), new HalfBatch()];
  readonly #home = new Map<Paced, HalfBatch>();
  readonly #wires: PacedWire[] = [];
  readonly #counters = { frames: 0, late: Array.from({ length: LATE_BUCKETS_MS.length + 1 }, () => 0), skipped: 0, faults: 0 };
  #faultLoggedAt = -Infinity;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#loop = new PacingLoop(
      clock,
      (step, deadline) => this.#tick(step, deadline),
      (from, steps) => this.#skip(from, steps),
    );
  }

  get size(): number {
    return this.#home.size;
  }

  /** Adding a line twice does nothing. */
  add(line: Paced): void {
    if (this.#home.has(line)) return;
    const [even, odd] = this.#halves;
    const half = odd.size < even.size ? odd : even;
    half.add(line, this.#clock.now());
    this.#home.set(line, half);
    this.#loop.start();
  }

  /** Safe from within a tick; the line is not ticked again. */
  remove(line: Paced): void {
    const half = this.#home.get(line);
    if (!half) return;
    half.remove(line);
    this.#home.delete(line);
    if (this.#home.size === 0) this.#loop.stop();
  }

  join(wire: PacedWire): void {
    if (!this.#wires.includes(wire)) this.#wires.push(wire);
  }

  leave(wire: PacedWire): void {
    const index = this.#wires.indexOf(wire);
    if (index >= 0) this.#wires.splice(index, 1);
  }

  stop(): void {
    for (const line of this.#home.keys()) this.remove(line);
  }

  /** A copy of the counters, all monotonic. */
  counters(): PacerCounters {
    return { ...this.#counters, late: [...this.#counters.late] };
  }

  #tick(step: number, deadline: number): void {
    const half = this.#halves[step % HALVES];
    // The sound that is due leaves first.
    if (half.size > 0) this.#send(half, deadline);
    for (const wire of this.#wires) wire.depart();
    for (const wire of this.#wires) wire.arrive();
    this.#halves[(step + 1) % HALVES].listen(deadline, this.#onFault);
  }

  #send(half: HalfBatch, deadline: number): void {
    const late = Math.max(0, this.#clock.now() - deadline);
    const frames = half.tick(deadline, late, this.#onFault);
    this.#counters.frames += frames;
    let bucket = 0;
    while (bucket < LATE_BUCKETS_MS.length && late > LATE_BUCKETS_MS[bucket]) bucket++;
    this.#counters.late[bucket] += frames;
  }

  #skip(from: number, steps: number): void {
    for (let step = from; step < from + steps; step++) this.#counters.skipped += this.#halves[step % HALVES].size;
  }

  readonly #onFault = (line: Paced, thrown: unknown): void => {
    this.#counters.faults++;
    try {
      line.failed?.(thrown);
    } catch {
      // It will be told again.
    }
    const now = this.#clock.now();
    if (now - this.#faultLoggedAt < FAULT_LOG_MS) return;
    this.#faultLoggedAt = now;
    this.#log.error({ error: thrown, faults: this.#counters.faults }, `a line failed in its tick: ${messageOf(thrown)}`);
  };
}

/** Absolute deadlines, `STEP_MS` apart, from the moment of `start`; never re-based while it runs, so it cannot drift. */
class PacingLoop {
  readonly #clock: Clock;
  readonly #onStep: (step: number, deadline: number) => void;
  readonly #onSkip: (fromStep: number, steps: number) => void;
  #timer: Timer | undefined;
  #base = 0;
  #step = 0;

  constructor(clock: Clock, onStep: (step: number, deadline: number) => void, onSkip: (fromStep: number, steps: number) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
    this.#onSkip = onSkip;
  }

  start(): void {
    if (this.#timer) return;
    this.#base = this.#clock.now();
    this.#step = 1;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#base + this.#step * STEP_MS - this.#clock.now(), this.#run);
  }

  readonly #run = (): void => {
    const timer = this.#timer;
    const due = Math.floor((this.#clock.now() + EARLY_MS - this.#base) / STEP_MS); // the last step that is due
    const behind = due - this.#step + 1 - MAX_BUNCH * HALVES;
    if (behind > 0) {
      this.#onSkip(this.#step, behind);
      this.#step += behind;
    }
    while (this.#step <= due && this.#timer === timer) {
      const step = this.#step++;
      this.#onStep(step, this.#base + step * STEP_MS);
    }
    if (this.#timer === timer) this.#arm();
  };
}

/** Lines ticked together. Removal leaves a hole until no loop over them is running, so that the loops stay simple and safe. */
class HalfBatch {
  readonly #lines: (Paced | undefined)[] = [];
  /** When each was added, rising: a loop that catches up owes a line nothing of before it was there. */
  readonly #since: number[] = [];
  #size = 0;
  #ticking = false;

  get size(): number {
    return this.#size;
  }

  add(line: Paced, now: number): void {
    this.#lines.push(line);
    this.#since.push(now);
    this.#size++;
  }

  remove(line: Paced): void {
    const index = this.#lines.indexOf(line);
    if (index < 0) return;
    this.#lines[index] = undefined;
    this.#size--;
    if (!this.#ticking) this.#close();
  }

  /** Ticks every line there was at the start; returns how many were ticked. */
  tick(deadline: number, late: number, onFault: OnFault): number {
    const lines = this.#lines;
    const count = lines.length;
    let ticked = 0;
    this.#ticking = true;
    for (let i = 0; i < count && this.#since[i] <= deadline; i++) {
      const line = lines[i];
      if (!line) continue;
      ticked++;
      try {
        line.tick(deadline, late);
      } catch (thrown) {
        onFault(line, thrown);
      }
    }
    this.#ticking = false;
    if (this.#size < lines.length) this.#close();
    return ticked;
  }

  /** Lets every line listen that wants to. */
  listen(deadline: number, onFault: OnFault): void {
    const lines = this.#lines;
    const count = lines.length;
    this.#ticking = true;
    for (let i = 0; i < count && this.#since[i] <= deadline; i++) {
      const line = lines[i];
      if (!line?.listen) continue;
      try {
        line.listen(deadline);
      } catch (thrown) {
        onFault(line, thrown);
      }
    }
    this.#ticking = false;
    if (this.#size < lines.length) this.#close();
  }

  #close(): void {
    let kept = 0;
    for (let i = 0; i < this.#lines.length; i++) {
      if (!this.#lines[i]) continue;
      this.#lines[kept] = this.#lines[i];
      this.#since[kept++] = this.#since[i];
    }
    this.#lines.length = kept;
    this.#since.length = kept;
  }
}

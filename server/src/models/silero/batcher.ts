/**
 * One model for the windows of all calls. A window of a call waits until enough other calls have one (a batch of 16
 * costs a quarter of 16 single runs) or until it has waited long enough; then one window of each waiting call runs.
 *
 * A call's windows run in order, because each needs the state that the one before left. At most one run is in flight.
 * Each call may have few windows waiting: under overload the oldest is dropped, and what is known stays fresh.
 */
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { MOST_ROWS, ROW, type SileroModel, STATE } from './shape.ts';

/** Calls with a window that start a run at once. */
const ENOUGH_CALLS = 16;
const LONGEST_WAIT_MS = 10;
/** A run of 64 takes about 2 ms. One that takes this long is reported; there is no second until it ends. */
const RUN_DEADLINE_MS = 2_000;
/** Windows of one call that may wait: a pre-roll of 4, and 128 ms of being late. */
export const MOST_WAITING = 8;
const COMPLAIN_EVERY_MS = 60_000;

export interface BatcherCounts {
  runs: number;
  windows: number;
  /** Windows that a newer one of the same call pushed out. */
  dropped: number;
  /** Runs that failed. */
  failures: number;
  /** Results that came after their call was closed or began anew. */
  stale: number;
}

/** What the batcher keeps of one call. Written by {@link Batcher} and {@link WindowStream} only. */
class Lane {
  /** Ring of MOST_WAITING rows. */
  readonly samples = new Float32Array(MOST_WAITING * ROW);
  readonly state = new Float32Array(2 * STATE);
  first = 0;
  count = 0;
  /** Raised when everything before is forgotten: a run's result from an older epoch is nobody's. */
  epoch = 0;
  /** Links and time of the queue of lanes with a window. */
  queue: { queued: boolean; sinceMs: number; before: Lane | undefined; after: Lane | undefined } = {
    queued: false,
    sinceMs: 0,
    before: undefined,
    after: undefined,
  };
  newest = { probability: 0, results: 0 };
}

/** A call's windows on their way to the model, and the newest answer. */
export interface WindowStream {
  /** Of the newest window that was run, 0…1; 0 after `restart`. */
  readonly probability: number;
  /** How many answers came so far: who sees it stand still knows that the answers are old. */
  readonly results: number;
  /** Takes a copy of the ROW samples from `offset` on. */
  push(samples: Float32Array, offset: number): void;
  /** Forgets what waits, what is in flight and the model's state. */
  restart(): void;
  /** As `restart`, for good. */
  close(): void;
}

export class Batcher {
  readonly counts: BatcherCounts = { runs: 0, windows: 0, dropped: 0, failures: 0, stale: 0 };
  readonly #model: SileroModel;
  readonly #kit: Kit;
  #queue: { head: Lane | undefined; tail: Lane | undefined; length: number } = { head: undefined, tail: undefined, length: 0 };
  /** The wait for the next run, and when it is over. */
  #wait: { timer: Timer | undefined; dueMs: number } = { timer: undefined, dueMs: 0 };
  /** The run in flight: its lanes, their epochs, and when it began; 0 rows when there is none. */
  #flight = { rows: 0, sinceMs: 0, lanes: Array.from<Lane | undefined>({ length: MOST_ROWS }), epochs: new Uint32Array(MOST_ROWS) };
  #complainedMs = Number.NEGATIVE_INFINITY;
  #onDue = () => {
    this.#wait.timer = undefined;
    this.#start();
  };

  constructor(model: SileroModel, kit: Kit) {
    this.#model = model;
    this.#kit = kit;
  }

  /** One per call. */
  open(): WindowStream {
    const lane = new Lane();
    let closed = false;
    const forget = () => {
      lane.epoch++;
      lane.count = 0;
      lane.state.fill(0);
      lane.newest.probability = 0;
      this.#leave(lane);
    };
    return {
      get probability() {
        return lane.newest.probability;
      },
      get results() {
        return lane.newest.results;
      },
      push: (samples, offset) => {
        if (!closed) this.#push(lane, samples, offset);
      },
      restart: forget,
      close: () => {
        closed = true;
        forget();
      },
    };
  }

  #push(lane: Lane, samples: Float32Array, offset: number): void {
    if (lane.count === MOST_WAITING) {
      lane.first = (lane.first + 1) % MOST_WAITING;
      lane.count--;
      this.counts.dropped++;
      this.#complain({ dropped: this.counts.dropped }, 'voice activity is behind: windows were dropped');
    }
    const to = ((lane.first + lane.count) % MOST_WAITING) * ROW;
    for (let i = 0; i < ROW; i++) lane.samples[to + i] = samples[offset + i];
    lane.count++;
    this.#enter(lane);
    this.#plan();
  }

  #enter(lane: Lane): void {
    const place = lane.queue;
    if (place.queued) return;
    place.queued = true;
    place.sinceMs = this.#kit.clock.now();
    place.before = this.#queue.tail;
    if (this.#queue.tail) this.#queue.tail.queue.after = lane;
    else this.#queue.head = lane;
    this.#queue.tail = lane;
    this.#queue.length++;
  }

  #leave(lane: Lane): void {
    const { queued, before, after } = lane.queue;
    if (!queued) return;
    if (before) before.queue.after = after;
    else this.#queue.head = after;
    if (after) after.queue.before = before;
    else this.#queue.tail = before;
    lane.queue.queued = false;
    lane.queue.before = lane.queue.after = undefined;
    this.#queue.length--;
    if (this.#queue.length > 0) return;
    this.#wait.timer?.cancel();
    this.#wait.timer = undefined;
  }

  /** Sees to it that a run begins when it is due, never within the call: its caller is on the sound path. */
  #plan(): void {
    const head = this.#queue.head;
    if (!head) return;
    const now = this.#kit.clock.now();
    if (this.#flight.rows > 0) {
      if (now - this.#flight.sinceMs > RUN_DEADLINE_MS)
        this.#complain({ sinceMs: now - this.#flight.sinceMs }, 'a run of Silero does not end');
      return;
    }
    const dueMs = this.#queue.length >= ENOUGH_CALLS ? now : head.queue.sinceMs + LONGEST_WAIT_MS;
    if (this.#wait.timer) {
      if (this.#wait.dueMs <= dueMs) return;
      this.#wait.timer.cancel();
    }
    this.#wait.dueMs = dueMs;
    this.#wait.timer = this.#kit.clock.after(dueMs - now, this.#onDue);
  }

  #start(): void {
    const { exchange } = this.#model;
    const flight = this.#flight;
    const rows = Math.min(MOST_ROWS, this.#queue.length);
    if (rows === 0 || flight.rows > 0) return;
    for (let row = 0; row < rows; row++) {
      const lane = this.#queue.head as Lane;
      this.#leave(lane);
      const from = lane.first * ROW;
      exchange.input.set(lane.samples.subarray(from, from + ROW), row * ROW);
      exchange.state.set(lane.state.subarray(0, STATE), row * STATE);
      exchange.state.set(lane.state.subarray(STATE), (rows + row) * STATE);
      lane.first = (lane.first + 1) % MOST_WAITING;
      lane.count--;
      flight.lanes[row] = lane;
      flight.epochs[row] = lane.epoch;
    }
    flight.rows = rows;
    flight.sinceMs = this.#kit.clock.now();
    this.#model.run(rows).then(
      () => this.#finish(undefined),
      (error: unknown) => this.#finish(error),
    );
  }

  #finish(error: unknown): void {
    const { rows, lanes, epochs } = this.#flight;
    const { state, probability } = this.#model.exchange;
    let late = false;
    for (let row = 0; row < rows; row++) {
      const lane = lanes[row] as Lane;
      lanes[row] = undefined;
      if (lane.epoch >>> 0 !== epochs[row]) this.counts.stale++;
      else if (error === undefined) {
        lane.state.set(state.subarray(row * STATE, (row + 1) * STATE));
        lane.state.set(state.subarray((rows + row) * STATE, (rows + row + 1) * STATE), STATE);
        lane.newest.probability = Math.min(1, Math.max(0, probability[row]));
        lane.newest.results++;
      }
      if (lane.count > 0) {
        late = true;
        this.#enter(lane);
      }
    }
    this.#flight.rows = 0;
    if (error === undefined) {
      this.counts.runs++;
      this.counts.windows += rows;
    } else {
      this.counts.failures++;
      this.#complain({ error: messageOf(error), failures: this.counts.failures }, 'Silero failed: levels alone decide on voice activity');
    }
    // A call with more windows is behind, be it by a pre-roll: it does not wait again.
    if (late && error === undefined) {
      this.#wait.timer?.cancel();
      this.#wait.timer = undefined;
      this.#start();
    } else this.#plan();
  }

  #complain(fields: Record<string, unknown>, message: string): void {
    const now = this.#kit.clock.now();
    if (now - this.#complainedMs < COMPLAIN_EVERY_MS) return;
    this.#complainedMs = now;
    this.#kit.log.warn(fields, message);
  }
}

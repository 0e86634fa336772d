/**
 * Whether one more call may be answered. Asked before the answer, while the caller still hears it ring, so that a refusal
 * costs a caller a tenth of a second and never the call of somebody who is talking already: live calls always win.
 *
 * What the process measures of itself is a second old; the calls admitted since are added at what a call has cost so far.
 */
import type { Clock } from '#kit/clock.ts';
import type { MachineLoad } from '#kit/machine-load.ts';

/** Beyond these a new call is refused. Parts are of 1. */
export interface AdmissionLimits {
  maxCalls: number;
  /** Of the call thread's time. Above it, frames begin to wait for each other, and what the platform adds to a turn doubles. */
  threadBusy: number;
  /** Of the call thread's time: it had work and no core. A machine that is busy at a lower priority takes nothing from it. */
  threadWaiting: number;
  /** Lateness of the call thread's event loop, milliseconds; reading after reading, since one pause is no overload. */
  loopDelayMs: number;
  /** Kept free for the calls that live, and for files of our own. */
  descriptors: number;
  diskBytes: number;
}

export const DEFAULT_LIMITS: Omit<AdmissionLimits, 'maxCalls'> = {
  threadBusy: 0.8,
  threadWaiting: 0.25,
  loopDelayMs: 60,
  descriptors: 64,
  diskBytes: 256 * 2 ** 20,
};

/** What one call is asking for. */
export interface Ask {
  businessId: string;
  /** Live calls of that business, and how many it may have at once; null: as many as there is room for. */
  ofBusiness: number;
  businessMax: number | null;
  /** RTP ports that its gateway has left; undefined where it needs none. */
  linesFree: number | undefined;
}

/**
 * Why not. `business-full` is the business's own doing (486, busy); the others are ours (503 with Retry-After): `calls`,
 * `cpu`, `loop`, `lines`, `descriptors`, `disk`, `providers`.
 */
export type Denial = 'business-full' | 'calls' | 'cpu' | 'loop' | 'lines' | 'descriptors' | 'disk' | 'providers';

/** Descriptors a call takes: two sockets for sound, three to providers, and one to spare. */
const DESCRIPTORS_PER_CALL = 6;
/** Before anything is known: 28 µs of each 20 ms. */
const BUSY_PER_CALL = 0.0014;
/** Fewer calls than this say nothing about what a call costs, and refusing more of them would not make a busy machine idle. */
const ENOUGH_CALLS = 20;
/** A second holds some hundred looks at the loop, so that its 99th percentile is a single pause. */
const LATE_READINGS = 3;
/** A reading that is older says nothing any more. */
const STALE_MS = 10_000;

export class Admission {
  readonly #clock: Clock;
  readonly #limits: AdmissionLimits;
  #load: MachineLoad | undefined;
  #loadAt = -Infinity;
  /** Readings in a row in which the loop was too late. */
  #lateReadings = 0;
  /** Live calls when it was read, and calls admitted since. */
  #liveThen = 0;
  #since = 0;

  constructor(clock: Clock, limits: AdmissionLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get limits(): AdmissionLimits {
    return this.#limits;
  }

  /** A new reading, with the calls that lived meanwhile. */
  observe(load: MachineLoad, live: number): void {
    this.#load = load;
    this.#lateReadings = load.loopDelayP99Ms > this.#limits.loopDelayMs ? this.#lateReadings + 1 : 0;
    this.#loadAt = this.#clock.now();
    this.#liveThen = live;
    this.#since = 0;
  }

  /** Undefined: it may be answered. Quick and pure but for what was observed. `live`: calls of the whole process. */
  judge(ask: Ask, live: number): Denial | undefined {
    if (ask.businessMax !== null && ask.ofBusiness >= ask.businessMax) return 'business-full';
    const limits = this.#limits;
    if (live >= limits.maxCalls) return 'calls';
    if (ask.linesFree !== undefined && ask.linesFree <= 0) return 'lines';
    const load = this.#clock.now() - this.#loadAt > STALE_MS ? undefined : this.#load;
    if (!load) return undefined;
    if (load.descriptorsFree !== undefined && load.descriptorsFree - (this.#since + 1) * DESCRIPTORS_PER_CALL < limits.descriptors) {
      return 'descriptors';
    }
    if (load.diskFreeBytes !== undefined && load.diskFreeBytes < limits.diskBytes) return 'disk';
    if (live < ENOUGH_CALLS) return undefined;
    if (this.#lateReadings >= LATE_READINGS) return 'loop';
    const busy = load.threadBusy + (this.#since + 1) * this.#busyPerCall(load);
    if (busy > limits.threadBusy) return 'cpu';
    if (load.threadWaiting !== undefined && load.threadWaiting > limits.threadWaiting) return 'cpu';
    return undefined;
  }

  /** One was admitted: it is counted until the next reading has it. */
  admitted(): void {
    this.#since++;
  }

  #busyPerCall(load: MachineLoad): number {
    return this.#liveThen < ENOUGH_CALLS ? BUSY_PER_CALL : load.threadBusy / this.#liveThen;
  }
}

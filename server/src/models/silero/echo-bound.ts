/**
 * How loud our own echo can be now: as loud as the loudest thing sent within an echo's delay, less what the line was
 * heard to take away. The model cannot tell our voice from the caller's; levels can, unless they are the same.
 *
 * What the line takes away is learned from peaks: the loudest heard of late against the loudest sent in the longer time
 * in which its source must lie. So no delay need be known, and an echo never looks louder than it is.
 */
import { SILENCE_DBFS } from '#audio/level.ts';

const LONGEST_DELAY_FRAMES = 22; // echoes come within 440 ms
const PEAK_FRAMES = 11; // of what is heard
const SENT_FRAMES = LONGEST_DELAY_FRAMES + PEAK_FRAMES;
const SENT_QUIET_DB = -55; // sent sound below this has no echo worth the name
const TEACHES_FROM_DB = -40; // quieter echoes drown in noise and say nothing about the coupling
const COUPLING_START_DB = -9; // until known, the strongest echo: the greeting's first is no caller
const COUPLING_LOWEST_DB = -50;
const MARGIN_DB = 6; // over the due echo: levels of 20 ms fluctuate
const NEAR_END_DB = 9; // so far over it that somebody else must be speaking: nothing is learned
const NEAR_END_PATIENCE = 75; // frames (1.5 s) of that, and it is the echo that has grown
const UP_MOST_DB = 0.5; // per frame
const DOWN_DB = 0.05; // per frame: 2.5 dB a second
/** Frames in a row that must be louder than the echo before somebody is believed to speak over it. */
const OVER_FRAMES = 2;

export class EchoBound {
  /** Level of the echo relative to what was sent, dB. */
  couplingDb = COUPLING_START_DB;
  readonly #sent = new RecentPeak(SENT_FRAMES);
  readonly #heard = new RecentPeak(PEAK_FRAMES);
  #nearEndFrames = 0;
  #overFrames = 0;

  /** Notes the level of the frame that was sent. */
  sent(levelDb: number): void {
    this.#sent.note(levelDb);
  }

  /** True when an echo may be in what is heard now. */
  get active(): boolean {
    return this.#sent.over(LONGEST_DELAY_FRAMES) > SENT_QUIET_DB;
  }

  /** True when a frame of this level may be nothing but our echo. `floorDb`: the line's noise. */
  explains(levelDb: number, floorDb: number): boolean {
    this.#heard.note(levelDb);
    const loudestSent = this.#sent.over(LONGEST_DELAY_FRAMES);
    if (loudestSent <= SENT_QUIET_DB) {
      this.#overFrames = 0;
      return false;
    }
    this.#learn(floorDb);
    this.#overFrames = levelDb > loudestSent + this.couplingDb + MARGIN_DB ? this.#overFrames + 1 : 0;
    return this.#overFrames < OVER_FRAMES;
  }

  reset(): void {
    this.couplingDb = COUPLING_START_DB;
    this.#sent.reset();
    this.#heard.reset();
    this.#nearEndFrames = 0;
    this.#overFrames = 0;
  }

  #learn(floorDb: number): void {
    const sent = this.#sent.over(SENT_FRAMES);
    if (sent <= TEACHES_FROM_DB) return;
    const heard = this.#heard.over(PEAK_FRAMES);
    const over = heard - sent - this.couplingDb;
    if (over > NEAR_END_DB) {
      if (++this.#nearEndFrames < NEAR_END_PATIENCE) return;
    } else this.#nearEndFrames = 0;
    // At the level of the noise the echo is quieter still, whatever the difference says.
    if (over > 0 && heard > floorDb + 3) this.couplingDb += Math.min(UP_MOST_DB, over);
    else if (over < 0) this.couplingDb -= DOWN_DB;
    this.couplingDb = Math.min(0, Math.max(COUPLING_LOWEST_DB, this.couplingDb));
  }
}

/** The last levels, and the loudest of them. */
class RecentPeak {
  readonly #levels: Float64Array;
  #next = 0;

  constructor(frames: number) {
    this.#levels = new Float64Array(frames).fill(SILENCE_DBFS);
  }

  note(levelDb: number): void {
    this.#levels[this.#next] = levelDb;
    this.#next = (this.#next + 1) % this.#levels.length;
  }

  /** The loudest of the newest `frames`. */
  over(frames: number): number {
    const levels = this.#levels;
    let loudest = SILENCE_DBFS;
    let at = this.#next;
    for (let i = 0; i < frames; i++) {
      at = at === 0 ? levels.length - 1 : at - 1;
      if (levels[at] > loudest) loudest = levels[at];
    }
    return loudest;
  }

  reset(): void {
    this.#levels.fill(SILENCE_DBFS);
  }
}

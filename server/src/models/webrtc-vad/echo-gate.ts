/**
 * Is what we hear only what we said? No carrier cancels the echo of a telephone line, so the detector is told what was
 * sent. The gate works on envelopes of 10 ms: it finds the echo's delay by correlating the two envelopes, learns how much
 * quieter the echo is than what was sent, and lets a frame pass only when it is clearly louder than the echo that is due.
 *
 * Until it knows better it expects the strongest echo at any delay, so that the greeting's first echo is no caller; it
 * learns downwards, and holds still while somebody speaks over the echo.
 */
import { dbfsOfPower } from '#audio/level.ts';
import { DelayFinder } from './delay-finder.ts';

const BLOCKS = 64; // 640 ms of what was sent; a power of two
const LONGEST_LAG = 44; // blocks: echoes come within 440 ms
const SPREAD = 2; // blocks around the delay: 10 ms blocks do not line up, networks jitter
const DECAY_DB = 1.5; // per block: how fast a room's reverberation dies
const SENT_QUIET_DB = -55; // sent sound below this has no echo worth the name
const COUPLING_START_DB = -9;
const COUPLING_LOWEST_DB = -50;
const MARGIN_DB = 6; // over the due echo: the envelope's own fluctuation
const KNOWN_MARGIN_DB = 4.5; // the same once the delay is known
const NEAR_END_DB = 9; // so far over the due echo that somebody else must be speaking: nothing is learned
/** Every frame is looked at for the delay until it is known, for so long (frames); then one of four: it hardly ever changes. */
const EAGER_FRAMES = 200;
const LOOK_EVERY = 4;
const NEAR_END_PATIENCE = 75; // frames (1.5 s) of that, and it is the echo that has grown

export class EchoGate {
  /** Delay of the echo in ms; undefined while unknown. */
  lagMs: number | undefined;
  /** Level of the echo relative to what was sent, dB. */
  couplingDb = COUPLING_START_DB;
  /** Level the echo is expected to have in the last frame, dB re full scale. */
  dueDb = -96;
  /** Sent envelope with a room's decay, dB, ring of BLOCKS. */
  #sent = new Float64Array(BLOCKS).fill(-96);
  #at = 0;
  #decayedDb = -96;
  /** Blocks since one that may have an echo; beyond the longest lag it does not matter how many. */
  #quietBlocks = LONGEST_LAG + 1;
  #overFrames = 0;
  /** Frames that may have held an echo. */
  #frames = 0;
  #delay = new DelayFinder(LONGEST_LAG);

  /** Notes what was sent in one frame: power (16-bit units) of its halves, 0 when silent. */
  sent(first: number, second: number): void {
    this.#push(first);
    this.#push(second);
  }

  /** True when an echo may be in what is heard now (nothing is to be learned about noise from it). */
  get active(): boolean {
    return this.#quietBlocks <= LONGEST_LAG;
  }

  /**
   * True when the frame is explained by our own echo. `halves`: power of its halves; `levelDb` of the frame;
   * `floorDb` the line's noise, which bounds what can be known about the echo from below.
   */
  explains(halves: Float64Array, levelDb: number, floorDb: number): boolean {
    const loudest =
      this.lagMs === undefined ? this.#loudestSent(0, LONGEST_LAG) : this.#loudestSent(this.lagMs / 10 - SPREAD, this.lagMs / 10 + SPREAD);
    if (loudest <= SENT_QUIET_DB) {
      this.dueDb = -96;
      return false;
    }
    this.dueDb = loudest + this.couplingDb;
    if (this.#looks()) {
      this.#delay.note(dbfsOfPower(halves[0]), this.#sent, (this.#at - 1) & (BLOCKS - 1));
      this.#delay.note(dbfsOfPower(halves[1]), this.#sent, this.#at);
      const lag = this.#delay.find();
      if (lag !== undefined) this.lagMs = 10 * lag;
    }
    const over = levelDb - this.dueDb;
    this.#learn(over, levelDb, floorDb, loudest);
    return over < (this.lagMs === undefined ? MARGIN_DB : KNOWN_MARGIN_DB);
  }

  reset(): void {
    this.lagMs = undefined;
    this.couplingDb = COUPLING_START_DB;
    this.dueDb = -96;
    this.#sent.fill(-96);
    this.#decayedDb = -96;
    this.#quietBlocks = LONGEST_LAG + 1;
    this.#overFrames = 0;
    this.#frames = 0;
    this.#delay.reset();
  }

  /** True when this frame is looked at for the delay: not while somebody speaks over the echo, unless that goes on and on. */
  #looks(): boolean {
    const frame = this.#frames++;
    if (this.#overFrames >= NEAR_END_PATIENCE) return true;
    if (this.lagMs === undefined && frame < EAGER_FRAMES) return true;
    return (this.lagMs === undefined || this.#overFrames === 0) && frame % LOOK_EVERY === 0;
  }

  #push(power: number): void {
    this.#decayedDb = Math.max(dbfsOfPower(power), this.#decayedDb - DECAY_DB, -96);
    this.#at = (this.#at + 1) & (BLOCKS - 1);
    this.#sent[this.#at] = this.#decayedDb;
    if (this.#decayedDb > SENT_QUIET_DB) this.#quietBlocks = 0;
    else if (this.#quietBlocks <= LONGEST_LAG) this.#quietBlocks++;
  }

  #loudestSent(fromLag: number, toLag: number): number {
    const sent = this.#sent;
    let loudest = -96;
    for (let lag = Math.max(0, fromLag); lag <= toLag; lag++) {
      const level = sent[(this.#at - lag) & (BLOCKS - 1)];
      if (level > loudest) loudest = level;
    }
    return loudest;
  }

  /** Follows the upper edge of (heard − sent): up quickly, down slowly, not at all while somebody speaks over it. */
  #learn(over: number, levelDb: number, floorDb: number, sentDb: number): void {
    if (sentDb < -40) return;
    if (over > NEAR_END_DB) {
      if (++this.#overFrames < NEAR_END_PATIENCE) return;
    } else this.#overFrames = 0;
    if (levelDb < floorDb + 3) {
      // Only noise came back: the echo is quieter than that.
      if (over < 0) this.couplingDb -= 0.15;
    } else this.couplingDb += over > 0 ? Math.min(0.5, 0.15 * over) : Math.max(-0.15, 0.03 * over);
    this.couplingDb = Math.min(0, Math.max(COUPLING_LOWEST_DB, this.couplingDb));
  }
}

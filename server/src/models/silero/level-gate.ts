/**
 * Which frames are worth the model's time: those louder than the line's noise and louder than our own echo can be. In
 * doubt it opens, and the model's answers teach it: what the model holds for noise, however loud, becomes the floor.
 */
import { EchoBound } from './echo-bound.ts';

const OPEN_ABOVE_DB = 4; // over the noise floor
const QUIETEST_SPEECH_DB = -58; // a whisper through a bad line
const HOLD_FRAMES = 12; // 240 ms: opening costs a pre-roll, so pauses between syllables do not close it
const FLOOR_START_DB = -60;
const FLOOR_LOWEST_DB = -75;
const FLOOR_HIGHEST_DB = -14; // louder than this it is no noise floor but a neighbour with a drill
/** Per frame, of the distance: the floor falls and, where noise is sure, rises by this. */
const FOLLOW = 0.1;
const RISE_MOST_DB = 0.5; // per frame: 25 dB a second
const RISE_UNSURE_DB = 0.02; // per frame, while nobody says what the sound is
const SURE_FRAMES = 8; // 160 ms of the same answer: a soft first syllable is no noise

/** What the model says of the sound that is passing: undefined when it has not answered lately. */
export type Opinion = 'speech' | 'noise' | undefined;

export class LevelGate {
  /** dB re full scale. */
  floorDb = FLOOR_START_DB;
  readonly echo = new EchoBound();
  #hold = 0;
  #noiseFrames = 0;

  get open(): boolean {
    return this.#hold > 0;
  }

  /** One frame: its level, the level of what we sent in the same 20 ms, and whether it was made up by concealment. */
  pass(levelDb: number, sentDb: number, concealed: boolean, opinion: Opinion): boolean {
    this.echo.sent(sentDb);
    const echo = this.echo.explains(levelDb, this.floorDb);
    if (!concealed && !this.echo.active) this.#learn(levelDb, opinion);
    const loud = !echo && levelDb > this.floorDb + OPEN_ABOVE_DB && levelDb > QUIETEST_SPEECH_DB;
    if (loud) this.#hold = HOLD_FRAMES;
    else if (this.#hold > 0) this.#hold--;
    return this.#hold > 0;
  }

  reset(): void {
    this.floorDb = FLOOR_START_DB;
    this.echo.reset();
    this.#hold = 0;
    this.#noiseFrames = 0;
  }

  #learn(levelDb: number, opinion: Opinion): void {
    this.#noiseFrames = opinion === 'noise' ? this.#noiseFrames + 1 : 0;
    const distance = levelDb - this.floorDb;
    if (distance < 0) this.floorDb += FOLLOW * distance;
    else if (!this.open || this.#noiseFrames >= SURE_FRAMES) this.floorDb += Math.min(RISE_MOST_DB, FOLLOW * distance);
    else if (opinion === undefined) this.floorDb += RISE_UNSURE_DB;
    this.floorDb = Math.min(FLOOR_HIGHEST_DB, Math.max(FLOOR_LOWEST_DB, this.floorDb));
  }
}

/**
 * The gate every frame passes: is it louder than the line's own noise, and shaped at all like a voice? Levels come
 * straight from µ-law bytes by table. It only spares the detector behind it work, so when in doubt it opens.
 */
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { dbfsOfPower } from '#audio/level.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';

const OPEN_ABOVE_DB = 5; // over the noise floor
const QUIETEST_SPEECH_DB = -58; // a whisper through a bad line; below it nothing opens the gate
const HOLD_FRAMES = 8; // 160 ms: a pause between syllables does not close it
/** On a clean line the end of a word is a cliff; in noise it is not, and only the hold tells. */
const FALLEN_DB = 25;
const PEAK_DECAY_DB = 0.4; // per frame: 20 dB a second
const FLOOR_START_DB = -60;
const FLOOR_LOWEST_DB = -75;
const FLOOR_HIGHEST_DB = -14; // louder than this it is no noise floor but a neighbour with a drill
/** Minimum statistics: the quietest smoothed frame of the last WINDOWS × WINDOW_FRAMES (1.8 s) is noise: speech always pauses. */
const WINDOW_FRAMES = 15;
const WINDOWS = 6;
const WINDOWS_AT_FIRST = 3; // a call does not begin with a long word
const MINIMUM_BIAS_DB = 1.5; // the minimum of a fluctuating noise lies below its mean
/** Power of the first difference over power, at 8 kHz: (2 sin πf/8000)². Mains hum of 50…180 Hz lies below; telephone speech above. */
const HUM_TILT = 0.02;

/** Of the frame being measured: squares of its first half, of all of it, and of the steps between its samples. */
const SUMS = { firstHalf: 0, power: 0, differences: 0 };

export class LineGate {
  /** Of the last frame, dB re full scale. */
  levelDb = -96;
  floorDb = FLOOR_START_DB;
  /** The last frame is plainly not speech: no louder than the noise, and far below what was heard just before. */
  fallen = true;
  /** Power of the two halves of the last frame (16-bit units): the echo gate's view of it. */
  readonly halves = new Float64Array(2);
  #humTilt: number;
  #hold = 0;
  #loudBefore = false;
  #smoothDb = FLOOR_START_DB;
  #peakDb = -96;
  #minima = new Float64Array(WINDOWS).fill(0);
  #window = { frames: 0, index: 0, seen: 0, minimumDb: 0 };

  constructor(format: SoundFormat) {
    this.#humTilt = HUM_TILT * (8000 / rateOf(format)) ** 2;
    this.reset();
  }

  /** True while somebody may be speaking. `learn` is false when the frame may hold our own echo. */
  pass(sound: Sound, learn: boolean): boolean {
    if (sound instanceof Int16Array) measureLinear(sound);
    else measureMulaw(sound);
    const { length } = sound;
    const half = length >> 1;
    const { firstHalf, power, differences } = SUMS;
    this.halves[0] = half > 0 ? firstHalf / half : 0;
    this.halves[1] = half > 0 ? (power - firstHalf) / (length - half) : 0;
    this.levelDb = Math.max(-96, dbfsOfPower(length > 0 ? power / length : 0));
    this.#track(learn);
    const loud = this.levelDb > this.floorDb + OPEN_ABOVE_DB && this.levelDb > QUIETEST_SPEECH_DB;
    this.#peakDb = Math.max(this.levelDb, this.#peakDb - PEAK_DECAY_DB);
    this.fallen = !loud && this.levelDb < this.#peakDb - FALLEN_DB;
    if (loud && differences > this.#humTilt * power) {
      // One loud frame may be a click: only the second keeps the gate up.
      this.#hold = this.#loudBefore ? HOLD_FRAMES : Math.max(1, this.#hold - 1);
      this.#loudBefore = true;
    } else {
      this.#loudBefore = false;
      if (this.#hold > 0) this.#hold--;
    }
    return this.#hold > 0;
  }

  reset(): void {
    this.levelDb = -96;
    this.floorDb = FLOOR_START_DB;
    this.fallen = true;
    this.#peakDb = -96;
    this.#smoothDb = FLOOR_START_DB;
    this.#hold = 0;
    this.#loudBefore = false;
    this.#minima.fill(0);
    this.#window.frames = 0;
    this.#window.index = 0;
    this.#window.seen = 0;
    this.#window.minimumDb = 0;
  }

  #track(learn: boolean): void {
    this.#smoothDb += 0.3 * (this.levelDb - this.#smoothDb);
    const level = this.#smoothDb;
    if (!learn) return;
    const window = this.#window;
    window.minimumDb = Math.min(window.minimumDb, level);
    // Down at once, with the noise; up only by the minimum over the windows.
    if (level < this.floorDb) this.floorDb += 0.2 * (level - this.floorDb);
    if (++window.frames === WINDOW_FRAMES) {
      this.#minima[window.index] = window.minimumDb;
      window.index = (window.index + 1) % WINDOWS;
      window.seen = Math.min(WINDOWS, window.seen + 1);
      window.frames = 0;
      window.minimumDb = 0;
      if (window.seen >= WINDOWS_AT_FIRST) {
        let minimum = this.#minima[0];
        for (let i = 1; i < window.seen; i++) minimum = Math.min(minimum, this.#minima[i]);
        const target = minimum + MINIMUM_BIAS_DB;
        if (target > this.floorDb) this.floorDb += 0.7 * (target - this.floorDb);
      }
    }
    this.floorDb = Math.min(FLOOR_HIGHEST_DB, Math.max(FLOOR_LOWEST_DB, this.floorDb));
  }
}

// The same loop for each kind of sound: one for both would ask at every sample which it is. Both halves are summed side by
// side, so that no addition waits for the one before; whole numbers add up to the same in any order.

function measureMulaw(sound: Uint8Array): void {
  const table = MULAW_TO_LINEAR;
  const half = sound.length >> 1;
  let firstHalf = 0;
  let secondHalf = 0;
  let differences = 0;
  let moreDifferences = 0;
  let before = table[sound[0]];
  let between = table[sound[half === 0 ? 0 : half - 1]];
  for (let i = 0; i < half; i++) {
    const sample = table[sound[i]];
    const later = table[sound[i + half]];
    const step = sample - before;
    const laterStep = later - between;
    firstHalf += sample * sample;
    secondHalf += later * later;
    differences += step * step;
    moreDifferences += laterStep * laterStep;
    before = sample;
    between = later;
  }
  if (sound.length & 1) {
    const last = table[sound[sound.length - 1]];
    secondHalf += last * last;
    moreDifferences += (last - between) ** 2;
  }
  note(firstHalf, firstHalf + secondHalf, differences + moreDifferences);
}

function measureLinear(sound: Int16Array): void {
  const half = sound.length >> 1;
  let firstHalf = 0;
  let secondHalf = 0;
  let differences = 0;
  let moreDifferences = 0;
  let before = sound[0];
  let between = sound[half === 0 ? 0 : half - 1];
  for (let i = 0; i < half; i++) {
    const sample = sound[i];
    const later = sound[i + half];
    const step = sample - before;
    const laterStep = later - between;
    firstHalf += sample * sample;
    secondHalf += later * later;
    differences += step * step;
    moreDifferences += laterStep * laterStep;
    before = sample;
    between = later;
  }
  if (sound.length & 1) {
    const last = sound[sound.length - 1];
    secondHalf += last * last;
    moreDifferences += (last - between) ** 2;
  }
  note(firstHalf, firstHalf + secondHalf, differences + moreDifferences);
}

function note(firstHalf: number, power: number, differences: number): void {
  SUMS.firstHalf = firstHalf;
  SUMS.power = power;
  SUMS.differences = differences;
}

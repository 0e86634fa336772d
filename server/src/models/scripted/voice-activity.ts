/** Voice activity by level alone: loud is speech. For tests and load where the sound is made, not recorded. */
import type { Frame } from '#audio/frame.ts';
import { levelOf } from '#audio/level.ts';
import type { VoiceActivity, VoiceActivityDetector, VoiceActivityDetectorFactory } from '../voice-activity.ts';

const HOLD_FRAMES = 4; // the dips inside a word

export class LevelVoiceActivityDetector implements VoiceActivityDetector {
  #thresholdDb: number;
  #hold = 0;
  #verdict: VoiceActivity = { speech: false, probability: 0, levelDb: -96 };

  constructor(thresholdDb: number) {
    this.#thresholdDb = thresholdDb;
  }

  detect(heard: Frame): VoiceActivity {
    const level = Math.max(-96, levelOf(heard.sound));
    if (level > this.#thresholdDb) this.#hold = HOLD_FRAMES;
    else if (this.#hold > 0) this.#hold--;
    this.#verdict.levelDb = level;
    this.#verdict.speech = this.#hold > 0;
    this.#verdict.probability = this.#hold / HOLD_FRAMES;
    return this.#verdict;
  }

  reset(): void {
    this.#hold = 0;
  }

  close(): void {}
}

/** `thresholdDb`: dB re full scale from which a frame is speech. */
export const levelVoiceActivity =
  (thresholdDb = -45): VoiceActivityDetectorFactory =>
  () =>
    new LevelVoiceActivityDetector(thresholdDb);

/**
 * Voice activity of one call in two stages: levels open and close a gate on every frame, and while it is open the
 * model is asked about every window of 32 ms. Its answers come a little later; the verdict follows the newest.
 */
import type { Frame, Sound, SoundFormat } from '#audio/frame.ts';
import { levelOf, SILENCE_DBFS } from '#audio/level.ts';
import type { VoiceActivity, VoiceActivityDetector } from '../voice-activity.ts';
import type { WindowStream } from './batcher.ts';
import { LevelGate, type Opinion } from './level-gate.ts';
import { WindowCutter } from './window-cutter.ts';

const SPEECH_FROM = 0.5;
const SPEECH_UNTIL = 0.35;
const NOISE_BELOW = 0.2;
/** Frames (200 ms) without an answer after which levels alone decide: the model is slow, stuck or gone. */
const PATIENCE_FRAMES = 10;
const QUIETEST_DB = -96;

export class SileroVoiceActivityDetector implements VoiceActivityDetector {
  readonly gate = new LevelGate();
  readonly #stream: WindowStream;
  readonly #cutter: WindowCutter;
  readonly #verdict: VoiceActivity = { speech: false, probability: 0, levelDb: QUIETEST_DB };
  /** Whether windows go to the model now, how many answers there had been, and for how many frames there was no new one. */
  #asking = { now: false, results: 0, unansweredFrames: 0, answered: false };

  /** The detector owns `stream` and closes it. */
  constructor(stream: WindowStream, format: SoundFormat) {
    this.#stream = stream;
    this.#cutter = new WindowCutter(format, (samples, offset) => {
      if (this.#asking.now) this.#stream.push(samples, offset);
    });
  }

  detect(heard: Frame, sent: Sound | undefined): VoiceActivity {
    const verdict = this.#verdict;
    const asking = this.#asking;
    verdict.levelDb = Math.max(QUIETEST_DB, levelOf(heard.sound));
    this.#noteAnswers();
    const opinion = this.#opinion();
    const open = this.gate.pass(verdict.levelDb, sent === undefined ? SILENCE_DBFS : levelOf(sent), heard.concealed, opinion);
    if (open !== asking.now) this.#ask(open);
    this.#cutter.push(heard.sound);
    if (!open) {
      verdict.probability = 0;
      verdict.speech = false;
    } else if (asking.unansweredFrames > PATIENCE_FRAMES) {
      verdict.probability = SPEECH_FROM;
      verdict.speech = true;
    } else {
      verdict.probability = asking.answered ? this.#stream.probability : 0;
      verdict.speech = verdict.probability >= (verdict.speech ? SPEECH_UNTIL : SPEECH_FROM);
    }
    return verdict;
  }

  reset(): void {
    this.gate.reset();
    this.#cutter.reset();
    this.#ask(false);
    this.#verdict.speech = false;
    this.#verdict.probability = 0;
    this.#verdict.levelDb = QUIETEST_DB;
  }

  close(): void {
    this.#stream.close();
  }

  /** Begins with the windows before the frame that opened the gate, so that the model knows the line already. */
  #ask(now: boolean): void {
    const asking = this.#asking;
    asking.now = now;
    asking.results = this.#stream.results;
    asking.unansweredFrames = 0;
    asking.answered = false;
    this.#stream.restart();
    if (now) this.#cutter.preRoll();
  }

  #noteAnswers(): void {
    const asking = this.#asking;
    if (!asking.now) return;
    if (this.#stream.results === asking.results) asking.unansweredFrames++;
    else {
      asking.results = this.#stream.results;
      asking.unansweredFrames = 0;
      asking.answered = true;
    }
  }

  #opinion(): Opinion {
    const { answered, unansweredFrames } = this.#asking;
    if (!answered || unansweredFrames > PATIENCE_FRAMES) return undefined;
    return this.#stream.probability >= NOISE_BELOW ? 'speech' : 'noise';
  }
}

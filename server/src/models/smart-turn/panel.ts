/**
 * One model for the questions of all calls. Whoever asks waits for the run in flight, then all that wait run together,
 * MOST_ROWS at a time. A question that is not answered in time, or that too many wait before, is answered `undefined`:
 * the call then goes by silence and words.
 */
import type { Sound } from '#audio/frame.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { SmartTurnModel } from './model.ts';
import { MOST_ROWS } from './session.ts';

/** Later the wait for more words is nearly over, and a judgement changes nothing. */
export const ANSWER_DEADLINE_MS = 150;
/** More could not be answered in time. */
const MOST_WAITING = 4 * MOST_ROWS;
const COMPLAIN_EVERY_MS = 60_000;

interface Question {
  /** Copied when it is asked: what is said while it waits is not judged. */
  window: Sound;
  timer: Timer;
  answer: (probability: number | undefined) => void;
}

export class Panel {
  readonly counts = { runs: 0, answered: 0, late: 0, refused: 0, failures: 0 };
  readonly #model: SmartTurnModel;
  readonly #kit: Kit;
  readonly #waiting: Question[] = [];
  #running = false;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(model: SmartTurnModel, kit: Kit) {
    this.#model = model;
    this.#kit = kit;
  }

  /** `window`: the last 8 s, given away. Never rejects; an abort answers `undefined` at once. */
  ask(window: Sound, signal: AbortSignal): Promise<number | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#waiting.length >= MOST_WAITING) {
      this.counts.refused++;
      this.#complain({ refused: this.counts.refused }, 'smart-turn is behind: turns are judged by silence and words');
      return Promise.resolve(undefined);
    }
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const drop = () => {
      const at = this.#waiting.indexOf(question);
      if (at >= 0) this.#waiting.splice(at, 1);
      question.answer(undefined);
    };
    const timer = this.#kit.clock.after(ANSWER_DEADLINE_MS, () => {
      this.counts.late++;
      drop();
    });
    const question: Question = {
      window,
      timer,
      answer: (probability) => {
        timer.cancel();
        signal.removeEventListener('abort', drop);
        resolve(probability);
      },
    };
    signal.addEventListener('abort', drop, { once: true });
    this.#waiting.push(question);
    // Not within the call, so that calls that fall silent in one tick are judged in one run.
    queueMicrotask(() => void this.#run());
    return promise;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting.length > 0) {
      const questions = this.#waiting.splice(0, MOST_ROWS);
      try {
        const probabilities = await this.#model.run(questions.map(({ window }) => window));
        this.counts.runs++;
        this.counts.answered += questions.length;
        for (const [i, question] of questions.entries()) question.answer(probabilities[i]);
      } catch (error) {
        this.counts.failures++;
        for (const question of questions) question.answer(undefined);
        this.#complain(
          { error: messageOf(error), failures: this.counts.failures },
          'smart-turn failed: turns are judged by silence and words',
        );
      }
    }
    this.#running = false;
  }

  #complain(fields: Record<string, unknown>, message: string): void {
    const now = this.#kit.clock.now();
    if (now - this.#complainedMs < COMPLAIN_EVERY_MS) return;
    this.#complainedMs = now;
    this.#kit.log.warn(fields, message);
  }
}

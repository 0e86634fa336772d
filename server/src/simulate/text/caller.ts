/** The caller of level `text`: its lines are words, one after the other; what is sound alone is nothing. */
import type { VirtualClock } from '#kit/clock.ts';
import type { CallLog } from '../call-log.ts';
import type { SpokenLine } from '../outcome.ts';
import type { CallerStep, Scenario } from '../scenario.ts';
import { StepFault } from '../step-fault.ts';
import type { TextLine } from './line.ts';

const HEAR_WITHIN_MS = 30_000;
const LAST_WITHIN_MS = 6_000;
const CLOSING_MS = 10_000;
/** Nobody is silent on a line without sound for longer than the assistant's own patience. */
const QUIET_MS = 400;

export interface TextCallerOptions {
  clock: VirtualClock;
  log: CallLog;
  line: TextLine;
  scenario: Scenario;
}

export class TextCaller {
  readonly lines: SpokenLine[] = [];
  readonly #options: TextCallerOptions;
  #answersBefore = 0;

  constructor(options: TextCallerOptions) {
    this.#options = options;
  }

  /** Plays the script and hangs up. Throws {@link StepFault} when a step can never come. */
  async play(steps: readonly CallerStep[]): Promise<void> {
    try {
      for (const [index, step] of steps.entries()) {
        if (this.#over) break;
        await this.#step(step, index);
      }
      await this.listen();
    } finally {
      await this.hangUp();
    }
  }

  heardGreeting(withinMs = HEAR_WITHIN_MS): Promise<boolean> {
    return this.#until(() => this.#options.log.greeted, withinMs);
  }

  heardAnswer(withinMs = HEAR_WITHIN_MS): Promise<boolean> {
    return this.#until(() => this.#options.log.answers > this.#answersBefore, withinMs);
  }

  async say(text: string, kind?: string): Promise<void> {
    const { line, log } = this.#options;
    this.#answersBefore = log.answers;
    this.lines.push({ who: 'caller', text, fromMs: log.at, toMs: log.at, ...(kind === undefined ? {} : { kind }) });
    line.reads(text);
    await this.#options.clock.settle();
  }

  /** After the last step: until what was said is answered, or the assistant hangs up. */
  async listen(): Promise<void> {
    if (this.lines.length > 0) await this.heardAnswer(LAST_WITHIN_MS);
    await this.#until(() => false, QUIET_MS);
  }

  async hangUp(): Promise<void> {
    const { clock, log, line } = this.#options;
    line.end('hung-up');
    await clock.advanceUntil(() => log.ended, CLOSING_MS);
  }

  get #over(): boolean {
    const { log, line, scenario } = this.#options;
    return log.ended || line.over || log.at >= scenario.maxMs;
  }

  async #step(step: CallerStep, index: number): Promise<void> {
    if ('hear' in step) await this.#hear(step, index);
    else if ('say' in step) await this.say(step.say);
    else if ('play' in step) await (step.text === undefined ? undefined : this.say(step.text));
    else if ('bargeIn' in step) {
      await this.heardAnswer();
      await this.say(step.bargeIn, 'barge-in');
    } else if ('press' in step) await this.#press(step.press);
    else if ('type' in step) await this.say(step.type, 'typed');
    else if ('pause' in step) await this.#until(() => false, step.pause);
    else if ('hangUp' in step) await this.hangUp();
  }

  async #hear({ hear, withinMs }: Extract<CallerStep, { hear: string }>, index: number): Promise<void> {
    if (hear === 'quiet') return void (await this.#until(() => false, QUIET_MS));
    const heard = hear === 'greeting' ? await this.heardGreeting(withinMs) : await this.heardAnswer(withinMs);
    if (!heard && !this.#over) throw new StepFault(`step ${index + 1}: no ${hear} was heard within ${withinMs ?? HEAR_WITHIN_MS} ms`);
  }

  async #press(digits: string): Promise<void> {
    const { log, line } = this.#options;
    this.#answersBefore = log.answers;
    this.lines.push({ who: 'caller', text: digits, fromMs: log.at, toMs: log.at, kind: 'digits' });
    for (const digit of digits) {
      line.feels(digit);
      await this.#until(() => false, 100);
    }
  }

  async #until(done: () => boolean, withinMs: number): Promise<boolean> {
    const { clock, log, scenario } = this.#options;
    await clock.advanceUntil(() => done() || this.#over, Math.min(withinMs, Math.max(0, scenario.maxMs - log.at)));
    return done();
  }
}

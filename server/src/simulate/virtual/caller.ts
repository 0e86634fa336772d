/** The caller of a simulation, step by step: speaks, waits, interrupts, presses keys, hangs up. Moves the clock while it does. */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS } from '#audio/frame.ts';
import type { VirtualClock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { CallLog } from '../call-log.ts';
import type { SpokenLine } from '../outcome.ts';
import type { CallerStep, Scenario } from '../scenario.ts';
import { StepFault } from '../step-fault.ts';
import type { CallerEar } from './ear.ts';
import type { Microphone } from './microphone.ts';
import type { CallerPhone } from './phone.ts';
import { callerSound, type SoundName } from './sounds.ts';
import { CALLER, fnv1a, type SoundBank, type SpokenSound } from './sound-bank.ts';

/** A calm speaker: 170 words a minute with the gaps. */
const WORD_MS = 280;
/** Without `withinMs`. */
const HEAR_WITHIN_MS = 30_000;
/** The assistant has said it and is silent: so long. */
const QUIET_AFTER_ANSWER_MS = 240;
const QUIET_MS = 1_000;
/** After the last step the caller listens, until nobody has said anything for so long, and hangs up. */
const LAST_QUIET_MS = 2_000;
const LAST_WITHIN_MS = 30_000;
/** What the far end does after a hang-up. */
const CLOSING_MS = 10_000;

export interface CallerOptions {
  /** Moves time until something is so; at level `sip` time moves by itself. */
  clock: Pick<VirtualClock, 'advanceUntil'>;
  random: Random;
  log: CallLog;
  phone: CallerPhone;
  microphone: Microphone;
  ear: CallerEar;
  bank: SoundBank;
  type: (text: string) => void;
  /** Sound of a WAV file named by the scenario, µ-law at 8 kHz. */
  recorded: (path: string) => Promise<Uint8Array>;
  /** Real speech for the words, where the scenario asks for it. */
  speak?: (text: string) => Promise<SpokenSound>;
  scenario: Scenario;
}

export class SimulatedCaller {
  readonly lines: SpokenLine[] = [];
  /** Pauses inside lines, in which the caller is not done yet. */
  readonly pauses: { fromMs: number; toMs: number }[] = [];
  readonly #options: CallerOptions;
  /** Answers that had been heard when the newest line began. */
  #answersBefore = 0;
  #stepEndedAt = 0;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Plays the script and hangs up. Throws {@link StepFault} when a step can never come; the call is over either way. */
  async play(steps: readonly CallerStep[]): Promise<void> {
    try {
      for (const [index, step] of steps.entries()) {
        if (this.#over) break;
        await this.#step(step, index);
        this.#stepEndedAt = this.#options.log.at;
      }
      await this.listen();
    } finally {
      await this.hangUp();
    }
  }

  /** Until the assistant has answered what was said last and is silent. False when it did not. */
  heardAnswer(withinMs = HEAR_WITHIN_MS): Promise<boolean> {
    const { log, ear } = this.#options;
    return this.#until(() => log.answers > this.#answersBefore && ear.quietMs(log.at) >= QUIET_AFTER_ANSWER_MS, withinMs);
  }

  heardGreeting(withinMs = HEAR_WITHIN_MS): Promise<boolean> {
    const { log, ear } = this.#options;
    return this.#until(() => log.greeted && ear.quietMs(log.at) >= QUIET_AFTER_ANSWER_MS, withinMs);
  }

  /** Says a line; resolves when it was said. */
  async say(
    text: string,
    options: { wordMs?: number; pauses?: readonly { afterWord: number; ms: number }[]; kind?: string } = {},
  ): Promise<void> {
    const { speak, bank } = this.#options;
    const plain = speak && options.pauses === undefined ? await speak(text) : undefined;
    const words = timed(text, options.wordMs ?? WORD_MS, options.pauses ?? []);
    await this.#utter(plain ?? bank.speak(CALLER, text, words, fnv1a(text)), options.kind);
  }

  /** Puts the phone down, and time goes on until the call has ended. */
  async hangUp(): Promise<void> {
    const { phone, clock, log } = this.#options;
    if (!phone.over) phone.hangUp().catch(() => {});
    await clock.advanceUntil(() => log.ended, CLOSING_MS);
  }

  /** After the last step: until the assistant hangs up, or nobody has anything to say. */
  async listen(): Promise<void> {
    const { log, ear } = this.#options;
    const from = log.at;
    await this.#until(() => Math.min(ear.quietMs(log.at), log.at - from) >= LAST_QUIET_MS, LAST_WITHIN_MS);
  }

  get #over(): boolean {
    const { log, phone, scenario } = this.#options;
    return log.ended || phone.over || log.at >= scenario.maxMs;
  }

  async #step(step: CallerStep, index: number): Promise<void> {
    if ('at' in step || 'after' in step) await this.#wait(step);
    if (this.#over) return;
    if ('hear' in step) await this.#hear(step, index);
    else if ('say' in step) await this.say(step.say, step);
    else if ('play' in step) await this.#playFile(step);
    else if ('bargeIn' in step) {
      await this.#moment(step, index, 'barge in');
      await this.say(step.bargeIn, { kind: 'barge-in' });
    } else if ('backchannel' in step) {
      await this.#moment(step, index, 'say that it listens');
      await this.#acknowledge(step.backchannel);
    } else if ('press' in step) await this.#press(step.press, index);
    else if ('type' in step) this.#type(step.type);
    else if ('sound' in step) await this.#sound(step.sound, step.ms);
    else if ('pause' in step) await this.#pass(step.pause);
    else await this.hangUp();
  }

  async #hear({ hear, withinMs }: Extract<CallerStep, { hear: string }>, index: number): Promise<void> {
    const { log, ear } = this.#options;
    const heard =
      hear === 'greeting'
        ? await this.heardGreeting(withinMs)
        : hear === 'answer'
          ? await this.heardAnswer(withinMs)
          : await this.#until(() => ear.quietMs(log.at) >= QUIET_MS, withinMs ?? HEAR_WITHIN_MS);
    if (!heard && !this.#over) throw new StepFault(`step ${index + 1}: no ${hear} was heard within ${withinMs ?? HEAR_WITHIN_MS} ms`);
  }

  async #playFile({ play, text }: Extract<CallerStep, { play: string }>): Promise<void> {
    const sound = await this.#options.recorded(play);
    const spoken = text?.split(/\s+/).filter(Boolean) ?? [];
    const wordMs = sound.length / 8 / Math.max(1, spoken.length);
    const words = spoken.map((word, i) => ({ text: word, fromMs: i * wordMs, toMs: (i + 1) * wordMs }));
    await this.#utter({ text: text ?? '', sound, words }, text === undefined ? 'sound' : undefined);
  }

  /** Until the n-th word, or so many milliseconds, of the answer that is heard or comes next. */
  async #moment({ atWord, atMs }: { atWord?: number; atMs?: number }, index: number, what: string): Promise<void> {
    const { log, ear } = this.#options;
    const from = log.at;
    const speaking = () => ear.quietMs(log.at) < QUIET_AFTER_ANSWER_MS && ear.stretches.length > 0;
    const said = () => log.answers > this.#answersBefore && log.at - from > FRAME_MS && !speaking();
    const begun = await this.#until(() => speaking() || said(), HEAR_WITHIN_MS);
    const since = ear.stretches.at(-1)?.fromMs ?? from;
    const due = () => (atWord === undefined ? log.at - since >= (atMs ?? 0) : ear.words >= atWord);
    if (begun) await this.#until(() => due() || said(), HEAR_WITHIN_MS);
    if (!due() && !this.#over) throw new StepFault(`step ${index + 1}: the assistant had finished before the caller could ${what}`);
  }

  async #acknowledge(text: string): Promise<void> {
    const { bank, microphone, log } = this.#options;
    const fromMs = log.at;
    const spoken = bank.speak(CALLER, text, timed(text, WORD_MS, []), fnv1a(text));
    microphone.say(spoken);
    await this.#until(() => !microphone.busy, spoken.sound.length / 8 + 100);
    this.lines.push({ who: 'caller', text, fromMs, toMs: log.at, kind: 'backchannel' });
  }

  async #press(digits: string, index: number): Promise<void> {
    const { phone, log } = this.#options;
    this.#begin();
    const fromMs = log.at;
    if (!phone.press(digits)) throw new StepFault(`step ${index + 1}: the line takes no digits`);
    await this.#until(() => !phone.sendingDigits, digits.length * 500);
    this.lines.push({ who: 'caller', text: digits, fromMs, toMs: log.at, kind: 'digits' });
  }

  #type(text: string): void {
    const { log, type } = this.#options;
    this.#begin();
    type(text);
    this.lines.push({ who: 'caller', text, fromMs: log.at, toMs: log.at, kind: 'typed' });
  }

  async #sound(name: SoundName, ms: number): Promise<void> {
    const { microphone, log, random } = this.#options;
    const fromMs = log.at;
    microphone.sound(callerSound(name, ms, random));
    await this.#until(() => !microphone.busy, ms + 100);
    this.lines.push({ who: 'caller', text: name, fromMs, toMs: log.at, kind: 'sound' });
  }

  async #utter(spoken: SpokenSound, kind: string | undefined): Promise<void> {
    const { microphone, log } = this.#options;
    this.#begin();
    const fromMs = log.at;
    microphone.say(spoken);
    await this.#until(() => !microphone.busy, spoken.sound.length / 8 + 100);
    for (const [before, after] of pairs(spoken.words)) {
      if (after.fromMs > before.toMs) this.pauses.push({ fromMs: fromMs + before.toMs, toMs: fromMs + after.fromMs });
    }
    // Silence at the end of the last frame is no speech.
    const saidMs = spoken.words.at(-1)?.toMs ?? spoken.sound.length / 8;
    this.lines.push({
      who: 'caller',
      text: spoken.text,
      fromMs,
      toMs: Math.min(log.at, fromMs + saidMs),
      ...(kind === undefined ? {} : { kind }),
    });
  }

  /** Something that is to be answered begins. */
  #begin(): void {
    const { log, ear } = this.#options;
    this.#answersBefore = log.answers;
    ear.forgetWords();
  }

  async #wait({ at, after }: { at?: number; after?: number }): Promise<void> {
    const due = at ?? this.#stepEndedAt + (after ?? 0);
    await this.#pass(due - this.#options.log.at);
  }

  async #pass(ms: number): Promise<void> {
    if (ms > 0) await this.#until(() => false, ms);
  }

  /** Time goes on until `done`, the end of the call, or `withinMs`. Answers whether it is done. */
  async #until(done: () => boolean, withinMs: number): Promise<boolean> {
    const { clock, log, scenario } = this.#options;
    await clock.advanceUntil(() => done() || this.#over, Math.min(withinMs, Math.max(0, scenario.maxMs - log.at)));
    return done();
  }
}

function pairs(words: readonly WordTime[]): [WordTime, WordTime][] {
  return words.slice(1).map((after, index) => [words[index], after]);
}

function timed(text: string, wordMs: number, pauses: readonly { afterWord: number; ms: number }[]): WordTime[] {
  const words: WordTime[] = [];
  let at = 0;
  for (const [index, word] of text.split(/\s+/).filter(Boolean).entries()) {
    words.push({ text: word, fromMs: at, toMs: at + wordMs });
    at += wordMs + (pauses.find(({ afterWord }) => afterWord === index + 1)?.ms ?? 0);
  }
  return words;
}

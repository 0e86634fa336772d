/**
 * The caller waits: what they hear until the answer comes. The rule decides when a first filler is due; after that no
 * silence of a turn that is the assistant's grows past some seconds, whatever keeps it.
 */
import type { KeptLine } from './kept-speech.ts';
import type { SettledPlan } from './plan.ts';
import { fillerDue, fillerKindOf, fillerLine, fillerLines } from './rules/filler.ts';
import type { Voice } from './voice.ts';

/** Silence after one filler before the next. */
const AGAIN_MS = 2_500;

export interface Filler {
  readonly text: string;
  readonly line: KeptLine;
}

/** Of a call: what was said last, so that it is not said twice in a row. */
export interface FillerMemory {
  last: string | undefined;
}

export interface WaitingOptions {
  plan: SettledPlan;
  voice: Pick<Voice, 'find'>;
  memory: FillerMemory;
  turn: number;
  /** The caller's words. */
  asked: string;
  /** Since when they wait, on the call's clock. */
  from: number;
  /** What such an answer usually takes to its first sound. */
  expectedMs: number | undefined;
  toolRunning: () => boolean;
}

export class Waiting {
  readonly #options: WaitingOptions;
  /** The newest moment at which something was heard. */
  #soundAt: number;
  #sounded = false;
  #said = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
    this.#soundAt = options.from;
  }

  /** Told every frame whether nothing is heard; gives what to say into it. `open`: something can be said now. */
  at(now: number, silent: boolean, open: boolean): Filler | undefined {
    if (!silent) {
      this.#soundAt = now;
      this.#sounded = true;
      return undefined;
    }
    if (!open || !this.#due(now - this.#soundAt)) return undefined;
    const filler = this.#filler();
    if (filler) this.#said++;
    return filler;
  }

  #due(silentMs: number): boolean {
    const { plan, expectedMs, toolRunning } = this.#options;
    const { policy } = plan;
    if (this.#said > 0) return policy.fillers && silentMs >= AGAIN_MS;
    // In the middle of an answer nothing is known about what is still to come.
    const expected = this.#sounded ? undefined : expectedMs;
    return fillerDue({ sinceCommitMs: silentMs, expectedMs: expected, toolRunning: toolRunning(), policy });
  }

  /** Only what is kept: a filler that has to be waited for is none. */
  #filler(): Filler | undefined {
    const { plan, voice, memory, turn, asked, toolRunning } = this.#options;
    const { language, lines } = plan;
    const kind = fillerKindOf(asked, toolRunning(), language);
    const wanted = this.#said >= 2 ? lines.stall : fillerLine(kind, language, turn + this.#said, memory.last);
    for (const text of [wanted, ...fillerLines(language), lines.stall]) {
      const line = text === memory.last ? undefined : voice.find(text);
      if (!line) continue;
      memory.last = text;
      return { text, line };
    }
    return undefined;
  }
}

/** Every line that may be needed at once. */
export function waitingLines({ language, lines }: SettledPlan): string[] {
  return [...fillerLines(language), lines.stall];
}

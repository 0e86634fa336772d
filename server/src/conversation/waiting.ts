/**
 * The caller waits: what they hear until the answer comes. The rule decides when a first filler is due; after that no
 * silence of a turn that is the assistant's grows past some seconds, whatever keeps it.
 */
import type { Sound } from '#audio/frame.ts';
import type { KeptLine } from './kept-speech.ts';
import type { SettledPlan } from './plan.ts';
import { fillerDue, fillerKindOf, fillerLine, fillerLines } from './rules/filler.ts';
import type { Voice } from './voice.ts';

/** Silence after one filler before the next. */
const AGAIN_MS = 2_500;
/** Silence before something is heard although there is no filler to say, or none is wanted. Well below 4 s. */
const STALL_MS = 3_000;
/** What stands for a tone in the record of what was heard. */
const TONE = '(tone)';

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
  /** The caller's words; undefined where the assistant says a line of its own: then a wait is never long but by a fault. */
  asked: string | undefined;
  /** Since when they wait, on the call's clock. */
  from: number;
  /** What such an answer usually takes to its first sound. */
  expectedMs: number | undefined;
  toolRunning: () => boolean;
  /** Heard when no filler's speech is there. */
  tone: () => Sound;
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

  /** Something was heard, until `at`. */
  sounded(at: number): void {
    this.#soundAt = at;
    this.#sounded = true;
  }

  /** Asked in every frame in which nothing is heard; gives what to say into it. `open`: something can be said now. */
  at(now: number, open: boolean): Filler | undefined {
    const silentMs = now - this.#soundAt;
    if (!open || !this.#due(silentMs)) return undefined;
    const filler = this.#filler() ?? (silentMs >= STALL_MS ? this.#tone() : undefined);
    if (filler) this.#said++;
    return filler;
  }

  #due(silentMs: number): boolean {
    const { plan, asked, expectedMs, toolRunning } = this.#options;
    const { policy } = plan;
    if (asked === undefined || !policy.fillers) return silentMs >= STALL_MS;
    if (this.#said > 0) return silentMs >= AGAIN_MS;
    // In the middle of an answer nothing is known about what is still to come.
    const expected = this.#sounded ? undefined : expectedMs;
    return fillerDue({ sinceCommitMs: silentMs, expectedMs: expected, toolRunning: toolRunning(), policy });
  }

  /** Only what is kept: a filler that has to be waited for is none. */
  #filler(): Filler | undefined {
    const { plan, memory, turn, asked, toolRunning } = this.#options;
    const { language, lines, policy } = plan;
    if (asked === undefined) return undefined;
    if (!policy.fillers) return this.#kept(lines.stall);
    const kind = fillerKindOf(asked, toolRunning(), language);
    const wanted = this.#said >= 2 ? lines.stall : fillerLine(kind, language, turn + this.#said, memory.last);
    for (const text of [wanted, ...fillerLines(language), lines.stall]) {
      const filler = text === memory.last ? undefined : this.#kept(text);
      if (filler) return filler;
    }
    return undefined;
  }

  #tone(): Filler {
    return { text: TONE, line: { sound: this.#options.tone(), words: [] } };
  }

  #kept(text: string): Filler | undefined {
    const { voice, memory } = this.#options;
    const line = voice.find(text);
    if (line) memory.last = text;
    return line && { text, line };
  }
}

/** Every line that may be needed at once. */
export function waitingLines({ language, lines, policy }: SettledPlan): string[] {
  return policy.fillers ? [...fillerLines(language), lines.stall] : [lines.stall];
}

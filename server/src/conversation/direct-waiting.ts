/**
 * The caller waits for a model that hears and speaks: what they hear meanwhile. The same lines as in any conversation, from
 * kept speech, and no part of what the model or the history is told.
 */
import { waitingTone } from './canned-tone.ts';
import type { SettledOptions } from './conversation-options.ts';
import type { DirectEar } from './direct-ear.ts';
import type { DirectModel } from './direct-model.ts';
import type { DirectMouth } from './direct-mouth.ts';
import type { Patience } from './direct-patience.ts';
import type { DirectRecord } from './direct-record.ts';
import type { DirectTools } from './direct-tools.ts';
import { UsageMeter } from './usage.ts';
import { Voice } from './voice.ts';
import { type FillerMemory, Waiting, waitingLines } from './waiting.ts';

/** What such a model usually takes from the end of a turn to its first sound: a filler is due a little later, at 1.2 s. */
const USUAL_MS = 900;
/** A model that hears may take a pause for a pause: their turn is not over before this. */
const PAUSE_MS = 600;

interface DirectWait {
  /** Since when they wait, on the call's clock. */
  from: number;
  turn: number;
  /** Their words; empty while nobody knows. */
  asked: string;
}

export interface DirectWaitingParts {
  model: DirectModel;
  mouth: DirectMouth;
  ear: DirectEar;
  record: DirectRecord;
  tools: DirectTools;
  patience: Patience;
}

export class DirectWaiting {
  readonly #options: SettledOptions;
  readonly #voice: Voice;
  readonly #memory: FillerMemory = { last: undefined };
  readonly #parts: DirectWaitingParts;
  /** One stretch of waiting, also when the voice becomes a turn in the middle of it. */
  #waiting: Waiting | undefined;

  constructor(options: SettledOptions, parts: DirectWaitingParts) {
    const { kit, businessId, leg, plan, synthesizers, health, kept } = options;
    this.#options = options;
    this.#parts = parts;
    // What is kept is nobody's bill: it is said in other calls too.
    const usage = new UsageMeter(() => {});
    this.#voice = new Voice({ kit, businessId, format: leg.format, plan, synthesizers, health, kept, usage });
  }

  /** Makes every line ready, one after the other. Never rejects. */
  async warm(signal: AbortSignal): Promise<void> {
    for (const line of waitingLines(this.#options.plan)) {
      if (signal.aborted) return;
      await this.#voice.prepare(line, signal);
    }
  }

  /** Once per frame. `withheld`: the model must not hear the caller yet, so that nobody waits for it. */
  tick(committedAt: number, withheld: boolean): void {
    const wait = withheld ? undefined : this.#wait(committedAt);
    if (!wait) {
      this.#waiting = undefined;
      return;
    }
    const { mouth } = this.#parts;
    const { open } = mouth;
    this.#waiting ??= this.#begin(wait);
    const now = this.#options.at();
    if (!open && !mouth.dry) return this.#waiting.sounded(now);
    const filler = this.#waiting.at(now, open);
    if (filler) mouth.fill(filler, wait.turn);
  }

  /** Whether the caller waits. The voice that a model hears has ended for us, but perhaps not yet for the model. */
  #wait(committedAt: number): DirectWait | undefined {
    const { model, ear, record, patience } = this.#parts;
    if (ear.voiced) return undefined;
    const { turn, text } = record.turns;
    if (model.hears) return { from: Math.max(ear.last.toAt, patience.signAt) + PAUSE_MS, turn: turn + 1, asked: '' };
    if (patience.unnoticed) return { from: ear.last.toAt, turn: turn + 1, asked: '' };
    return record.isOpen && turn > 0 ? { from: committedAt, turn, asked: text ?? '' } : undefined;
  }

  #begin({ from, turn, asked }: DirectWait): Waiting {
    return new Waiting({
      plan: this.#options.plan,
      voice: this.#voice,
      memory: this.#memory,
      turn,
      asked,
      from,
      expectedMs: USUAL_MS,
      toolRunning: () => this.#parts.tools.running,
      tone: () => waitingTone(this.#options.leg.format),
    });
  }
}

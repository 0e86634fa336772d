/**
 * Our own ear beside a model that hears: it feels the caller's voice before the model can, measures when it ended, and keeps
 * the newest sound for a model that must not hear it yet, or for whoever takes over.
 */
import type { TurnStages } from '@tandem/contract';
import { FRAME_MS, type Frame, type Sound } from '#audio/frame.ts';
import type { Voiced } from './direct-turns.ts';
import { type Ear, type EarListener, type EarOptions, earForEdges } from './ear.ts';
import { FrameRing } from './frame-ring.ts';

/** Sound before the detected start of speech. */
const PRE_ROLL_MS = 400;
/** Sound that is kept: a long question and the wait for its answer. */
const KEPT_MS = 15_000;
/** Voice that ended so long ago was nobody's question. */
const STALE_MS = 10_000;

export class DirectEar {
  readonly #ear: Ear;
  readonly #ring: FrameRing;
  #voiced = false;
  #last: Voiced = { fromAt: 0, toAt: 0 };
  /** On the leg's clock: the newest frame, and the ones in which the newest voice was felt and in which it ended. */
  readonly #leg = { at: 0, from: 0, to: 0 };
  /** On the leg's clock: where the voice begins that belongs to no turn yet, and the voice of the newest turn. */
  readonly #unanswered = { from: undefined as number | undefined, turnFrom: undefined as number | undefined };

  constructor(
    options: Omit<EarOptions, 'transcribers' | 'endOfTurn' | 'phrases' | 'listener'>,
    listener: Pick<EarListener, 'speechStarted' | 'speechSustained' | 'speechEnded'>,
  ) {
    this.#ring = new FrameRing(options.format, KEPT_MS / FRAME_MS);
    this.#ear = earForEdges(options, {
      speechStarted: (fromAt) => {
        this.#voiced = true;
        this.#last = { fromAt, toAt: fromAt };
        this.#leg.from = this.#leg.at;
        this.#unanswered.from ??= this.#leg.at;
        listener.speechStarted(fromAt);
      },
      speechSustained: () => listener.speechSustained(),
      speechEnded: (fromAt, toAt) => {
        this.#voiced = false;
        this.#leg.to = this.#leg.at;
        this.#last = { fromAt, toAt };
        listener.speechEnded(fromAt, toAt);
      },
    });
  }

  /** The caller speaks now. */
  get voiced(): boolean {
    return this.#voiced;
  }

  /** The newest stretch of the caller's voice, on the call's clock. */
  get last(): Voiced {
    return this.#last;
  }

  /** Every 20 ms. */
  frame(heard: Frame, sent: Sound | undefined): void {
    this.#leg.at = heard.at;
    this.#ring.keep(heard);
    this.#ear.frame(heard, sent);
  }

  /** Marks of a turn that is over at `now`; a voice too low for this ear, or older than `sinceAt`, has no end that is known. */
  stages(now: number, sinceAt: number): TurnStages {
    const stages: TurnStages = { endpointAt: now, committedAt: now };
    const arrivedAt = this.#ear.voiceArrivedAt;
    const { toAt } = this.#last;
    const heardAt = !this.#voiced && toAt <= now ? toAt : undefined;
    const endedAt = arrivedAt ?? heardAt;
    if (endedAt === undefined || endedAt < sinceAt || toAt === 0) return stages;
    stages.speechEndAt = Math.min(now, endedAt);
    if (heardAt !== undefined && heardAt >= stages.speechEndAt) stages.heardAt = heardAt;
    return stages;
  }

  /** What the caller has said so far is a turn; what they are saying now is none yet. */
  committed(): void {
    this.#unanswered.turnFrom = this.#unanswered.from;
    this.answered();
  }

  /** A turn begins that has no voice. */
  written(): void {
    this.#unanswered.turnFrom = undefined;
  }

  /** What the caller has said so far has its answer. */
  answered(): void {
    this.#unanswered.from = this.#voiced ? this.#leg.from : undefined;
  }

  /** All voice that belongs to no turn and everything after it, with the newest turn's or without; at most the last 15 s. */
  replay(withTurn: boolean, push: (frame: Frame) => void): void {
    const { from, turnFrom } = this.#unanswered;
    const since = withTurn ? (turnFrom ?? from) : from;
    if (since === undefined || (!this.#voiced && this.#leg.at - this.#leg.to > STALE_MS)) return;
    this.#ring.since(since - PRE_ROLL_MS, push);
  }

  /** The detector is closed too. */
  close(): void {
    this.#ear.close();
  }
}

/**
 * Our own ear beside a model that hears: it feels the caller's voice before the model can, measures when it ended, and keeps
 * the newest sound for a model that must not hear it yet, or for whoever takes over.
 */
import type { TurnStages } from '@tandem/contract';
import type { Frame, Sound } from '#audio/frame.ts';
import type { Voiced } from './direct-turns.ts';
import { type Ear, type EarListener, type EarOptions, earForEdges } from './ear.ts';
import { FrameRing } from './frame-ring.ts';

/** Sound before the detected start of speech. */
const PRE_ROLL_MS = 400;

export class DirectEar {
  readonly #ear: Ear;
  readonly #ring: FrameRing;
  #voiced = false;
  #last: Voiced = { fromAt: 0, toAt: 0 };
  /** On the leg's clock: the newest frame, and the one in which the newest voice was felt. */
  readonly #leg = { at: 0, from: undefined as number | undefined };

  constructor(
    options: Omit<EarOptions, 'transcribers' | 'endOfTurn' | 'phrases' | 'listener'>,
    listener: Pick<EarListener, 'speechStarted' | 'speechSustained' | 'speechEnded'>,
  ) {
    this.#ring = new FrameRing(options.format);
    this.#ear = earForEdges(options, {
      speechStarted: (fromAt) => {
        this.#voiced = true;
        this.#last = { fromAt, toAt: fromAt };
        this.#leg.from = this.#leg.at;
        listener.speechStarted(fromAt);
      },
      speechSustained: () => listener.speechSustained(),
      speechEnded: (fromAt, toAt) => {
        this.#voiced = false;
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

  /** The newest stretch of voice and everything after it, at most the last 10 s. */
  replay(push: (frame: Frame) => void): void {
    if (this.#leg.from !== undefined) this.#ring.since(this.#leg.from - PRE_ROLL_MS, push);
  }

  /** The detector is closed too. */
  close(): void {
    this.#ear.close();
  }
}

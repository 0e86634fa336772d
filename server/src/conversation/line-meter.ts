/** What the line was like since it was last asked: what a turn needs to tell our fault from the network's. */
import type { LineSpan } from '@tandem/contract';
import { FRAME_MS } from '#audio/frame.ts';
import type { Leg } from '#telephony/leg.ts';

/** Nobody hears a difference below it, and every machine has it. */
const NOTED_MS = 20;

export class LineMeter {
  readonly #leg: Pick<Leg, 'stats'>;
  readonly #now: () => number;
  /** When the newest frame came. */
  #newestAt = Number.NaN;
  readonly #stall = { ms: 0, at: 0 };
  #before: ReturnType<Leg['stats']>;

  /** `now`: the call's clock, milliseconds. */
  constructor(leg: Pick<Leg, 'stats'>, now: () => number) {
    this.#leg = leg;
    this.#now = now;
    this.#before = leg.stats();
  }

  /** With every frame; `now` where the clock was just asked. */
  frame(now = this.#now()): void {
    const stalledMs = now - this.#newestAt - FRAME_MS;
    this.#newestAt = now;
    // Half of all frames come a little later than the one before: only what may be told is compared.
    if (!(stalledMs > NOTED_MS) || stalledMs <= this.#stall.ms) return;
    this.#stall.ms = stalledMs;
    this.#stall.at = now;
  }

  /** Differences of the leg's counters since the last call, and the longest standstill of the loop between two frames. */
  take(): LineSpan {
    const before = this.#before;
    const stats = this.#leg.stats();
    this.#before = stats;
    const { ms: stalledMs, at: stalledAt } = this.#stall;
    this.#stall.ms = 0;
    return {
      packetsReceived: stats.packetsReceived - before.packetsReceived,
      packetsLost: stats.packetsLost - before.packetsLost,
      packetsConcealed: stats.packetsConcealed - before.packetsConcealed,
      jitterMs: Math.round(stats.jitterMs * 10) / 10,
      framesSent: stats.framesSent - before.framesSent,
      framesLate: stats.framesLate - before.framesLate,
      ...(stalledMs > NOTED_MS ? { stalledMs: Math.round(stalledMs), stalledAt } : { stalledMs: 0 }),
    };
  }
}

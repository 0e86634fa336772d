/** Verdicts on single frames, smoothed into the edges of speech: start, long enough to interrupt, end. */
import { FRAME_MS } from '#audio/frame.ts';

const WINDOW_FRAMES = 5;
/** 60 of 100 ms. */
const START_FRAMES = 3;
const HANGOVER_MS = 200;

export type SpeechEdge = 'started' | 'sustained' | 'ended';

/** Asked once per frame; allocates nothing. All times are `Frame.at`. */
export class SpeechEdges {
  readonly #sustainMs: number;
  /** Verdicts of the newest five frames, the newest in bit 0. */
  #window = 0;
  #speaking = false;
  #sustained = false;
  #from = 0;
  #to = 0;

  /** `sustainMs`: how long speech must last to be reported as `sustained`. */
  constructor(sustainMs: number) {
    this.#sustainMs = sustainMs;
  }

  get speaking(): boolean {
    return this.#speaking;
  }

  /** Start of the newest speech: its first voiced frame. */
  get from(): number {
    return this.#from;
  }

  /** End of the last voiced frame of the newest speech. */
  get to(): number {
    return this.#to;
  }

  /**
   * `waitedMs`: how long the newest frame was on its way from the wire to here. So much longer than heard has the caller
   * been speaking.
   */
  push(voiced: boolean, at: number, waitedMs = 0): SpeechEdge | undefined {
    this.#window = ((this.#window << 1) | (voiced ? 1 : 0)) & ((1 << WINDOW_FRAMES) - 1);
    if (voiced) this.#to = at + FRAME_MS;
    const count = ones(this.#window);
    if (!this.#speaking) {
      if (count < START_FRAMES) return undefined;
      this.#speaking = true;
      this.#sustained = false;
      const oldest = 31 - Math.clz32(this.#window);
      this.#from = Math.max(0, at - oldest * FRAME_MS);
      return 'started';
    }
    if (at + FRAME_MS - this.#to >= HANGOVER_MS) {
      this.#speaking = false;
      return 'ended';
    }
    if (!this.#sustained && voiced && count >= START_FRAMES && at + FRAME_MS - this.#from + waitedMs >= this.#sustainMs) {
      this.#sustained = true;
      return 'sustained';
    }
    return undefined;
  }
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

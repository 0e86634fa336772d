/**
 * Packet loss concealment after the idea of G.711 Appendix I: the last pitch period is repeated, at full level for
 * 10 ms and then faded to nothing at 60 ms; the first good frame is faded in over what was made up.
 *
 * Works on linear sound, after the decoder. {@link CodedConcealment} is the same for a codec of 8-bit values that is
 * kept as it is, given its two tables.
 */

/** Pitch between 66 and 200 Hz; the window compared is 20 ms; history holds both. */
const MAX_PITCH_MS = 15;
const MIN_PITCH_MS = 5;
const COMPARED_MS = 20;
const HISTORY_MS = 40;
const HOLD_MS = 10;
const FADE_END_MS = 60;
const OVERLAP_MS = 5;
/** Samples of 20 ms at 8 kHz. */
const FRAME = 160;

const clip16 = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : Math.round(value));

/** One direction of one call. Everything is allocated at construction. */
export class Concealment {
  readonly #perMs: number;
  readonly #history: Int16Array;
  readonly #cycle: Float32Array;
  #period = 0;
  /** Samples made up since the last good frame. */
  #made = 0;
  /** Nothing was heard since the start or the last `reset`, which is told in every frame of silence. */
  #empty = true;
  /** The step from the last good sample to the first repeated one, spread over the overlap. */
  #step = 0;

  /** `rate` in samples per second: 8000 or 16000. */
  constructor(rate: number) {
    this.#perMs = rate / 1000;
    this.#history = new Int16Array(HISTORY_MS * this.#perMs);
    this.#cycle = new Float32Array(MAX_PITCH_MS * this.#perMs);
  }

  /** True between the first made-up frame and the next good one. */
  get concealing(): boolean {
    return this.#made > 0;
  }

  /** Takes a good frame. The first one after a loss is changed in place: faded in over the made-up sound. */
  keep(sound: Int16Array): void {
    if (this.#made > 0) {
      const overlap = Math.min(OVERLAP_MS * this.#perMs, sound.length);
      for (let i = 0; i < overlap; i++) {
        const weight = (i + 1) / (overlap + 1);
        sound[i] = clip16(this.#next() * (1 - weight) + sound[i] * weight);
      }
      this.#made = 0;
    }
    this.#remember(sound);
  }

  /** Makes up the whole of `out`. */
  conceal(out: Int16Array): void {
    if (this.#made === 0) this.#begin();
    for (let i = 0; i < out.length; i++) out[i] = clip16(this.#next());
    this.#remember(out);
  }

  /** Forgets the past: after silence that is no loss. */
  reset(): void {
    if (this.#empty) return;
    this.#history.fill(0);
    this.#made = 0;
    this.#empty = true;
  }

  #remember(sound: Int16Array): void {
    this.#empty = false;
    const history = this.#history;
    const count = Math.min(sound.length, history.length);
    history.copyWithin(0, count);
    const to = history.length - count;
    const from = sound.length - count;
    for (let i = 0; i < count; i++) history[to + i] = sound[from + i];
  }

  #next(): number {
    const made = this.#made++;
    const hold = HOLD_MS * this.#perMs;
    const end = FADE_END_MS * this.#perMs;
    if (made >= end) return 0;
    const overlap = OVERLAP_MS * this.#perMs;
    const value = this.#cycle[made % this.#period] + (made < overlap ? this.#step * (1 - made / overlap) : 0);
    return made < hold ? value : (value * (end - made)) / (end - hold);
  }

  /** Finds the pitch and prepares one period whose end runs smoothly into its beginning. */
  #begin(): void {
    const history = this.#history;
    const last = history.length;
    const period = this.#pitch();
    const quarter = period >> 2;
    for (let i = 0; i < period; i++) this.#cycle[i] = history[last - period + i];
    for (let i = 0; i < quarter; i++) {
      const weight = (i + 1) / (quarter + 1);
      const at = period - quarter + i;
      this.#cycle[at] = this.#cycle[at] * (1 - weight) + history[last - 2 * period + at] * weight;
    }
    this.#period = period;
    this.#step = history[last - 1] - history[last - period - 1];
  }

  /** The lag of the greatest normalized correlation: coarsely first, then every lag around the best. */
  #pitch(): number {
    const shortest = MIN_PITCH_MS * this.#perMs;
    const longest = MAX_PITCH_MS * this.#perMs;
    const stride = this.#perMs / 4;
    let best = shortest;
    let score = -1;
    for (let lag = shortest; lag <= longest; lag += stride) {
      const likeness = this.#likeness(lag, stride);
      if (likeness > score) {
        score = likeness;
        best = lag;
      }
    }
    const from = Math.max(shortest, best - stride + 1);
    const to = Math.min(longest, best + stride - 1);
    for (let lag = from; lag <= to; lag++) {
      const likeness = this.#likeness(lag, 1);
      if (lag === from || likeness > score) {
        score = likeness;
        best = lag;
      }
    }
    return best;
  }

  #likeness(lag: number, stride: number): number {
    const history = this.#history;
    let product = 0;
    let energy = 1;
    for (let i = history.length - COMPARED_MS * this.#perMs; i < history.length; i += stride) {
      product += history[i] * history[i - lag];
      energy += history[i - lag] * history[i - lag];
    }
    return product / Math.sqrt(energy);
  }
}

/**
 * Concealment of 8-bit sound at 8 kHz, e.g. µ-law with the G.711 tables. Good frames are kept as they came and decoded when the
 * first one is missing.
 */
export class CodedConcealment {
  readonly #concealment = new Concealment(8000);
  readonly #linear = new Int16Array(FRAME);
  /** The newest two good frames (the history's 40 ms): the next one goes to `#next`. */
  readonly #kept = new Uint8Array(2 * FRAME);
  #next = 0;
  /** Frames kept that the concealment has not seen yet, at most 2. */
  #unseen = 0;
  readonly #decode: Int16Array;
  readonly #encode: Uint8Array;

  /** `decode` has 256 entries; `encode` 65536, indexed by `sample & 0xffff`. */
  constructor(decode: Int16Array, encode: Uint8Array) {
    this.#decode = decode;
    this.#encode = encode;
  }

  /** Takes a good frame of 160 bytes; the first one after a loss is changed in place. */
  keep(frame: Uint8Array): void {
    if (this.#concealment.concealing) {
      this.#read(frame, 0);
      this.#concealment.keep(this.#linear);
      this.#write(frame);
      return;
    }
    this.#kept.set(frame, this.#next);
    this.#next = FRAME - this.#next;
    if (this.#unseen < 2) this.#unseen++;
  }

  /** Makes up a frame of 160 bytes. */
  conceal(frame: Uint8Array): void {
    for (; this.#unseen > 0; this.#unseen--) {
      this.#read(this.#kept, this.#unseen === 2 ? this.#next : FRAME - this.#next);
      this.#concealment.keep(this.#linear);
    }
    this.#concealment.conceal(this.#linear);
    this.#write(frame);
  }

  reset(): void {
    this.#unseen = 0;
    this.#concealment.reset();
  }

  #read(bytes: Uint8Array, from: number): void {
    for (let i = 0; i < FRAME; i++) this.#linear[i] = this.#decode[bytes[from + i]];
  }

  #write(frame: Uint8Array): void {
    for (let i = 0; i < FRAME; i++) frame[i] = this.#encode[this.#linear[i] & 0xffff];
  }
}

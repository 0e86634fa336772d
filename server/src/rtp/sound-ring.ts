/**
 * The jitter buffer's sound: a ring of bytes addressed by timestamp, and for each byte whether it is sound, quiet or missing.
 * That takes a bit each, so that a frame is looked through in a few words: with hundreds of calls what is touched per frame
 * costs more than what is computed, as little of a call is still in the processor's cache when its next frame comes.
 */

/** 512 ms. A power of two. */
export const RING = 4096;
const MASK = RING - 1;
/** Words of state: of each 32 bytes one says which are sound, the next which are quiet. */
const WORDS = (2 * RING) / 32;

export class SoundRing {
  readonly #bytes = new Uint8Array(RING);
  readonly #states = new Int32Array(WORDS);

  /** `bytes[from .. to)` are the sound from `timestamp` on. */
  store(timestamp: number, bytes: Uint8Array, from: number, to: number): void {
    const ring = this.#bytes;
    const at = timestamp & MASK;
    // In one piece it is faster, although that makes a view.
    if (at + to - from <= RING) ring.set(bytes.subarray(from, to), at);
    else for (let i = from, place = timestamp; i < to; i++, place++) ring[place & MASK] = bytes[i];
    this.#mark(timestamp, to - from, true, false);
  }

  /** Nothing was sent for `count` units from `timestamp` on, and nothing was lost. */
  rest(timestamp: number, count: number): void {
    this.#mark(timestamp, count, false, true);
  }

  /** What has been played, or skipped, is missing from now on. */
  forget(timestamp: number, count: number): void {
    this.#mark(timestamp, count, false, false);
  }

  clear(): void {
    this.#states.fill(0);
  }

  /** True when all of it is sound. */
  isWhole(timestamp: number, count: number): boolean {
    const states = this.#states;
    for (let at = timestamp & MASK, left = count; left > 0; ) {
      const size = Math.min(32 - (at & 31), left);
      const mask = maskOf(at & 31, size);
      if ((states[(at >> 5) << 1] & mask) !== mask) return false;
      at = (at + size) & MASK;
      left -= size;
    }
    return true;
  }

  /** True when any of it is sound. */
  hasSound(timestamp: number, count: number): boolean {
    const states = this.#states;
    for (let at = timestamp & MASK, left = count; left > 0; ) {
      const size = Math.min(32 - (at & 31), left);
      if ((states[(at >> 5) << 1] & maskOf(at & 31, size)) !== 0) return true;
      at = (at + size) & MASK;
      left -= size;
    }
    return false;
  }

  /** True when any of it is neither sound nor quiet. */
  hasGap(timestamp: number, count: number): boolean {
    const states = this.#states;
    for (let at = timestamp & MASK, left = count; left > 0; ) {
      const size = Math.min(32 - (at & 31), left);
      const word = (at >> 5) << 1;
      if ((~(states[word] | states[word + 1]) & maskOf(at & 31, size)) !== 0) return true;
      at = (at + size) & MASK;
      left -= size;
    }
    return false;
  }

  /** Copies `count` bytes that are whole to the start of `out`. */
  copy(timestamp: number, count: number, out: Uint8Array): void {
    const ring = this.#bytes;
    const at = timestamp & MASK;
    if (at + count <= RING) out.set(ring.subarray(at, at + count));
    else for (let i = 0; i < count; i++) out[i] = ring[(at + i) & MASK];
  }

  /** The same where some of it may not be sound: `silence` stands for that. */
  copyOver(timestamp: number, count: number, out: Uint8Array, silence: number): void {
    for (let i = 0; i < count; i++) {
      const at = (timestamp + i) & MASK;
      const isSound = (this.#states[(at >> 5) << 1] >>> (at & 31)) & 1;
      out[i] = isSound ? this.#bytes[at] : silence;
    }
  }

  #mark(timestamp: number, count: number, sound: boolean, quiet: boolean): void {
    const states = this.#states;
    for (let at = timestamp & MASK, left = count; left > 0; ) {
      const size = Math.min(32 - (at & 31), left);
      const mask = maskOf(at & 31, size);
      const word = (at >> 5) << 1;
      states[word] = sound ? states[word] | mask : states[word] & ~mask;
      states[word + 1] = quiet ? states[word + 1] | mask : states[word + 1] & ~mask;
      at = (at + size) & MASK;
      left -= size;
    }
  }
}

const maskOf = (from: number, size: number): number => (size === 32 ? -1 : ((1 << size) - 1) << from);

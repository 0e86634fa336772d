/**
 * Sound that came over a WebSocket on its way to one frame per 20 ms. TCP brings it in order but not in time: after a stall
 * everything comes at once. The queue waits for 40 ms before it plays, gives up delay again in silence, and never holds
 * more than 200 ms.
 */
import { FRAME_MS, MULAW_SILENCE, type Sound, type SoundFormat, samplesPerFrame, silence } from '#audio/frame.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';

const SLOTS = 16;
const START_FRAMES = 2;
const TARGET_FRAMES = 3;
const MOST_FRAMES = 10;
/** Peak below which 20 ms count as silence that may be left out (-42 dBFS). */
const QUIET = 256;

export class MediaQueue {
  readonly #frame: number;
  readonly #ring: Sound;
  readonly #mulaw: boolean;
  readonly #arrivals = new Float64Array(SLOTS);
  /** Samples ever written and read; `written - read` wait. */
  readonly #at = { written: 0, read: 0 };
  readonly #counts = { packets: 0, lost: 0, late: 0, concealed: 0, skipped: 0 };
  #playing = false;
  #nextTimestamp: number | undefined;

  constructor(format: SoundFormat) {
    this.#frame = samplesPerFrame(format);
    this.#ring = silence(format, SLOTS * this.#frame);
    this.#mulaw = format === 'mulaw-8000';
  }

  get packets(): number {
    return this.#counts.packets;
  }

  /** Packets that Twilio's clock says are missing. */
  get lost(): number {
    return this.#counts.lost;
  }

  get concealed(): number {
    return this.#counts.concealed;
  }

  /** Frames left out to catch up after a stall. */
  get skipped(): number {
    return this.#counts.skipped;
  }

  get waitingMs(): number {
    return ((this.#at.written - this.#at.read) / this.#frame) * FRAME_MS;
  }

  /**
   * The first `length` samples of `sound`, heard at `timestamp` (ms since the stream began, where the wire tells). What
   * repeats the past is dropped. `arrivedAt` is given back by {@link arrivedAt}.
   */
  push(sound: Sound, length: number, timestamp?: number, arrivedAt = Number.NaN): void {
    if (timestamp !== undefined && !this.#isNew(timestamp, length)) return;
    this.#counts.packets++;
    for (let from = 0; from < length; from += this.#frame) {
      this.#append(sound, from, Math.min(length, from + this.#frame));
      this.#arrivals[this.#slotOf(this.#at.written - 1)] = arrivedAt;
    }
  }

  /** When the end of the frame just pulled arrived. */
  get arrivedAt(): number {
    return this.#arrivals[this.#slotOf(this.#at.read - 1)];
  }

  #slotOf(sample: number): number {
    return Math.floor(sample / this.#frame) % SLOTS;
  }

  #isNew(timestamp: number, length: number): boolean {
    const expected = this.#nextTimestamp;
    if (expected !== undefined && timestamp <= expected - FRAME_MS) {
      this.#counts.late++;
      return false;
    }
    if (expected !== undefined && timestamp > expected + FRAME_MS) this.#counts.lost += Math.round((timestamp - expected) / FRAME_MS);
    this.#nextTimestamp = timestamp + (length / this.#frame) * FRAME_MS;
    return true;
  }

  /** Fills one frame; false when it is silence because nothing came. */
  pull(out: Sound): boolean {
    if (!this.#playing && this.#at.written - this.#at.read >= START_FRAMES * this.#frame) this.#playing = true;
    if (!this.#playing || this.#at.written - this.#at.read < this.#frame) {
      this.#playing = false;
      this.#counts.concealed++;
      out.fill(this.#mulaw ? MULAW_SILENCE : 0);
      return false;
    }
    if (this.#at.written - this.#at.read > TARGET_FRAMES * this.#frame && this.#isQuiet()) this.#skip();
    this.#read(out);
    return true;
  }

  #read(out: Sound): void {
    const ring = this.#ring;
    let at = this.#at.read % ring.length;
    for (let i = 0; i < this.#frame; i++) {
      out[i] = ring[at];
      if (++at === ring.length) at = 0;
    }
    this.#at.read += this.#frame;
  }

  #append(sound: Sound, from: number, to: number): void {
    if (this.#at.written - this.#at.read + (to - from) > MOST_FRAMES * this.#frame) this.#skip();
    const ring = this.#ring;
    let at = this.#at.written % ring.length;
    for (let i = from; i < to; i++) {
      ring[at] = sound[i];
      if (++at === ring.length) at = 0;
    }
    this.#at.written += to - from;
  }

  #skip(): void {
    this.#at.read += this.#frame;
    this.#counts.skipped++;
  }

  #isQuiet(): boolean {
    for (let i = 0; i < this.#frame; i++) {
      const sample = this.#ring[(this.#at.read + i) % this.#ring.length];
      const level = this.#mulaw ? MULAW_TO_LINEAR[sample] : sample;
      if (level > QUIET || level < -QUIET) return false;
    }
    return true;
  }
}

/** What an RTP session counts up for each packet that it sends. */

const FRAME_MS = 20;
/** Timestamp units of a frame (RFC 3551 §4.5.2: PCMU, PCMA and G722 count at 8000). */
const FRAME_UNITS = 160;
/** Send buffers in turn, since a socket may read one until its batch has left; and most frames that wait in a queue. */
export const SLOTS = 8;

/** Numbers of the outgoing stream. Sequence and timestamp start at random (§5.1). */
export class Sending {
  timestamp: number;
  eventTimestamp = 0;
  /** False before the first packet of a talk-spurt. */
  talking = false;
  reportDueMs: number;
  #sequence: number;
  #slot = 0;
  #deadlineMs: number | undefined;
  /** Of the newest frames queued, what was before each. */
  readonly #timestamps = new Uint32Array(SLOTS);
  readonly #deadlines = new Float64Array(SLOTS);
  readonly #talked = new Uint8Array(SLOTS);
  #remembered = 0;

  constructor(sequence: number, timestamp: number, reportDueMs: number) {
    this.#sequence = sequence;
    this.timestamp = timestamp;
    this.reportDueMs = reportDueMs;
  }

  /** Moves the timestamp by the frames between two deadlines: one, or more when deadlines were skipped. */
  advance(deadlineMs: number): void {
    if (this.#deadlineMs !== undefined) {
      const frames = Math.max(1, Math.round((deadlineMs - this.#deadlineMs) / FRAME_MS));
      this.timestamp = (this.timestamp + frames * FRAME_UNITS) >>> 0;
    }
    this.#deadlineMs = deadlineMs;
  }

  /** Notes how things stand before a frame is queued. */
  remember(): void {
    const at = this.#remembered++ % SLOTS;
    this.#timestamps[at] = this.timestamp;
    this.#deadlines[at] = this.#deadlineMs ?? Number.NaN;
    this.#talked[at] = this.talking ? 1 : 0;
  }

  /** Goes back to before the newest `frames` were queued. */
  recall(frames: number): void {
    this.#remembered -= frames;
    const at = this.#remembered % SLOTS;
    this.timestamp = this.#timestamps[at];
    this.#deadlineMs = Number.isNaN(this.#deadlines[at]) ? undefined : this.#deadlines[at];
    this.talking = this.#talked[at] === 1;
    this.#sequence = (this.#sequence - frames) & 0xffff;
  }

  /** The timestamp of the newest frame but those `waiting`. */
  timestampBefore(waiting: number): number {
    return waiting === 0 ? this.timestamp : this.#timestamps[(this.#remembered - waiting) % SLOTS];
  }

  nextSequence(): number {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return sequence;
  }

  nextSlot(): number {
    this.#slot = (this.#slot + 1) % SLOTS;
    return this.#slot;
  }
}

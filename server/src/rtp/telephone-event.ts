/** Digits as named events (RFC 4733): exactly one digit per key press on the way in, a paced generator on the way out. */
import type { RtpHeader } from './packet.ts';

const KEYS = '0123456789*#ABCD';
/** Bytes of an event's payload (§2.3). */
export const EVENT_BYTES = 4;
/** One frame of 20 ms at the clock of 8000 that PCMU, PCMA and G722 all use. */
const TICKS = 160;
const MAX_DURATION = 0xffff;
/** An event longer than 0xffff units goes on in a new segment (§2.5.1.3); this much of its end may have been lost. */
const SEGMENT_SLACK = 1600;
const REMEMBERED = 8;

/**
 * Recognises presses. An event is known by source, timestamp and code, and is reported at first sight, so that losing
 * its first packets, its marker or all of its end packets makes no difference.
 */
export class TelephoneEventReceiver {
  /** The last few events, so that a reordered packet of an older one is not a new press. */
  readonly #ssrcs = new Float64Array(REMEMBERED).fill(-1);
  readonly #timestamps = new Float64Array(REMEMBERED);
  readonly #codes = new Uint8Array(REMEMBERED);
  #next = 0;
  #duration = 0;
  #ended = false;

  /** The digit that this packet begins, or undefined: not the first of its event, not a key, or malformed. */
  push(header: RtpHeader, bytes: Uint8Array): string | undefined {
    const at = header.payloadStart;
    if (header.payloadEnd - at < EVENT_BYTES) return undefined;
    const code = bytes[at];
    const ended = bytes[at + 1] >= 0x80;
    const duration = (bytes[at + 2] << 8) | bytes[at + 3];
    if (code >= KEYS.length) return undefined;
    const latest = (this.#next + REMEMBERED - 1) % REMEMBERED;
    for (let i = 0; i < REMEMBERED; i++) {
      if (this.#ssrcs[i] !== header.ssrc || this.#timestamps[i] !== header.timestamp || this.#codes[i] !== code) continue;
      if (i === latest) {
        this.#duration = Math.max(this.#duration, duration);
        this.#ended ||= ended;
      }
      return undefined;
    }
    const sameSource = this.#ssrcs[latest] === header.ssrc;
    const since = (header.timestamp - this.#timestamps[latest]) | 0;
    // Older than the latest event, all of whose packets are remembered: a straggler of a press long reported.
    if (sameSource && since < 0 && since > -0x10000) return undefined;
    const continued = sameSource && this.#codes[latest] === code && !header.marker && this.#isNextSegment(since);
    this.#ssrcs[this.#next] = header.ssrc;
    this.#timestamps[this.#next] = header.timestamp;
    this.#codes[this.#next] = code;
    this.#next = (this.#next + 1) % REMEMBERED;
    this.#duration = duration;
    this.#ended = ended;
    return continued ? undefined : KEYS[code];
  }

  #isNextSegment(since: number): boolean {
    const nearlyFull = this.#duration >= MAX_DURATION - SEGMENT_SLACK;
    return !this.#ended && nearlyFull && since >= this.#duration && since <= MAX_DURATION + 1;
  }
}

/** What a {@link TelephoneEventSender} wants of the next 20 ms: nothing, an event packet, or silence between digits. */
export type EventStep = 'idle' | 'event' | 'gap';

const DEFAULT_TONE_MS = 200;
const MAX_QUEUED = 64;
/** Packets that repeat the end of an event, the first of them included (§2.5.1.4). */
const END_PACKETS = 3;
/** Silence after the three end packets; the tone is over at the first of them, so 80 ms pass between digits. */
const GAP_STEPS = 2;
/** -10 dBm0, the usual level. */
const VOLUME = 10;

/** Digits on their way out. Pulled once per 20 ms: {@link step}, then {@link write} when it said `event`. */
export class TelephoneEventSender {
  readonly #toneSteps: number;
  #queue = '';
  #code = 0;
  /** Steps into the digit, from 1; 0 when none is being sent. */
  #at = 0;

  /** `toneMs` is kept within 160 to 250 ms. */
  constructor(toneMs = DEFAULT_TONE_MS) {
    this.#toneSteps = Math.floor(Math.min(250, Math.max(160, toneMs)) / 20);
  }

  /** Queues digits. False, and nothing queued, when one is not a key or more than 64 would wait. */
  send(digits: string): boolean {
    const keys = digits.toUpperCase();
    if (this.#queue.length + keys.length > MAX_QUEUED) return false;
    for (const key of keys) if (!KEYS.includes(key)) return false;
    this.#queue += keys;
    return true;
  }

  get sending(): boolean {
    return this.#at > 0 || this.#queue !== '';
  }

  /** Forgets what has not begun; a digit on the wire is finished. */
  clear(): void {
    this.#queue = '';
  }

  /** Moves on by 20 ms. */
  step(): EventStep {
    const lastEnd = this.#toneSteps + END_PACKETS - 1;
    if (this.#at > 0) this.#at++;
    if (this.#at > lastEnd + GAP_STEPS) this.#at = 0;
    if (this.#at > lastEnd) return 'gap';
    if (this.#at > 0) return 'event';
    if (this.#queue === '') return 'idle';
    this.#code = KEYS.indexOf(this.#queue[0]);
    this.#queue = this.#queue.slice(1);
    this.#at = 1;
    return 'event';
  }

  /** True when the packet is its event's first: it carries the marker and sets the event's timestamp. */
  get first(): boolean {
    return this.#at === 1;
  }

  /** Writes the payload of the current step at `out[offset..]`: four bytes. */
  write(out: Uint8Array, offset: number): void {
    const duration = Math.min(this.#at, this.#toneSteps) * TICKS;
    out[offset] = this.#code;
    out[offset + 1] = (this.#at >= this.#toneSteps ? 0x80 : 0) | VOLUME;
    out[offset + 2] = duration >>> 8;
    out[offset + 3] = duration;
  }
}

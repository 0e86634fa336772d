/**
 * The adaptive jitter buffer of one call. Sound lies in a ring of bytes addressed by its RTP timestamp, so reordering,
 * any packet time from 10 to 60 ms and sequence wrap need no case of their own; it leaves in frames of 160 bytes.
 * For codecs of one byte per timestamp unit at a clock of 8000 (PCMU, PCMA, G722). Memory is fixed.
 *
 * Adaptation looks at one figure, the **lead**: how far ahead of its playout a packet arrives, counted to the moment its
 * pull is due and not only in whole frames. The smallest lead of the last seconds is the headroom. Too little (jitter, or
 * a sender whose clock is slow): a frame is inserted. More than a frame too much (calm, or a fast clock): one is dropped.
 * Both wait for silence as long as they can afford.
 *
 *     push ─▶ [ played | playout point ── lead ──▶ packet ]     pull moves the playout point by one frame
 */
import { LeadWindows } from './lead-windows.ts';
import type { RtpHeader } from './packet.ts';
import { RING, SoundRing } from './sound-ring.ts';

/** A frame of 20 ms in timestamp units, which are bytes. */
const FRAME = 160;
const TICKS_PER_MS = 8;
/** The longest packet taken: 200 ms. */
const MAX_PAYLOAD = 1600;

const MIN_TARGET = 20 * TICKS_PER_MS;
const MAX_TARGET = 120 * TICKS_PER_MS;
const START_TARGET = 40 * TICKS_PER_MS;
/** Above the largest target plus a packet of 60 ms sound is skipped without waiting for calm. */
const MAX_DEPTH = MAX_TARGET + 3 * FRAME;

/** Less headroom than 2 ms asks for a frame more; 26 ms of it, over all windows that count, for a frame less. */
const LEAST_LEAD = 2 * TICKS_PER_MS;
const SPARE_LEAD = FRAME + 6 * TICKS_PER_MS;
/** What a pull that came late may add to a lead: a loop that stalled says nothing about packets. */
const LONGEST_PHASE = FRAME;
/** A window of leads is 1 s. */
const WINDOW_PULLS = 50;
/** Seconds of calm that let a frame of silence go: 2 (and the one that fills) on a line that never was late, else 8; a frame of sound: 8. */
const CALM_WINDOWS = 3;
const LONG_CALM_WINDOWS = 8;
/** Pulls that an adaptation waits for silence: 0.5 s when packets were late, 4 s when they might become so, 2 s to shrink. */
const LATE_PATIENCE = 25;
const INSERT_PATIENCE = 200;
const REMOVE_PATIENCE = 100;

/** Frames of a gap that are worth concealing (60 ms); silence after that. */
const CONCEALED_FRAMES = 3;
/** Pulls on end between which only late packets came before their sender's clock is believed to have moved. */
const LATE_RUN = 5;
const SEEN = 256;
/** Frames whose arrival is remembered; a power of two beyond the ring. */
const ARRIVALS = 64;

/** Room for a frame that is only looked at, of all buffers of the thread. */
const LOOKED_AT = new Uint8Array(FRAME);

export type Pulled = 'played' | 'concealed' | 'silence';
export type Pushed = 'stored' | 'duplicate' | 'late' | 'dropped';

export interface JitterBufferOptions {
  /** The codec's byte of silence: what `pull` writes where it has nothing. */
  silence: number;
  /** True when a frame is quiet enough for a frame to be dropped or doubled unheard; without it only gaps are. */
  quiet?: (frame: Uint8Array) => boolean;
}

export interface JitterBufferStats {
  played: number;
  concealed: number;
  silent: number;
  late: number;
  duplicates: number;
  /** Frames inserted and removed by adaptation. */
  inserted: number;
  removed: number;
  /** Starts over: new source, timestamp jump. */
  restarts: number;
  /** Sound waiting, milliseconds. */
  depthMs: number;
  /** The most that packets of the last seconds were ahead when they arrived: the delay the buffer adds. */
  delayMs: number;
}

export class JitterBuffer {
  readonly #silence: number;
  readonly #quiet: ((frame: Uint8Array) => boolean) | undefined;
  /** A packet further ahead than it is long is a timestamp jump. */
  readonly #ring = new SoundRing();
  /** When the packet of each frame of the ring arrived, by the frame's place in time. */
  readonly #arrivals = new Float64Array(ARRIVALS);
  /** Extended with 1 so that 0 means nothing: which of the last 256 sequence numbers were taken. */
  readonly #seen = new Uint32Array(SEEN);
  readonly #leads = new LeadWindows();
  readonly #counts = { played: 0, concealed: 0, silent: 0, late: 0, duplicates: 0, inserted: 0, removed: 0, restarts: 0 };
  /** Playout: where it is, where sound last left, where the newest sound ends (all timestamps), and what it waits for. */
  readonly #playout = {
    point: 0,
    heardEnd: 0,
    end: 0,
    gap: CONCEALED_FRAMES,
    patience: 0,
    pulls: 0,
    calm: CALM_WINDOWS,
    dueAt: Number.NaN,
  };
  /** The source: its SSRC, newest sequence number, and what did not fit lately. */
  readonly #source = { ssrc: -1, sequence: 0, origin: 0, lateRun: 0, lateAt: -1, outlier: -1, silent: false };

  constructor(options: JitterBufferOptions) {
    this.#silence = options.silence;
    this.#quiet = options.quiet;
  }

  /**
   * Takes the payload of a packet of sound. Only the header's SSRC, sequence number, timestamp, marker and bounds are
   * read. `arrivedAt`: milliseconds on any clock, given back by {@link arrivedAt}.
   */
  push(header: RtpHeader, bytes: Uint8Array, arrivedAt = Number.NaN): Pushed {
    const length = header.payloadEnd - header.payloadStart;
    if (length <= 0 || length > MAX_PAYLOAD) return 'dropped';
    const source = this.#source;
    if (header.ssrc !== source.ssrc) this.#restart(header);
    else if (this.#isDuplicate(header.sequence)) {
      this.#counts.duplicates++;
      return 'duplicate';
    } else if (header.marker && this.depth <= 0 && this.#isNewer(header.sequence) && this.#leadOf(header) < 0) {
      this.#restart(header); // a talk-spurt from a sender whose clock stood still in the pause (RFC 3551 §4.1)
    }
    let lead = this.#leadOf(header);
    if (lead + length > RING || lead < -RING) {
      if (!this.#confirmsJump(header)) return 'dropped';
      this.#restart(header);
      lead = this.#leadOf(header);
    }
    source.outlier = -1;
    const newer = this.#isNewer(header.sequence);
    if (lead < 0) {
      if (this.#rewind(lead)) lead = 0;
      else if (newer && this.#isLateAgain()) {
        this.#restart(header);
        lead = this.#leadOf(header);
      } else this.#counts.late++;
    }
    this.#markSeen(header.sequence);
    if (lead >= 0) source.lateRun = 0;
    if (lead >= -MAX_TARGET) this.#leads.note(Math.max(lead, -FRAME) + this.#phaseAt(arrivedAt));
    if (newer) this.#follow(header, length);
    if (lead + length <= 0) return 'late';
    const skipped = lead < 0 ? -lead : 0;
    this.#ring.store(header.timestamp + skipped, bytes, header.payloadStart + skipped, header.payloadEnd);
    for (let from = 0; from < length; from += FRAME) this.#arrivals[this.#slotOf(header.timestamp + from)] = arrivedAt;
    return lead < 0 ? 'late' : 'stored';
  }

  /** A comfort-noise packet (RFC 3389): what follows is silence, not loss. */
  pushSilence(header: RtpHeader): void {
    if (header.ssrc !== this.#source.ssrc || this.#isDuplicate(header.sequence)) return;
    this.#markSeen(header.sequence);
    if (!this.#isNewer(header.sequence)) return;
    this.#follow(header, 0);
    this.#source.silent = true;
  }

  /**
   * The next 20 ms into `out[0..160)`, once per 20 ms. `concealed`: lost or late, to be made up by concealment;
   * `silence`: nothing to hear. In both cases `out` holds the codec's silence. `dueAt`: when this pull was due, on the
   * clock of `arrivedAt`; without it leads are known to the frame only.
   */
  pull(out: Uint8Array, dueAt = Number.NaN): Pulled {
    const playout = this.#playout;
    playout.dueAt = dueAt;
    if (this.#source.ssrc < 0) return this.#give('silence', out);
    if (++playout.pulls % WINDOW_PULLS === 0) this.#leads.rotate();
    if (this.#wantsMore()) {
      if (this.#mayInsert()) return this.#insert(out);
    } else if (
      this.depth > MAX_DEPTH
        ? this.#mayRemove(2)
        : this.#wantsLess() && this.#mayRemove(this.#leads.used < LONG_CALM_WINDOWS ? Infinity : REMOVE_PATIENCE)
    ) {
      this.#advance();
      this.#leads.shift(-FRAME);
      this.#counts.removed++;
      playout.patience = 0;
    }
    const pulled = this.#read(out);
    this.#advance();
    return this.#give(pulled, out);
  }

  /** When the end of the frame that the last `pull` played arrived; NaN when it was made up. */
  get arrivedAt(): number {
    return this.#playout.gap === 0 ? this.#arrivals[this.#slotOf(this.#playout.point - 1)] : Number.NaN;
  }

  /** Forgets source and sound; the next packet starts afresh. Counters stay. */
  reset(): void {
    this.#source.ssrc = -1;
    this.#ring.clear();
    this.#leads.clear();
    this.#playout.gap = CONCEALED_FRAMES;
  }

  /** Timestamp units between the playout point and the end of the newest sound; not positive when starved. */
  get depth(): number {
    return this.#source.ssrc < 0 ? 0 : (this.#playout.end - this.#playout.point) | 0;
  }

  stats(): JitterBufferStats {
    const delay = this.#leads.any ? Math.max(0, this.#leads.highest) : 0;
    return { ...this.#counts, depthMs: Math.max(0, this.depth) / TICKS_PER_MS, delayMs: delay / TICKS_PER_MS };
  }

  /** Counts pulls, not packets: a burst after a stall is late as a whole and no clock has moved. */
  #isLateAgain(): boolean {
    const source = this.#source;
    if (source.lateAt !== this.#playout.pulls) source.lateRun++;
    source.lateAt = this.#playout.pulls;
    return source.lateRun >= LATE_RUN;
  }

  /** Packets begin where the first one began, and every 20 ms from there. */
  #slotOf(timestamp: number): number {
    return Math.floor(((timestamp - this.#source.origin) >>> 0) / FRAME) & (ARRIVALS - 1);
  }

  #leadOf(header: RtpHeader): number {
    return (header.timestamp - this.#playout.point) | 0;
  }

  /** From now to the next pull, in timestamp units: what a packet is ahead beyond whole frames. */
  #phaseAt(arrivedAt: number): number {
    const phase = (this.#playout.dueAt + FRAME / TICKS_PER_MS - arrivedAt) * TICKS_PER_MS;
    return Number.isNaN(phase) ? 0 : Math.round(Math.max(-LONGEST_PHASE, Math.min(LONGEST_PHASE, phase)));
  }

  #isNewer(sequence: number): boolean {
    return ((sequence - this.#source.sequence) << 16) >> 16 > 0;
  }

  #isDuplicate(sequence: number): boolean {
    return this.#seen[sequence % SEEN] === sequence + 1;
  }

  #markSeen(sequence: number): void {
    this.#seen[sequence % SEEN] = sequence + 1;
  }

  /** One packet far off is dropped; it is believed when nothing waits to be played, or its successor follows on. */
  #confirmsJump(header: RtpHeader): boolean {
    const confirmed = this.depth <= 0 || header.sequence === this.#source.outlier;
    this.#source.outlier = (header.sequence + 1) & 0xffff;
    return confirmed;
  }

  /** A late packet, and nothing has been heard since its place in time: play it now and stay that much behind. */
  #rewind(lead: number): boolean {
    const playout = this.#playout;
    const unheard = (playout.point - playout.heardEnd) | 0;
    const room = MAX_TARGET - Math.max(MIN_TARGET, this.#leads.any ? this.#leads.highest : MIN_TARGET);
    if (-lead > unheard || -lead > room) return false;
    playout.point = (playout.point + lead) >>> 0;
    this.#leads.shift(-lead);
    return true;
  }

  /** Notes the newest packet, and tells a pause (sequence goes on, timestamp jumps) from loss. */
  #follow(header: RtpHeader, length: number): void {
    const playout = this.#playout;
    const source = this.#source;
    const inSequence = header.sequence === ((source.sequence + 1) & 0xffff);
    source.sequence = header.sequence;
    const pause = (header.timestamp - playout.end) | 0;
    if (inSequence && pause > 0) {
      const from = Math.max(0, (playout.end - playout.point) | 0);
      const to = Math.min((header.timestamp - playout.point) | 0, RING);
      this.#ring.rest(playout.point + from, to - from);
    }
    if (length === 0) return;
    source.silent = false;
    const end = (header.timestamp + length) >>> 0;
    if (((end - playout.end) | 0) > 0) playout.end = end;
  }

  #restart(header: RtpHeader): void {
    const playout = this.#playout;
    const target = this.#leads.any ? Math.min(MAX_TARGET, Math.max(START_TARGET, this.#leads.highest)) : START_TARGET;
    this.#ring.clear();
    this.#seen.fill(0);
    this.#leads.clear();
    this.#source.ssrc = header.ssrc;
    this.#source.origin = header.timestamp;
    this.#arrivals.fill(Number.NaN);
    this.#source.sequence = (header.sequence - 1) & 0xffff;
    this.#source.lateRun = 0;
    this.#source.silent = false;
    playout.point = (header.timestamp - target) >>> 0;
    playout.heardEnd = playout.point;
    playout.end = header.timestamp;
    playout.gap = CONCEALED_FRAMES;
    playout.patience = 0;
    this.#counts.restarts++;
  }

  #wantsMore(): boolean {
    return this.#leads.any && this.#leads.lowest < LEAST_LEAD && this.#leads.highest + FRAME <= MAX_TARGET;
  }

  #wantsLess(): boolean {
    if (this.#leads.used >= this.#playout.calm && this.#leads.lowest >= SPARE_LEAD) return true;
    this.#playout.patience = 0;
    return false;
  }

  #mayInsert(): boolean {
    const patience = this.#leads.lowest < 0 ? LATE_PATIENCE : INSERT_PATIENCE;
    return this.#isInaudible() || ++this.#playout.patience > patience;
  }

  #mayRemove(patience: number): boolean {
    return this.#isInaudible() || ++this.#playout.patience >= patience;
  }

  /** The next frame is a gap, or quiet: one more or less of it is not heard. */
  #isInaudible(): boolean {
    return this.#read(LOOKED_AT) !== 'played' || (this.#quiet?.(LOOKED_AT) ?? false);
  }

  /** Fills 20 ms without moving the playout point: the frame itself when it is quiet, concealment when it is not. */
  #insert(out: Uint8Array): Pulled {
    this.#leads.shift(FRAME);
    this.#counts.inserted++;
    this.#playout.patience = 0;
    this.#playout.calm = LONG_CALM_WINDOWS;
    const next = this.#read(out);
    if (next !== 'played' || this.#quiet?.(out)) return this.#give(next, out);
    return this.#give('concealed', out);
  }

  /** Copies the frame at the playout point; a frame with any of its sound missing counts as missing in mid-speech. */
  #read(out: Uint8Array): Pulled {
    const ring = this.#ring;
    const { point, gap } = this.#playout;
    if (ring.isWhole(point, FRAME)) {
      ring.copy(point, FRAME, out);
      return 'played';
    }
    const whole = gap >= CONCEALED_FRAMES || this.#source.silent || !ring.hasGap(point, FRAME);
    if (!whole) return 'concealed';
    if (!ring.hasSound(point, FRAME)) return 'silence';
    ring.copyOver(point, FRAME, out, this.#silence);
    return 'played';
  }

  #advance(): void {
    const playout = this.#playout;
    const { point } = playout;
    const sound = this.#ring.hasSound(point, FRAME);
    this.#ring.forget(point, FRAME);
    playout.point = (point + FRAME) >>> 0;
    if (sound) playout.heardEnd = playout.point;
  }

  #give(pulled: Pulled, out: Uint8Array): Pulled {
    const playout = this.#playout;
    if (pulled === 'played') {
      playout.gap = 0;
      this.#counts.played++;
      return pulled;
    }
    out.fill(this.#silence, 0, FRAME);
    if (pulled === 'concealed') {
      playout.gap++;
      this.#counts.concealed++;
    } else {
      playout.gap = CONCEALED_FRAMES;
      this.#counts.silent++;
    }
    return pulled;
  }
}

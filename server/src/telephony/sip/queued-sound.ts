/**
 * The way out of a leg whose socket sends by itself: the frame that is due next and two more lie ready, so that frames
 * leave on time while JavaScript is held up. What is queued can be taken back until it has left: an answer takes the place
 * of silence that waits, and a barge-in leaves nothing behind. A codec with a memory has one frame ready only, as the far
 * end would miss what was encoded and taken back.
 *
 *     pacer's deadline ──the loop queues──▶ frame leaves ──▶ the leg listens, 10 ms after the deadline, and learns that it has left
 */
import { FRAME_MS, samplesPerFrame, silence, type Sound, type SoundFormat } from '#audio/frame.ts';
import type { Clock } from '#kit/clock.ts';
import type { RtpSession } from '#rtp/session.ts';
import type { Line } from '../line.ts';
import type { WireCodec } from './wire-codec.ts';

/** Frames that lie ready, the next one included: never more than 60 ms ahead of the caller's ear. */
const LEAD_FRAMES = 3;
/**
 * A frame leaves so long after its deadline: as long as the loop takes to get to this leg, so that an answer still finds
 * silence to take the place of, and no longer, since the caller waits for it: the first frame of an answer leaves at once, and the
 * others of its second must not look 5 ms late beside it. Milliseconds.
 */
const DEPART = { first: 2, most: 4, headroom: 1.5, easePerFrame: 0.01 } as const;
/** Frames whose sound is remembered until it is known that they left. */
const MEMORY = 16;
/** Listening catches up with a stall within this many frames. */
const CATCH_UP_FRAMES = 8;

export class QueuedSound {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #sounds: Sound[];
  /** Whether each remembered frame is speech. */
  readonly #speech = new Uint8Array(MEMORY);
  /** Counts of frames: queued; known by the line to have left; given to whoever records. */
  readonly #frames = { written: 0, told: 0, recorded: 0 };
  /** Deadline of the next frame to be queued. */
  #next = Number.NEGATIVE_INFINITY;
  /** How long after its deadline a frame leaves now. */
  #departMs: number = DEPART.first;
  /** Silent frames at the end of the queue, those that have left included. */
  #silent = 0;
  /** Frames that left late: of all, as the queue counts them, and of speech. */
  readonly #late = { seen: 0, speech: 0 };
  /** Looks in a row at which the recording was behind. */
  #behind = 0;

  constructor(line: Line, format: SoundFormat, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
    const samples = samplesPerFrame(format);
    const memory = silence(format, MEMORY * samples);
    this.#sounds = Array.from({ length: MEMORY }, (_, i) => memory.subarray(i * samples, (i + 1) * samples));
  }

  /** Frames of speech that left more than 5 ms after they were due. */
  get speechLate(): number {
    return this.#late.speech;
  }

  /** Queues what belongs before `deadline` + 60 ms. `wire` is room for one encoded frame. */
  fill(rtp: RtpSession, codec: WireCodec, wire: Uint8Array, deadline: number): void {
    this.settle(rtp);
    const needed = this.#clock.now() - deadline + DEPART.headroom;
    this.#departMs = Math.min(DEPART.most, Math.max(needed, this.#departMs - DEPART.easePerFrame));
    if (this.#next < deadline) this.#next = deadline;
    const lead = codec.remembers ? 1 : LEAD_FRAMES;
    const end = deadline + (lead - 0.5) * FRAME_MS;
    for (;;) {
      const hasRoom = this.#next < end && this.#waiting(rtp) < lead;
      const replaceable = codec.remembers ? 0 : Math.min(this.#silent, this.#waiting(rtp));
      if (!hasRoom && replaceable === 0) return;
      const leavesAt = this.#next - replaceable * FRAME_MS + this.#delayOf(true);
      if (!this.#line.pull(0, this.#sounds[this.#frames.written % MEMORY], leavesAt)) break;
      this.#replaceSilence(rtp, replaceable);
      this.#write(rtp, codec, wire, true);
    }
    while (this.#next < end && this.#waiting(rtp) < lead && this.#write(rtp, codec, wire, false));
  }

  /** True when the frame at `deadline` was queued, whether or not it has left: a loop that catches up owes it no more. */
  covers(deadline: number): boolean {
    return this.#next - FRAME_MS / 2 > deadline;
  }

  /** Tells the line what has left since. */
  settle(rtp: RtpSession): void {
    const { queued } = rtp;
    if (!queued) return;
    const { left, late } = queued;
    let spoken = 0;
    for (; this.#frames.told !== left && this.#frames.told < this.#frames.written; this.#frames.told++) {
      if (!this.#speech[this.#frames.told % MEMORY]) continue;
      this.#line.markPlayed();
      spoken++;
    }
    this.#late.speech += Math.min(spoken, late - this.#late.seen);
    this.#late.seen = late;
  }

  /** The sound of the next frame that has left and was not recorded; undefined for silence, or when none did. */
  left(): Sound | undefined {
    const frames = this.#frames;
    if (frames.told - frames.recorded > MEMORY / 2) frames.recorded = frames.told - 1;
    // A frame that left after it was asked for was silence then: it is made up for in the next silence.
    this.#behind = frames.told - frames.recorded > 1 ? this.#behind + 1 : 0;
    if (this.#behind > CATCH_UP_FRAMES && !this.#speech[frames.recorded % MEMORY]) frames.recorded++;
    if (frames.recorded >= frames.told) return undefined;
    const at = frames.recorded++ % MEMORY;
    return this.#speech[at] ? this.#sounds[at] : undefined;
  }

  /** Nothing more of what was pulled may be heard: silence leaves in its place. */
  cut(rtp: RtpSession, codec: WireCodec, wire: Uint8Array): void {
    const taken = this.#takeBack(rtp, LEAD_FRAMES);
    // What left meanwhile belongs to a playout that has stopped counting.
    this.#frames.told = this.#frames.written;
    for (let i = 0; i < taken; i++) this.#write(rtp, codec, wire, false);
  }

  #waiting(rtp: RtpSession): number {
    return rtp.queued?.waiting ?? 0;
  }

  /** The frame just pulled lies where the first silent one was noted: it moves to the place that becomes free. */
  #replaceSilence(rtp: RtpSession, silent: number): void {
    if (silent === 0) return;
    const from = this.#frames.written % MEMORY;
    const taken = this.#takeBack(rtp, silent);
    const to = this.#frames.written % MEMORY;
    if (taken === 0) return;
    [this.#sounds[from], this.#sounds[to]] = [this.#sounds[to], this.#sounds[from]];
  }

  #takeBack(rtp: RtpSession, atMost: number): number {
    const taken = rtp.takeBack(atMost);
    this.#frames.written -= taken;
    this.#next -= taken * FRAME_MS;
    this.#silent = Math.max(0, this.#silent - taken);
    return taken;
  }

  /** The first frame of speech leaves at once: somebody is waiting for it, and nothing is behind it that it could delay. */
  #delayOf(speech: boolean): number {
    return speech && this.#silent > 0 ? 0 : this.#departMs;
  }

  #write(rtp: RtpSession, codec: WireCodec, wire: Uint8Array, speech: boolean): boolean {
    const at = this.#frames.written % MEMORY;
    codec.encode(speech ? this.#sounds[at] : undefined, wire);
    if (!rtp.queue(wire, this.#next, this.#next + this.#delayOf(speech))) return false;
    this.#speech[at] = speech ? 1 : 0;
    this.#silent = speech ? 0 : this.#silent + 1;
    this.#frames.written++;
    this.#next += FRAME_MS;
    return true;
  }
}

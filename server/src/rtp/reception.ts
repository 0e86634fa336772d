/** What an RTP session counts of the packets that it receives: the current source's numbers, and the losses of those before. */
import type { RtpHeader } from './packet.ts';
import { JitterMeter, SequenceTracker } from './sequence.ts';

/** PCMU, PCMA and G722 all count at 8000 (RFC 3551 §4.5.2). */
const CLOCK_RATE = 8000;
/** §A.1: a source in place of another must send two packets in sequence. */
const PROBATION = 2;

export class Reception {
  /** -1 before the first packet. */
  ssrc = -1;
  tracker = new SequenceTracker(1);
  jitter = new JitterMeter(CLOCK_RATE);
  /** When the newest packet of the call's source arrived. */
  lastMs: number;
  /** The middle of the newest sender report's NTP time, and when it arrived (§6.4.1); 0 before. */
  lastReport = 0;
  lastReportMs = 0;
  /** A new SSRC on its probation (A.1), while the old one may still be sending (§8.2). */
  #next: { ssrc: number; tracker: SequenceTracker } | undefined;
  #lostBefore = 0;

  constructor(nowMs: number) {
    this.lastMs = nowMs;
  }

  /** Packets lost, over all sources of the call; late ones may make it fall. */
  get lost(): number {
    return Math.max(0, this.#lostBefore + this.tracker.lost);
  }

  /** Counts the packet to its source; false while that source (or a jump of its numbers) is not confirmed. */
  counts(header: RtpHeader): boolean {
    if (this.ssrc === header.ssrc) {
      this.#next = undefined;
      return this.tracker.update(header.sequence) === 'valid';
    }
    if (this.ssrc < 0) {
      this.ssrc = header.ssrc;
      return this.tracker.update(header.sequence) === 'valid';
    }
    if (this.#next?.ssrc !== header.ssrc) this.#next = { ssrc: header.ssrc, tracker: new SequenceTracker(PROBATION) };
    if (this.#next.tracker.update(header.sequence) !== 'valid') return false;
    this.#lostBefore += this.tracker.lost;
    this.ssrc = header.ssrc;
    this.tracker = this.#next.tracker;
    this.jitter = new JitterMeter(CLOCK_RATE);
    this.lastReport = 0;
    this.lastReportMs = 0;
    this.#next = undefined;
    return true;
  }
}

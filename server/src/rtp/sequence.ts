/** Which packets of one source arrived (RFC 3550 appendix A.1 and A.3) and how evenly (A.8). */
import type { RtpHeader } from './packet.ts';

const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;

/** `probation`: not a valid source yet; `jumped`: far from what was expected, and not confirmed by its successor. */
export type Arrival = 'valid' | 'probation' | 'jumped';

/** Sequence numbers of one SSRC, extended over their wraps. */
export class SequenceTracker {
  #probation: number;
  #highest = 0;
  #cycles = 0;
  #base = 0;
  #bad = -1;
  #received = 0;
  #started = false;
  #expectedBefore = 0;
  #receivedBefore = 0;

  /** `probation` packets in sequence make a source valid; 1 trusts the first one. */
  constructor(probation: number) {
    this.#probation = probation;
  }

  update(sequence: number): Arrival {
    if (!this.#started) {
      this.#started = true;
      this.#highest = sequence;
      if (this.#probation <= 1) return this.#admit();
      this.#probation--;
      return 'probation';
    }
    if (this.#probation > 0) return this.#onProbation(sequence);
    const ahead = (sequence - this.#highest) & 0xffff;
    if (ahead < MAX_DROPOUT) {
      if (sequence < this.#highest) this.#cycles += 0x10000;
      this.#highest = sequence;
    } else if (ahead <= 0x10000 - MAX_MISORDER) {
      // Two packets in sequence after a very large jump: the other side restarted without telling.
      if (sequence !== this.#bad) {
        this.#bad = (sequence + 1) & 0xffff;
        return 'jumped';
      }
      this.#restart(sequence);
    }
    this.#received++;
    return 'valid';
  }

  /** Extended highest sequence number: 16 bits of wraps, 16 bits of sequence. */
  get extendedHighest(): number {
    return (this.#cycles + this.#highest) >>> 0;
  }

  get received(): number {
    return this.#received;
  }

  get expected(): number {
    return this.#received === 0 ? 0 : this.#cycles + this.#highest - this.#base + 1;
  }

  /** Packets lost so far; negative when duplicates outweigh losses (A.3). */
  get lost(): number {
    return this.expected - this.#received;
  }

  /** Part of the packets since the last call that were lost, as 8-bit fixed point (A.3). */
  takeFractionLost(): number {
    const expected = this.expected - this.#expectedBefore;
    const lost = expected - (this.#received - this.#receivedBefore);
    this.#expectedBefore = this.expected;
    this.#receivedBefore = this.#received;
    return expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / expected));
  }

  #onProbation(sequence: number): Arrival {
    if (sequence !== ((this.#highest + 1) & 0xffff)) {
      this.#highest = sequence;
      return 'probation';
    }
    this.#highest = sequence;
    this.#probation--;
    return this.#probation === 0 ? this.#admit() : 'probation';
  }

  #admit(): Arrival {
    this.#probation = 0;
    this.#restart(this.#highest);
    this.#received = 1;
    return 'valid';
  }

  #restart(sequence: number): void {
    this.#base = sequence;
    this.#highest = sequence;
    this.#bad = -1;
    this.#cycles = 0;
    this.#received = 0;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
  }
}

/** Interarrival jitter of one source, in timestamp units (A.8), computed from differences so that wraps do not matter. */
export class JitterMeter {
  readonly #unitsPerMs: number;
  #arrivalMs = 0;
  #timestamp = 0;
  #jitter = 0;
  #started = false;

  constructor(clockRate: number) {
    this.#unitsPerMs = clockRate / 1000;
  }

  update(header: RtpHeader, arrivalMs: number): void {
    if (this.#started) {
      const difference = (arrivalMs - this.#arrivalMs) * this.#unitsPerMs - ((header.timestamp - this.#timestamp) | 0);
      this.#jitter += (Math.abs(difference) - this.#jitter) / 16;
    }
    this.#started = true;
    this.#arrivalMs = arrivalMs;
    this.#timestamp = header.timestamp;
  }

  /** Timestamp units, as a report block wants it. */
  get units(): number {
    return Math.min(0xffffffff, Math.round(this.#jitter));
  }

  get ms(): number {
    return this.#jitter / this.#unitsPerMs;
  }
}

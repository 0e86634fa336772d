/**
 * Whose packets a session believes and where it sends (RFC 4961, RFC 7362 §4), against injection and bleeding of RTP:
 *
 *     learning ──4 packets in sequence, or the signalled source──▶ locked ──2 s without a packet, or new signalling──▶ learning
 *
 * Sound of an unlocked source is never played, and none is ever sent to it.
 */

/** Packets with consecutive sequence numbers and one SSRC that an unsignalled source must show, within the window. */
const PROOF_PACKETS = 4;
const LEARNING_WINDOW_MS = 5000;
/** A locked source silent for this long may be replaced (NAT rebinding, a moved media server). */
const RELEARN_SILENCE_MS = 2000;
/** Enough that 3000 forged packets a second do not push the true source out before its second packet. */
const MAX_CANDIDATES = 64;

export interface RemoteAddress {
  address: string;
  port: number;
}

interface Candidate extends RemoteAddress {
  ssrc: number;
  nextSequence: number;
  count: number;
  sinceMs: number;
}

export class SourceLatch {
  /** False: only the signalled address is believed (any port of it), and packets go to the signalled port. */
  readonly #learns: boolean;
  #signalled: RemoteAddress | undefined;
  #locked: RemoteAddress | undefined;
  #lastMs = 0;
  #candidates: Candidate[] = [];

  constructor(signalled: RemoteAddress | undefined, learns: boolean) {
    this.#signalled = signalled;
    this.#learns = learns;
  }

  /** Where to send: the locked source, before that what signalling said; undefined while neither is known. */
  get remote(): RemoteAddress | undefined {
    return this.#locked ?? this.#signalled;
  }

  get locked(): boolean {
    return this.#locked !== undefined;
  }

  /** New signalling (an answer, a re-INVITE): learning starts again, unless it names the same place. */
  signal(remote: RemoteAddress | undefined): void {
    const same = remote !== undefined && remote.address === this.#signalled?.address && remote.port === this.#signalled.port;
    this.#signalled = remote;
    if (same) return;
    this.#locked = undefined;
    this.#candidates = [];
  }

  /** True when a control packet comes from the host that sound is exchanged with. */
  believesHost(address: string): boolean {
    return this.remote?.address === address;
  }

  /** True when the packet is to be played. `known` is whether its payload type is one of the session's. */
  accept(address: string, port: number, ssrc: number, sequence: number, known: boolean, nowMs: number): boolean {
    if (!this.#learns) return address === this.#signalled?.address;
    const locked = this.#locked;
    if (locked) {
      if (locked.port === port && locked.address === address) {
        this.#lastMs = nowMs;
        return true;
      }
      if (nowMs - this.#lastMs < RELEARN_SILENCE_MS) return false;
    }
    if (!known) return false;
    const signalled = this.#signalled?.address === address && this.#signalled.port === port;
    return (signalled || this.#proves(address, port, ssrc, sequence, nowMs)) && this.#lock(address, port, nowMs);
  }

  #lock(address: string, port: number, nowMs: number): boolean {
    this.#locked = { address, port };
    this.#lastMs = nowMs;
    this.#candidates = [];
    return true;
  }

  /** Counts a candidate's packets in sequence. One at the signalled address keeps others from being locked meanwhile. */
  #proves(address: string, port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    this.#candidates = this.#candidates.filter((one) => nowMs - one.sinceMs < LEARNING_WINDOW_MS);
    let candidate = this.#candidates.find((one) => one.address === address && one.port === port);
    if (!candidate) {
      if (this.#candidates.length >= MAX_CANDIDATES) this.#forgetWeakest();
      candidate = { address, port, ssrc, nextSequence: -1, count: 0, sinceMs: nowMs };
      this.#candidates.push(candidate);
    }
    const follows = candidate.ssrc === ssrc && candidate.nextSequence === sequence;
    candidate.count = follows ? candidate.count + 1 : 1;
    candidate.ssrc = ssrc;
    candidate.nextSequence = (sequence + 1) & 0xffff;
    if (candidate.count < PROOF_PACKETS) return false;
    const expected = this.#signalled?.address;
    return address === expected || !this.#candidates.some((one) => one.address === expected);
  }

  #forgetWeakest(): void {
    let weakest = 0;
    for (let i = 1; i < this.#candidates.length; i++) if (this.#candidates[i].count < this.#candidates[weakest].count) weakest = i;
    this.#candidates.splice(weakest, 1);
  }
}

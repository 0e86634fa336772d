/**
 * One RTP session: the sound, digits and reports of one call on one pair of sockets (RFC 3550, 3551, 4733, 4961).
 * Driven from outside: the socket pushes packets in, the pacer calls `pull` and `tick` every 20 ms. No timer of its own,
 * and nothing allocated per packet. Where its socket sends by itself, sound can be queued before it is due (`queue`) and
 * taken back until it has left.
 */
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { JitterBuffer, type JitterBufferStats, type Pulled } from './jitter-buffer.ts';
import { emptyRtpHeader, looksLikeRtcp, parseRtp, RTP_HEADER_BYTES, type RtpHeader, writeRtpHeader } from './packet.ts';
import { Reception } from './reception.ts';
import { compactNtp, MAX_REPORT_BYTES, ntpOf, parseRtcp, roundTripMs, type SenderInfo, writeReport } from './rtcp.ts';
import { Sending, SLOTS } from './sending.ts';
import { type DatagramSocket, type FrameQueue, QUEUE_FRAMES } from './socket.ts';
import { type RemoteAddress, SourceLatch } from './source-latch.ts';
import { EVENT_BYTES, TelephoneEventReceiver, TelephoneEventSender } from './telephone-event.ts';

const FRAME_BYTES = 160;
const COMFORT_NOISE = 13;
/** §6.2: reports every 5 s on average, spread from half to one and a half of it. */
const REPORT_MS = 5000;
const SLOT_BYTES = RTP_HEADER_BYTES + FRAME_BYTES;

/** The header being read and the packet being queued: of all sessions of the thread, as neither outlives a call. */
const HEADER: RtpHeader = emptyRtpHeader();
const PACKET = new Uint8Array(SLOT_BYTES);

export interface PayloadTypes {
  /** The one codec of sound, both ways. */
  audio: number;
  /** telephone-event/8000, when negotiated. */
  event: number | undefined;
}

/** Called synchronously from the socket or from `tick`; must not throw. */
export interface RtpListener {
  /** Exactly once per key press. */
  digit(digit: string): void;
  /** The last digit given to `sendDigits` has been sent. */
  digitsSent?(): void;
  /** The other side said goodbye in RTCP: a hint that the call is over, no proof. */
  goodbye?(): void;
}

export interface RtpSessionOptions {
  rtp: DatagramSocket;
  /** The socket of the next port; undefined when RTCP shares RTP's port (RFC 5761). */
  rtcp: DatagramSocket | undefined;
  clock: Clock;
  random: Random;
  payloadTypes: PayloadTypes;
  /** Numeric address from SDP; undefined while none is known. */
  remote: RemoteAddress | undefined;
  /** Where its reports go when SDP says so (`a=rtcp`); otherwise the port after RTP's. */
  remoteRtcpPort?: number;
  /** True: learn the real source behind a NAT. False: believe only the signalled address. */
  latching: boolean;
  /** The codec's byte of silence. */
  silence: number;
  /** Says which frames are quiet, so that the jitter buffer adapts in pauses. */
  quiet?: (frame: Uint8Array) => boolean;
  cname: string;
  listener: RtpListener;
}

export interface RtpStats {
  packetsReceived: number;
  packetsLost: number;
  bytesReceived: number;
  packetsSent: number;
  bytesSent: number;
  /** Packets from a source that is not the call's. */
  foreignPackets: number;
  /** Neither RTP nor RTCP. */
  malformedPackets: number;
  /** From the right source, with a payload type that was not negotiated. */
  unknownPackets: number;
  /** Interarrival jitter, milliseconds. */
  jitterMs: number;
  /** From the peer's reports about us; undefined before the first. */
  roundTripMs: number | undefined;
  /** Part of our packets that the peer missed, 0 to 1; undefined before its first report. */
  peerLoss: number | undefined;
  buffer: JitterBufferStats;
}

export class RtpSession {
  readonly ssrc: number;
  readonly #options: RtpSessionOptions;
  readonly #latch: SourceLatch;
  readonly #buffer: JitterBuffer;
  readonly #events = new TelephoneEventReceiver();
  readonly #digits = new TelephoneEventSender();
  /** Packets on their way out that are not queued: there once there is one. */
  #packets: Uint8Array[] | undefined;
  readonly #report = new Uint8Array(MAX_REPORT_BYTES);
  readonly #counts = { received: 0, receivedBytes: 0, sent: 0, sentBytes: 0, foreign: 0, malformed: 0, unknown: 0 };
  readonly #peer = { roundTripMs: undefined as number | undefined, loss: undefined as number | undefined };
  readonly #sending: Sending;
  readonly #queue: FrameQueue | undefined;
  readonly #reception: Reception;
  #types: PayloadTypes;
  #open = true;

  constructor(options: RtpSessionOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#types = options.payloadTypes;
    this.#latch = new SourceLatch(options.remote, options.latching);
    this.#buffer = new JitterBuffer({ silence: options.silence, quiet: options.quiet });
    const word = () => Math.floor(random.next() * 2 ** 32) >>> 0;
    this.ssrc = word();
    this.#sending = new Sending(random.below(0x10000), word(), this.#nextReport(clock.now()) - REPORT_MS / 2);
    this.#reception = new Reception(clock.now());
    this.#queue = options.rtp.openQueue?.();
    options.rtp.onMessage((bytes, address, port, arrivedAt) => this.#receive(bytes, address, port, arrivedAt ?? clock.now()));
    options.rtcp?.onMessage((bytes, address, _port, arrivedAt) => this.#receiveReport(bytes, address, arrivedAt ?? clock.now()));
  }

  /** The next 20 ms of received sound into `out[0..160)`; see {@link JitterBuffer.pull}. */
  pull(out: Uint8Array, dueAt?: number): Pulled {
    return this.#buffer.pull(out, dueAt);
  }

  /** When the packet of the frame just pulled arrived, on the clock; NaN when that frame was made up. */
  get arrivedAt(): number {
    return this.#buffer.arrivedAt;
  }

  /**
   * Sends the 20 ms due at `deadlineMs`: a digit when one is on its way, else the 160 bytes of `sound`, or nothing when
   * undefined. Timestamps follow the deadlines, also over skipped ones. Returns true when `sound` left on the wire.
   */
  tick(sound: Uint8Array | undefined, deadlineMs: number): boolean {
    if (!this.#open) return false;
    this.#sending.advance(deadlineMs);
    const spoke = this.#sendFrame(sound, this.#latch.remote);
    this.report(deadlineMs);
    return spoke;
  }

  /** Sends RTCP's report when it is due; a part of `tick`. */
  report(deadlineMs: number): void {
    if (!this.#open || !this.#latch.remote || deadlineMs < this.#sending.reportDueMs) return;
    this.#sending.reportDueMs = this.#nextReport(deadlineMs);
    this.#sendReport(false);
  }

  /** True when sound can be queued now: the socket sends by itself, and it is known where to. */
  get queues(): boolean {
    return this.#open && this.#queue !== undefined && this.#latch.remote !== undefined;
  }

  /** Packets queued that have not left, all that have, and those of them that left more than 5 ms late. */
  get queued(): { readonly waiting: number; readonly left: number; readonly late: number } | undefined {
    return this.#queue;
  }

  /**
   * Queues the 160 bytes of `sound` for the frame at `deadlineMs`, to leave at `dueMs` by itself. Deadlines must rise, and
   * `tick` may only follow when nothing waits. False when there is no room, or no queue.
   */
  queue(sound: Uint8Array, deadlineMs: number, dueMs: number): boolean {
    const queue = this.#queue;
    const remote = this.#latch.remote;
    if (!this.#open || !queue || !remote) return false;
    const sending = this.#sending;
    sending.remember();
    sending.advance(deadlineMs);
    const packet = PACKET;
    packet.set(sound, RTP_HEADER_BYTES);
    const sequence = sending.nextSequence();
    writeRtpHeader(packet, 0, this.#types.audio, !sending.talking, sequence, sending.timestamp, this.ssrc);
    queue.aim(remote.port, remote.address);
    if (!queue.write(packet, dueMs)) {
      sending.recall(1);
      return false;
    }
    sending.talking = true;
    this.#counts.sent++;
    this.#counts.sentBytes += FRAME_BYTES;
    return true;
  }

  /** Takes back the newest `atMost` packets that have not left, as if they never had been queued; returns how many. */
  takeBack(atMost: number): number {
    const taken = this.#queue?.takeBack(atMost) ?? 0;
    if (taken === 0) return 0;
    this.#sending.recall(taken);
    this.#counts.sent -= taken;
    this.#counts.sentBytes -= taken * FRAME_BYTES;
    return taken;
  }

  /** Queues digits, sent before any further sound. False when telephone-event was not negotiated or a key is unknown. */
  sendDigits(digits: string): boolean {
    return this.#open && this.#types.event !== undefined && this.#digits.send(digits);
  }

  get sendingDigits(): boolean {
    return this.#digits.sending;
  }

  /** New signalling: another address or codec. Restarts the media timeout; received sound starts afresh with the codec. */
  renegotiate(remote: RemoteAddress | undefined, payloadTypes: PayloadTypes): void {
    this.#latch.signal(remote);
    if (payloadTypes.audio !== this.#types.audio) this.#buffer.reset();
    this.#types = payloadTypes;
    this.#reception.lastMs = this.#options.clock.now();
  }

  /** Milliseconds since the last packet from the call's source (or since the start, or the last renegotiation). */
  silentForMs(nowMs: number): number {
    return nowMs - this.#reception.lastMs;
  }

  /** Where packets go now; undefined while nothing is known. */
  get remote(): RemoteAddress | undefined {
    return this.#latch.remote;
  }

  stats(): RtpStats {
    const { jitter, lost } = this.#reception;
    const counts = this.#counts;
    return {
      packetsReceived: counts.received,
      packetsLost: lost,
      bytesReceived: counts.receivedBytes,
      packetsSent: counts.sent,
      bytesSent: counts.sentBytes,
      foreignPackets: counts.foreign,
      malformedPackets: counts.malformed,
      unknownPackets: counts.unknown,
      jitterMs: jitter.ms,
      roundTripMs: this.#peer.roundTripMs,
      peerLoss: this.#peer.loss,
      buffer: this.#buffer.stats(),
    };
  }

  /** Says goodbye (§6.6) and sends nothing more. The sockets stay their owner's to close. */
  close(): void {
    if (!this.#open) return;
    this.takeBack(QUEUE_FRAMES);
    this.#queue?.close();
    if (this.#latch.remote && this.#counts.sent + this.#counts.received > 0) this.#sendReport(true);
    this.#open = false;
  }

  #sendFrame(sound: Uint8Array | undefined, remote: RemoteAddress | undefined): boolean {
    const sending = this.#sending;
    const before = this.#digits.sending;
    const step = this.#digits.step();
    if (before && !this.#digits.sending) this.#options.listener.digitsSent?.();
    if (step === 'event' && this.#types.event !== undefined) {
      if (this.#digits.first) sending.eventTimestamp = sending.timestamp;
      const packet = this.#nextPacket();
      this.#digits.write(packet, RTP_HEADER_BYTES);
      this.#send(packet, EVENT_BYTES, this.#types.event, this.#digits.first, sending.eventTimestamp, remote);
      sending.talking = false;
      return false;
    }
    if (!sound || !remote) {
      sending.talking = false;
      return false;
    }
    const packet = this.#nextPacket();
    packet.set(sound, RTP_HEADER_BYTES);
    // The marker begins a talk-spurt (RFC 3551 §4.1).
    this.#send(packet, FRAME_BYTES, this.#types.audio, !sending.talking, sending.timestamp, remote);
    sending.talking = true;
    return true;
  }

  #nextPacket(): Uint8Array {
    this.#packets ??= Array.from({ length: SLOTS }, () => new Uint8Array(SLOT_BYTES));
    return this.#packets[this.#sending.nextSlot()];
  }

  #send(packet: Uint8Array, payload: number, type: number, marker: boolean, timestamp: number, remote: RemoteAddress | undefined): void {
    if (!remote) return;
    writeRtpHeader(packet, 0, type, marker, this.#sending.nextSequence(), timestamp, this.ssrc);
    this.#options.rtp.send(packet, 0, RTP_HEADER_BYTES + payload, remote.port, remote.address);
    this.#counts.sent++;
    this.#counts.sentBytes += payload;
  }

  #receive(bytes: Uint8Array, address: string, port: number, nowMs: number): void {
    if (!this.#open) return;
    if (looksLikeRtcp(bytes)) {
      this.#receiveReport(bytes, address, nowMs);
      return;
    }
    const header = HEADER;
    if (!parseRtp(bytes, header)) {
      this.#counts.malformed++;
      return;
    }
    const { audio, event } = this.#types;
    const type = header.payloadType;
    const known = type === audio || type === event || type === COMFORT_NOISE;
    if (!this.#latch.accept(address, port, header.ssrc, header.sequence, known, nowMs)) {
      this.#counts.foreign++;
      return;
    }
    this.#reception.lastMs = nowMs;
    this.#counts.received++;
    this.#counts.receivedBytes += bytes.length;
    if (!known) this.#counts.unknown++;
    if (!this.#reception.counts(header) || !known) return;
    if (type === audio) {
      this.#reception.jitter.update(header, nowMs);
      this.#buffer.push(header, bytes, nowMs);
    } else if (type === event) {
      const digit = this.#events.push(header, bytes);
      if (digit !== undefined) this.#options.listener.digit(digit);
    } else this.#buffer.pushSilence(header);
  }

  #receiveReport(bytes: Uint8Array, address: string, nowMs: number): void {
    if (!this.#open) return;
    if (!this.#latch.believesHost(address)) {
      this.#counts.foreign++;
      return;
    }
    const compound = parseRtcp(bytes);
    if (!compound) {
      this.#counts.malformed++;
      return;
    }
    const { clock, listener } = this.#options;
    if (compound.sender && compound.ssrc === this.#reception.ssrc) {
      this.#reception.lastReport = compactNtp(compound.sender.ntpSeconds, compound.sender.ntpFraction);
      this.#reception.lastReportMs = nowMs;
    }
    for (const block of compound.blocks) {
      if (block.ssrc !== this.ssrc) continue;
      this.#peer.loss = block.fractionLost / 256;
      this.#peer.roundTripMs = roundTripMs(block, clock.wall() - (clock.now() - nowMs)) ?? this.#peer.roundTripMs;
    }
    if (compound.goodbye.includes(this.#reception.ssrc)) listener.goodbye?.();
  }

  #sendReport(goodbye: boolean): void {
    const remote = this.#latch.remote;
    if (!remote) return;
    const { clock, cname, rtcp, rtp, remoteRtcpPort } = this.#options;
    const reception = this.#reception;
    const { tracker, jitter } = reception;
    const ntp = ntpOf(clock.wall());
    // What waits in the queue has not been sent.
    const waiting = this.#queue?.waiting ?? 0;
    const sent = this.#counts.sent - waiting;
    const sender: SenderInfo | undefined =
      sent <= 0
        ? undefined
        : {
            ntpSeconds: ntp.seconds,
            ntpFraction: ntp.fraction,
            timestamp: this.#sending.timestampBefore(waiting),
            packets: sent,
            octets: (this.#counts.sentBytes - waiting * FRAME_BYTES) >>> 0,
          };
    const block =
      tracker.received === 0
        ? undefined
        : {
            ssrc: reception.ssrc,
            fractionLost: tracker.takeFractionLost(),
            lost: tracker.lost,
            extendedHighest: tracker.extendedHighest,
            jitter: jitter.units,
            lastReport: reception.lastReport,
            delaySinceLastReport:
              reception.lastReport === 0 ? 0 : Math.round(((clock.now() - reception.lastReportMs) * 65536) / 1000) >>> 0,
          };
    const length = writeReport({ ssrc: this.ssrc, cname, sender, block, goodbye }, this.#report);
    const port = rtcp ? (remoteRtcpPort ?? remote.port + 1) : remote.port;
    (rtcp ?? rtp).send(this.#report, 0, length, port, remote.address);
  }

  #nextReport(nowMs: number): number {
    return nowMs + REPORT_MS * (0.5 + this.#options.random.next());
  }
}

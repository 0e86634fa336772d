/** One caller's RTP (RFC 3550) on a UDP port of its own: frames out from two rotating packets, frames in judged where they lie. */
import type { DatagramSocket } from '#rtp/socket.ts';
import { TelephoneEventSender } from '#rtp/telephone-event.ts';
import { Lateness, type OwnTime } from './lateness.ts';
import { HOP, HOP_MS, mulawPower } from './onset.ts';
import { FRAME, type LineCounts, type LineListener, SILENCE } from './wire.ts';

const HEADER = 12;
/** Version 2, no padding, no extension, no CSRC. */
const PLAIN = 0x80;
const PCMU = 0;
const MARKER = 0x80;
const EVENT_BYTES = 4;

export interface RtpPeer {
  address: string;
  port: number;
  /** For digits; undefined where the peer takes none as events. */
  eventType: number | undefined;
}

export class RtpStream {
  readonly #socket: DatagramSocket;
  readonly #listener: LineListener;
  readonly #now: () => number;
  readonly #lateness: Lateness;
  readonly #digits = new TelephoneEventSender();
  /** A socket may read a packet until its batch has left, at most 20 ms. */
  readonly #packets: readonly [Uint8Array, Uint8Array];
  readonly #received = { frames: 0, lost: 0, last: -1 };
  readonly #sent = { frames: 0, sequence: 0, timestamp: 0, eventAt: 0 };
  #peer: RtpPeer | undefined;

  constructor(options: { socket: DatagramSocket; call: number; listener: LineListener; own: OwnTime; now: () => number }) {
    const { socket, call } = options;
    this.#socket = socket;
    this.#listener = options.listener;
    this.#now = options.now;
    this.#lateness = new Lateness(options.own);
    this.#packets = [packet(call), packet(call)];
    this.#sent.sequence = (call * 7919) & 0xffff;
    this.#sent.timestamp = (call * 104_729) >>> 0;
    socket.onMessage((bytes, _address, _port, arrivedAt) => this.#receive(bytes, arrivedAt ?? this.#now(), arrivedAt !== undefined));
  }

  get port(): number {
    return this.#socket.port;
  }

  /** From now on sound leaves. */
  open(peer: RtpPeer): void {
    this.#peer = peer;
  }

  press(digits: string): void {
    if (this.#peer?.eventType !== undefined) this.#digits.send(digits);
  }

  send(sound: Uint8Array | undefined, offset: number): void {
    const peer = this.#peer;
    if (!peer) return;
    const sent = this.#sent;
    const bytes = this.#packets[sent.frames++ & 1];
    const step = this.#digits.sending ? this.#digits.step() : 'idle';
    let length = HEADER + FRAME;
    let timestamp = sent.timestamp;
    bytes[1] = PCMU;
    if (step === 'event' && peer.eventType !== undefined) {
      if (this.#digits.first) sent.eventAt = timestamp;
      bytes[1] = peer.eventType | (this.#digits.first ? MARKER : 0);
      timestamp = sent.eventAt;
      this.#digits.write(bytes, HEADER);
      length = HEADER + EVENT_BYTES;
    } else if (sound) for (let i = 0; i < FRAME; i++) bytes[HEADER + i] = sound[offset + i];
    else bytes.fill(SILENCE, HEADER);
    bytes[2] = sent.sequence >>> 8;
    bytes[3] = sent.sequence;
    bytes[4] = timestamp >>> 24;
    bytes[5] = timestamp >>> 16;
    bytes[6] = timestamp >>> 8;
    bytes[7] = timestamp;
    sent.sequence = (sent.sequence + 1) & 0xffff;
    sent.timestamp = (sent.timestamp + FRAME) >>> 0;
    this.#socket.send(bytes, 0, length, peer.port, peer.address);
  }

  counts(): LineCounts {
    const { frames, lost } = this.#received;
    return { frames, lost, judged: this.#lateness.judged, late: this.#lateness.late };
  }

  close(): void {
    this.#peer = undefined;
    this.#socket.close();
  }

  #receive(bytes: Uint8Array, at: number, stamped: boolean): void {
    const header = headerOf(bytes);
    if (header === 0 || (bytes[1] & 0x7f) !== PCMU) return;
    const received = this.#received;
    const sequence = (bytes[2] << 8) | bytes[3];
    const step = received.last < 0 ? 1 : ((sequence - received.last) << 16) >> 16;
    if (step > 1) received.lost += step - 1;
    else if (step < 0 && received.lost > 0) received.lost--;
    if (step > 0) received.last = sequence;
    received.frames++;
    this.#lateness.arrived(step, at, stamped);
    for (let from = header, hop = 0; from + HOP <= bytes.length; from += HOP, hop++)
      this.#listener.heard(mulawPower(bytes, from, from + HOP), at + hop * HOP_MS);
  }
}

function packet(call: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + FRAME).fill(SILENCE, HEADER);
  bytes[0] = PLAIN;
  new DataView(bytes.buffer).setUint32(8, (0xbe00_0000 + call) >>> 0);
  return bytes;
}

/** Where the sound begins; 0 for what is no RTP. */
function headerOf(bytes: Uint8Array): number {
  if (bytes.length < HEADER) return 0;
  if (bytes[0] === PLAIN) return HEADER;
  if (bytes[0] >> 6 !== 2) return 0;
  let header = HEADER + 4 * (bytes[0] & 0x0f);
  if ((bytes[0] & 0x10) !== 0 && header + 4 <= bytes.length) header += 4 + 4 * ((bytes[header + 2] << 8) | bytes[header + 3]);
  return header <= bytes.length ? header : 0;
}

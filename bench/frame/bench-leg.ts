/**
 * A call's leg as the SIP room makes it (RTP session, jitter buffer, codec, line), on sockets that lead nowhere. A stage
 * can be run alone, or the pacer runs them all.
 */
import type { Frame, Sound } from '../../server/src/audio/frame.ts';
import { silence } from '../../server/src/audio/frame.ts';
import type { Paced, Pacer } from '../../server/src/audio/pacer.ts';
import { isMulawSilence } from '../../server/src/audio/g711.ts';
import type { Kit } from '../../server/src/kit/kit.ts';
import { RtpSession } from '../../server/src/rtp/session.ts';
import type { DatagramHandler, DatagramSocket } from '../../server/src/rtp/socket.ts';
import type { Caption, Leg, LegEndCause, LegListener, LegStats, Playout, SpeechSource } from '../../server/src/telephony/leg.ts';
import { Line } from '../../server/src/telephony/line.ts';
import { makeWireCodec, WIRE_BYTES, type WireCodec } from '../../server/src/telephony/sip/wire-codec.ts';
import { SILENCE, speech } from '../load/voice.ts';

const ADDRESS = '127.0.0.1';
const HEADER = 12;
/** A caller talks for 1.2 s and then listens for 2.6 s, each from another moment on. */
const TALK_FRAMES = 60;
const CYCLE_FRAMES = 190;
const voices = [95, 120, 150, 190, 230].map((pitch) => speech(TALK_FRAMES * 20, pitch));

class NoSocket implements DatagramSocket {
  readonly address = ADDRESS;
  readonly port = 20_000;
  handler: DatagramHandler | undefined;
  sent = 0;

  send(): void {
    this.sent++;
  }

  onMessage(handler: DatagramHandler): void {
    this.handler = handler;
  }

  close(): void {}
}

export class BenchLeg implements Leg, Paced {
  readonly id: string;
  readonly gateway = 'sip';
  readonly codec = 'PCMU';
  readonly format = 'mulaw-8000';
  readonly recognises = false;
  readonly line: Line;
  readonly rtp: RtpSession;
  readonly wire: WireCodec;
  readonly heard: Sound = silence('mulaw-8000');
  readonly #pacer: Pacer | undefined;
  readonly #socket = new NoSocket();
  readonly #port: number;
  readonly #packet = new Uint8Array(HEADER + WIRE_BYTES).fill(SILENCE);
  readonly #bytes = { in: new Uint8Array(WIRE_BYTES), out: new Uint8Array(WIRE_BYTES) };
  readonly #voice: Uint8Array;
  #phase: number;
  #sequence = 0;
  #timestamp = 0;
  #pulled: string = 'silence';
  sent: Sound | undefined;

  constructor(index: number, kit: Kit, pacer?: Pacer) {
    this.id = `leg_${index}`;
    this.#pacer = pacer;
    this.#port = 10_000 + 2 * index;
    this.#voice = voices[index % voices.length];
    this.#phase = (index * 61) % CYCLE_FRAMES;
    this.line = new Line({ format: this.format, clock: kit.clock, log: kit.log });
    this.wire = makeWireCodec('PCMU', this.format);
    this.rtp = new RtpSession({
      rtp: this.#socket,
      rtcp: undefined,
      clock: kit.clock,
      random: kit.random,
      payloadTypes: { audio: 0, event: undefined },
      remote: { address: ADDRESS, port: this.#port },
      latching: true,
      silence: SILENCE,
      quiet: isMulawSilence,
      cname: 'bench',
      listener: { digit: () => {} },
    });
    this.#packet[0] = 0x80;
    this.#packet[1] = 0; // PCMU
    this.#packet[8] = index >> 8;
    this.#packet[9] = index;
  }

  /** The caller's next 20 ms; true while it talks. Not a part of what is measured. */
  speak(): boolean {
    const packet = this.#packet;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + WIRE_BYTES) >>> 0;
    packet[2] = this.#sequence >> 8;
    packet[3] = this.#sequence;
    packet[4] = this.#timestamp >>> 24;
    packet[5] = this.#timestamp >>> 16;
    packet[6] = this.#timestamp >>> 8;
    packet[7] = this.#timestamp;
    const at = this.#phase++ % CYCLE_FRAMES;
    if (at < TALK_FRAMES) packet.set(this.#voice.subarray(at * WIRE_BYTES, (at + 1) * WIRE_BYTES), HEADER);
    else packet.fill(SILENCE, HEADER);
    return at < TALK_FRAMES;
  }

  // The stages

  receive(): void {
    this.#socket.handler?.(this.#packet, ADDRESS, this.#port);
  }

  unjitter(deadline: number): void {
    this.#pulled = this.rtp.pull(this.#bytes.in, deadline);
  }

  decode(): void {
    if (this.#pulled === 'played') this.wire.decode(this.#bytes.in, this.heard);
    else if (this.#pulled === 'concealed') this.wire.conceal(this.heard);
    else this.wire.rest(this.heard);
  }

  deliver(deadline: number): void {
    const made = this.#pulled !== 'played';
    this.line.deliver(this.heard, made, this.sent, made ? Number.NaN : this.rtp.arrivedAt, deadline);
  }

  pull(): void {
    this.sent = this.line.pull(0) ? this.line.out : undefined;
  }

  send(deadline: number): void {
    this.wire.encode(this.sent, this.#bytes.out);
    this.rtp.tick(this.#bytes.out, deadline);
  }

  // The same, by the pacer

  tick(deadline: number): void {
    this.pull();
    this.send(deadline);
  }

  listen(deadline: number): void {
    this.unjitter(deadline);
    this.decode();
    this.deliver(deadline);
  }

  // The rest of a leg

  attach(listener: LegListener): void {
    this.line.attach(listener);
    this.#pacer?.add(this);
  }

  play(source: SpeechSource): Playout {
    return this.line.play(source);
  }

  sendDigits(): Promise<void> {
    return Promise.resolve();
  }

  caption(_caption: Caption): void {}

  async hangUp(): Promise<void> {
    this.#pacer?.remove(this);
    this.line.end('local');
  }

  stats(): LegStats {
    const { packetsReceived, packetsLost, jitterMs, buffer } = this.rtp.stats();
    const { framesSent, framesLate } = this.line;
    return { packetsReceived, packetsLost, packetsConcealed: buffer.concealed, jitterMs, framesSent, framesLate };
  }
}

/** A listener that does nothing but what it is told. */
export function listening(frame: (heard: Frame, sent: Sound | undefined) => void): LegListener {
  const nothing = () => {};
  return { frame, digit: nothing, typed: nothing, recognised: nothing, ended: (_cause: LegEndCause) => {} };
}

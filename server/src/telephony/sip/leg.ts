/**
 * A phone call over SIP and RTP. The session carries its signalling, an RtpSession its sound; the leg joins them. It
 * sends every 20 ms, or queues what is to be sent where the socket does that, and listens 10 ms after that. On hold
 * (RFC 3264 §8.4) nothing is sent, nothing is expected, and a reply waits where it is.
 */
import { isIP } from 'node:net';
import { FRAME_MS, type Sound, type SoundFormat, silence } from '#audio/frame.ts';
import { isMulawSilence } from '#audio/g711.ts';
import type { Paced, Pacer } from '#audio/pacer.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { RtpPorts } from '#rtp/port-pair.ts';
import { RtpSession } from '#rtp/session.ts';
import type { RemoteAddress } from '#rtp/source-latch.ts';
import type { AgreedMedia } from '#sip/offer-answer.ts';
import type { SessionEnding, SessionOwner, SipSession } from '#sip/session.ts';
import { digitsFault } from '../digits.ts';
import type { Caption, Leg, LegEndCause, LegListener, LegStats, Playout, SpeechSource } from '../leg.ts';
import { Line } from '../line.ts';
import type { Negotiation } from './negotiation.ts';
import { QueuedSound } from './queued-sound.ts';
import { makeWireCodec, silenceByteOf, WIRE_BYTES, type WireCodec } from './wire-codec.ts';

const MEDIA_LOST_MS = 15_000;
const CHECK_TICKS = 50;
/** The far end's jitter buffer still holds our last words when we stop: its BYE comes so much later. */
const LAST_WORDS_MS = 120;
const HANG_UP_MS = 2_000;
/** The same key within this time, once in RTP and once in INFO, was pressed once. */
const SAME_PRESS_MS = 1_000;

/**
 * Room for one frame on its way in or out, which never outlives the call of `tick` or `listen`. All legs of the thread share it,
 * so that it is in the processor's cache whichever leg's turn it is.
 */
const ROOM = {
  in: new Uint8Array(WIRE_BYTES),
  out: new Uint8Array(WIRE_BYTES),
  heard: { 'mulaw-8000': silence('mulaw-8000'), 'linear-16000': silence('linear-16000') },
};

export interface SipLegOptions {
  id: string;
  kit: Kit;
  pacer: Pacer;
  ports: RtpPorts;
  negotiation: Negotiation;
  format: SoundFormat;
  /** For RTCP's CNAME. */
  cname: string;
  /** Called once, when the leg has ended. */
  ended: () => void;
}

export class SipLeg implements Leg, Paced, SessionOwner {
  readonly id: string;
  readonly gateway = 'sip';
  readonly format: SoundFormat;
  readonly recognises = false;
  readonly #options: SipLegOptions;
  readonly #line: Line;
  /** Where the socket sends by itself. */
  readonly #queued: QueuedSound | undefined;
  readonly #heard: Sound;
  readonly #wire: { codec: WireCodec; rtp: RtpSession | undefined; session: SipSession | undefined };
  readonly #press = { digit: '', from: '', at: -Infinity };
  #ticks = 0;
  /** What the newest tick sent; undefined for silence. */
  #sent: Sound | undefined;
  #lastSpokeAt = -Infinity;
  /** We end the call; what the session says about it is no news. */
  #leaving = false;
  #digits: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(options: SipLegOptions) {
    this.#options = options;
    this.id = options.id;
    this.format = options.format;
    this.#heard = ROOM.heard[options.format];
    const { format, kit } = options;
    const leads = options.ports.rtp.openQueue !== undefined;
    const cuts = leads ? { leads, takeStock: () => this.#takeStock(), onCut: () => this.#cut() } : {};
    this.#line = new Line({ format, clock: kit.clock, log: kit.log, ...cuts });
    this.#queued = leads ? new QueuedSound(this.#line, format, kit.clock) : undefined;
    const { agreed } = options.negotiation;
    const expected = options.format === 'mulaw-8000' ? 'PCMU' : 'G722';
    this.#wire = { codec: makeWireCodec(agreed?.codec ?? expected, options.format), rtp: undefined, session: undefined };
    if (agreed) this.#agree(agreed);
  }

  get codec(): string {
    return this.#wire.codec.codec;
  }

  /** The signalling of this call, once there is one. */
  join(session: SipSession): void {
    this.#wire.session = session;
  }

  attach(listener: LegListener): void {
    this.#line.attach(listener);
    if (!this.#line.ended) this.#options.pacer.add(this);
  }

  play(source: SpeechSource): Playout {
    return this.#line.play(source);
  }

  sendDigits(digits: string): Promise<void> {
    const fault = this.#line.ended ? new TandemError('call-ended') : digitsFault(digits);
    if (fault) return Promise.reject(fault);
    if (this.#digits) return Promise.reject(new TandemError('conflict', 'digits are being sent already'));
    if (!this.#wire.rtp?.sendDigits(digits)) {
      return Promise.reject(new TandemError('unavailable', 'the far end does not take digits (telephone-event)'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#digits = { resolve, reject };
    return promise;
  }

  caption(_caption: Caption): void {}

  async hangUp(ending?: { by: string; reason: string }): Promise<void> {
    const { clock } = this.#options.kit;
    if (this.#line.ended) return;
    this.#leaving = true;
    const speaking = clock.now() - this.#lastSpokeAt < LAST_WORDS_MS;
    this.#end('local');
    if (speaking) await clock.sleep(LAST_WORDS_MS);
    this.#close();
    await this.#sayGoodbye(reasonHeader(ending));
  }

  stats(): LegStats {
    const stats = this.#wire.rtp?.stats();
    return {
      packetsReceived: stats?.packetsReceived ?? 0,
      packetsLost: stats?.packetsLost ?? 0,
      packetsConcealed: stats?.buffer.concealed ?? 0,
      jitterMs: stats?.jitterMs ?? 0,
      framesSent: this.#line.framesSent,
      framesLate: this.#line.framesLate + (this.#queued?.speechLate ?? 0),
    };
  }

  /** Packets that came from somewhere else than this call's far end. */
  get foreignPackets(): number {
    return this.#wire.rtp?.stats().foreignPackets ?? 0;
  }

  // What the session asks (SessionOwner)

  offer(sdp: string): { answer: string } | { reject: number } {
    const answer = this.#options.negotiation.answer(sdp);
    if (typeof answer === 'string') return { reject: answer === 'malformed' ? 400 : 488 };
    this.#agree(answer.agreed);
    return { answer: answer.sdp };
  }

  makeOffer(): string {
    return this.#options.negotiation.offer();
  }

  answer(sdp: string): boolean {
    const agreed = this.#options.negotiation.read(sdp);
    if (typeof agreed === 'string') return false;
    this.#agree(agreed);
    return true;
  }

  digit(digit: string): void {
    this.#pressed(digit, 'info');
  }

  ended(ending: SessionEnding): void {
    this.#end(causeOf(ending.cause));
    // A hang-up of ours has its last words to send: it lets go of the ports itself.
    if (ending.cause !== 'local' || !this.#leaving) this.#close();
  }

  tick(deadline: number, late: number): void {
    const line = this.#line;
    if (line.ended) return;
    const { rtp, codec } = this.#wire;
    if (rtp && this.#queued && this.#queue(this.#queued, rtp, codec, deadline)) return;
    this.#sent = this.#mayTalk() && !rtp?.sendingDigits && line.pull(late) ? line.out : undefined;
    // It leaves now: nothing leads here.
    if (this.#queued && this.#sent) line.markPlayed();
    if (rtp) this.#send(rtp, codec, this.#sent, deadline);
  }

  listen(deadline: number): void {
    const line = this.#line;
    if (line.ended) return;
    const { rtp, codec } = this.#wire;
    if (rtp?.queues && this.#queued) this.#noteLeft(this.#queued, rtp);
    const concealed = this.#receive(rtp, codec, deadline);
    line.deliver(this.#heard, concealed, this.#sent, concealed || !rtp ? Number.NaN : rtp.arrivedAt, deadline);
    if (++this.#ticks % CHECK_TICKS === 0) this.#checkMedia(rtp);
  }

  /** Our own fault: a call without sound is over. */
  failed(): void {
    this.#leaving = true;
    this.#end('error');
    this.#close();
    void this.#sayGoodbye(undefined);
  }

  /** True when this tick is dealt with: the frames that are due soon lie ready, or what lies ready leaves before digits. */
  #queue(queued: QueuedSound, rtp: RtpSession, codec: WireCodec, deadline: number): boolean {
    if (!rtp.queues) return false;
    if (!this.#mayTalk() || rtp.sendingDigits) return rtp.queued?.waiting !== 0 || queued.covers(deadline);
    queued.fill(rtp, codec, ROOM.out, deadline);
    rtp.report(deadline);
    return true;
  }

  #noteLeft(queued: QueuedSound, rtp: RtpSession): void {
    queued.settle(rtp);
    this.#sent = queued.left();
    if (this.#sent) this.#lastSpokeAt = this.#options.kit.clock.now();
  }

  #takeStock(): void {
    const { rtp } = this.#wire;
    if (rtp?.queues) this.#queued?.settle(rtp);
  }

  #cut(): void {
    const { rtp, codec } = this.#wire;
    if (rtp?.queues) this.#queued?.cut(rtp, codec, ROOM.out);
  }

  /** Silence is sent, too: it keeps the way open through NATs, and peers from taking the call for dead. */
  #send(rtp: RtpSession, codec: WireCodec, sent: Sound | undefined, deadline: number): void {
    const bytes = this.#mayTalk() && !rtp.sendingDigits ? ROOM.out : undefined;
    if (bytes) codec.encode(sent, bytes);
    if (sent) this.#lastSpokeAt = this.#options.kit.clock.now();
    rtp.tick(bytes, deadline);
  }

  /** Fills the frame heard; true when it was made up. */
  #receive(rtp: RtpSession | undefined, codec: WireCodec, deadline: number): boolean {
    const pulled = rtp ? rtp.pull(ROOM.in, deadline) : 'silence';
    if (pulled === 'played') codec.decode(ROOM.in, this.#heard);
    else if (pulled === 'concealed') codec.conceal(this.#heard);
    else codec.rest(this.#heard);
    return pulled !== 'played';
  }

  #mayTalk(): boolean {
    const agreed = this.#options.negotiation.agreed;
    return agreed !== undefined && !agreed.held && (agreed.direction === 'sendrecv' || agreed.direction === 'sendonly');
  }

  /** On hold nothing is expected, but a call that never agreed on anything is lost, too. */
  #checkMedia(rtp: RtpSession | undefined): void {
    const agreed = this.#options.negotiation.agreed;
    if (agreed && (agreed.held || agreed.direction === 'sendonly' || agreed.direction === 'inactive')) return;
    const quietMs = rtp ? rtp.silentForMs(this.#options.kit.clock.now()) : this.#ticks * FRAME_MS;
    if (quietMs <= MEDIA_LOST_MS) return;
    this.#leaving = true;
    this.#end('media-lost');
    this.#close();
    void this.#sayGoodbye('Q.850;cause=16;text="no media"');
  }

  /** Resolves when the BYE was answered, or after 2 s. */
  async #sayGoodbye(reason: string | undefined): Promise<void> {
    const { session } = this.#wire;
    if (!session) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.kit.clock.after(HANG_UP_MS - LAST_WORDS_MS, resolve);
    void session.hangUp(reason).then(resolve);
    await promise;
    timer.cancel();
  }

  #close(): void {
    this.#wire.rtp?.close();
    this.#options.ports.release();
  }

  /** New media: another address, another codec, hold or resume. */
  #agree(agreed: AgreedMedia): void {
    if (this.#line.ended) return;
    if (agreed.codec !== this.#wire.codec.codec) this.#wire.codec = makeWireCodec(agreed.codec, this.format);
    // One payload type serves both ways: an answerer keeps the offer's numbers (RFC 3264 §6.1).
    const types = { audio: agreed.payloadType, event: agreed.telephoneEventPayloadType };
    const remote = remoteOf(agreed);
    if (this.#wire.rtp) {
      this.#wire.rtp.renegotiate(remote ?? this.#wire.rtp.remote, types);
      return;
    }
    const { kit, ports, cname } = this.#options;
    this.#wire.rtp = new RtpSession({
      rtp: ports.rtp,
      rtcp: agreed.rtcpMux ? undefined : ports.rtcp,
      clock: kit.clock,
      random: kit.random,
      payloadTypes: types,
      remote,
      remoteRtcpPort: agreed.remoteRtcpPort,
      latching: true,
      silence: silenceByteOf(agreed.codec),
      quiet: agreed.codec === 'PCMU' ? isMulawSilence : undefined,
      cname,
      listener: {
        digit: (digit) => this.#pressed(digit, 'rtp'),
        digitsSent: () => {
          this.#digits?.resolve();
          this.#digits = undefined;
        },
      },
    });
  }

  #pressed(digit: string, from: 'rtp' | 'info'): void {
    const at = this.#options.kit.clock.now();
    const press = this.#press;
    if (press.digit === digit && press.from !== from && at - press.at < SAME_PRESS_MS) {
      press.at = -Infinity;
      return;
    }
    Object.assign(press, { digit, from, at });
    this.#line.digit(digit);
  }

  #end(cause: LegEndCause): void {
    if (!this.#line.end(cause)) return;
    this.#options.pacer.remove(this);
    this.#digits?.reject(new TandemError('call-ended'));
    this.#digits = undefined;
    this.#options.ended();
  }
}

/** A name instead of an address, and the unspecified address of an old hold, name no place to send to. */
function remoteOf({ remoteAddress, remotePort }: AgreedMedia): RemoteAddress | undefined {
  if (isIP(remoteAddress) === 0 || remoteAddress === '0.0.0.0' || remoteAddress === '::') return undefined;
  return { address: remoteAddress, port: remotePort };
}

function causeOf(cause: SessionEnding['cause']): LegEndCause {
  if (cause === 'peer') return 'hung-up';
  if (cause === 'local') return 'local';
  return cause === 'media' ? 'error' : 'signalling-lost';
}

/** RFC 3326: a normal clearing, and our own word for it. */
function reasonHeader(ending: { by: string; reason: string } | undefined): string | undefined {
  if (!ending) return undefined;
  const text = `${ending.by} ${ending.reason}`.replace(/[^\x20-\x7e]|["\\]/g, '');
  return `Q.850;cause=16;text="${text}"`;
}

/** A leg whose other end is another leg in memory. Both are paced like any other line. */
import { type Sound, type SoundFormat, silence } from '#audio/frame.ts';
import type { Paced, Pacer } from '#audio/pacer.ts';
import type { Kit } from '#kit/kit.ts';
import { TandemError } from '#kit/errors.ts';
import { digitsFault } from '../digits.ts';
import type { Caption, Leg, LegEndCause, LegListener, LegStats, Playout, SpeechSource } from '../leg.ts';
import { Line } from '../line.ts';

/** A key press takes 100 ms, the pause after it included. */
const TICKS_PER_DIGIT = 5;

/** This leg's end of the wire. */
interface WireEnd {
  send(sound: Sound | undefined): void;
  /** False when nothing arrived in time. */
  receive(out: Sound): boolean;
}

export interface LoopbackLegOptions {
  id: string;
  kit: Kit;
  pacer: Pacer;
  format: SoundFormat;
  recognises: boolean;
  wire: WireEnd;
}

export class LoopbackLeg implements Leg, Paced {
  readonly id: string;
  readonly gateway = 'loopback';
  readonly codec: string;
  readonly format: SoundFormat;
  readonly recognises: boolean;
  readonly #options: LoopbackLegOptions;
  readonly #line: Line;
  readonly #heard: Sound;
  readonly #received = { packets: 0, lost: 0 };
  readonly #captions: ((caption: Caption) => void)[] = [];
  readonly #ends: (() => void)[] = [];
  /** Itself until it is connected: a leg alone hears what it says. */
  #peer: LoopbackLeg = this;
  #sending: DigitsOnTheirWay | undefined;

  constructor(options: LoopbackLegOptions) {
    this.#options = options;
    this.id = options.id;
    this.format = options.format;
    this.codec = options.format === 'mulaw-8000' ? 'PCMU' : 'L16';
    this.recognises = options.recognises;
    this.#line = new Line({ format: options.format, clock: options.kit.clock, log: options.kit.log });
    this.#heard = silence(options.format);
  }

  /** Ties two legs together. */
  static connect(near: LoopbackLeg, far: LoopbackLeg): void {
    near.#peer = far;
    far.#peer = near;
  }

  attach(listener: LegListener): void {
    this.#line.attach(listener);
    if (!this.#line.ended) this.#options.pacer.add(this);
  }

  play(source: SpeechSource): Playout {
    return this.#line.play(source);
  }

  /** Types words to the other end, as a browser's caller can. */
  type(text: string): void {
    if (!this.#line.ended) this.#far.typed(text);
  }

  /** Sends words that this end's device recognised in its own speech. */
  recognise(text: string, final: boolean, confidence?: number): void {
    if (!this.#line.ended) this.#far.recognised(text, final, confidence);
  }

  sendDigits(digits: string): Promise<void> {
    const fault = this.#line.ended ? new TandemError('call-ended') : digitsFault(digits);
    if (fault) return Promise.reject(fault);
    if (this.#sending) return Promise.reject(new TandemError('conflict', 'digits are being sent already'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#sending = { digits, next: 0, waitTicks: 0, resolve, reject };
    return promise;
  }

  /** Words shown at the other end arrive at its `onCaption`. */
  caption(caption: Caption): void {
    if (this.#line.ended) return;
    const peer = this.#peer;
    for (const show of peer.#captions) show(caption);
  }

  onCaption(show: (caption: Caption) => void): void {
    this.#captions.push(show);
  }

  /** For the gateway: called once, when the leg has ended. */
  onEnd(run: () => void): void {
    this.#ends.push(run);
  }

  hangUp(): Promise<void> {
    const peer = this.#peer;
    this.#end('local');
    peer.#end('hung-up');
    return Promise.resolve();
  }

  /** The wire breaks: both ends learn that no sound arrives. */
  breakWire(): void {
    const peer = this.#peer;
    this.#end('media-lost');
    peer.#end('media-lost');
  }

  stats(): LegStats {
    return {
      packetsReceived: this.#received.packets,
      packetsLost: this.#received.lost,
      packetsConcealed: this.#received.lost,
      jitterMs: 0,
      framesSent: this.#line.framesSent,
      framesLate: this.#line.framesLate,
    };
  }

  tick(deadline: number, late: number): void {
    const line = this.#line;
    if (line.ended) return;
    const sent = line.pull(late) ? line.out : undefined;
    // What nobody listens to yet is not kept: it would arrive late for the rest of the call.
    if (this.#far.attached) this.#options.wire.send(sent);
    const arrived = this.#options.wire.receive(this.#heard);
    if (arrived) this.#received.packets++;
    else this.#received.lost++;
    this.#sendDigit();
    line.deliver(this.#heard, !arrived, sent, arrived ? this.#options.kit.clock.now() : Number.NaN, deadline);
  }

  /** Our own fault: a call without sound is over. */
  failed(): void {
    const peer = this.#peer;
    this.#end('error');
    peer.#end('hung-up');
  }

  get #far(): Line {
    const peer = this.#peer;
    return peer.#line;
  }

  #sendDigit(): void {
    const sending = this.#sending;
    if (!sending || sending.waitTicks-- > 0) return;
    if (sending.next === sending.digits.length) {
      this.#sending = undefined;
      sending.resolve();
      return;
    }
    sending.waitTicks = TICKS_PER_DIGIT - 1;
    this.#far.digit(sending.digits[sending.next++]);
  }

  #end(cause: LegEndCause): void {
    if (!this.#line.end(cause)) return;
    this.#options.pacer.remove(this);
    this.#sending?.reject(new TandemError('call-ended'));
    this.#sending = undefined;
    for (const run of this.#ends) run();
  }
}

interface DigitsOnTheirWay {
  digits: string;
  next: number;
  waitTicks: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

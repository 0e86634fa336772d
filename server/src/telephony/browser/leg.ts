/** A caller in a browser page: 16 kHz linear sound as binary messages of 20 ms both ways, everything else as JSON. */
import type { TalkFromBrowser, TalkToBrowser } from '@tandem/contract';
import type { WebSocket } from 'ws';
import { type Sound, silence } from '#audio/frame.ts';
import type { Paced, Pacer } from '#audio/pacer.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { digitsFault } from '../digits.ts';
import type { Caption, Leg, LegEndCause, LegListener, LegStats, Playout, SpeechSource } from '../leg.ts';
import { Line } from '../line.ts';
import { MediaQueue } from '../media-queue.ts';
import { isOpen } from '../web-socket.ts';

const SAMPLES = 320;
const TICKS_PER_SECOND = 50;
/** What may wait for a browser that does not read: 1.6 s of sound. Beyond it sound is dropped. */
const MOST_UNSENT_BYTES = 50 * 1024;
/** A browser that does not read for so long is gone. */
const STUCK_TICKS = 5 * TICKS_PER_SECOND;
const PING_TICKS = 10 * TICKS_PER_SECOND;
/** Without a sign of life, answers to pings included. */
const LOST_TICKS = 25 * TICKS_PER_SECOND;
/** JSON messages in one second; a person cannot type, press or speak faster. */
const MOST_TEXTS_PER_SECOND = 100;

const GONE = 4408;
/** RFC 6455 §7.4.1: something failed on our side. */
const FAULT = 1011;

export interface BrowserLegOptions {
  id: string;
  kit: Kit;
  pacer: Pacer;
  webSocket: WebSocket;
  /** The browser's own speech recognition sends transcripts. */
  recognises: boolean;
}

export class BrowserLeg implements Leg, Paced {
  readonly id: string;
  readonly gateway = 'browser';
  readonly codec = 'L16';
  readonly format = 'linear-16000';
  readonly recognises: boolean;
  readonly #options: BrowserLegOptions;
  readonly #line: Line;
  readonly #queue = new MediaQueue('linear-16000');
  readonly #heard = silence('linear-16000');
  readonly #arrived = new Int16Array(8 * SAMPLES);
  readonly #ticks = { all: 0, stuck: 0, quiet: 0 };
  readonly #counts = { texts: 0, framesDropped: 0, playedMs: 0, sentMs: 0 };

  constructor(options: BrowserLegOptions) {
    this.#options = options;
    this.id = options.id;
    this.recognises = options.recognises;
    this.#line = new Line({
      format: this.format,
      clock: options.kit.clock,
      log: options.kit.log,
      onCut: () => this.#tell({ type: 'clear' }),
    });
  }

  attach(listener: LegListener): void {
    this.#line.attach(listener);
    if (!this.#line.ended) this.#options.pacer.add(this);
  }

  play(source: SpeechSource): Playout {
    return this.#line.play(source);
  }

  /** Rejects: there is nobody in a browser to hear a tone. */
  sendDigits(digits: string): Promise<void> {
    return Promise.reject(digitsFault(digits) ?? new TandemError('unavailable', 'a browser cannot be sent digits'));
  }

  caption(caption: Caption): void {
    this.#tell({ type: 'caption', ...caption });
  }

  hangUp(ending?: { by: string; reason: string }): Promise<void> {
    if (this.#line.ended) return Promise.resolve();
    this.#line.end('local');
    this.#tell({ type: 'ended', by: ending?.by ?? 'system', reason: ending?.reason ?? 'hung-up' });
    this.#close(1000);
    return Promise.resolve();
  }

  stats(): LegStats {
    return {
      packetsReceived: this.#queue.packets,
      packetsLost: 0,
      packetsConcealed: this.#queue.concealed,
      jitterMs: 0,
      framesSent: this.#line.framesSent,
      framesLate: this.#line.framesLate,
    };
  }

  get ended(): boolean {
    return this.#line.ended !== undefined;
  }

  get framesDropped(): number {
    return this.#counts.framesDropped;
  }

  /** Sound sent and, by the browser's own count, not played yet. */
  get unplayedMs(): number {
    return Math.max(0, this.#counts.sentMs - this.#counts.playedMs);
  }

  /** 16-bit little-endian samples; at most 160 ms are taken from one message. */
  hear(bytes: Buffer): void {
    this.#ticks.quiet = 0;
    const samples = Math.min(this.#arrived.length, bytes.length >> 1);
    for (let i = 0; i < samples; i++) this.#arrived[i] = bytes.readInt16LE(2 * i);
    this.#queue.push(this.#arrived, samples, undefined, this.#options.kit.clock.now());
  }

  /** Any sign that the browser is there. */
  seen(): void {
    this.#ticks.quiet = 0;
  }

  receive(message: TalkFromBrowser): void {
    this.#ticks.quiet = 0;
    if (++this.#counts.texts > MOST_TEXTS_PER_SECOND) return;
    switch (message.type) {
      case 'digit':
        this.#line.digit(message.digit);
        return;
      case 'typed':
        this.#line.typed(message.text);
        return;
      case 'transcript':
        if (this.recognises) this.#line.recognised(message.text, message.final, message.confidence);
        return;
      case 'played':
        if (Number.isFinite(message.ms)) this.#counts.playedMs = Math.max(this.#counts.playedMs, message.ms);
        return;
      case 'hang-up':
        this.end('hung-up');
    }
  }

  /** The call ends for a cause that came from the browser's side. */
  end(cause: LegEndCause, closeCode = 1000): void {
    if (this.#line.end(cause)) this.#close(closeCode);
  }

  tick(deadline: number, late: number): void {
    if (this.#line.ended) return;
    const sent = this.#line.pull(late) ? this.#line.out : undefined;
    if (sent) this.#send(sent);
    const arrived = this.#queue.pull(this.#heard);
    this.#line.deliver(this.#heard, !arrived, sent, arrived ? this.#queue.arrivedAt : Number.NaN, deadline);
    this.#watch();
  }

  /** Our own fault: a call without sound is over. */
  failed(): void {
    this.end('error', FAULT);
  }

  #send(sound: Sound): void {
    const { webSocket } = this.#options;
    this.#counts.sentMs += 20;
    if (!isOpen(webSocket)) return;
    if (webSocket.bufferedAmount > MOST_UNSENT_BYTES) {
      this.#counts.framesDropped++;
      return;
    }
    // A message of its own: the socket keeps it until the network takes it.
    const message = Buffer.allocUnsafe(2 * SAMPLES);
    for (let i = 0; i < SAMPLES; i++) message.writeInt16LE(sound[i], 2 * i);
    webSocket.send(message);
  }

  /** Once per tick: is the browser reading, and is it there? */
  #watch(): void {
    const ticks = this.#ticks;
    ticks.all++;
    if (ticks.all % TICKS_PER_SECOND === 0) this.#counts.texts = 0;
    if (ticks.all % PING_TICKS === 0 && isOpen(this.#options.webSocket)) this.#options.webSocket.ping();
    ticks.stuck = this.#options.webSocket.bufferedAmount > MOST_UNSENT_BYTES ? ticks.stuck + 1 : 0;
    if (ticks.stuck >= STUCK_TICKS) this.#lose('media-lost');
    else if (++ticks.quiet >= LOST_TICKS) this.#lose('signalling-lost');
  }

  #lose(cause: LegEndCause): void {
    if (!this.#line.end(cause)) return;
    this.#close(GONE);
    // A close waits behind everything the browser has not read.
    this.#options.webSocket.terminate();
  }

  #close(code: number): void {
    this.#options.pacer.remove(this);
    if (isOpen(this.#options.webSocket)) this.#options.webSocket.close(code);
  }

  #tell(message: TalkToBrowser): void {
    const { webSocket } = this.#options;
    const last = message.type === 'ended';
    if (!isOpen(webSocket) || (this.#line.ended && !last)) return;
    if (last || webSocket.bufferedAmount <= MOST_UNSENT_BYTES) webSocket.send(JSON.stringify(message));
  }
}

/**
 * A phone call whose sound comes and goes over Twilio's media stream. Twilio plays what it is sent at once and in
 * order, so we are the clock: at most 120 ms are sent ahead, in messages of 100 ms, and `clear` takes back the rest.
 */
import type { Sound } from '#audio/frame.ts';
import type { Paced, Pacer } from '#audio/pacer.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { WebSocket } from 'ws';
import { digitsFault } from '../digits.ts';
import type { Caption, Leg, LegEndCause, LegListener, LegStats, Playout, SpeechSource } from '../leg.ts';
import { Line } from '../line.ts';
import { MediaQueue } from '../media-queue.ts';
import { isOpen } from '../web-socket.ts';
import { type StreamMessage, StreamWriter } from './messages.ts';

const FRAME = 160;
/** Sent ahead of what is audible now, that frame included. */
const LEAD_FRAMES = 6;
/**
 * The lead is filled up again when this much is left, so that a message carries five frames: a message costs as much as all
 * else that is done for 20 ms of a call.
 */
const REFILL_AT = 1;
/** Half a second: no carrier sends longer messages. */
const MOST_PAYLOAD_BYTES = 4_000;
/** Twilio sends all the time, silence included. */
const MEDIA_LOST_TICKS = 15_000 / 20;
/** How long the carrier may take to confirm that the last words were played before we close. */
const LAST_WORDS_MS = 1_000;
const HANG_UP_MS = 2_000;
/**
 * What may wait in our socket: half a second, which a loop that catches up writes at once. A carrier that reads leaves none; one
 * that does not gets no more, and what it was not sent does not count as played.
 */
const MOST_UNSENT_BYTES = 6 * 1024;
const MOST_MARKS = 64;

export interface TwilioLegOptions {
  id: string;
  kit: Kit;
  pacer: Pacer;
  webSocket: WebSocket;
  streamSid: string;
  /** Ends the call at Twilio; never rejects. */
  complete: () => Promise<void>;
}

export class TwilioLeg implements Leg, Paced {
  readonly id: string;
  readonly gateway = 'twilio';
  readonly codec = 'PCMU';
  readonly format = 'mulaw-8000';
  readonly recognises = false;
  readonly #options: TwilioLegOptions;
  readonly #line: Line;
  readonly #writer: StreamWriter;
  readonly #queue = new MediaQueue('mulaw-8000');
  readonly #heard = new Uint8Array(FRAME);
  readonly #payload = Buffer.alloc(MOST_PAYLOAD_BYTES);
  /** Frames sent and not audible yet: a ring of `LEAD_FRAMES`, and room to join them for one message. */
  readonly #lead = { frames: Array.from({ length: LEAD_FRAMES }, () => new Uint8Array(FRAME)), first: 0, count: 0 };
  readonly #packet = Buffer.alloc(LEAD_FRAMES * FRAME);
  /** Marks that Twilio has not sent back, and what waits for the last of them. */
  readonly #marks = { waiting: new Set<string>(), made: 0, played: () => {} };
  #quietTicks = 0;
  #framesHeld = 0;
  #playout: Playout | undefined;
  #hangingUp: Promise<void> | undefined;

  constructor(options: TwilioLegOptions) {
    this.#options = options;
    this.id = options.id;
    this.#writer = new StreamWriter(options.streamSid);
    this.#line = new Line({
      format: this.format,
      clock: options.kit.clock,
      log: options.kit.log,
      leads: true,
      onCut: () => this.#clear(),
    });
  }

  attach(listener: LegListener): void {
    this.#line.attach(listener);
    if (!this.#line.ended) this.#options.pacer.add(this);
  }

  play(source: SpeechSource): Playout {
    const playout = this.#line.play(source);
    this.#playout = playout;
    void playout.finished.then(({ how }) => {
      if (how !== 'stopped') this.#mark();
    });
    return playout;
  }

  /** Rejects: a media stream cannot carry digits (TwiML's `<Play digits>` would end it). */
  sendDigits(digits: string): Promise<void> {
    return Promise.reject(digitsFault(digits) ?? new TandemError('unavailable', 'a Twilio media stream cannot send digits'));
  }

  caption(_caption: Caption): void {}

  hangUp(): Promise<void> {
    this.#hangingUp ??= this.#hangUp();
    return this.#hangingUp;
  }

  stats(): LegStats {
    return {
      packetsReceived: this.#queue.packets,
      packetsLost: this.#queue.lost,
      packetsConcealed: this.#queue.concealed,
      jitterMs: 0,
      framesSent: this.#line.framesSent,
      framesLate: this.#line.framesLate,
    };
  }

  /** How often 20 ms of sound were due and waited because the carrier did not read. */
  get framesHeld(): number {
    return this.#framesHeld;
  }

  /** A message of this leg's stream, after `start`. */
  receive(message: StreamMessage): void {
    if (message.event === 'mark') this.#playedMark(message.mark.name);
    if (this.#line.ended) return;
    switch (message.event) {
      case 'media':
        if (message.media.track === 'outbound' || !Number.isFinite(message.media.timestamp)) return;
        this.#quietTicks = 0;
        this.#queue.push(
          this.#payload,
          this.#payload.write(message.media.payload, 0, 'base64'),
          message.media.timestamp,
          this.#options.kit.clock.now(),
        );
        return;
      case 'dtmf':
        this.#line.digit(message.dtmf.digit);
        return;
      case 'stop':
        this.end('hung-up');
    }
  }

  /** The call is over for a cause that the gateway learned: a status callback, or a stream that closed. */
  end(cause: LegEndCause): void {
    if (!this.#line.end(cause)) return;
    this.#options.pacer.remove(this);
    this.#marks.played();
    this.#options.webSocket.close(1000);
  }

  get ended(): boolean {
    return this.#line.ended !== undefined;
  }

  tick(deadline: number, late: number): void {
    if (this.#line.ended) return;
    const sent = this.#reads ? this.#nextSent(late) : this.#hold();
    const arrived = this.#queue.pull(this.#heard);
    if (sent) this.#line.markPlayed();
    this.#line.deliver(this.#heard, !arrived, sent, arrived ? this.#queue.arrivedAt : Number.NaN, deadline);
    if (++this.#quietTicks === MEDIA_LOST_TICKS) this.#lose();
  }

  /** Our own fault: a call without sound is over. */
  failed(): void {
    this.end('error');
    void this.#options.complete();
  }

  /** Nothing, or hardly anything, waits in our socket. */
  get #reads(): boolean {
    const { webSocket } = this.#options;
    return webSocket.bufferedAmount <= MOST_UNSENT_BYTES && isOpen(webSocket);
  }

  /** What is audible in these 20 ms of what was sent ahead. */
  #nextSent(late: number): Sound | undefined {
    const lead = this.#lead;
    if (lead.count <= REFILL_AT) this.#refill(late);
    if (lead.count === 0) return undefined;
    const sent = lead.frames[lead.first];
    lead.first = (lead.first + 1) % LEAD_FRAMES;
    lead.count--;
    return sent;
  }

  /** The newest message still lies in our socket, so that nothing of it is audible; the reply goes on behind it when the carrier reads. */
  #hold(): undefined {
    const { state, bufferedMs } = this.#playout ?? { state: 'ended', bufferedMs: 0 };
    if (state !== 'ended' && state !== 'paused' && bufferedMs > 0) this.#framesHeld++;
  }

  #refill(late: number): void {
    const lead = this.#lead;
    let bytes = 0;
    while (lead.count < LEAD_FRAMES) {
      const frame = lead.frames[(lead.first + lead.count) % LEAD_FRAMES];
      if (!this.#line.pull(late, frame)) break;
      this.#packet.set(frame, bytes);
      bytes += FRAME;
      lead.count++;
    }
    if (bytes > 0) this.#send(this.#writer.media(this.#packet, bytes));
  }

  #clear(): void {
    this.#lead.count = 0;
    if (this.#line.ended === undefined) this.#send(this.#writer.clear());
  }

  #mark(): void {
    if (this.#line.ended || this.#marks.waiting.size >= MOST_MARKS) return;
    const name = `played-${++this.#marks.made}`;
    this.#marks.waiting.add(name);
    this.#send(this.#writer.mark(name));
  }

  #playedMark(name: string): void {
    this.#marks.waiting.delete(name);
    if (this.#marks.waiting.size === 0) this.#marks.played();
  }

  #send(text: string): void {
    if (isOpen(this.#options.webSocket)) this.#options.webSocket.send(text);
  }

  #lose(): void {
    this.end('media-lost');
    void this.#options.complete();
  }

  /** The last words first: closing the socket throws away what Twilio has not played. */
  async #hangUp(): Promise<void> {
    if (this.#line.ended) return;
    const lastWords = this.#marks.waiting.size > 0;
    this.#line.end('local');
    this.#options.pacer.remove(this);
    if (lastWords) await this.#within(LAST_WORDS_MS, new Promise<void>((resolve) => (this.#marks.played = resolve)));
    if (isOpen(this.#options.webSocket)) this.#options.webSocket.close(1000);
    await this.#within(HANG_UP_MS - (lastWords ? LAST_WORDS_MS : 0), this.#options.complete());
  }

  #within(ms: number, work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.kit.clock.after(ms, resolve);
    void work.then(() => {
      timer.cancel();
      resolve();
    });
    return promise;
  }
}

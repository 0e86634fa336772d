/**
 * A caller on SIP and RTP outside the server, for measuring: it shares no code with it, and knows when every packet left
 * and arrived. It also measures its own stalls, so that a busy machine is not taken for a slow assistant.
 */
import { createSocket, type Socket } from 'node:dgram';
import { ack, bye, type Dialog, invite, mediaOf, readResponse } from '../../bench/load/sip-message.ts';
import { level, SILENCE } from '../../bench/load/voice.ts';

const FRAME = 160;
const FRAME_MS = 20;
const RTP_HEADER = 12;
/** Quieter is silence: between speech and the noise of a line. */
const AUDIBLE_DB = -53;
const ANSWER_WITHIN_MS = 15_000;

const now = () => performance.now();

export interface SipCallerOptions {
  /** `host:port`. */
  server: string;
  number: string;
  user: string;
}

export class SipCaller {
  /** Packets with something to hear, by their arrival. */
  readonly audible: number[] = [];
  /** When the newest packet with voice left. */
  voiceSentAt = Number.NaN;
  /** The server ended the call. */
  ended = false;
  readonly #signalling = createSocket('udp4');
  readonly #media = createSocket('udp4');
  readonly #options: SipCallerOptions;
  readonly #answered = Promise.withResolvers<void>();
  readonly #packet = Buffer.alloc(RTP_HEADER + FRAME);
  readonly #said: Uint8Array[] = [];
  /** The newest moments at which this process was free to look at its sockets. */
  #beats: number[] = [];
  #timers: NodeJS.Timeout[] = [];
  #dialog: Dialog | undefined;
  #target: { address: string; port: number } | undefined;
  #sent = 0;

  private constructor(options: SipCallerOptions) {
    this.#options = options;
    this.#packet[0] = 0x80;
    this.#packet.writeUInt32BE(0x7a11_e500, 8);
  }

  /** Resolves once it is answered and sends; rejects with the refusal. */
  static async call(options: SipCallerOptions): Promise<SipCaller> {
    const caller = new SipCaller(options);
    await caller.#dial();
    return caller;
  }

  /** Speaks µ-law; resolves when its last packet has left. */
  async says(mulaw: Uint8Array): Promise<void> {
    for (let at = 0; at + FRAME <= mulaw.length; at += FRAME) this.#said.push(mulaw.subarray(at, at + FRAME));
    while (this.#said.length > 0 && !this.ended) await pause(5);
  }

  /** Waits until something was heard from now on, then nothing for `quietMs`. False when nothing was. */
  async untilQuiet(quietMs: number, withinMs = 15_000): Promise<boolean> {
    const from = now();
    for (;;) {
      const last = this.audible.at(-1) ?? 0;
      if (last > from && now() - last >= quietMs) return true;
      if (this.ended || now() - from > withinMs) return last > from;
      await pause(10);
    }
  }

  /** The first sound that arrived after `at`; waits for it. */
  async soundAfter(at: number, withinMs = 10_000): Promise<number | undefined> {
    const end = now() + withinMs;
    for (;;) {
      const found = this.audible.find((arrivedAt) => arrivedAt > at);
      if (found !== undefined || this.ended || now() > end) return found;
      await pause(5);
    }
  }

  /** How long this process may have left what arrived at `at` unread, milliseconds. */
  stallAt(at: number): number {
    const before = this.#beats.findLast((beat) => beat < at);
    return before === undefined ? 0 : Math.max(0, at - before - 2);
  }

  async hangUp(): Promise<void> {
    if (this.#dialog && !this.ended) this.#send(bye(this.#dialog));
    await pause(50);
    this.close();
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    for (const socket of [this.#signalling, this.#media]) {
      try {
        socket.close();
      } catch {
        // Closed already.
      }
    }
  }

  async #dial(): Promise<void> {
    const { server, number, user } = this.#options;
    await Promise.all([bind(this.#signalling), bind(this.#media)]);
    this.#dialog = {
      callId: `${user}-${Math.round(now() * 1000)}`,
      fromTag: user,
      target: `sip:${number}@${server}`,
      local: `127.0.0.1:${this.#signalling.address().port}`,
    };
    this.#signalling.on('message', (bytes) => this.#signalled(bytes.toString()));
    this.#media.on('message', (bytes) => this.#heard(bytes));
    const late = setTimeout(() => this.#answered.reject(new Error('nobody answered')), ANSWER_WITHIN_MS);
    this.#send(invite(this.#dialog, this.#media.address().port));
    try {
      await this.#answered.promise;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(late);
    }
    this.#begin();
  }

  #signalled(text: string): void {
    const response = readResponse(text);
    if (!response) return this.#requested(text);
    if (!this.#dialog || !response.cseq.endsWith('INVITE') || response.status < 200) return;
    this.#dialog.remoteTag = response.toTag;
    if (response.status >= 300) {
      this.#send(ack(this.#dialog));
      return this.#answered.reject(new Error(`refused with ${response.status}`));
    }
    this.#dialog.remoteTarget = response.contact;
    this.#send(ack(this.#dialog));
    this.#target = mediaOf(response.body);
    this.#answered.resolve();
  }

  #requested(text: string): void {
    const copied = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(line));
    this.#send(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
    if (text.startsWith('BYE')) this.ended = true;
  }

  #heard(bytes: Buffer): void {
    const at = now();
    if (bytes.length < RTP_HEADER + FRAME || (bytes[1] & 0x7f) !== 0) return;
    if (level(bytes, RTP_HEADER, RTP_HEADER + FRAME) > AUDIBLE_DB) this.audible.push(at);
  }

  /** A packet every 20 ms by absolute deadlines. */
  #begin(): void {
    let due = now();
    this.#timers.push(
      setInterval(() => {
        this.#beats.push(now());
        if (this.#beats.length > 120_000) this.#beats = this.#beats.slice(60_000);
      }, 1),
      setInterval(() => {
        for (; now() >= due; due += FRAME_MS) this.#speak();
      }, 2),
    );
  }

  #speak(): void {
    if (!this.#target || this.ended) return;
    const frame = this.#said.shift();
    this.#packet[1] = this.#sent === 0 ? 0x80 : 0;
    this.#packet.writeUInt16BE(this.#sent & 0xffff, 2);
    this.#packet.writeUInt32BE((this.#sent * FRAME) >>> 0, 4);
    if (frame) this.#packet.set(frame, RTP_HEADER);
    else this.#packet.fill(SILENCE, RTP_HEADER);
    this.#sent++;
    if (frame) this.voiceSentAt = now();
    this.#media.send(Buffer.from(this.#packet), this.#target.port, this.#target.address);
  }

  #send(text: string): void {
    const [host, port] = this.#options.server.split(':');
    this.#signalling.send(text, Number(port), host);
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function bind(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
}

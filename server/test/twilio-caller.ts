/**
 * A phone call as Twilio makes it: the signed voice webhook, the TwiML that answers it, the signed WebSocket with
 * `connected`, `start` and 20 ms of media at the speed of speech, marks echoed when they were played, `clear` obeyed,
 * digits, `stop`, and status callbacks. Written from Twilio's documents, not from our gateway: it shares no code with it.
 */
import { createHmac } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Clock, Timer } from '#kit/clock.ts';

const FRAME_BYTES = 160;
const FRAME_MS = 20;
const SILENCE = 0xff;

export interface TwilioCallerOptions {
  /** The voice URL as entered at Twilio, e.g. `https://voice.example.com/gateways/twilio/voice`. */
  voiceUrl: string;
  accountSid: string;
  authToken: string;
  from: string;
  to: string;
  clock: Clock;
  /** 34 characters beginning with CA; made from the clock when absent. */
  callSid?: string;
  /** Sends a form; default: `fetch`. */
  post?: (url: string, headers: Record<string, string>, body: string) => Promise<{ status: number; body: string }>;
  /** Opens the connection of the WebSocket; default: the network. */
  connect?: (url: URL) => Duplex;
  /** Every media message, as it arrives: `atMs` of the clock, bytes of sound in it. */
  onMedia?: (atMs: number, bytes: number) => void;
}

export class TwilioCaller {
  readonly callSid: string;
  readonly streamSid: string;
  /** Every 20 ms since `start`, silence included: what a person at the phone would have heard. */
  readonly heard: number[] = [];
  readonly counts = { media: 0, clears: 0, marksPlayed: 0, mostAheadMs: 0, mostLateMs: 0 };
  /** The TwiML of the webhook's answer. */
  twiml = '';
  /** Code with which our WebSocket was closed. */
  closeCode: number | undefined;
  readonly #options: TwilioCallerOptions;
  readonly #sent = { sequence: 1, chunk: 0 };
  /** Sound and marks in the order of arrival. */
  readonly #buffer: ({ sound: Buffer; at: number } | { mark: string })[] = [];
  readonly #saying: number[] = [];
  #webSocket: WebSocket | undefined;
  #tick: Timer | undefined;

  constructor(options: TwilioCallerOptions) {
    this.#options = options;
    const serial = Math.floor(options.clock.now() * 1000).toString(16);
    this.callSid = options.callSid ?? `CA${serial.padStart(32, '0')}`;
    this.streamSid = `MZ${this.callSid.slice(2)}`;
  }

  /** Dials. Resolves with the webhook's HTTP status once the stream is open (or the TwiML has none). */
  async call(change: { token?: string; signature?: string; upgradeSignature?: string } = {}): Promise<number> {
    const { voiceUrl, to, from } = this.#options;
    const answer = await this.#form(voiceUrl, { ...this.#basics('ringing'), From: from, To: to, Direction: 'inbound' }, change.signature);
    this.twiml = answer.body;
    const url = /<Stream url="([^"]+)"/.exec(answer.body)?.[1].replaceAll('&amp;', '&');
    const token = change.token ?? /<Parameter name="token" value="([^"]+)"/.exec(answer.body)?.[1];
    if (answer.status === 200 && url !== undefined) await this.openStream(url, token ?? '', change.upgradeSignature);
    return answer.status;
  }

  /** Opens the media stream and begins to pace. Rejects with the status when the upgrade is refused. */
  async openStream(url: string, token: string, signature?: string): Promise<void> {
    const { connect, authToken, accountSid } = this.#options;
    const bare = url.split('?', 1)[0];
    const webSocket = new WebSocket(bare, {
      perMessageDeflate: false,
      headers: { 'x-twilio-signature': signature ?? sign(authToken, bare.replace(/^ws:/, 'wss:'), {}) },
      ...(connect && { createConnection: () => connect(new URL(bare)) as never }),
    });
    this.#webSocket = webSocket;
    const opened = Promise.withResolvers<void>();
    webSocket.on('unexpected-response', (request, response) => {
      request.destroy();
      opened.reject(new Error(`upgrade refused: ${response.statusCode}`));
    });
    webSocket.on('error', (error) => opened.reject(error));
    webSocket.on('message', (data: Buffer) => this.#receive(data));
    webSocket.on('close', (code) => {
      this.closeCode = code;
      this.#tick?.cancel();
      opened.reject(new Error(`closed: ${code}`));
    });
    webSocket.on('open', () => opened.resolve());
    await opened.promise;
    this.#send({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    this.#send({
      event: 'start',
      sequenceNumber: '1',
      streamSid: this.streamSid,
      start: {
        accountSid,
        streamSid: this.streamSid,
        callSid: this.callSid,
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters: { token },
      },
    });
    this.#pace(this.#options.clock.now() + FRAME_MS);
  }

  /** Speaks µ-law, after what is being said already. */
  say(mulaw: ArrayLike<number>): void {
    for (let i = 0; i < mulaw.length; i++) this.#saying.push(mulaw[i]);
  }

  press(digits: string): void {
    for (const digit of digits) {
      this.#send({
        event: 'dtmf',
        streamSid: this.streamSid,
        sequenceNumber: this.#sequence(),
        dtmf: { track: 'inbound_track', digit },
      });
    }
  }

  /** Puts the phone down. `stop: false` is a network that breaks before Twilio could say so. */
  hangUp({ stop = true } = {}): void {
    this.#tick?.cancel();
    if (stop) {
      const { accountSid } = this.#options;
      const message = { event: 'stop', sequenceNumber: this.#sequence(), streamSid: this.streamSid };
      this.#send({ ...message, stop: { accountSid, callSid: this.callSid } });
    }
    this.#webSocket?.close(1000);
  }

  /** Says nothing more, not even silence: a media server that hangs. */
  pause(): void {
    this.#tick?.cancel();
  }

  /** Cuts the connection without a close. */
  cut(): void {
    this.#tick?.cancel();
    this.#webSocket?.terminate();
  }

  /** Posts a call status callback to `<voiceUrl>/../status`; resolves with its HTTP status. */
  async status(callStatus: string, sequenceNumber: number): Promise<number> {
    const url = this.#options.voiceUrl.replace(/\/voice(\?.*)?$/, '/status');
    const { status } = await this.#form(url, {
      ...this.#basics(callStatus),
      SequenceNumber: String(sequenceNumber),
      CallbackSource: 'call-progress-events',
    });
    return status;
  }

  /** Any text, as a broken or hostile stream would send. */
  sendRaw(text: string): void {
    this.#webSocket?.send(text);
  }

  get closed(): boolean {
    return this.closeCode !== undefined;
  }

  #basics(callStatus: string): Record<string, string> {
    const { accountSid } = this.#options;
    return { CallSid: this.callSid, AccountSid: accountSid, CallStatus: callStatus, ApiVersion: '2010-04-01' };
  }

  async #form(url: string, params: Record<string, string>, signature?: string): Promise<{ status: number; body: string }> {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'x-twilio-signature': signature ?? sign(this.#options.authToken, url, params),
    };
    const body = new URLSearchParams(params).toString();
    if (this.#options.post) return this.#options.post(url, headers, body);
    const response = await fetch(url, { method: 'POST', headers, body });
    return { status: response.status, body: await response.text() };
  }

  #sequence(): string {
    return String(++this.#sent.sequence);
  }

  #send(message: object): void {
    if (this.#webSocket?.readyState === WebSocket.OPEN) this.#webSocket.send(JSON.stringify(message));
  }

  #receive(data: Buffer): void {
    const message = JSON.parse(data.toString('utf8')) as {
      event: string;
      streamSid: string;
      media?: { payload: string };
      mark?: { name: string };
    };
    if (message.streamSid !== this.streamSid) throw new Error(`a message for the unknown stream ${message.streamSid}`);
    if (message.event === 'media' && message.media) {
      const sound = Buffer.from(message.media.payload, 'base64');
      this.counts.media++;
      this.#buffer.push({ sound, at: 0 });
      this.counts.mostAheadMs = Math.max(this.counts.mostAheadMs, this.#bufferedMs());
      this.#options.onMedia?.(this.#options.clock.now(), sound.length);
    } else if (message.event === 'mark' && message.mark) {
      this.#buffer.push({ mark: message.mark.name });
      this.#echoMarks();
    } else if (message.event === 'clear') {
      this.counts.clears++;
      const marks = this.#buffer.splice(0).filter((entry) => 'mark' in entry);
      for (const { mark } of marks) this.#echo(mark);
    } else throw new Error(`Twilio knows no message ${message.event}`);
  }

  #bufferedMs(): number {
    return this.#buffer.reduce((sum, entry) => sum + ('sound' in entry ? (entry.sound.length - entry.at) / 8 : 0), 0);
  }

  #pace(due: number): void {
    const { clock } = this.#options;
    this.#tick = clock.after(due - clock.now(), () => {
      this.counts.mostLateMs = Math.max(this.counts.mostLateMs, clock.now() - due);
      this.#pace(due + FRAME_MS);
      this.#play();
      const frame = this.#saying.splice(0, FRAME_BYTES);
      const sound = Buffer.alloc(FRAME_BYTES, SILENCE);
      sound.set(frame);
      const chunk = ++this.#sent.chunk;
      this.#send({
        event: 'media',
        sequenceNumber: this.#sequence(),
        streamSid: this.streamSid,
        media: { track: 'inbound', chunk: String(chunk), timestamp: String((chunk - 1) * FRAME_MS), payload: sound.toString('base64') },
      });
    });
  }

  /** One frame out of the buffer into the ear. */
  #play(): void {
    let left = FRAME_BYTES;
    while (left > 0) {
      this.#echoMarks();
      const next = this.#buffer[0];
      if (!next || !('sound' in next)) break;
      const bytes = Math.min(left, next.sound.length - next.at);
      for (let i = 0; i < bytes; i++) this.heard.push(next.sound[next.at + i]);
      next.at += bytes;
      left -= bytes;
      if (next.at === next.sound.length) this.#buffer.shift();
    }
    this.#echoMarks();
    for (; left > 0; left--) this.heard.push(SILENCE);
  }

  /** Marks with nothing before them have been played. */
  #echoMarks(): void {
    for (let next = this.#buffer[0]; next && 'mark' in next; next = this.#buffer[0]) {
      this.#buffer.shift();
      this.counts.marksPlayed++;
      this.#echo(next.mark);
    }
  }

  #echo(name: string): void {
    this.#send({ event: 'mark', sequenceNumber: this.#sequence(), streamSid: this.streamSid, mark: { name } });
  }
}

/** X-Twilio-Signature of a form post (or, without parameters, of a WebSocket upgrade). */
export function sign(authToken: string, url: string, params: Record<string, string>): string {
  const names = Object.keys(params).toSorted();
  const data = names.reduce((text, name) => text + name + params[name], url);
  return createHmac('sha1', authToken).update(data, 'utf8').digest('base64');
}

/**
 * Callers as Twilio brings them: the signed voice webhook, the TwiML that answers it, the signed WebSocket with `connected`,
 * `start`, 20 ms of media at the speed of speech, marks echoed when they were played, `clear` obeyed, `stop`.
 */
import { createHmac } from 'node:crypto';
import { WebSocket } from 'ws';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { LATE_MS, type OwnTime } from './lateness.ts';
import { PlayBuffer } from './play-buffer.ts';
import { openSocket } from './socket-opening.ts';
import { requireAllowed } from './target.ts';
import { TextSender } from './text-frame.ts';
import {
  type DialRequest,
  FRAME,
  FRAME_MS,
  type LineCounts,
  type LineListener,
  type LoadLine,
  type LoadWire,
  Refused,
  SILENCE,
} from './wire.ts';

const WEBHOOK_WITHIN_MS = 10_000;
const BYTES_PER_FRAME_MS = FRAME / FRAME_MS;

export interface TwilioWireOptions {
  kit: Kit;
  /** The number's voice URL, e.g. `http://127.0.0.1:3000/gateways/twilio/voice`. */
  voiceUrl: string;
  accountSid: string;
  authToken: string;
  /** The number that is called. */
  to: string;
  /** Other targets than this machine are allowed. */
  anywhere: boolean;
}

/** X-Twilio-Signature of a form post, or of a WebSocket upgrade (no parameters). */
function sign(authToken: string, url: string, params: Record<string, string>): string {
  const data = Object.keys(params)
    .toSorted()
    .reduce((text, name) => text + name + params[name], url);
  return createHmac('sha1', authToken).update(data, 'utf8').digest('base64');
}

export class TwilioWire implements LoadWire {
  readonly #options: TwilioWireOptions;
  readonly #open = new Set<TwilioLine>();

  constructor(options: TwilioWireOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async dial({ call, from, listener, own }: DialRequest): Promise<LoadLine> {
    const { kit, accountSid, authToken, to, anywhere } = this.#options;
    const callSid = `CA${Buffer.from(kit.random.bytes(12)).toString('hex')}${call.toString(16).padStart(8, '0')}`;
    const twiml = await this.#webhook({
      CallSid: callSid,
      AccountSid: accountSid,
      CallStatus: 'ringing',
      ApiVersion: '2010-04-01',
      From: from,
      To: to,
      Direction: 'inbound',
    });
    const url = /<Stream url="([^"]+)"/.exec(twiml)?.[1].replaceAll('&amp;', '&').split('?', 1)[0];
    if (url === undefined) throw new Refused(/<Reject/.test(twiml) ? 'reject' : 'no-stream', /<Say[^>]*>([^<]*)/.exec(twiml)?.[1] ?? '');
    requireAllowed(url, anywhere);
    const token = /<Parameter name="token" value="([^"]+)"/.exec(twiml)?.[1] ?? '';
    const signature = sign(authToken, url.replace(/^ws:/, 'wss:'), {});
    const webSocket = await openSocket(url, kit.clock, { 'x-twilio-signature': signature });
    const streamSid = `MZ${callSid.slice(2)}`;
    const line = new TwilioLine({ webSocket, streamSid, callSid, accountSid, listener, own, kit }, () => this.#open.delete(line));
    this.#open.add(line);
    line.start(token);
    return line;
  }

  stop(): Promise<void> {
    for (const line of this.#open) line.hangUp();
    return Promise.resolve();
  }

  async #webhook(params: Record<string, string>): Promise<string> {
    const { voiceUrl, authToken } = this.#options;
    const response = await fetch(voiceUrl, {
      method: 'POST',
      redirect: 'error',
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
        'x-twilio-signature': sign(authToken, voiceUrl, params),
      },
      body: new URLSearchParams(params).toString(),
      signal: AbortSignal.timeout(WEBHOOK_WITHIN_MS),
    });
    const body = await response.text();
    if (response.status !== 200) throw new Refused(String(response.status), 'answered the webhook');
    return body;
  }
}

interface TwilioLineOptions {
  webSocket: WebSocket;
  streamSid: string;
  callSid: string;
  accountSid: string;
  listener: LineListener;
  own: OwnTime;
  kit: Kit;
}

class TwilioLine implements LoadLine {
  readonly #options: TwilioLineOptions;
  readonly #closed: () => void;
  readonly #buffer: PlayBuffer;
  readonly #sender: TextSender;
  readonly #mediaHead: string;
  readonly #payload = Buffer.alloc(FRAME, SILENCE);
  readonly #silence = Buffer.alloc(FRAME, SILENCE).toString('base64');
  readonly #sent = { sequence: 1, chunk: 0 };
  #bytes = 0;
  #over = false;

  constructor(options: TwilioLineOptions, closed: () => void) {
    const { webSocket, streamSid, listener } = options;
    this.#options = options;
    this.#closed = closed;
    this.#sender = new TextSender(webSocket, options.kit.random);
    this.#mediaHead = `","streamSid":"${streamSid}","media":{"track":"inbound","chunk":"`;
    this.#buffer = new PlayBuffer({
      lateMs: LATE_MS,
      heard: (power, at) => listener.heard(power, at),
      echo: (name) => this.#tell({ event: 'mark', sequenceNumber: this.#sequence(), streamSid, mark: { name } }),
    });
    webSocket.on('message', (data: Buffer) => this.#receive(data));
    webSocket.on('close', (code) => this.#end(`the server closed the stream: ${code}`));
  }

  start(token: string): void {
    const { streamSid, callSid, accountSid } = this.#options;
    this.#tell({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    const start = {
      accountSid,
      streamSid,
      callSid,
      tracks: ['inbound'],
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      customParameters: { token },
    };
    this.#tell({ event: 'start', sequenceNumber: '1', streamSid, start });
  }

  send(sound: Uint8Array | undefined, offset: number): void {
    const { webSocket, kit } = this.#options;
    this.#buffer.play(kit.clock.now());
    if (webSocket.readyState !== WebSocket.OPEN) return;
    let payload = this.#silence;
    if (sound) {
      for (let i = 0; i < FRAME; i++) this.#payload[i] = sound[offset + i];
      payload = this.#payload.toString('base64');
    }
    const chunk = ++this.#sent.chunk;
    const timestamp = (chunk - 1) * FRAME_MS;
    const head = `{"event":"media","sequenceNumber":"${this.#sequence()}${this.#mediaHead}`;
    this.#sender.send(`${head}${chunk}","timestamp":"${timestamp}","payload":"${payload}"}}`);
  }

  press(digits: string): void {
    const { streamSid } = this.#options;
    for (const digit of digits)
      this.#tell({ event: 'dtmf', streamSid, sequenceNumber: this.#sequence(), dtmf: { track: 'inbound_track', digit } });
  }

  /** Frames of 20 ms; messages are judged, since nothing is heard of a message that came early. */
  counts(): LineCounts {
    return {
      frames: Math.floor(this.#bytes / BYTES_PER_FRAME_MS / FRAME_MS),
      lost: 0,
      judged: this.#buffer.judged,
      late: this.#buffer.late,
    };
  }

  hangUp(): void {
    if (this.#over) return;
    const { webSocket, accountSid, callSid, streamSid } = this.#options;
    this.#tell({ event: 'stop', sequenceNumber: this.#sequence(), streamSid, stop: { accountSid, callSid } });
    this.#end(undefined);
    webSocket.close(1000);
  }

  #receive(data: Buffer): void {
    if (this.#over) return;
    const now = this.#options.kit.clock.now();
    const message = JSON.parse(data.toString('utf8')) as { event: string; media?: { payload: string }; mark?: { name: string } };
    if (message.event === 'media' && message.media) {
      const sound = Buffer.from(message.media.payload, 'base64');
      this.#bytes += sound.length;
      this.#buffer.push(sound, now, this.#options.own.onTime);
    } else if (message.event === 'mark' && message.mark) this.#buffer.mark(message.mark.name);
    else if (message.event === 'clear') this.#buffer.clear(now);
  }

  #sequence(): string {
    return String(++this.#sent.sequence);
  }

  #tell(message: object): void {
    const { webSocket } = this.#options;
    if (webSocket.readyState === WebSocket.OPEN) webSocket.send(JSON.stringify(message));
  }

  /** Our own end (undefined) is not told. */
  #end(why: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#closed();
    if (why !== undefined) this.#options.listener.ended(why);
  }
}

/** For the plan: both are needed before anything is dialled. */
export function requireCredentials(
  accountSid: string | undefined,
  authToken: string | undefined,
): { accountSid: string; authToken: string } {
  if (accountSid && authToken) return { accountSid, authToken };
  throw new TandemError('invalid-input', 'calls over Twilio are signed: --account-sid and --auth-token-file are needed');
}

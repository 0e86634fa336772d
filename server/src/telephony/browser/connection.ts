/**
 * One browser's WebSocket, from the handshake to its close.
 *
 * ```
 *  waiting ──hello with a valid token──▶ ringing ──answer──▶ talking ──hang-up, close──▶ closed
 *     │ 5 s, wrong token, garbage           └──refuse──▶ closed
 *     └──────────▶ closed
 * ```
 */
import { type ErrorCode, errorCatalogue, type TalkFromBrowser, type TalkToBrowser, talkFromBrowser } from '@tandem/contract';
import type { WebSocket } from 'ws';
import type { Pacer } from '#audio/pacer.ts';
import { Cancelled } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { IncomingCall, Refusal } from '../gateway.ts';
import { isOpen } from '../web-socket.ts';
import { BrowserLeg } from './leg.ts';

const HELLO_MS = 5_000;
/** How long a call may ring unanswered. */
const RING_MS = 30_000;
const MOST_FAULTS = 10;

const WRONG_TOKEN = 4403;
const BAD_PROTOCOL = 4400;
const TOO_SLOW = 4408;

export interface BrowserConnectionOptions {
  kit: Kit;
  pacer: Pacer;
  webSocket: WebSocket;
  /** The assistant's slug; undefined for a token that is not (or no longer) valid. */
  redeem: (token: string) => string | undefined;
  onCall: (call: IncomingCall) => void;
  closed: (connection: BrowserConnection) => void;
}

export class BrowserConnection {
  readonly #options: BrowserConnectionOptions;
  readonly #gone = new AbortController();
  #timer: Timer;
  #state: 'waiting' | 'ringing' | 'talking' | 'closed' = 'waiting';
  #leg: BrowserLeg | undefined;
  #faults = 0;

  constructor(options: BrowserConnectionOptions) {
    this.#options = options;
    this.#timer = options.kit.clock.after(HELLO_MS, () => this.#close(TOO_SLOW));
    const { webSocket } = options;
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) this.#receive(data);
      else if (this.#state === 'talking') this.#leg?.hear(data);
    });
    webSocket.on('pong', () => this.#leg?.seen());
    webSocket.on('close', (code) => this.#closed(code));
  }

  /** What the leg could not send because the browser did not read. */
  get framesDropped(): number {
    return this.#leg?.framesDropped ?? 0;
  }

  /** Hangs up because the gateway closes. */
  async stop(): Promise<void> {
    await this.#leg?.hangUp({ by: 'system', reason: 'shutdown' });
    this.#close(1001);
  }

  #receive(data: Buffer): void {
    const message = read(data);
    if (!message) {
      if (++this.#faults < MOST_FAULTS) return;
      this.#leg?.end('error', BAD_PROTOCOL);
      this.#close(BAD_PROTOCOL);
    } else if (message.type === 'hello') {
      if (this.#state === 'waiting') this.#hello(message.token, message.recognises);
    } else if (this.#state === 'talking') this.#leg?.receive(message);
    else if (message.type === 'hang-up') this.#close(1000);
  }

  #hello(token: string, recognises: boolean): void {
    const { kit, pacer, webSocket, redeem, onCall } = this.#options;
    const slug = redeem(token);
    if (slug === undefined) {
      this.#refuse('signature-invalid', WRONG_TOKEN);
      return;
    }
    this.#state = 'ringing';
    this.#timer.cancel();
    this.#timer = kit.clock.after(RING_MS, () => this.#refuse('unavailable', 1000));
    const leg = new BrowserLeg({ id: kit.ids.make('leg'), kit, pacer, webSocket, recognises });
    this.#leg = leg;
    onCall(this.#incoming(slug, leg));
  }

  #incoming(slug: string, leg: BrowserLeg): IncomingCall {
    const providerCallId = this.#options.kit.ids.make('talk');
    return {
      gateway: 'browser',
      from: 'browser',
      to: `assistant:${slug}`,
      businessId: undefined,
      providerCallId,
      signal: this.#gone.signal,
      ring: () => {},
      answer: () => {
        if (this.#gone.signal.aborted) return Promise.reject(this.#gone.signal.reason as Error);
        if (this.#state !== 'ringing') return Promise.reject(new TandemError('call-ended'));
        this.#state = 'talking';
        this.#timer.cancel();
        this.#tell({ type: 'answered', callId: providerCallId });
        return Promise.resolve(leg);
      },
      refuse: (why) => {
        if (this.#state === 'ringing') this.#refuse(codeOf(why), 1000);
      },
    };
  }

  #refuse(code: ErrorCode, closeCode: number): void {
    this.#tell({ type: 'refused', code, message: errorCatalogue[code].title });
    this.#close(closeCode);
  }

  #tell(message: TalkToBrowser): void {
    if (isOpen(this.#options.webSocket)) this.#options.webSocket.send(JSON.stringify(message));
  }

  #close(code: number): void {
    this.#timer.cancel();
    this.#state = 'closed';
    this.#gone.abort(new Cancelled('caller-hung-up'));
    if (isOpen(this.#options.webSocket)) this.#options.webSocket.close(code);
  }

  /** 1000 and 1001 are a page that was closed or left; anything else is a connection that broke. */
  #closed(code: number): void {
    this.#timer.cancel();
    this.#state = 'closed';
    this.#gone.abort(new Cancelled('caller-hung-up'));
    this.#leg?.end(code === 1000 || code === 1001 || code === 1005 ? 'hung-up' : 'signalling-lost');
    this.#options.closed(this);
  }
}

function read(data: Buffer): TalkFromBrowser | undefined {
  try {
    const result = talkFromBrowser.safeParse(JSON.parse(data.toString('utf8')));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(why: Refusal): ErrorCode {
  return why === 'busy' || why === 'declined' ? 'unavailable' : why;
}

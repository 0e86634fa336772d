/**
 * One WebSocket of Twilio's, from the handshake to its close.
 *
 * ```
 *  waiting ──start with a valid token──▶ open ──stop, status callback, hang-up──▶ closed
 *     │ 5 s, wrong token, garbage          │ the socket closes without a word
 *     └───────────▶ closed                 └─▶ lost ──1 s──▶ closed
 * ```
 */
import type { WebSocket } from 'ws';
import type { Pacer } from '#audio/pacer.ts';
import { Cancelled } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { IncomingCall } from '../gateway.ts';
import type { LegEndCause } from '../leg.ts';
import { TwilioLeg } from './leg.ts';
import { readMessage, type StartMessage } from './messages.ts';
import type { Ticket } from './tickets.ts';

const START_MS = 5_000;
/** A stream that closes without `stop` waits this long for a status callback that says why. */
const GRACE_MS = 1_000;
/** Messages that make no sense, after which the stream is closed. */
const MOST_FAULTS = 10;

const WRONG_TOKEN = 4403;
const BAD_PROTOCOL = 4400;
const TOO_SLOW = 4408;

/** A stream that has shown its ticket. */
export interface OpenStream {
  callSid: string;
  ticket: Ticket;
  leg: TwilioLeg;
  /** The same call as one that waits for an answer. */
  incoming(): IncomingCall;
}

export interface MediaStreamOptions {
  kit: Kit;
  pacer: Pacer;
  webSocket: WebSocket;
  accountSid: string | undefined;
  redeem: (token: string, callSid: string) => Ticket | undefined;
  complete: (callSid: string) => Promise<void>;
  isCompleted: (callSid: string) => boolean;
  opened: (stream: OpenStream) => void;
  refused: (why: 'token' | 'malformed') => void;
  closed: (callSid: string | undefined, framesHeld: number) => void;
}

export class MediaStream {
  readonly #options: MediaStreamOptions;
  readonly #gone = new AbortController();
  #timer: Timer;
  #leg: TwilioLeg | undefined;
  #callSid: string | undefined;
  #streamSid = '';
  #faults = 0;

  constructor(options: MediaStreamOptions) {
    this.#options = options;
    this.#timer = options.kit.clock.after(START_MS, () => this.#refuse(TOO_SLOW, 'malformed'));
    options.webSocket.on('message', (data: Buffer) => this.#receive(data));
    options.webSocket.on('close', () => this.#closed());
  }

  /** The call is over for a cause that came another way. */
  end(cause: LegEndCause): void {
    this.#gone.abort(new Cancelled('caller-hung-up'));
    this.#leg?.end(cause);
  }

  /** Hangs up because the gateway closes. */
  async close(): Promise<void> {
    await this.#leg?.hangUp();
    this.#options.webSocket.close(1001);
  }

  #receive(data: Buffer): void {
    const message = readMessage(data);
    if (!message) {
      if (++this.#faults === MOST_FAULTS) this.#refuse(BAD_PROTOCOL, 'malformed');
      return;
    }
    if (message.event === 'connected') return;
    if (message.event === 'start') {
      if (!this.#leg) this.#start(message);
    } else if (!this.#leg) this.#refuse(BAD_PROTOCOL, 'malformed');
    else if (message.streamSid === undefined || message.streamSid === this.#streamSid) {
      if (message.event === 'stop') this.#gone.abort(new Cancelled('caller-hung-up'));
      this.#leg.receive(message);
    }
  }

  #start({ streamSid, start }: StartMessage): void {
    const { kit, pacer, webSocket, accountSid, redeem, complete, isCompleted, opened } = this.#options;
    const ticket = redeem(start.customParameters['token'] ?? '', start.callSid);
    if (!ticket || (accountSid !== undefined && start.accountSid !== accountSid) || isCompleted(start.callSid)) {
      this.#refuse(WRONG_TOKEN, 'token');
      return;
    }
    const format = start.mediaFormat;
    if (format && (format.encoding !== 'audio/x-mulaw' || format.sampleRate !== 8000 || format.channels !== 1)) {
      this.#refuse(BAD_PROTOCOL, 'malformed');
      return;
    }
    this.#timer.cancel();
    this.#streamSid = streamSid;
    this.#callSid = start.callSid;
    const leg = new TwilioLeg({
      id: kit.ids.make('leg'),
      kit,
      pacer,
      webSocket,
      streamSid,
      complete: () => complete(start.callSid),
    });
    this.#leg = leg;
    opened({ callSid: start.callSid, ticket, leg, incoming: () => this.#incoming(ticket, leg) });
  }

  /** The phone was answered with the webhook: all that is left is who speaks. */
  #incoming(ticket: Ticket, leg: TwilioLeg): IncomingCall {
    return {
      gateway: 'twilio',
      from: ticket.from,
      to: ticket.to,
      businessId: undefined,
      providerCallId: ticket.callSid,
      signal: this.#gone.signal,
      ring: () => {},
      answer: () => {
        if (this.#gone.signal.aborted) return Promise.reject(this.#gone.signal.reason as Error);
        return leg.ended ? Promise.reject(new TandemError('call-ended')) : Promise.resolve(leg);
      },
      refuse: () => void leg.hangUp(),
    };
  }

  #refuse(code: number, why: 'token' | 'malformed'): void {
    this.#timer.cancel();
    this.#options.refused(why);
    this.#options.webSocket.close(code);
    // Whoever does not answer the close is cut off.
    this.#timer = this.#options.kit.clock.after(GRACE_MS, () => this.#options.webSocket.terminate());
    this.#leg?.end('error');
  }

  #closed(): void {
    this.#timer.cancel();
    const leg = this.#leg;
    if (!leg || leg.ended) {
      this.#finish();
      return;
    }
    this.#timer = this.#options.kit.clock.after(GRACE_MS, () => {
      this.#gone.abort(new Cancelled('media-lost'));
      if (!leg.ended) {
        leg.end('media-lost');
        void this.#options.complete(this.#callSid ?? '');
      }
      this.#finish();
    });
  }

  #finish(): void {
    this.#options.closed(this.#callSid, this.#leg?.framesHeld ?? 0);
  }
}

/**
 * Twilio phone numbers: the voice webhook answers with TwiML that connects the call to our WebSocket, the status
 * callback tells how it ends, and every request is refused with 403 before any work unless Twilio signed it.
 *
 * ```
 *  POST /voice ──signed──▶ TwiML <Stream> + one-time token
 *  GET  /media ──signed──▶ WebSocket ──connected, start (token, CallSid)──▶ leg ──stop, close, completed──▶ ended
 * ```
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TandemError } from '#kit/errors.ts';
import type { DialRequest, Gateway, GatewayContext, GatewayRequest, GatewayResponse } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import { acceptWebSocket, refuseUpgrade } from '../web-socket.ts';
import { TwilioCalls } from './calls.ts';
import { Dialling } from './dialling.ts';
import { MediaStream } from './media-stream.ts';
import { TwilioRest } from './rest.ts';
import { type FormParams, isSigned, param, parseForm } from './signature.ts';
import { Tickets } from './tickets.ts';
import { connectStream, dialInstead, hangUpOnly, rejectBusy, sayAndHangUp } from './twiml.ts';

export interface TwilioSettings {
  accountSid?: string;
  authToken?: string;
  apiUrl: string;
  from?: string;
}

const NOT_IN_SERVICE = 'Sorry, this number is not in service. Goodbye.';
const FINAL_STATES = new Set(['completed', 'busy', 'failed', 'no-answer', 'canceled']);

export class TwilioGateway implements Gateway {
  readonly name = 'twilio';
  readonly #settings: TwilioSettings;
  readonly #context: GatewayContext;
  readonly #rest: TwilioRest | undefined;
  readonly #tickets: Tickets;
  readonly #calls = new TwilioCalls();
  readonly #dialling: Dialling | undefined;
  readonly #streams = new Set<MediaStream>();
  readonly #counts = {
    webhooks: 0,
    signatures_refused: 0,
    numbers_unknown: 0,
    calls_refused: 0,
    status_callbacks: 0,
    streams: 0,
    tokens_refused: 0,
    streams_malformed: 0,
    frames_held: 0,
  };

  constructor(settings: TwilioSettings, context: GatewayContext) {
    this.#settings = settings;
    this.#context = context;
    this.#tickets = new Tickets(context.kit);
    const { accountSid, authToken, apiUrl } = settings;
    if (accountSid && authToken) {
      this.#rest = new TwilioRest({ accountSid, authToken, apiUrl }, context.kit);
      this.#dialling = new Dialling(context.kit, this.#rest, { base: this.#base(), from: settings.from });
    }
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#dialling?.stop();
    await Promise.all([...this.#streams].map((stream) => stream.close()));
  }

  canDial(_businessId: string): boolean {
    return this.#dialling !== undefined;
  }

  dial(request: DialRequest): Promise<Leg> {
    return this.#dialling?.dial(request) ?? Promise.reject(new TandemError('outbound-not-configured'));
  }

  counters(): Record<string, number> {
    return { ...this.#counts, streams_open: this.#streams.size };
  }

  request(request: GatewayRequest): Promise<GatewayResponse> {
    const [path] = request.path.split('?', 1);
    const params = request.method === 'POST' ? parseForm(request.body) : {};
    if (path !== '/voice' && path !== '/status') return Promise.resolve(plain(404));
    if (request.method !== 'POST' && request.method !== 'GET') return Promise.resolve({ ...plain(405), headers: { allow: 'GET, POST' } });
    if (!this.#isSigned(`${this.#base()}${request.path}`, request.headers['x-twilio-signature'], params, request.body)) {
      this.#counts.signatures_refused++;
      return Promise.resolve(plain(403));
    }
    const query = parseForm(request.path.slice(path.length + 1));
    const told = request.method === 'POST' ? params : query;
    return Promise.resolve(path === '/voice' ? this.#voice(told, param(query, 'dial')) : this.#status(told));
  }

  /** A media stream. Checked before the handshake is answered: nothing is made for a stranger. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): void {
    if (path.replace(/\/$/, '') !== '/media') {
      refuseUpgrade(socket, 404);
      return;
    }
    const signature = request.headers['x-twilio-signature'];
    const signed = this.#mediaUrls().some((url) => this.#isSigned(url, signature, {}));
    if (!signed) {
      this.#counts.signatures_refused++;
      refuseUpgrade(socket, 403);
      return;
    }
    acceptWebSocket(request, socket, head, this.#context.kit.clock, (webSocket) => {
      this.#counts.streams++;
      const stream = new MediaStream({
        kit: this.#context.kit,
        pacer: this.#context.pacer,
        webSocket,
        accountSid: this.#settings.accountSid,
        redeem: (token, callSid) => this.#tickets.redeem(token, callSid),
        complete: (callSid) => this.#rest?.complete(callSid) ?? Promise.resolve(),
        isCompleted: (callSid) => this.#calls.isCompleted(callSid),
        opened: (opened) => {
          this.#calls.joined(opened.callSid, (cause) => stream.end(cause));
          const { ticket } = opened;
          if (ticket.dialId === undefined) this.#context.onCall(opened.incoming());
          else if (!this.#dialling?.answered(ticket.dialId, opened.leg)) void opened.leg.hangUp();
        },
        refused: (why) => this.#counts[why === 'token' ? 'tokens_refused' : 'streams_malformed']++,
        closed: (callSid, framesHeld) => {
          this.#streams.delete(stream);
          this.#counts.frames_held += framesHeld;
          if (callSid !== undefined) this.#calls.left(callSid);
        },
      });
      this.#streams.add(stream);
    });
  }

  #voice(params: FormParams, dialId: string): GatewayResponse {
    this.#counts.webhooks++;
    const callSid = param(params, 'CallSid');
    const from = param(params, 'From') || 'anonymous';
    const to = param(params, 'To');
    // A webhook that is sent again for a call that has its stream, or had it: there is nothing left to connect.
    if (callSid === '' || this.#calls.hasStream(callSid)) return twiml(hangUpOnly);
    const ours = dialId !== '';
    if (ours && !this.#dialling?.expects(dialId, callSid)) return twiml(hangUpOnly);
    if (!ours && !this.#context.whoAnswers(to, undefined)) {
      this.#counts.numbers_unknown++;
      return twiml(sayAndHangUp(NOT_IN_SERVICE));
    }
    const refused = ours ? undefined : this.#context.wouldRefuse?.(to, undefined);
    if (refused) {
      this.#counts.calls_refused++;
      return twiml(refused.overflow === undefined ? rejectBusy : dialInstead(refused.overflow));
    }
    const token = this.#tickets.issue({ callSid, from, to, dialId: ours ? dialId : undefined });
    return twiml(connectStream(`${this.#context.mediaUrl.replace(/\/$/, '')}/gateways/twilio/media`, token));
  }

  /** Callbacks come in any order: an older one than the last is ignored. */
  #status(params: FormParams): GatewayResponse {
    this.#counts.status_callbacks++;
    const callSid = param(params, 'CallSid');
    const status = param(params, 'CallStatus');
    if (callSid !== '' && this.#calls.advance(callSid, Number(param(params, 'SequenceNumber')) || 0, FINAL_STATES.has(status))) {
      this.#dialling?.progress(callSid, status);
      if (FINAL_STATES.has(status)) this.#calls.complete(callSid);
    }
    return { status: 204, headers: {}, body: '' };
  }

  #isSigned(url: string, signature: string | string[] | undefined, params: FormParams, body?: string): boolean {
    const { authToken } = this.#settings;
    return authToken !== undefined && typeof signature === 'string' && isSigned(authToken, signature, url, params, body);
  }

  #base(): string {
    return `${this.#context.publicUrl.replace(/\/$/, '')}/gateways/twilio`;
  }

  /** Twilio signs the upgrade with the URL it was given (scheme wss), some of its parts with a slash at the end. */
  #mediaUrls(): string[] {
    const media = `${this.#context.mediaUrl.replace(/\/$/, '')}/gateways/twilio/media`;
    const secure = media.replace(/^ws:/, 'wss:');
    return media === secure ? [media, `${media}/`] : [media, `${media}/`, secure, `${secure}/`];
  }
}

const plain = (status: number): GatewayResponse => ({ status, headers: { 'content-type': 'text/plain' }, body: '' });
const twiml = (body: string): GatewayResponse => ({ status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body });
